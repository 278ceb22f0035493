"""A model's own batching parameters, and how many of its runs go on at a time."""

import shutil
import threading
import time

import grpc
import numpy as np
import pytest

from tfmusicgan.client import MusicClient, ServingError
from tfmusicgan.serving.server import app
from tfmusicgan.serving.server.batching import BatchOptions
from tfmusicgan.serving.server.engine import EngineOptions
from tfmusicgan.serving.server.servable import SessionOptions
from tfmusicgan.serving.server.storage import ModelSource


def serving(root, **engine):
    options = EngineOptions(**engine)
    source = ModelSource(root=str(root))
    return app.running(app.ServerOptions(source, port=0, poll_seconds=0, engine=options))


def refusal(call):
    with pytest.raises(ServingError) as error:
        call()
    return error.value.code, error.value.details


def test_parameters_in_a_versions_folder(toy_root, tmp_path):
    for name in ("own", "none", "bad"):
        shutil.copytree(toy_root / "toy/3", tmp_path / name / "1")
    own, bad = (tmp_path / name / "1/batching_params.pbtxt" for name in ("own", "bad"))
    own.write_text("max_batch_size { value: 3 } num_batch_threads { value: 9 }")
    bad.write_text("max_batch_size: 3")
    ten = {"seed": np.arange(10)}
    with serving(tmp_path, per_model_batching=True) as server:
        with MusicClient(server.address) as client:
            code, text = refusal(lambda: client.predict("own", ten))
            assert text == "Task size 10 is larger than maximum input batch size 3"
            assert code == grpc.StatusCode.INVALID_ARGUMENT
            # Without the file nothing is batched, so that a signature without rows runs.
            assert client.predict("none", {"x": np.float32(3)}, "scalar")["y"].tolist() == [3.0]
            assert len(client.predict("none", ten)["note_sequence"]) == 10
        error = server.manager.version("bad", 1).error
        assert error.code == grpc.StatusCode.INVALID_ARGUMENT
        assert f"'{bad}'. Received, at line 1" in str(error)


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("batching", [None, BatchOptions(max_batch_size=2)])
def test_runs_of_a_model_at_a_time(toy_root, pool, monkeypatch, batching, concurrency):
    lock, running, most = threading.Lock(), {}, {}
    engine = {"batching": batching, "num_batch_threads": 8, "model_concurrency": concurrency}
    with serving(toy_root, **engine) as server, MusicClient(server.address) as client:

        def watch(name, servable):
            run = servable.run

            def watched(*args):
                with lock:
                    running[name] = running.get(name, 0) + 1
                    most[name] = max(most.get(name, 0), running[name])
                time.sleep(0.05)
                with lock:
                    running[name] -= 1
                return run(*args)

            monkeypatch.setattr(servable, "run", watched)

        for name, version in (("toy", 3), ("other", 7)):
            watch(name, server.manager.version(name, version).servable)
        # Two rows fill a batch; each set of outputs is a queue of its own.
        inputs = {"seed": np.array([1, 2]), "qpm": np.float32([1, 2])}
        inputs["threshold"] = inputs["qpm"]
        jobs = [(name, o) for name in ("toy", "other") for o in ("value", "piano_roll") * 4]

        def ask(job):
            client.predict(job[0], inputs, "generate", output_filter=[job[1]])

        list(pool.map(ask, jobs))
    assert most == {"toy": concurrency, "other": concurrency}


@pytest.mark.parametrize(
    ("cores", "runs", "asked", "threads"), [(8, 2, 0, 4), (2, 2, 0, 1), (2, 7, 0, 1), (8, 2, 3, 3)]
)
def test_runs_at_a_time_share_the_cores(monkeypatch, cores, runs, asked, threads):
    monkeypatch.setattr("tfmusicgan.serving.server.engine.num_cores", lambda: cores)
    options = EngineOptions(num_batch_threads=runs, session=SessionOptions(asked, 5))
    assert options.session_options() == SessionOptions(threads, 5)
