"""Versions coming and going under a running server."""

import asyncio
import os
import shutil
import threading
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from tests.serving import toy_models
from tfmusicgan.client import MusicClient, ServingError
from tfmusicgan.errors import ExportError
from tfmusicgan.serving import messages
from tfmusicgan.serving.server import app, version
from tfmusicgan.serving.server.engine import EngineOptions
from tfmusicgan.serving.server.manager import ModelManager
from tfmusicgan.serving.server.servable import Servable
from tfmusicgan.serving.server.storage import ModelSource


def serving(root):
    return app.running(app.ServerOptions(ModelSource(root=str(root)), port=0, poll_seconds=0.05))


def value(client, **kwargs):
    inputs = {"seed": np.array([1]), "qpm": np.float32([10.0]), "threshold": np.float32([0.0])}
    return float(client.predict("m", inputs, "generate", **kwargs)["value"][0, 0])


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def publish(root, number, **kwargs):
    """As an export does: written beside, then renamed."""
    toy_models.write_model(root / "m" / ".partial", **kwargs)
    os.rename(root / "m" / ".partial", root / "m" / str(number))


def test_a_new_version_takes_over_without_a_failed_request(tmp_path):
    publish(tmp_path, 1, scale=2.0)
    with serving(tmp_path) as server, MusicClient(server.address) as client:
        values, failures, stop = set(), [], threading.Event()

        def ask():
            while not stop.is_set():
                try:
                    values.add(value(client))
                except ServingError as error:
                    failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        publish(tmp_path, 2, scale=3.0)
        wait_for(lambda: client.status("m").get(1, ("",))[0] == "END")
        assert client.status("m") == {2: ("AVAILABLE", ""), 1: ("END", "")}
        stop.set()
        for thread in threads:
            thread.join()
        assert not failures
        assert values == {21.0, 31.0}
        with pytest.raises(ServingError, match=r"NOT_FOUND: .*Specific\(m, 1\)"):
            value(client, version=1)
        # The new one withdrawn: the stock server's latest(1) goes back to the old one.
        shutil.rmtree(tmp_path / "m" / "2")
        wait_for(lambda: client.status("m") == {2: ("END", ""), 1: ("AVAILABLE", "")})
        assert value(client) == 21.0
        shutil.rmtree(tmp_path / "m")
        wait_for(lambda: client.status("m")[1][0] == "END")
        with pytest.raises(ServingError, match=r"NOT_FOUND: .*Latest\(m\)"):
            value(client)


def test_an_unloadable_version_is_reported_and_the_old_one_serves_on(tmp_path):
    publish(tmp_path, 1, scale=2.0)
    broken = tmp_path / "broken" / "5"
    broken.mkdir(parents=True)
    with serving(tmp_path) as server, MusicClient(server.address) as client:
        assert server.num_models == 1
        ((number, (state, error)),) = client.status("broken").items()
        assert (number, state) == (5, "END")
        assert "Could not load the SavedModel" in error
        (tmp_path / "m" / "2").mkdir()
        wait_for(lambda: client.status("m").get(2, ("",))[0] == "END")
        time.sleep(0.2)  # several looks: it is not tried again while it is there
        assert client.status("m")[1] == ("AVAILABLE", "")
        assert value(client) == 21.0
        (tmp_path / "m" / "2").rmdir()
        time.sleep(0.2)
        publish(tmp_path, 2, scale=3.0)
        wait_for(lambda: client.status("m") == {2: ("AVAILABLE", ""), 1: ("END", "")})


def test_new_models_appear_and_a_storage_outage_changes_nothing(tmp_path):
    root = tmp_path / "models"
    publish(root, 1)
    with serving(root) as server, MusicClient(server.address) as client:
        root.rename(tmp_path / "away")
        time.sleep(0.2)
        assert value(client) == 21.0
        toy_models.write_model(tmp_path / "away" / "n" / "1")
        (tmp_path / "away").rename(root)
        assert client.wait_until_ready("n", 20) == 1


def test_nothing_loadable_does_not_start(tmp_path):
    (tmp_path / "m" / "1").mkdir(parents=True)
    with (
        pytest.raises(ExportError, match=r"None of 1 models could be loaded: m version 1: Could"),
        serving(tmp_path),
    ):
        pass


def warmup_log(**spec):
    log = prediction_log_pb2.PredictionLog()
    request = predict_pb2.PredictRequest()
    request.inputs["seed"].CopyFrom(tf.make_tensor_proto([1], tf.int64))
    for name, text in spec.items():
        setattr(request.model_spec, name, text)
    log.predict_log.request.CopyFrom(request)
    return log


def test_warmup_runs_before_the_version_is_available(tmp_path, monkeypatch):
    runs = []
    run = Servable.run
    monkeypatch.setattr(
        Servable, "run", lambda self, feeds, *rest: runs.append(feeds) or run(self, feeds, *rest)
    )
    publish(tmp_path, 1, warmup=[warmup_log(name="whatever").SerializeToString()])
    with serving(tmp_path) as server:
        read = server.metrics.warmup_records_read.values
        assert read == {(str(tmp_path / "m" / "1"),): 1}
        assert [list(array) for feeds in runs for array in feeds.values()] == [[1, 1]]


class SlowServable(Servable):
    """Models called `slow` load once those called `quick` have, or after two seconds."""

    quick_loaded = threading.Event()

    def __init__(self, path, options):
        waited = "slow" not in path or self.quick_loaded.wait(2)
        super().__init__(path, options)
        if not waited:
            self.signatures["late"] = None
        if "quick" in path:
            self.quick_loaded.set()


@pytest.mark.parametrize("num_load_threads", [0, 2])
def test_models_are_loaded_side_by_side(toy_root, tmp_path, monkeypatch, num_load_threads):
    monkeypatch.setattr(version, "Servable", SlowServable)
    monkeypatch.setattr(SlowServable, "quick_loaded", threading.Event())
    root = tmp_path / "models"
    for name in ("a_slow", "b_quick"):  # in the order of their names
        shutil.copytree(toy_root / "toy" / "3", root / name / "1")

    def late(number):
        return "late" in server.manager.version("a_slow", number).servable.signatures

    engine = EngineOptions(num_load_threads=num_load_threads)
    options = app.ServerOptions(
        ModelSource(root=str(root)), port=0, poll_seconds=0.05, engine=engine
    )
    with app.running(options) as server, MusicClient(server.address) as client:
        assert not late(1)  # as with the stock server, many at once at the start
        SlowServable.quick_loaded.clear()
        for name in ("a_slow", "b_quick"):
            shutil.copytree(toy_root / "toy" / "3", tmp_path / name)
        for name in ("a_slow", "b_quick"):
            os.rename(tmp_path / name, root / name / "2")
        wait_for(lambda: client.status("b_quick").get(2, ("",))[0] == "AVAILABLE")
        wait_for(lambda: client.status("a_slow").get(2, ("",))[0] == "AVAILABLE")
        assert late(2) == (num_load_threads == 0)


@pytest.mark.parametrize(
    ("log", "code", "text"),
    [
        (
            warmup_log(signature_name="sing"),
            grpc.StatusCode.FAILED_PRECONDITION,
            'Serving signature key "sing" not found.',
        ),
        (
            prediction_log_pb2.PredictionLog(),
            grpc.StatusCode.UNIMPLEMENTED,
            "Unsupported log_type for warmup: None",
        ),
    ],
)
def test_a_failing_warmup_fails_the_load(tmp_path, log, code, text):
    publish(tmp_path, 1, warmup=[log.SerializeToString()])
    toy_models.write_model(tmp_path / "other" / "1")
    with serving(tmp_path) as server, MusicClient(server.address) as client:
        assert client.status("m") == {1: ("END", text)}
        assert server.manager.version("m", 1).error.code == code


def test_nobody_waits_for_a_model_that_is_taken_off_the_list_again(tmp_path):
    (tmp_path / "later").mkdir()
    config = messages.ModelServerConfig()
    entry = config.model_config_list.config.add(name="later", model_platform="tensorflow")
    entry.base_path = str(tmp_path / "later")
    without = messages.ModelServerConfig()
    without.model_config_list.SetInParent()

    async def scenario():
        manager = ModelManager(ModelSource(root=str(tmp_path)), EngineOptions())
        waiting = asyncio.create_task(manager.reload(config))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await manager.reload(without)
        await asyncio.wait_for(waiting, 5)
        await manager.close()

    asyncio.run(scenario())
