"""What the REST API takes at a time: connections, bodies, and how long they may take."""

import asyncio
import contextlib
import functools
import gzip
import socket
import sys
import threading
import time
import types

import pytest

from tests.serving.server import http_calls
from tfmusicgan.serving.server import app, json_body, json_tensors, rest_limits
from tfmusicgan.serving.server import rest as rest_module
from tfmusicgan.serving.server.rest import RestOptions
from tfmusicgan.serving.server.storage import ModelSource

PREDICT = "/v1/models/toy:predict"


@pytest.fixture(scope="module")
def limited(toy_root):
    """A server of few connections, small bodies and little patience."""
    options = RestOptions(
        port=0, timeout_seconds=3.0, idle_seconds=0.6, max_body_bytes=1000, max_connections=4
    )
    source = ModelSource(name="toy", base_path=str(toy_root / "toy"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rest_module, "_BODIES", 2)
        with app.running(app.ServerOptions(source, port=0, rest=options)) as server:
            yield server


def connect(server):
    host, port = server.rest.address.split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def read_to_the_end(connection):
    received = b""
    while chunk := connection.recv(4096):
        received += chunk
    return received


def wait_until_closed(server):
    for _ in range(100):
        with contextlib.suppress(OSError):
            if http_calls.call(server.rest.address, "GET", "/v1/models/toy").status == 200:
                return
        time.sleep(0.05)
    raise AssertionError("Connections stay open.")


def test_connections_beyond_the_limit_are_told_so(limited):
    ask = functools.partial(http_calls.call, limited.rest.address)
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(connect(limited))
        time.sleep(0.1)
        answer = ask("POST", PREDICT, {"instances": [5] * 100})
        assert (answer.status, answer.error) == (
            503,
            "Too many connections; at most 4 may be open",
        )
        assert answer.headers["content-type"] == "application/json"
        silent = stack.enter_context(connect(limited))
        start = time.monotonic()
        assert read_to_the_end(silent) == b""
        assert time.monotonic() - start < 5
    wait_until_closed(limited)


def test_bodies_under_way_are_bounded_together(limited):
    ask = functools.partial(http_calls.call, limited.rest.address)
    body = b'{"instances": [5]}'
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode()
    with connect(limited) as first, connect(limited) as second:
        for connection in (first, second):
            connection.sendall(head + body.ljust(991))
        time.sleep(0.1)
        text = "The bodies of requests under way have more than 2000 bytes"
        for sent, headers in ((body, {}), (gzip.compress(b" " * 50), {"Content-Encoding": "gzip"})):
            answer = ask("POST", PREDICT, sent.ljust(19), headers)
            assert (answer.status, answer.error) == (503, text)
        assert ask("POST", PREDICT, body).status == 200  # 18 bytes are what is left
        for connection in (first, second):
            connection.sendall(b" " * 9)
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    assert ask("POST", PREDICT, body.ljust(1000)).status == 200
    assert ask("POST", PREDICT, body.ljust(1001)).status == 413
    assert limited.metrics.request_count.values[("toy", "UNAVAILABLE")] == 2


def test_bodies_are_held_while_they_are_answered(limited):
    ask = functools.partial(http_calls.call, limited.rest.address)
    slow = b'{"signature_name": "slow", "inputs": [1000000000000]}'.ljust(1000)
    threads = [threading.Thread(target=ask, args=("POST", PREDICT, slow)) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    assert ask("POST", PREDICT, b'{"instances": [5]}').status == 503
    for thread in threads:
        thread.join()
    assert ask("POST", PREDICT, b'{"instances": [5]}').status == 200


def test_a_body_is_held_once():
    chunks = [bytes([65 + number]) * 10 for number in range(3)]

    async def iter_any():
        for chunk in chunks:
            yield chunk

    async def read():
        content = types.SimpleNamespace(iter_any=iter_any)
        request = types.SimpleNamespace(content_length=None, headers={}, content=content)
        bodies = rest_limits.Bodies(30, 30)
        for _ in range(2):  # the first leaves room for the second
            async with bodies.read(request, 5.0) as body:
                assert body == b"A" * 10 + b"B" * 10 + b"C" * 10
                assert [sys.getrefcount(chunk) for chunk in chunks] == alone

    alone = [sys.getrefcount(chunk) for chunk in chunks]
    asyncio.run(read())


def test_large_bodies_are_read_two_at_a_time(rest_server, pool, monkeypatch):
    held, most, lock = 0, 0, threading.Lock()
    parse, read_inputs = json_body.parse, json_tensors.read_inputs

    def begin(body):
        nonlocal held, most
        parsed = parse(body)
        with lock:
            held += 1
            most = max(most, held)
        time.sleep(0.05)
        return parsed

    def end(*args):
        nonlocal held
        try:
            return read_inputs(*args)
        finally:
            with lock:
                held -= 1

    monkeypatch.setattr(json_body, "parse", begin)
    monkeypatch.setattr(json_tensors, "read_inputs", end)
    ask = functools.partial(http_calls.call, rest_server.server.rest.address, "POST", PREDICT)
    body = b'{"instances": [5]}'.ljust(10_000)
    assert {answer.status for answer in pool.map(ask, [body] * 8)} == {200}
    assert (most, held) == (2, 0)
