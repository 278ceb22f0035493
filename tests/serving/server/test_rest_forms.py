"""The REST API over plain HTTP: bodies and answers of :predict, section 1.5 of the reference."""

import base64
import gzip
import json
import threading

import numpy as np
import pytest

from tests.serving import toy_models
from tests.serving.server.http_calls import from_latin
from tfmusicgan.serving.server import json_body

PREDICT = "/v1/models/toy:predict"


def test_rows_of_one_input_and_output(ask):
    answer = ask("POST", PREDICT, {"instances": [5, 130, 7]})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    pieces = [text.encode("latin-1") for text in from_latin(answer)["predictions"]]
    assert pieces == [toy_models.note_sequence_bytes(pitch) for pitch in (5, 2, 7)]


def test_rows_of_several_inputs_and_outputs(ask):
    rows = [{"seed": 250, "threshold": 0.25, "qpm": 60}, {"qpm": 90.5, "seed": 3, "threshold": 1}]
    body = {"signature_name": "generate", "instances": rows}
    predictions = from_latin(ask("POST", PREDICT, body))["predictions"]
    assert [sorted(row) for row in predictions] == [["note_sequence", "piano_roll", "value"]] * 2
    assert [row["value"] for row in predictions] == [[370.0, 0.25], [184.0, 1.0]]
    assert [row["piano_roll"] for row in predictions] == [[250, 251, 252], [3, 4, 5]]


def test_columns(ask):
    assert ask("POST", PREDICT, {"signature_name": "slow", "inputs": [4, 4]}).json == {
        "outputs": [4, 4]
    }
    inputs = {"seed": [1, 2], "threshold": [0.5, 0.25], "qpm": [10, 20], "more": "is passed over"}
    body = {"signature_name": "generate", "inputs": inputs}
    outputs = from_latin(ask("POST", PREDICT, body))["outputs"]
    assert outputs["value"] == [[21.0, 0.5], [42.0, 0.25]]
    named = {"signature_name": "slow", "inputs": {"steps": [3]}}
    assert ask("POST", PREDICT, named).json == {"outputs": [3]}


def test_row_form_is_laid_out_as_the_stock_server_does(ask):
    answer = ask("POST", PREDICT, {"signature_name": "slow", "instances": [2, 2]})
    assert answer.body == b'{\n    "predictions": [2, 2\n    ]\n}'
    echo = {"text": "a", "flag": True, "small": 3, "reals": [0.5, 1]}
    answer = ask("POST", PREDICT, {"signature_name": "echo", "instances": [echo]})
    assert answer.body.decode() == (
        '{\n    "predictions": [\n        {\n            "flag": false,\n'
        '            "reals": [-0.5, -1.0],\n            "small": 4,\n            "text": "a",\n'
        '            "text_bytes": {\n                "b64": "YWE="\n            }\n        }\n'
        "    ]\n}"
    )


def test_column_form_is_laid_out_as_the_stock_server_does(ask):
    body = {"signature_name": "matmul", "inputs": [[1, 0, 0, 0.25]]}
    assert ask("POST", PREDICT, body).body.decode() == (
        '{\n    "outputs": [\n        [\n            1.25,\n            1.25,\n'
        "            1.25\n        ]\n    ]\n}"
    )


def test_bytes_in_and_out(ask):
    raw = bytes(range(256))
    row = {
        "text": {"b64": base64.b64encode(raw).decode()},
        "flag": False,
        "small": 300,  # wraps, as the stock server's
        "reals": [float("nan"), float("-inf"), 1e300, 0.1],
    }
    (answer,) = from_latin(ask("POST", PREDICT, {"signature_name": "echo", "instances": [row]}))[
        "predictions"
    ]
    assert answer["text"].encode("latin-1") == raw
    assert base64.b64decode(answer["text_bytes"]["b64"]) == raw * 2
    assert answer["small"] == 45
    assert np.isnan(answer["reals"][0])
    assert answer["reals"][1:] == [float("inf"), -1e300, -0.1]
    plain = {"signature_name": "echo", "instances": [{**row, "text": "Übung ♪"}]}
    assert ask("POST", PREDICT, plain).json["predictions"][0]["text"] == "Übung ♪"


def test_bytes_that_are_no_text_pass(ask):
    body = b'{"signature_name": "echo", "inputs": {"text": ["\xff\xfe"], "flag": [true], '
    body += b'"small": [0], "reals": [[0]]}}'
    outputs = from_latin(ask("POST", PREDICT, body))["outputs"]
    assert outputs["text"] == ["\xff\xfe"]


def test_compressed_bodies(ask):
    body, headers = json.dumps({"instances": [5]}).encode(), {"Content-Encoding": "gzip"}
    assert ask("POST", PREDICT, gzip.compress(body), headers).status == 200
    answer = ask("POST", PREDICT, b"\x00" + gzip.compress(body), headers)
    assert (answer.status, answer.error) == (400, "JSON Parse error: The document is empty")


def test_bodies_have_a_limit(ask):
    full = b" " * ((4 << 20) - 18) + b'{"instances": [5]}'
    assert ask("POST", PREDICT, full).status == 200
    packed = gzip.compress(b" " + full)
    for sent, headers in ((b" " + full, {}), (packed, {"Content-Encoding": "gzip"})):
        answer = ask("POST", PREDICT, sent, headers)
        assert (answer.status, answer.error) == (
            413,
            "The request's body is larger than 4194304 bytes",
        )


def test_large_bodies_and_answers(ask):
    values = np.random.default_rng(3).normal(size=(2, 9000)).astype(np.float32)
    body = {"signature_name": "echo", "inputs": {
        "text": ["a", "b"], "flag": [True, True], "small": [1, 2], "reals": values.tolist()
    }}  # fmt: skip
    outputs = ask("POST", PREDICT, body).json["outputs"]
    assert np.array_equal(-np.array(outputs["reals"]), values.astype(np.float64))


@pytest.mark.parametrize("method", ["predict", "classify", "regress"])
def test_large_bodies_are_parsed_beside_the_event_loop(ask, monkeypatch, method):
    threads, parse = [], json_body.parse

    def watched(body):
        threads.append(threading.current_thread().name)
        return parse(body)

    monkeypatch.setattr(json_body, "parse", watched)
    body = {"examples": [{}], "instances": [[1] * 40_000]}
    assert ask("POST", f"/v1/models/toy:{method}", body).status in (200, 400)
    assert [name.startswith("rest_api") for name in threads] == [True]
