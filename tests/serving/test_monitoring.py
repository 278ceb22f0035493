"""serving/monitoring: Prometheus and Grafana ask for metrics that the server really has."""

import functools
import json
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.serving.server import http_calls
from tfmusicgan.serving.server.metrics import Metrics
from tfmusicgan.serving.server.monitoring_config import DEFAULT_PATH

MONITORING = pathlib.Path(__file__).parents[2] / "serving" / "monitoring"
GRAFANA = MONITORING / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "serving.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
_NAME = re.compile(r":tensorflow[a-z_:]+|process_[a-z_]+")


def filled() -> Metrics:
    """Metrics with a value in each cell."""
    metrics = Metrics()
    for metric in vars(metrics).values():
        labels = ("x",) * len(metric.label_names)
        metric.add(labels) if hasattr(metric, "add") else metric.observe(labels, 1)
    return metrics


def test_every_query_asks_for_metrics_and_labels_that_are_there():
    labels_of: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(filled().text().decode()):
        for sample in family.samples:
            labels_of.setdefault(sample.name.removesuffix("_total"), set()).update(sample.labels)
    seen = set()
    for query in QUERIES:
        names = _NAME.findall(query)
        assert names, query
        wanted = set(re.findall(r"(\w+)(?:=~|!=|=)\"", query))
        for group in re.findall(r"by \(([^)]*)\)", query):
            wanted |= {label.strip() for label in group.split(",")}
        for name in names:
            assert name in labels_of, query
            assert wanted <= labels_of[name], query
        seen.update(names)
    for part in ("request_count", "request_latency", "queuing_latency", "processed_batch_size"):
        assert any(part in name for name in seen)
    (variable,) = DASHBOARD["templating"]["list"]
    name, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"]).groups()
    assert label in labels_of[name]


def test_files_agree_with_each_other():
    compose = yaml.safe_load((MONITORING.parent / "docker-compose.yml").read_text())["services"]
    (job,) = yaml.safe_load((MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    assert job["metrics_path"] == DEFAULT_PATH
    ((target,),) = [config["targets"] for config in job["static_configs"]]
    service, port = target.split(":")
    assert f"--rest_api_port={port}" in compose[service]["command"]
    (source,) = yaml.safe_load((GRAFANA / "datasource.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {source["uid"]}
    (provider,) = yaml.safe_load((GRAFANA / "dashboards.yml").read_text())["providers"]
    mounts = dict(volume.split(":")[:2] for volume in compose["grafana"]["volumes"])
    assert mounts["./monitoring/grafana/dashboards"] == provider["options"]["path"]
    for name in ("prometheus", "grafana"):
        assert compose[name]["profiles"] == ["monitoring"]
        for volume in compose[name]["volumes"]:
            assert (MONITORING.parent / volume.split(":")[0]).exists()
        assert all(port.startswith("127.0.0.1:") for port in compose[name]["ports"])
    assert "profiles" not in compose["serving"]


@pytest.mark.slow
def test_prometheus_itself_answers_every_query(rest_server, tmp_path):
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed (apt-get install prometheus)")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    config["global"]["scrape_interval"] = "1s"
    server = rest_server.server.rest.address
    config["scrape_configs"][0]["static_configs"] = [{"targets": [server]}]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        program,
        f"--config.file={tmp_path}/prometheus.yml",
        f"--web.listen-address={address}",
    ]
    command += [f"--storage.tsdb.path={tmp_path}/data", "--log.level=error"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    ask = functools.partial(http_calls.call, server, "POST", "/v1/models/toy:predict")
    missing = dict.fromkeys(QUERIES, "")
    try:
        for _ in range(40):
            ask({"instances": [1, 2, 3]})
            ask({"instances": []})
            time.sleep(0.5)
            missing = {query: answer for query in missing if (answer := unanswered(address, query))}
            if not missing:
                break
        assert process.poll() is None, process.stderr.read()
        assert not missing
    finally:
        process.terminate()
        process.wait(20)


def unanswered(address: str, query: str) -> str:
    """Why Prometheus has no number for a query; empty if it has one."""
    query = query.replace("$__rate_interval", "10s").replace("$model", ".*")
    url = f"http://{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            result = json.load(reply)["data"]["result"]
    except (urllib.error.URLError, ConnectionError) as error:
        return f"{error} {error.read() if isinstance(error, urllib.error.HTTPError) else ''}"
    values = [float(series["value"][1]) for series in result]
    return "" if any(value == value for value in values) else str(result)
