"""The process: its one line, its port, its end."""

import dataclasses
import os
import re
import signal
import subprocess
import sys
import threading
import time

import grpc
import numpy as np
import pytest

from tfmusicgan.client import MusicClient, RetryPolicy, ServingError
from tfmusicgan.errors import MusicGanError
from tfmusicgan.serving.server import app
from tfmusicgan.serving.server.batching import BatchOptions
from tfmusicgan.serving.server.storage import ModelSource
from tfmusicgan.serving.server.version import EngineOptions


def start(*arguments):
    command = [sys.executable, "-c", "from tfmusicgan.cli.serve import main; main()", *arguments]
    # The command chooses TensorFlow's log level by itself.
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    line = process.stdout.readline()
    match = re.fullmatch(r"serving (\d+) models? on (127\.0\.0\.1:\d+)\n", line)
    assert match, line + process.stderr.read()
    return process, int(match[1]), match[2]


def test_process_serves_says_so_in_one_line_and_drains_on_sigterm(toy_root):
    process, num_models, address = start(
        f"--model_root={toy_root}", "--port=0", "--tensorflow_intra_op_parallelism=1"
    )
    assert num_models == 2
    with MusicClient(address) as client:
        before = client.predict("toy", {"steps": np.array([10])}, "slow")
        assert before["steps"].tolist() == [10]
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(
                client.predict("toy", {"steps": np.array([300_000])}, "slow")["steps"].tolist()
            )
        )
        thread.start()
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
        thread.join()
    assert answers == [[300_000]]
    assert (process.returncode, output, errors) == (0, "", "")


def test_single_model_and_taken_port(toy_root):
    source = ModelSource(name="alone", base_path=str(toy_root / "toy"))
    with app.running(app.ServerOptions(source, port=0)) as server:
        assert server.num_models == 1
        with MusicClient(server.address) as client:
            assert client.wait_until_ready("alone", 5) == 3
        port = int(server.address.rpartition(":")[2])
        again = app.ServerOptions(source, port=port)
        with pytest.raises(MusicGanError, match=rf"127.0.0.1:{port}: the port is taken.*--port"):
            app.running(again).__enter__()


def test_without_batching_unbatchable_signatures_run(toy_root):
    options = app.ServerOptions(
        ModelSource(root=str(toy_root)), port=0, engine=EngineOptions(batching=None), poll_seconds=0
    )
    with app.running(options) as server, MusicClient(server.address) as client:
        assert client.predict("toy", {"x": np.float32(3)}, "scalar")["y"].tolist() == [3.0]
        total = client.predict("toy", {"seed": np.array([3, 4])}, "shapeless")["total"]
        assert (total.shape, int(total)) == ((), 7)
        many = client.predict("toy", {"seed": np.arange(100)})
        assert len(many["note_sequence"]) == 100


def test_overload_is_refused_at_once_and_the_rest_is_answered(toy_root, pool, monkeypatch):
    once = RetryPolicy(attempts=1)
    engine = EngineOptions(BatchOptions(max_batch_size=2, max_enqueued_batches=3))
    options = app.ServerOptions(ModelSource(root=str(toy_root)), port=0, engine=engine)
    with app.running(options) as server, MusicClient(server.address, retry=once) as client:
        servable = server.manager.version("toy", 3).servable
        run = servable.run
        monkeypatch.setattr(servable, "run", lambda *args: (time.sleep(0.3), run(*args))[1])

        def ask(seed):
            try:
                client.predict("toy", {"seed": np.array([seed])})
            except ServingError as error:
                return error.code, error.details
            return "answered"

        answers = list(pool.map(ask, range(30)))
    refused = {answer for answer in answers if answer != "answered"}
    assert refused == {
        (
            grpc.StatusCode.UNAVAILABLE,
            "The batch scheduling queue to which this task was submitted is full; currently 3 "
            "batches enqueued and max_enqueued_batches is 3",
        )
    }
    assert 3 <= answers.count("answered") <= 12


def test_defaults_stay_on_this_machine():
    options = {field.name: field.default for field in dataclasses.fields(app.ServerOptions)}
    assert options["host"] == "127.0.0.1"
    assert options["port"] == 8500
