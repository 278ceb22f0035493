"""Examples to bytes and back, against bits written by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.errors import RecordsError
from tfmusicgan.records.example_proto import parse_example
from tfmusicgan.records.parsing import parse_batch
from tfmusicgan.records.schema import Origin, bytes_to_example, example_to_bytes, stored_bytes
from tfmusicgan.representations.base import FieldSpec

SPEC = {
    "roll": FieldSpec((2, 5), "bool", "step, pitch"),
    "length": FieldSpec((), "int32", "steps"),
    "curve": FieldSpec((3,), "float32", "loudness"),
}
ORIGIN = Origin("folder/song.mid+3", 12, 4)


def _example() -> dict:
    roll = np.zeros((2, 5), bool)
    roll[0, 0] = roll[0, 2] = roll[1, 4] = True
    return {
        "roll": roll,
        "length": np.array(258, np.int32),
        "curve": np.array([0.0, 1.0, -2.5], np.float32),
    }


def test_stored_bytes_by_hand():
    features = parse_example(example_to_bytes(_example(), SPEC, ORIGIN))
    assert features["roll"] == bytes([0b10100000, 0b01000000])
    assert features["length"] == bytes([2, 1, 0, 0])
    assert features["curve"] == bytes.fromhex("000000000000803f000020c0")
    assert features["piece"] == b"folder/song.mid+3"
    assert (features["source_index"], features["phrase_index"]) == (12, 4)
    assert [stored_bytes(field) for field in SPEC.values()] == [2, 4, 12]


def test_round_trip():
    example, origin = bytes_to_example(example_to_bytes(_example(), SPEC, ORIGIN), SPEC)
    assert origin == ORIGIN
    for name, array in _example().items():
        assert example[name].dtype == array.dtype
        np.testing.assert_array_equal(example[name], array)


def test_batches_inside_the_graph_equal_the_examples():
    second = {**_example(), "length": np.array(-7, np.int32)}
    texts = [example_to_bytes(example, SPEC, ORIGIN) for example in (_example(), second)]
    batch = parse_batch(tf.constant(texts), SPEC)
    assert {name: values.dtype.name for name, values in batch.items()} == {
        name: field.dtype for name, field in SPEC.items()
    }
    for name, values in batch.items():
        expected = np.stack([_example()[name], second[name]])
        np.testing.assert_array_equal(values, expected)


def test_a_batch_of_records_of_half_the_size_is_refused():
    whole, half = ({"curve": FieldSpec((size,), "int32", "")} for size in (4, 2))
    example = {"curve": np.array([3, 5], np.int32)}
    texts = [example_to_bytes(example, half, ORIGIN)] * 2
    assert parse_batch(tf.constant(texts), half)["curve"].numpy().tolist() == [[3, 5], [3, 5]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible"):
        parse_batch(tf.constant(texts), whole)


def test_another_dtype_is_refused():
    example = {**_example(), "curve": np.array([0.0, 1.0, -2.5])}
    with pytest.raises(RecordsError, match=r"'curve': expected float32\[3\]. Received: float64"):
        example_to_bytes(example, SPEC, ORIGIN)


def test_fields_must_be_those_of_the_spec():
    with pytest.raises(RecordsError, match=r"Expected the fields \['curve', 'length', 'roll'\]"):
        example_to_bytes({"roll": _example()["roll"]}, SPEC, ORIGIN)
    with pytest.raises(
        RecordsError, match=r"'roll': expected bool\[2, 5\]. Received: bool\[5, 2\]"
    ):
        example_to_bytes({**_example(), "roll": np.zeros((5, 2), bool)}, SPEC, ORIGIN)


def test_records_of_another_spec_are_refused():
    serialized = example_to_bytes(_example(), SPEC, ORIGIN)
    larger = {**SPEC, "roll": FieldSpec((3, 6), "bool", "")}
    with pytest.raises(RecordsError, match=r"'roll': expected 3 bytes. Received: 2 bytes"):
        bytes_to_example(serialized, larger)
    with pytest.raises(RecordsError, match=r"'more': expected 1 bytes. Received: nothing"):
        bytes_to_example(serialized, {**SPEC, "more": FieldSpec((1,), "bool", "")})
