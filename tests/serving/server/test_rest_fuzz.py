"""Requests that no client of ours would send: refused with a code and a text, and life goes on."""

import json
import random
import socket

import grpc
import pytest

from tests.serving.server import http_calls
from tests.serving.server.test_json_tensors import signature
from tfmusicgan.serving.server import json_body, json_tensors, json_text, rest_answers
from tfmusicgan.serving.server.statuses import RequestError

XY = signature(x="FLOAT", y="STRING", z="INT8")
BODIES = [
    json.dumps(body, indent=indent).encode()
    for indent in (None, 1)
    for body in (
        {"signature_name": "a", "instances": [{"x": [1.5, 2], "y": "ö\\n", "z": -3}] * 2},
        {"inputs": {"x": [[1e3]], "y": [{"b64": "AP8="}], "z": [[[1]]]}},
        {"inputs": {"x": float("nan"), "y": "", "z": True}},
    )
]
PIECES = [
    b'"',
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b"\\",
    b"\\u12",
    b"\xff",
    b"1e999",
    b"-",
    b"NaN",
]
PIECES += [b"null", b"true", b'{"b64": 3}', b'"b64"', b"9" * 30, b"0.0", b" ", b"\x00", b"[[[["]


def damaged(body: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(body) + 1), chance.choice((0, 0, 1, 5))
        body = body[:at] + chance.choice([*PIECES, b""]) + body[at + length :]
    return body


def test_damaged_bodies_are_read_or_refused():
    chance, read, texts = random.Random(7), 0, set()
    for _ in range(4000):
        body = damaged(chance.choice(BODIES), chance)
        try:
            json_tensors.read_inputs(json_body.parse(body), XY)
            read += 1
        except RequestError as error:
            assert error.code == grpc.StatusCode.INVALID_ARGUMENT
            assert json.loads(json_text.error(str(error)).decode("utf-8", "replace"))["error"]
            texts.add(str(error).split(" at offset")[0][:40])
    assert read > 50
    assert len(texts) > 30


def test_paths_are_read_or_refused():
    chance = random.Random(8)
    parts = [
        "/v1",
        "/models",
        "/m",
        "/versions",
        "/3",
        "/labels",
        "/l",
        ":predict",
        ":x",
        "%",
        "%2",
    ]
    parts += ["/metadata", "/", "?a=b", ":", "٣", "%00", "\n", "9" * 30, "#"]
    for _ in range(4000):
        path = "/v1/models" + "".join(chance.choices(parts, k=chance.randint(0, 5)))
        verb = chance.choice(("GET", "POST", "PUT"))
        try:
            asked = rest_answers.resource(verb, path)
            assert asked.method in ("", "metadata", "predict")
        except RequestError as error:
            assert str(error).startswith(("Malformed request: ", "Failed to convert version: "))


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\xff" * 50 + b"\r\n\r\n",
        b"POST /v1/models/toy:predict HTTP/9.9\r\n\r\n",
        b"POST /v1/models/toy:predict HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/models/toy:predict HTTP/1.1\r\nContent-Length: 5\r\n\r\n{",
        b"POST /v1/models/toy:predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_bytes_that_are_no_http(rest_server, sent, capfd):
    address = rest_server.server.rest.address
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(100)
        except OSError:  # closed by the server before all was sent
            answer = b""
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    answer = http_calls.call(address, "POST", "/v1/models/toy:predict", {"instances": [5]})
    assert answer.status == 200
    assert capfd.readouterr().err == ""


def test_large_bodies_are_asked_for(rest_server):
    # What curl sends before a body of more than a mebibyte.
    host, port = rest_server.server.rest.address.split(":")
    body = b'{"instances": [5]}'
    head = f"POST /v1/models/toy:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
