"""The REST API over plain HTTP: requests that end before their answer."""

import asyncio
import concurrent.futures
import contextlib
import functools
import json
import socket
import threading
import time

import numpy as np

from tests.serving.server import http_calls
from tfmusicgan.client import MusicClient
from tfmusicgan.serving.messages import ModelSpec
from tfmusicgan.serving.server import app
from tfmusicgan.serving.server.batching_config import BatchOptions
from tfmusicgan.serving.server.engine import EngineOptions
from tfmusicgan.serving.server.metrics import Metrics
from tfmusicgan.serving.server.recording import Recorder
from tfmusicgan.serving.server.rest import RestOptions, RestServer
from tfmusicgan.serving.server.storage import ModelSource

PREDICT = "/v1/models/toy:predict"


def test_runs_end_at_the_timeout_and_when_the_client_goes(strict):
    ask = functools.partial(http_calls.call, strict.rest.address)
    endless = {"signature_name": "slow", "inputs": [10**12]}
    runs = strict.metrics.wrapped_run_count.values.get((), 0)
    answer = ask("POST", PREDICT, endless)
    assert (answer.status, answer.error) == (504, "Timed out waiting for notification")
    # One runs, the other waits for it: its client goes, and it is never run.
    first = threading.Thread(target=ask, args=("POST", PREDICT, endless))
    first.start()
    time.sleep(0.1)
    host, port = strict.rest.address.split(":")
    with socket.create_connection((host, int(port))) as gone:
        sent = json.dumps(endless).encode()
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(sent)}\r\n\r\n"
        gone.sendall(head.encode() + sent)
        time.sleep(0.1)
    first.join()
    for _ in range(100):
        if ("toy", "CANCELLED") in strict.metrics.request_count.values:
            break
        time.sleep(0.05)
    counts = strict.metrics.request_count.values
    assert counts[("toy", "CANCELLED")] == 1
    assert strict.metrics.wrapped_run_count.values[()] == runs + 2
    # A body that does not come.
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{".encode())
        slow.settimeout(10)
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
    assert ask("POST", PREDICT, {"instances": [5]}).status == 200


def test_who_waits_for_a_run_without_end_is_answered_in_time(toy_root, monkeypatch):
    engine = EngineOptions(num_batch_threads=1)
    source = ModelSource(name="toy", base_path=str(toy_root / "toy"))
    rest = RestOptions(port=0, timeout_seconds=0.3)
    options = app.ServerOptions(source, port=0, engine=engine, rest=rest)
    begun, end = threading.Event(), threading.Event()
    with app.running(options) as server, MusicClient(server.address) as client:
        servable = server.manager.find(ModelSpec(name="toy")).servable
        run = servable.run

        def stuck(*args):
            begun.set()
            assert end.wait(20)
            return run(*args)

        monkeypatch.setattr(servable, "run", stuck)
        first = threading.Thread(target=client.predict, args=("toy", {"seed": np.array([1])}))
        first.start()
        assert begun.wait(10)
        start = time.monotonic()
        answer = http_calls.call(server.rest.address, "POST", PREDICT, {"instances": [5]})
        assert (answer.status, answer.error) == (504, "Timed out waiting for notification")
        assert time.monotonic() - start < 5
        end.set()
        first.join()


def test_connections_without_a_whole_request_are_closed(strict):
    host, port = strict.rest.address.split(":")
    status = b"GET /v1/models/toy HTTP/1.1\r\nHost: x\r\n"
    # The last one after an answer; more lines do not prolong it.
    for sent, more in ((b"", b""), (status, b"X: y\r\n"), (status + b"\r\n" + status, b"X: y\r\n")):
        with socket.create_connection((host, int(port)), timeout=0.1) as slow:
            start = time.monotonic()
            received = _read_to_the_end(slow, sent, more)
            assert 0.4 < time.monotonic() - start < 5
            assert received.count(b"HTTP/1.1 200 ") == sent.count(b"\r\n\r\n")


def _read_to_the_end(connection, sent, more):
    """Sends, and then a little more every 0.1 s, until the other side closes; at most 10 s."""
    received = b""
    with contextlib.suppress(ConnectionError):
        connection.sendall(sent)
        for _ in range(100):
            try:
                chunk = connection.recv(4096)
            except TimeoutError:
                connection.sendall(more)
                continue
            if not chunk:
                break
            received += chunk
    return received


def test_overload_is_said_at_once(toy_root, monkeypatch):
    engine = EngineOptions(BatchOptions(max_batch_size=2, max_enqueued_batches=1))
    source = ModelSource(name="toy", base_path=str(toy_root / "toy"))
    options = app.ServerOptions(source, port=0, engine=engine, rest=RestOptions(port=0))
    with app.running(options) as server:
        servable = server.manager.find(ModelSpec(name="toy")).servable
        run = servable.run
        monkeypatch.setattr(servable, "run", lambda *args: (time.sleep(0.5), run(*args))[1])
        ask = functools.partial(http_calls.call, server.rest.address, "POST", PREDICT)
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(ask, [{"instances": [i, i]} for i in range(8)]))
    refused = [answer for answer in answers if answer.status != 200]
    assert 1 <= len(answers) - len(refused) <= 4
    assert {(answer.status, answer.error) for answer in refused} == {
        (
            503,
            "The batch scheduling queue to which this task was submitted is full; currently 1 "
            "batches enqueued and max_enqueued_batches is 1",
        )
    }


def test_what_is_still_parsed_holds_up_no_other_request_when_the_server_stops():
    async def scenario():
        server = RestServer(None, Recorder(Metrics()), RestOptions(port=0), "127.0.0.1", 5.0)
        await server.start()
        server._pool.submit(end.wait, 20)  # as a large body, whose client has gone
        stopping = asyncio.create_task(server.stop())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping, 10)
        return time.monotonic() - start

    end, start = threading.Event(), time.monotonic()
    try:
        assert asyncio.run(scenario()) < 5
    finally:
        end.set()
