"""The REST API over plain HTTP: paths, errors, states, section 1.5 of the reference."""

import functools
import json

import pytest
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from tests.serving.server import http_calls
from tests.serving.server.http_calls import from_latin
from tfmusicgan.serving.server.rest import HTTP_CODES

PREDICT = "/v1/models/toy:predict"


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
        (
            "GET",
            f"/v1/models/toy/versions/{'7' * 5000}",
            f"Failed to convert version: {'7' * 5000} to numeric.",
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
        (
            f"/v1/models/toy/versions/{'0' * 5000}4:predict",
            404,
            "Servable not found for request: Specific(toy, 4)",
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
    refused({}, 400, "Missing 'inputs' or 'instances' key")
    refused({"signature_name": "slow"}, 400, "Missing 'inputs' or 'instances' key")
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


def test_pages_of_other_origins(ask):
    for verb, body in (("OPTIONS", None), ("POST", {"instances": [5]}), ("POST", b"")):
        answer = ask(verb, PREDICT, body)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-methods"] == "POST, GET"
        assert answer.headers["access-control-allow-headers"] == "Content-Type"


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
