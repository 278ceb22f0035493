"""The REST API over plain HTTP: section 1.5 of the reference."""

import base64
import concurrent.futures
import contextlib
import functools
import gzip
import json
import socket
import threading
import time

import numpy as np
import pytest
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from tests.serving import toy_models
from tests.serving.server import http_calls
from tfmusicgan.serving.messages import ModelSpec
from tfmusicgan.serving.server import app
from tfmusicgan.serving.server.batching_config import BatchOptions
from tfmusicgan.serving.server.engine import EngineOptions
from tfmusicgan.serving.server.rest import HTTP_CODES, RestOptions
from tfmusicgan.serving.server.storage import ModelSource

PREDICT = "/v1/models/toy:predict"


@pytest.fixture(scope="module")
def ask(rest_server):
    return functools.partial(http_calls.call, rest_server.server.rest.address)


def from_latin(answer):
    """The reply with each string's bytes as characters 0 to 255."""
    return json.loads(answer.body.decode("latin-1"))


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


def test_versions_and_case(ask):
    body = {"instances": [5]}
    answers = {
        ask("POST", path, body).body
        for path in (PREDICT, "/v1/models/toy/versions/3:predict", "/V1/Models/t%6fy:predict")
    }
    assert len(answers) == 1
    other = {"signature_name": "generate", "inputs": {"seed": [0], "threshold": [0], "qpm": [1]}}
    answer = from_latin(ask("POST", "/v1/models/other/versions/7:predict", other))
    assert answer["outputs"]["value"] == [[5.0, 0.0]]


@pytest.mark.parametrize(
    ("verb", "path", "text"),
    [
        ("GET", "/v1/foo", "Malformed request: GET /v1/foo"),
        ("GET", "/v1/models", "Missing model name in request."),
        ("GET", "/v1/models/metadata/metadata/x", "Malformed request: GET "),
        ("GET", PREDICT, f"Malformed request: GET {PREDICT}"),
        ("POST", "/v1/models/toy", "Malformed request: POST /v1/models/toy"),
        ("POST", f"{PREDICT}?x=1", f"Malformed request: POST {PREDICT}?x=1"),
        ("POST", "/v1/models/toy:PREDICT", "Malformed request: POST /v1/models/toy:PREDICT"),
        ("POST", "/v1/models/toy/versions/a:predict", "Malformed request: POST "),
        ("POST", "/v1/models/toy/versions/3/labels/a:predict", "Malformed request: POST "),
        ("DELETE", "/v1/models/toy", "Malformed request: DELETE /v1/models/toy"),
        (
            "POST",
            f"/v1/models/toy/versions/{1 << 64}:predict",
            f"Failed to convert version: {1 << 64} to numeric.",
        ),
        ("POST", "/v1/models/toy/labels/x%20y:predict", "Unrecognized servable version label: x y"),
    ],
)
def test_paths_that_are_refused(ask, verb, path, text):
    answer = ask(verb, path, b'{"instances": [1]}' if verb == "POST" else None)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.error.startswith(text)


def test_other_paths_are_html(ask):
    for path in ("/", "/v2/models/toy", "/v1models", "/index.html"):
        answer = ask("GET", path)
        assert answer.status == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert b"<H1>Not Found</H1>" in answer.body


@pytest.mark.parametrize(
    ("path", "code", "text"),
    [
        ("/v1/models/nix:predict", 404, "Servable not found for request: Latest(nix)"),
        (
            "/v1/models/toy/versions/0:predict",
            404,
            "Servable not found for request: Specific(toy, 0)",
        ),
    ],
)
def test_models_that_are_not_there(ask, path, code, text):
    answer = ask("POST", path, {"instances": [1]})
    assert (answer.status, answer.error) == (code, text)


def test_errors_of_predict(ask):
    def refused(body, code, text):
        answer = ask("POST", PREDICT, body)
        assert (answer.status, answer.error) == (code, text)

    refused(b"", 400, "JSON Parse error: The document is empty")
    refused(
        {"instances": [1], "signature_name": "sing"},
        400,
        'Serving signature name: "sing" not found in signature def',
    )
    refused({"inputs": [1] * 65}, 400, "Task size 65 is larger than maximum input batch size 64")
    x = {"signature_name": "half", "inputs": [0.5]}
    refused(x, 501, "Conversion of JSON Value: 0.5 to type: half")
    y = {"signature_name": "to_half", "inputs": [0.5]}
    refused(y, 400, "Failed to write JSON value for tensor type: half")


def test_errors_are_laid_out_as_the_stock_server_does(ask):
    assert ask("GET", "/v1/models").body == (b'{\n    "error": "Missing model name in request."\n}')


def test_status(ask):
    for path in ("/v1/models/toy", "/v1/models/toy/versions/3", "/v1/models/toy/labels/any"):
        answer = ask("GET", path)
        assert answer.status == 200
        entry = '{"version": "3", "state": "AVAILABLE", "status": '
        entry += '{"error_code": "OK", "error_message": ""}}'
        assert answer.json == {"model_version_status": [json.loads(entry)]}
        response = get_model_status_pb2.GetModelStatusResponse()
        json_format.Parse(answer.body, response)
        assert response.model_version_status[0].version == 3
    assert answer.body.startswith(b'{\n "model_version_status": [\n  {\n   "')
    missing = ask("GET", "/v1/models/nix")
    assert (missing.status, missing.error) == (404, "Could not find any versions of model nix")
    missing = ask("GET", "/v1/models/toy/versions/8")
    assert (missing.status, missing.error) == (404, "Could not find version 8 of model toy")


def test_metadata(ask, rest_server):
    answer = ask("GET", "/v1/models/toy/versions/3/metadata")
    assert answer.status == 200
    parts = answer.json
    assert parts["model_spec"] == {"name": "toy", "version": "3", "signature_name": ""}
    signatures = get_model_metadata_pb2.SignatureDefMap()
    json_format.ParseDict(parts["metadata"]["signature_def"], signatures)
    generate = signatures.signature_def["generate"]
    assert sorted(generate.inputs) == ["qpm", "seed", "threshold"]
    seed = parts["metadata"]["signature_def"]["signature_def"]["generate"]["inputs"]["seed"]
    assert (seed["dtype"], seed["tensor_shape"]["dim"]) == (
        "DT_INT64",
        [{"size": "-1", "name": ""}],
    )
    missing = ask("GET", "/v1/models/nix/metadata")
    assert (missing.status, missing.error) == (404, "Servable not found for request: Latest(nix)")


def test_classify_and_regress_refuse_generators(ask):
    def refused(method, body, text, code=400):
        answer = ask("POST", f"/v1/models/toy:{method}", body)
        assert (answer.status, answer.error[: len(text)]) == (code, text)

    examples = {"examples": [{"x": 1}]}
    for method, kind in (("classify", "classification"), ("regress", "regression")):
        refused(method, examples, f"No {kind} inputs found in SignatureDef: inputs {{")
        refused(method, {**examples, "signature_name": "generate"}, "Expected one input Tensor.")
        refused(
            method,
            {**examples, "signature_name": "sing"},
            "No signature was found with the name: sing",
        )
        refused(method, b"[", "JSON Parse error: Invalid value. at offset: 1")
    refused("classify", {"examples": []}, "JSON Value: {\n    \"examples\": []\n} 'examples' value")
    refused("classify", {}, "JSON Value: {} When method is classify, key 'examples' is expected")
    refused("classify", {"examples": {}}, 'JSON Value: {\n    "examples": {}\n} Expecting')
    refused("regress", {"examples": [3]}, "Example must be JSON object but got JSON Number")
    refused("regress", {**examples, "signature_name": "regressor"}, "The embedded server", 501)


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


def test_pages_of_other_origins(ask):
    for verb, body in (("OPTIONS", None), ("POST", {"instances": [5]}), ("POST", b"")):
        answer = ask(verb, PREDICT, body)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-methods"] == "POST, GET"
        assert answer.headers["access-control-allow-headers"] == "Content-Type"


@pytest.fixture(scope="module")
def strict(toy_root, tmp_path_factory):
    """A server with labels, a short timeout, and nothing that is off by default."""
    path = tmp_path_factory.mktemp("lists") / "models.config"
    path.write_text(
        f'model_config_list {{ config {{ name: "toy" base_path: "{toy_root}/toy" '
        'model_platform: "tensorflow" version_labels { key: "fine one" value: 3 } } }'
    )
    options = app.ServerOptions(
        ModelSource(config_file=str(path)),
        port=0,
        label_unavailable=True,
        rest=RestOptions(port=0, timeout_seconds=0.4, idle_seconds=0.6),
    )
    with app.running(options) as server:
        yield server


def test_labels(strict):
    ask = functools.partial(http_calls.call, strict.rest.address)
    body = {"signature_name": "slow", "inputs": [2]}
    answer = ask("POST", "/v1/models/toy/labels/fine%20one:predict", body)
    assert (answer.status, answer.json) == (200, {"outputs": [2]})
    answer = ask("GET", "/v1/models/toy/labels/fine%20one/metadata")
    assert (answer.status, answer.json["model_spec"]["version"]) == (200, "3")


def test_what_is_off_by_default(strict):
    ask = functools.partial(http_calls.call, strict.rest.address)
    answer = ask("GET", "/v1/models/toy")
    assert answer.status == 200
    assert not {"access-control-allow-origin", "x-request-id"} & answer.headers.keys()
    answer = ask("OPTIONS", PREDICT)
    assert (answer.status, answer.error) == (400, f"Malformed request: OPTIONS {PREDICT}")
    assert ask("GET", "/monitoring/prometheus/metrics").status == 404


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


def test_codes():
    # Section 1.5 of the reference.
    codes = {
        400: "INVALID_ARGUMENT FAILED_PRECONDITION OUT_OF_RANGE",
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        409: "ALREADY_EXISTS ABORTED",
        429: "RESOURCE_EXHAUSTED",
        499: "CANCELLED",
        500: "INTERNAL UNKNOWN DATA_LOSS",
        501: "UNIMPLEMENTED",
        503: "UNAVAILABLE",
        504: "DEADLINE_EXCEEDED",
        200: "OK",
    }
    assert {code.name: status for code, status in HTTP_CODES.items()} == {
        name: status for status, names in codes.items() for name in names.split()
    }
