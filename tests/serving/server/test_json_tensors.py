"""Instances and inputs as arrays; each refusal with the stock server's text."""

import base64
import json
import time
import tracemalloc

import grpc
import numpy as np
import pytest

from tfmusicgan.serving import messages
from tfmusicgan.serving.server import json_body, json_rows, json_tensors
from tfmusicgan.serving.server.servable import Signature
from tfmusicgan.serving.server.statuses import RequestError


def signature(**kinds):
    proto = messages.SignatureDef()
    for alias, kind in kinds.items():
        proto.inputs[alias].name = f"{alias}:0"
        proto.inputs[alias].dtype = messages.DataType.values_by_name[f"DT_{kind}"].number
    return Signature.from_proto("serving_default", proto.SerializeToString())


X = signature(x="FLOAT")
XY = signature(x="FLOAT", y="STRING")


def read(body, of=X):
    return json_tensors.read_inputs(body, of)


def refused(body, text, of=X, code=grpc.StatusCode.INVALID_ARGUMENT):
    with pytest.raises(RequestError) as error:
        read(body, of)
    assert (error.value.code, str(error.value)) == (code, text)


def test_rows_of_nested_lists():
    inputs = read({"instances": [[[1, 2.5], [3, 4]], [[5, 6], [7, 8]], [[9, 0], [1, 2]]]})
    (array,) = inputs.arrays
    assert inputs.by_rows
    assert array.dtype == np.float32
    assert array.tolist() == [[[1, 2.5], [3, 4]], [[5, 6], [7, 8]], [[9, 0], [1, 2]]]


def test_columns_of_any_shape():
    for value, shape in ((3, ()), ([], (0,)), ([[], []], (2, 0)), ([[[1]], [[2]]], (2, 1, 1))):
        inputs = read({"inputs": value})
        assert not inputs.by_rows
        assert inputs.arrays[0].shape == shape
        assert inputs.arrays[0].dtype == np.float32


def test_objects_in_the_signatures_order():
    rows = [{"y": "a", "x": 1}, {"x": 2, "y": {"b64": base64.b64encode(b"\0\xff").decode()}}]
    x, y = read({"instances": rows}, XY).arrays
    assert (x.tolist(), y.tolist()) == ([1, 2], [b"a", b"\0\xff"])
    x, y = read({"inputs": {"y": ["a"], "x": [[2]]}}, XY).arrays
    assert (x.tolist(), y.tolist()) == ([[2]], [b"a"])


@pytest.mark.parametrize("text", ["AP8=", "AP8", " A P\n8= ", "AP8."])
def test_base64_as_the_stock_server_takes_it(text):
    (array,) = read({"inputs": {"b64": text}}, signature(y="STRING")).arrays
    assert array.tolist() == b"\0\xff"


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("INT8", [1, 300, -129], [1, 44, 127]),
        ("UINT8", [255, -1], [255, 255]),
        ("INT32", [-(2**31), 2**31 - 1], [-(2**31), 2**31 - 1]),
        ("INT64", [-(2**63), 2**63 - 1], [-(2**63), 2**63 - 1]),
        ("UINT32", [0, 2**32 - 1], [0, 2**32 - 1]),
        ("UINT64", [2**64 - 1], [2**64 - 1]),
        ("BOOL", [True, False], [True, False]),
        ("DOUBLE", [2**53 - 1, 0.1, 10**20], [9007199254740991.0, 0.1, 1e20]),
        ("FLOAT", [2**24 - 1, float("inf")], [16777215.0, float("inf")]),
        ("STRING", ["ö", ""], ["ö".encode(), b""]),
    ],
)
def test_types(kind, values, expected):
    (array,) = read({"inputs": values}, signature(x=kind)).arrays
    assert array.tolist() == expected


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("FLOAT", "a", 'JSON Value: "a" Type: String is not of expected type: float'),
        ("FLOAT", True, "JSON Value: true Type: True is not of expected type: float"),
        (
            "FLOAT",
            {"a": 1},
            'JSON Value: {\n    "a": 1\n} Type: Object is not of expected type: float',
        ),
        ("FLOAT", 2**24, "Cannot convert JSON value: 16777216 to float without loss of precision."),
        ("FLOAT", 1e39, "Cannot convert JSON value: 1e+39 to float without loss of precision."),
        (
            "DOUBLE",
            2**53,
            f"Cannot convert JSON value: {2**53} to double without loss of precision.",
        ),
        ("INT64", 1.0, "JSON Value: 1.0 Type: Number is not of expected type: int64"),
        ("INT32", 2**31, f"JSON Value: {2**31} Type: Number is not of expected type: int32"),
        ("UINT64", -1, "JSON Value: -1 Type: Number is not of expected type: uint64"),
        ("BOOL", 1, "JSON Value: 1 Type: Number is not of expected type: bool"),
        ("STRING", None, "JSON Value: null Type: Null is not of expected type: string"),
        ("STRING", {"b64": "?"}, "Unable to base64 decode"),
        (
            "STRING",
            {"b65": "a"},
            'JSON Value: {\n    "b65": "a"\n} not formatted correctly for base64 data',
        ),
        (
            "STRING",
            "\ud800",
            "JSON Parse error: The surrogate pair in string is invalid. at offset: 0",
        ),
    ],
)
def test_values_of_other_types(kind, value, text):
    refused({"inputs": {"x": [value]}}, text, signature(x=kind))


@pytest.mark.parametrize("kind", ["HALF", "BFLOAT16", "COMPLEX64", "UINT16"])
def test_types_that_json_has_not(kind):
    text = f"Conversion of JSON Value: 1 to type: {kind.lower()}"
    refused({"inputs": [1]}, text, signature(x=kind), grpc.StatusCode.UNIMPLEMENTED)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "Missing 'inputs' or 'instances' key"),
        (
            {"instances": 3},
            "JSON Value: {\n    \"instances\": 3\n} Excepting 'instances' to be an list/array",
        ),
        (
            {"instances": []},
            "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array",
        ),
        (
            {"instances": [], "inputs": 1},
            'JSON Value: {\n    "instances": [],\n    "inputs": 1\n} Not formatted correctly '
            "expecting only one of 'inputs' or 'instances' keys to exist ",
        ),
        ({"inputs": {"y": 1}}, "Missing named input: x in 'inputs' object."),
        (
            {"inputs": [[1, 2], [3]]},
            "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
        ),
        ({"inputs": [1, [2]]}, "Encountered list at unexpected level: 1 expected < 1"),
        (
            {"inputs": [[1], 2]},
            "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
        ),
        (
            {"inputs": json.loads("[" * 40 + "]" * 40)},
            "Expected lists nested 31 deep at most. Received: 40.",
        ),
        (
            {"instances": [1, {"x": 2}]},
            "Expecting value/list but got object at item 1 of input list",
        ),
        ({"instances": [{"x": 2}, 1]}, "Expecting object but got list at item 1 of input list"),
        (
            {"instances": [[1, 2], [3]]},
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting tensor size: 2 but got: 1",
        ),
        (
            {"instances": [[1, 2], [[3], [4]]]},
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting shape [2] but got: [2,1]",
        ),
        (
            {"instances": [1, "b"]},
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            'JSON Value: "b" Type: String is not of expected type: float',
        ),
        (
            {"instances": [{"x": 1, "z": 2}]},
            "Failed to process element: 0 key: z of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: z",
        ),
    ],
)
def test_shapes_and_names(body, text):
    refused(body, text)


def test_several_inputs():
    refused(
        {"instances": [1]},
        "instances is a plain list, but expecting list of objects as multiple input tensors "
        "required as per tensorinfo_map",
        XY,
    )
    refused(
        {"inputs": [1]},
        "inputs is a plain value/list, but expecting an object as multiple input tensors required "
        "as per tensorinfo_map",
        XY,
    )
    refused(
        {"instances": [{"x": 1}]},
        "Failed to process element: 0 of 'instances' list. JSON object: {\n    \"x\": 1\n} keys "
        "must be equal to: x,y",
        XY,
    )
    refused(
        {"instances": [{"b64": "AA=="}]},
        "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: "
        '{\n    "b64": "AA=="\n} Type: Object is not of expected type: float',
        XY,
    )
    refused({"inputs": 1}, "Failed to get input map for signature: serving_default", signature())


@pytest.mark.parametrize("row", ["1", "[1]", "[[1],[1]]", '{"x":1}', '{"x":[1]}'])
def test_what_is_read_in_the_event_loop_takes_it_for_moments(row):
    rows = (json_body.LARGE_BODY_BYTES - 20) // (len(row) + 1)
    body = f'{{"instances": [{",".join([row] * rows)}]}}'.encode()
    assert 0.99 * json_body.LARGE_BODY_BYTES < len(body) <= json_body.LARGE_BODY_BYTES
    took = []
    for _ in range(5):  # the least of them: other work on the machine only ever adds
        start = time.thread_time()
        (array,) = read(json_body.parse(body)).arrays
        took.append(time.thread_time() - start)
        assert (array.dtype, len(array), array.min(), array.max()) == (np.float32, rows, 1, 1)
    assert min(took) < 0.02  # a tenth of this on two slow cores


def test_rows_across_blocks_are_of_one_form_and_shape(monkeypatch):
    monkeypatch.setattr(json_rows, "_ROWS_A_BLOCK", 2)
    (array,) = read({"instances": [[1], [2], [3], [4], [5]]}).arrays
    assert array.tolist() == [[1], [2], [3], [4], [5]]
    refused(
        {"instances": [{"x": 1}, {"x": 2}, 3]},
        "Expecting object but got list at item 2 of input list",
    )
    refused(
        {"instances": [1, 2, {"x": 3}]},
        "Expecting value/list but got object at item 2 of input list",
    )
    refused(
        {"instances": [[1, 2], [3, 4], [5]]},
        "Failed to process element: 2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting "
        "tensor size: 2 but got: 1",
    )


def test_a_wrong_row_is_found_in_moments_too():
    rows = [b"1"] * (json_body.LARGE_BODY_BYTES // 2 - 10)
    body = b'{"instances": [' + b",".join([*rows, b'"a"']) + b"]}"
    took = []
    for _ in range(5):
        start = time.thread_time()
        with pytest.raises(RequestError, match=rf"element: {len(rows)} of 'instances'"):
            read(json_body.parse(body))
        took.append(time.thread_time() - start)
    assert min(took) < 0.05


@pytest.mark.parametrize(("rows", "most"), [(30_000, 2_000_000), (1_000_000, 10_000_000)])
def test_many_values_take_little_memory(rows, most):
    values = [number % 100 for number in range(rows)]
    for body in ({"instances": values}, {"inputs": values}, {"inputs": [values]}):
        tracemalloc.start()
        try:
            (array,) = read(body).arrays
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert array.ravel().tolist() == values
        assert peak < most  # of a float32 each, while it is joined twice; an array each has 100
