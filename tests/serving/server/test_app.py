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
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tfmusicgan.client import MusicClient, RetryPolicy, ServingError
from tfmusicgan.errors import MusicGanError
from tfmusicgan.serving import messages, tensors
from tfmusicgan.serving.server import app
from tfmusicgan.serving.server.batching import BatchOptions
from tfmusicgan.serving.server.engine import EngineOptions
from tfmusicgan.serving.server.storage import ModelSource
from tfmusicgan.serving.server.version import State

Health = health_pb2.HealthCheckResponse


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


def predict(channel, signature, **arrays):
    """A call of `toy` in the background, without a deadline."""
    request = messages.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "toy", signature
    for alias, array in arrays.items():
        request.inputs[alias].MergeFromString(tensors.encode_tensor(array))
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    return call.future(request.SerializeToString())


def wait_until_running(server, model="toy", version=3):
    deadline = time.monotonic() + 20
    while not server.manager.version(model, version)._num_users:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def seconds_to_end(process):
    start = time.monotonic()
    try:
        process.communicate(timeout=20)
    finally:
        process.kill()
    return time.monotonic() - start


@pytest.mark.parametrize("client_stays", [True, False])
def test_a_run_without_end_is_cancelled_after_the_drain(toy_root, client_stays):
    source = ModelSource(name="toy", base_path=str(toy_root / "toy"))
    options = app.ServerOptions(source, port=0, drain_seconds=0.5)
    running = app.running(options)
    server = running.__enter__()
    with grpc.insecure_channel(server.address) as channel:
        answer = predict(channel, "slow", steps=np.array([10**13]))
        wait_until_running(server)
        if not client_stays:
            answer.cancel()
        start = time.monotonic()
        running.__exit__(None, None, None)
        assert 0.4 < time.monotonic() - start < 5
        assert server.ended
        assert server.manager.version("toy", 3).state == State.END
        assert answer.done()


def test_a_run_that_cannot_be_cancelled_is_left_behind(toy_root, monkeypatch):
    source = ModelSource(name="toy", base_path=str(toy_root / "toy"))
    options = app.ServerOptions(source, port=0, drain_seconds=0.2)
    gate = threading.Event()
    with app.running(options) as server, grpc.insecure_channel(server.address) as channel:
        servable = server.manager.version("toy", 3).servable
        monkeypatch.setattr(servable, "run", lambda *args: gate.wait())
        answer = predict(channel, "slow", steps=np.array([1]))
        wait_until_running(server)
        start = time.monotonic()
    assert time.monotonic() - start < 6
    assert not server.ended
    assert answer.done()
    gate.set()


def test_a_second_signal_ends_the_process_at_once(toy_root):
    process, _, address = start(f"--model_root={toy_root}", "--port=0", "--drain_seconds=60")
    with grpc.insecure_channel(address) as channel:
        answer = predict(channel, "slow", steps=np.array([10**13]))
        time.sleep(1)
        assert not answer.done()
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert seconds_to_end(process) < 5
    assert process.returncode == 128 + signal.SIGTERM


def test_a_signal_while_models_load_ends_the_process(tmp_path):
    (tmp_path / "m" / "1").mkdir(parents=True)
    log = tmp_path / "requests.jsonl"  # written as soon as signals are attended to
    command = f"from tfmusicgan.cli.serve import main; main(['--model_root={tmp_path}', "
    command += f"'--port=0', '--request_log={log}', '--max_num_load_retries=9'])"
    process = subprocess.Popen([sys.executable, "-c", command], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not log.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert seconds_to_end(process) < 10
    assert process.returncode == 0


def test_open_streams_hear_of_the_end_and_do_not_hold_it_up(toy_root):
    source = ModelSource(name="toy", base_path=str(toy_root / "toy"))
    options = app.ServerOptions(source, port=0, drain_seconds=30)
    running = app.running(options)
    server = running.__enter__()
    with grpc.insecure_channel(server.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch
        # One that has left must not leave the others without news.
        left, *watches = [watch(health_pb2.HealthCheckRequest(service="")) for _ in range(3)]
        assert [next(stream).status for stream in (left, *watches)] == [Health.SERVING] * 3
        unknown = watch(health_pb2.HealthCheckRequest(service="tuba"))
        assert next(unknown).status == Health.SERVICE_UNKNOWN
        left.cancel()
        asked = threading.Event()

        def questions():
            yield reflection_pb2.ServerReflectionRequest(list_services="")
            asked.wait()

        answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
            questions()
        )
        assert len(next(answers).list_services_response.service) == 5
        start = time.monotonic()
        running.__exit__(None, None, None)
        assert time.monotonic() - start < 5
        for stream in watches:
            assert [response.status for response in stream] == [Health.NOT_SERVING]
        assert list(unknown) == list(answers) == []
        asked.set()


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
