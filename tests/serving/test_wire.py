"""Hand-written wire format against protobuf's own encoder."""

import numpy as np
import pytest
from google.protobuf.internal import encoder

from tfmusicgan.serving import wire


def slow_varints(values) -> bytes:
    return b"".join(encoder._VarintBytes(int(value) % 2**64) for value in values)


@pytest.mark.parametrize(
    "values",
    [
        np.array([0, 1, 127, 128, 255, 3], np.uint8),
        np.array([0, -1, 127, -128, 5], np.int8),
        np.array([0, 300, -2, 2**31 - 1, -(2**31)], np.int32),
        np.array([2**63 - 1, -(2**63), 1, 0, 16384], np.int64),
        np.array([2**64 - 1, 0, 2**35], np.uint64),
        np.array([7], np.uint16),
    ],
    ids=lambda values: values.dtype.name,
)
def test_varints_equal_protobufs(values):
    assert wire.varints(values) == slow_varints(values)


def test_varints_of_random_bytes():
    values = np.random.default_rng(1).integers(0, 256, 1000, dtype=np.uint8)
    assert wire.varints(values) == slow_varints(values)


def test_single_varint_and_field():
    assert wire.varint(300) == b"\xac\x02"
    assert wire.delimited(16, b"abc") == b"\x82\x01\x03abc"
