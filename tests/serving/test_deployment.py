"""The files of the top-level folder serving/: they parse, agree with each other, and run."""

import pathlib
import re
import subprocess
import sys

import pytest
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from tensorflow_serving.config import model_server_config_pb2

from tfmusicgan.serving.server.batching import BatchOptions
from tfmusicgan.serving.server.engine import EngineOptions

ROOT = pathlib.Path(__file__).parents[2]
SERVING = ROOT / "serving"

# Protos that tensorflow-serving-api does not ship; fields read in tensorflow/serving's
# session_bundle_config.proto and monitoring_config.proto.
STOCK_PROTOS = """
name: "stock.proto" package: "stock" syntax: "proto3" dependency: "google/protobuf/wrappers.proto"
message_type {
  name: "BatchingParameters"
  field { name: "max_batch_size" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE
          type_name: ".google.protobuf.Int64Value" }
  field { name: "batch_timeout_micros" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE
          type_name: ".google.protobuf.Int64Value" }
  field { name: "max_enqueued_batches" number: 3 label: LABEL_OPTIONAL type: TYPE_MESSAGE
          type_name: ".google.protobuf.Int64Value" }
  field { name: "num_batch_threads" number: 4 label: LABEL_OPTIONAL type: TYPE_MESSAGE
          type_name: ".google.protobuf.Int64Value" }
  field { name: "allowed_batch_sizes" number: 6 label: LABEL_REPEATED type: TYPE_INT64 }
}
message_type {
  name: "PrometheusConfig"
  field { name: "enable" number: 1 label: LABEL_OPTIONAL type: TYPE_BOOL }
  field { name: "path" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING }
}
message_type {
  name: "MonitoringConfig"
  field { name: "prometheus_config" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE
          type_name: ".stock.PrometheusConfig" }
}
"""


def parsed(name, file):
    from google.protobuf import wrappers_pb2

    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    files = text_format.Parse(STOCK_PROTOS, descriptor_pb2.FileDescriptorProto())
    pool.AddSerializedFile(files.SerializeToString())
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"stock.{name}"))()
    return text_format.Parse((SERVING / file).read_text(), message)


def test_models_config():
    text = (SERVING / "models.config").read_text()
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert model.base_path == f"/models/{model.name}"
    assert model.model_platform == "tensorflow"


def test_batching_config_has_the_embedded_servers_defaults():
    config = parsed("BatchingParameters", "batching.config")
    ours = BatchOptions()
    assert config.max_batch_size.value == ours.max_batch_size == config.allowed_batch_sizes[-1]
    assert config.batch_timeout_micros.value == ours.batch_timeout_micros
    assert config.max_enqueued_batches.value == ours.max_enqueued_batches
    assert config.num_batch_threads.value == EngineOptions().num_batch_threads
    sizes = [ours.padded(rows) for rows in range(1, 65)]
    assert list(config.allowed_batch_sizes) == sorted(set(sizes))


def test_monitoring_config():
    config = parsed("MonitoringConfig", "monitoring.config")
    assert config.prometheus_config.enable
    path = config.prometheus_config.path
    service = yaml.safe_load((SERVING / "kubernetes/service.yaml").read_text())
    assert service["metadata"]["annotations"]["prometheus.io/path"] == path


def flags(arguments):
    return dict(re.fullmatch(r"--([a-z_]+)=(.+)", argument).groups() for argument in arguments)


def test_compose_and_kubernetes_start_the_same_server():
    compose = yaml.safe_load((SERVING / "docker-compose.yml").read_text())["services"]["serving"]
    deployment = yaml.safe_load((SERVING / "kubernetes/deployment.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    composed, deployed = flags(compose["command"]), flags(container["args"])
    del composed["model_config_file_poll_wait_seconds"]
    del deployed["grpc_channel_arguments"]
    assert composed == deployed
    for flag in ("model_config_file", "batching_parameters_file", "monitoring_config_file"):
        folder, _, name = composed[flag].rpartition("/")
        assert folder == "/config"
        assert (SERVING / name).is_file()
    assert compose["image"].split(":-")[1].rstrip("}") == container["image"].split(":")[1]


def test_kustomization_names_files_that_are_there():
    settings = yaml.safe_load((SERVING / "kustomization.yaml").read_text())
    (config,) = settings["configMapGenerator"]
    for name in settings["resources"] + config["files"]:
        assert (SERVING / name).is_file()
    kinds = [yaml.safe_load((SERVING / name).read_text())["kind"] for name in settings["resources"]]
    assert kinds == [
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
    ]


def test_kubernetes_keeps_answering():
    files = [SERVING / "kubernetes" / f"{name}.yaml" for name in ("deployment", "disruption")]
    deployment, budget = (yaml.safe_load(file.read_text())["spec"] for file in files)
    scaler = yaml.safe_load((SERVING / "kubernetes/autoscaler.yaml").read_text())["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert labels == deployment["selector"]["matchLabels"] == budget["selector"]["matchLabels"]
    assert deployment["replicas"] == scaler["minReplicas"] > budget["minAvailable"]
    assert scaler["maxReplicas"] > scaler["minReplicas"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        port = container[probe].get("grpc", container[probe].get("tcpSocket"))["port"]
        assert port in [entry["containerPort"] for entry in container["ports"]]
    # Utilisation is a share of the request: without one the autoscaler does nothing.
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    (_, seconds) = container["lifecycle"]["preStop"]["exec"]["command"]
    assert int(seconds) < pod["terminationGracePeriodSeconds"]


def test_the_gpu_variant_is_the_same_server():
    services = [
        yaml.safe_load((SERVING / name).read_text())["services"]
        for name in ("docker-compose.yml", "docker-compose.gpu.yml")
    ]
    assert list(services[1]) == ["serving"]
    assert services[1]["serving"]["image"] == services[0]["serving"]["image"] + "-gpu"
    (device,) = services[1]["serving"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])


def script(path, *arguments, **kwargs):
    command = [sys.executable, str(ROOT / path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, **kwargs)


@pytest.mark.slow
def test_stock_client(toy_server, tmp_path):
    done = script(
        "serving/clients/stock_client.py", toy_server.address, "toy", "2", cwd=tmp_path, check=True
    )
    assert done.stdout.split() == ["piece_0.mid", "piece_1.mid"]
    assert (tmp_path / "piece_1.mid").read_bytes()[:4] == b"MThd"


@pytest.mark.slow
def test_benchmark(toy_root):
    flags = [f"--model={toy_root}/toy", "--seconds=0.1", "--server=model_concurrency=1"]
    done = script("scripts/benchmarks/serving.py", *flags)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].endswith("4 clients of 16 rows; model_concurrency=1")
    assert len(lines) == 12
    measured = [line[:28].rstrip() for line in lines[2:10]]
    assert measured[4:] == ["server, 1 row", "echo of it", "server, 16 rows", "echo of it"]
    assert all(float(line.split()[-1]) >= 0 for line in lines[2:10])
    # What is promised is worked out of the lines above it.
    cpu_ms = {
        name: float(line.split()[-1]) for name, line in zip(measured, lines[2:], strict=False)
    }
    own = cpu_ms["server, 1 row"] - cpu_ms["model, batch 32, 1 thread"] / 32
    assert float(re.search(r": (-?[\d.]+) ms", lines[10])[1]) == pytest.approx(own, abs=0.002)
    rates = {name: float(line[39:48]) for name, line in zip(measured, lines[2:], strict=False)}
    alone = max(rates["model, batch 16, 1 thread"], rates["model, batch 16, 2 threads"])
    share = rates["server, 16 rows"] / alone
    assert float(re.search(r": ([\d.]+) \(", lines[11])[1]) == pytest.approx(share, abs=0.006)
