"""Metrics under the stock names, read by Prometheus' own parser."""

import functools
import threading
import urllib.parse

import grpc
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.serving.server import http_calls
from tfmusicgan.client import MusicClient
from tfmusicgan.serving import messages
from tfmusicgan.serving.server import app, metrics
from tfmusicgan.serving.server.monitoring_config import DEFAULT_PATH
from tfmusicgan.serving.server.rest import RestOptions
from tfmusicgan.serving.server.storage import ModelSource

SERVING = ":tensorflow:serving:"


def samples(text: bytes) -> dict:
    """(name, sorted labels) -> value; this parser names counters by its own rule."""
    return {
        (sample.name.removesuffix("_total"), *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_text():
    counted = metrics.Metrics()
    counted.request_count.add(("a", "OK"))
    counted.request_count.add(("a", "OK"), 2)
    counted.request_count.add(('b\\"\n', "NOT_FOUND"))
    for micros in (10, 10.5, 1e12):
        counted.request_latency.observe(("a", "Predict", "GRPC"), micros)
    lines = counted.text().decode().splitlines()
    assert lines[:3] == [
        "# TYPE :tensorflow:serving:request_count counter",
        ':tensorflow:serving:request_count{model_name="a",status="OK"} 3',
        ':tensorflow:serving:request_count{model_name="b\\\\\\"\\n",status="NOT_FOUND"} 1',
    ]
    latency = [line for line in lines if line.startswith(f"{SERVING}request_latency_")]
    assert len(latency) == 33 + 1 + 2  # the stock server's buckets, the last one, sum and count
    name = f'{SERVING}request_latency_bucket{{model_name="a",API="Predict",entrypoint="GRPC",le='
    assert latency[0] == f'{name}"10"}} 1'
    assert latency[1] == f'{name}"18"}} 2'
    # The stock server's own documentation shows a bucket of this limit: 10 * 1.8 ** 19.
    assert latency[19] == f'{name}"708235"}} 2'
    assert latency[-3] == f'{name}"+Inf"}} 3'
    assert latency[-2].endswith(" 1000000000020.5")
    assert latency[-1].endswith(" 3")
    assert "process_resident_memory_bytes" in {name for name, *_ in samples(counted.text())}


def test_label_values_are_bounded():
    counter = metrics.Counter("x", ("model_name", "status"))
    for i in range(metrics.MAX_CELLS + 50):
        counter.add((f"{i}" + "y" * 1000, "OK"))
    assert len(counter.values) == metrics.MAX_CELLS + 1
    assert counter.values[(metrics.OTHERS, metrics.OTHERS)] == 50
    assert max(len(name) for name, _ in counter.values) == metrics.MAX_LABEL_LENGTH
    histogram = metrics.Histogram("x", ("model_name",), [1])
    for i in range(metrics.MAX_CELLS + 3):
        histogram.observe((f"{i}",), 0)
    assert histogram.cells[(metrics.OTHERS,)] == [3, 0, 0]


def test_a_served_model_keeps_its_cells(toy_root):
    source = ModelSource(root=str(toy_root))
    options = app.ServerOptions(source, port=0, poll_seconds=0, rest=RestOptions(port=0))
    with app.running(options) as server, grpc.insecure_channel(server.address) as channel:
        counted = server.metrics
        for i in range(metrics.MAX_CELLS + 7):  # before the model is asked for the first time
            counted.request_count.add((f"{i}", "NOT_FOUND"))
            counted.request_latency.observe((f"{i}", "", "REST"), 1)
            counted.runtime_latency.observe((f"{i}", "Predict", "TF1"), 1)
        for name in ("toy", "nix"):
            body = {"instances": [1]}
            http_calls.call(server.rest.address, "POST", f"/v1/models/{name}:predict", body)
        predict = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        request = messages.PredictRequest()
        request.model_spec.name = "toy"
        for _ in range(2):  # the last may be counted a moment later
            with pytest.raises(grpc.RpcError):
                predict(request.SerializeToString(), timeout=20)
        counts = counted.request_count.values
        assert counts[("toy", "OK")] == 1
        assert counts[("toy", "INVALID_ARGUMENT")] >= 1
        assert counts[(metrics.OTHERS, metrics.OTHERS)] == 7 + 1
        assert len(counts) == metrics.MAX_CELLS + 3
        for cells, labels in (
            (counted.request_latency.cells, ("toy", "predict", "REST")),
            (counted.runtime_latency.cells, ("toy", "Predict", "TF1")),
        ):
            assert sum(cells[labels][:-1]) == 1


@pytest.fixture
def read(rest_server):
    def now():
        answer = http_calls.call(rest_server.server.rest.address, "GET", DEFAULT_PATH)
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/plain")
        return samples(answer.body)

    return now


def test_requests_are_counted(rest_server, read):
    before = read()

    def grown(name, **labels):
        key = (name, *sorted(labels.items()))
        return read()[key] - before.get(key, 0)

    ask = functools.partial(http_calls.call, rest_server.server.rest.address)
    with MusicClient(rest_server.address) as client:
        client.predict("toy", {"seed": np.arange(9)})
        with pytest.raises(ValueError):
            client.predict("nix", {"seed": np.arange(3)})
    for body in ({"instances": [1]}, {"instances": [1, 2]}, {"inputs": []}, b""):
        ask("POST", "/v1/models/toy:predict", body)
    ask("GET", "/v1/models/toy")
    count = f"{SERVING}request_count"
    # Three by :predict and one by the status; of gRPC, Predict alone.
    assert grown(count, model_name="toy", status="OK") == 1 + 3 + 1
    assert grown(count, model_name="toy", status="INVALID_ARGUMENT") == 1
    assert grown(count, model_name="nix", status="NOT_FOUND") == 1
    latency = f"{SERVING}request_latency_count"
    assert grown(latency, model_name="toy", API="Predict", entrypoint="GRPC") == 1
    assert grown(latency, model_name="toy", API="predict", entrypoint="REST") == 3
    assert grown(latency, model_name="toy", API="", entrypoint="REST") == 1
    runtime = f"{SERVING}runtime_latency_count"
    assert grown(runtime, model_name="toy", API="Predict", runtime="TF1") == 4
    batching = f"{SERVING}batching_session:"
    assert grown(f"{batching}wrapped_run_count") == 3  # no rows run by themselves
    assert grown(f"{batching}input_batch_size_sum") == 9 + 1 + 2
    assert grown(f"{batching}input_batch_size_count") == 3
    assert grown(f"{batching}processed_batch_size_sum") == 10 + 2 + 2
    assert grown(f"{batching}padding_size_sum", execution_batch_size="10") == 1
    assert grown(f"{batching}padding_size_sum", execution_batch_size="2") == 1
    assert grown(f"{batching}queuing_latency_count", thread_pool_name="batch_threads") == 3


def test_loads_are_counted(read, toy_root):
    counted, path = read(), str(toy_root / "other" / "7")
    loading = ":tensorflow:cc:saved_model:"
    key = (f"{loading}load_attempt_count", ("model_path", path), ("status", "success"))
    assert counted[key] == 1
    assert 1e3 < counted[(f"{loading}load_latency", ("model_path", path))] < 6e8


def test_the_path_is_exact(rest_server):
    path = f"{DEFAULT_PATH}?x={urllib.parse.quote('a b')}"
    answer = http_calls.call(rest_server.server.rest.address, "GET", path)
    assert answer.status == 400
    assert answer.body.decode() == f"Unexpected path: {path}. Should be {DEFAULT_PATH}"


def test_batches_of_several_requests(read, rest_server):
    before = read()
    body = {"signature_name": "slow", "inputs": [20_000]}
    ask = functools.partial(
        http_calls.call, rest_server.server.rest.address, "POST", "/v1/models/toy:predict", body
    )
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = read()
    name = (f"{SERVING}batching_session:wrapped_run_count",)
    assert 1 <= after[name] - before.get(name, 0) < 8
