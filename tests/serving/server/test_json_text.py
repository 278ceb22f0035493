"""Arrays as JSON: numbers, layout, bytes, refusals."""

import json

import numpy as np
import pytest

from tfmusicgan.serving.server import json_text
from tfmusicgan.serving.server.statuses import RequestError


def test_numbers_as_the_stock_server_prints_them():
    # Six digits where these suffice; "%.9g" and "%.17g" where not (WriteDecimal of json_tensor.cc).
    numbers = {
        0.2: "0.2",
        1 / 3: "0.333333343",
        9e6: "9e+06",
        3e-5: "3e-05",
        123456: "123456.0",
        1234567: "1234567.0",
        -0.0: "-0.0",
        float("nan"): "NaN",
        float("inf"): "Infinity",
        float("-inf"): "-Infinity",
    }
    single = np.array(list(numbers), np.float32).tolist()
    assert json_text.decimal_texts(single, "float32") == list(numbers.values())
    double = [0.1, 1 / 3, 1e300, 2.0]
    texts = ["0.1", "0.33333333333333331", "1e+300", "2.0"]
    assert json_text.decimal_texts(double, "float64") == texts


def test_every_float_comes_back():
    bits = np.random.default_rng(5).integers(0, 2**32, 5000, dtype=np.uint32)
    values = bits.view(np.float32)
    values = values[np.isfinite(values)]
    texts = json_text.decimal_texts(values.tolist(), "float32")
    assert np.array_equal(np.array(texts, np.float32), values)


def test_strings_and_control_characters():
    text = json_text.columns({"x": np.array([b'a"\\\n\x1f\xc3\xb6\xff'], object)})
    assert b'"a\\"\\\\\\n\\u001F\xc3\xb6\xff"' in text
    assert json.loads(text.decode("latin-1"))["outputs"] == ['a"\\\n\x1fÃ¶ÿ']


def test_bytes_in_lists_of_rows():
    array = np.array([[b"a", b"b"], [b"", b"d"]], object)
    text = json_text.rows({"x_bytes": array}).decode()
    assert json.loads(text)["predictions"] == [
        [{"b64": "YQ=="}, {"b64": "Yg=="}],
        [{"b64": ""}, {"b64": "ZA=="}],
    ]
    assert text.startswith(
        '{\n    "predictions": [[{\n                "b64": "YQ=="\n            }, {'
    )


def test_whole_numbers_bools_and_empty_lists():
    arrays = {
        "a": np.array([[2**63]], np.uint64),
        "b": np.zeros((1, 0), np.int8),
        "c": np.array([True]),
    }
    assert json.loads(json_text.rows(arrays))["predictions"] == [{"a": [2**63], "b": [], "c": True}]
    assert json.loads(json_text.columns({"b": np.zeros((2, 0))})) == {"outputs": [[], []]}
    assert json.loads(json_text.columns({"b": np.int64(-3)})) == {"outputs": -3}


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"a": np.float32(1)}, "Tensor name: a has no shape information "),
        ({"a": np.zeros((0, 2))}, "Tensor name: a has invalid batch size: 0"),
        (
            {"a": np.zeros(2), "b": np.zeros(3)},
            "Tensor name: b has inconsistent batch size: 3 expecting: 2",
        ),
        ({"a": np.zeros(1, np.float16)}, "Failed to write JSON value for tensor type: half"),
        ({"a": np.zeros(1, np.complex64)}, "Failed to write JSON value for tensor type: complex64"),
    ],
)
def test_what_is_no_rows(arrays, text):
    with pytest.raises(RequestError) as error:
        json_text.rows(arrays)
    assert str(error.value) == text


def test_errors_of_any_text():
    assert json.loads(json_text.error('Quo "ted" ♪\n')) == {"error": 'Quo "ted" ♪\n'}
    assert json_text.error("\udcff \ud800")
