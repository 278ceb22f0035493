"""Bodies that are no JSON, or not the JSON that is wanted: RapidJSON's texts."""

import json
import sys
import threading
import time

import grpc
import pytest

from tfmusicgan.serving.server import json_body
from tfmusicgan.serving.server.statuses import RequestError


def refusal(body: bytes) -> str:
    with pytest.raises(RequestError) as error:
        json_body.parse(body)
    assert error.value.code == grpc.StatusCode.INVALID_ARGUMENT
    return str(error.value)


@pytest.mark.parametrize(
    ("body", "reason", "offset"),
    [
        (b"  ", "The document is empty.", 2),
        (b"instances = [1, 2]", "Invalid value.", 0),
        (b'{"a": }', "Invalid value.", 6),
        (b"{1: 2}", "Missing a name for object member.", 1),
        (b'{"a" 1}', "Missing a colon after a name of object member.", 5),
        (b'{"a": 1 "b": 2}', "Missing a comma or } after an object member.", 8),
        (b'{"a": [1, "]", 3 4]}', "Missing a comma or ] after an array element.", 17),
        (b'{"a": [1], "b": 2 3}', "Missing a comma or } after an object member.", 18),
        (b"{} {}", "The document root must not be followed by other values.", 3),
        (b'{"a": "x', "Missing a closing quotation mark in string.", 6),
        (b'{"a": "\x01"}', "Invalid encoding in string.", 7),
        (b'{"a": 1.}', "Miss fraction part in number.", 7),
        (b'{"a": 1e}', "Miss exponent in number.", 7),
        ('{"ö♪": }'.encode(), "Invalid value.", 10),
    ],
)
def test_texts_and_offsets(body, reason, offset):
    assert refusal(body) == f"JSON Parse error: {reason} at offset: {offset}"


def test_bodies_without_end():
    assert refusal(b"") == "JSON Parse error: The document is empty"
    assert refusal(b"[" * 100_000).startswith("JSON Parse error: ")
    assert refusal(b'{"a": ' + b"9" * 5000 + b"}").startswith("JSON Parse error: Number too big")


def test_only_objects():
    assert refusal(b"[1,2]") == "JSON Value: [\n    1,\n    2\n] Is not object"
    assert refusal(b"0.1") == "JSON Value: 0.1 Is not object"
    assert refusal(b"NaN") == "JSON Value: NaN Is not object"


def test_a_long_value_is_quoted_up_to_256_characters():
    text = refusal(json.dumps(["x" * 50] * 1000).encode())
    assert text.startswith('JSON Value: [\n    "xxx')
    assert len(text) == len("JSON Value: ") + 256 + len(" Is not object")
    assert "Is not object" in refusal(b"[" * 300 + b"]" * 300)


def test_other_bytes_and_a_byte_order_mark_pass():
    body = json_body.parse(b'\xef\xbb\xbf{"a": "\xff\x80"}')
    assert body["a"].encode("utf-8", "surrogateescape") == b"\xff\x80"


def test_names_of_signatures():
    assert json_body.signature_name({}) == ""
    assert json_body.signature_name({"signature_name": "sing"}) == "sing"
    with pytest.raises(RequestError, match="'signature_name' key must be a string value"):
        json_body.signature_name({"signature_name": 100})


@pytest.mark.slow
def test_a_large_body_lets_other_threads_run():
    # Python's own parser keeps the interpreter's lock until its end; hooks for numbers let it go.
    body = json.dumps({"instances": [[0.25, 7] * 500] * 1500}).encode()
    worker = threading.Thread(target=json_body.parse, args=(body,))
    start = last = time.perf_counter()
    longest = 0.0
    worker.start()
    while worker.is_alive():
        time.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    total = last - start
    assert sys.getswitchinterval() < total / 10
    assert longest < total / 3
