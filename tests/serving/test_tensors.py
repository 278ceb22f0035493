"""TensorProtos by hand against TensorFlow's make_tensor_proto, make_ndarray and protobuf."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from tfmusicgan.serving import messages, tensors

ARRAYS = {
    "float32": np.array([[1.5, -0.0, np.inf], [np.nan, 3e-40, 7.0]], np.float32),
    "float64": np.array([[1.5], [-2.25]], np.float64),
    "float16": np.array([1.5, -2.0, 65504.0], np.float16),
    "int8": np.array([-128, 127, 0, 5], np.int8),
    "int16": np.array([[-300, 2]], np.int16),
    "int32": np.array([-1, 2**31 - 1], np.int32),
    "int64": np.array([[-1, 2**62], [0, 300]], np.int64),
    "uint8": np.array([0, 127, 128, 255, 9], np.uint8),
    "uint16": np.array([65535, 1, 0], np.uint16),
    "uint32": np.array([2**32 - 1, 0], np.uint32),
    "uint64": np.array([2**64 - 1, 5], np.uint64),
    "bool": np.array([[True, False, True]]),
    "complex64": np.array([1 + 2j, -3j], np.complex64),
    "complex128": np.array([1 + 2j, -3j, 0.5], np.complex128),
    "string": np.array([[b"a\0", b""], [b"xyz\0\0", "é"]], object),
    "scalar": np.array(-7, np.int64),
    "empty": np.zeros((0, 3), np.float32),
    "strided": np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2],
}
UTF8 = np.vectorize(lambda v: v.encode() if isinstance(v, str) else v, otypes=[object])


def same(left, right) -> bool:
    if left.dtype.kind == "O":
        return left.shape == right.shape and list(left.flat) == list(right.flat)
    return left.dtype == right.dtype and np.array_equal(left, right, equal_nan=left.dtype != bool)


@pytest.mark.parametrize("as_content", [False, True])
@pytest.mark.parametrize("name", ARRAYS)
def test_bytes_are_canonical_and_tensorflow_reads_them(name, as_content):
    array = ARRAYS[name]
    encoded = tensors.encode_tensor(array, as_content)
    proto = tensor_pb2.TensorProto.FromString(encoded)
    assert proto.SerializeToString(deterministic=True) == encoded
    expected = UTF8(array) if name == "string" else array
    assert same(tf.make_ndarray(proto), expected)
    assert bool(proto.tensor_content) == (as_content and name not in ("string", "empty"))


@pytest.mark.parametrize("as_content", [False, True])
@pytest.mark.parametrize("name", ARRAYS)
def test_round_trip(name, as_content):
    encoded = tensors.encode_tensor(ARRAYS[name], as_content)
    decoded = tensors.decode_tensor(messages.TensorProto.FromString(encoded))
    assert same(decoded, UTF8(ARRAYS[name]) if name == "string" else ARRAYS[name])


@pytest.mark.parametrize("name", ["float32", "int64", "uint8", "string"])
def test_equal_to_make_tensor_proto(name):
    stock = tf.make_tensor_proto(UTF8(ARRAYS[name]) if name == "string" else ARRAYS[name])
    encoded = tensors.encode_tensor(ARRAYS[name], as_content=True)
    assert encoded == stock.SerializeToString(deterministic=True)


def decode(**fields):
    shape = messages.TensorShapeProto()
    for size in fields.pop("shape", ()):
        shape.dim.add(size=size)
    return tensors.decode_tensor(messages.TensorProto(tensor_shape=shape, **fields))


def test_last_value_repeats_and_surplus_is_ignored():
    assert decode(dtype=1, shape=[4], float_val=[1.0, 2.5]).tolist() == [1.0, 2.5, 2.5, 2.5]
    assert decode(dtype=1, shape=[2], float_val=[1.0, 2.5, 9.0]).tolist() == [1.0, 2.5]
    assert decode(dtype=9, shape=[2, 1]).tolist() == [[0], [0]]
    assert decode(dtype=7, shape=[3], string_val=[b"a", b"b"]).tolist() == [b"a", b"b", b"b"]
    assert decode(dtype=7, shape=[1]).tolist() == [b""]
    assert decode(dtype=8, shape=[2], scomplex_val=[1.0, 2.0]).tolist() == [1 + 2j, 1 + 2j]


def test_strings_in_tensor_content():
    content = b"\x01\x80\x01" + b"a" + b"b" * 128
    assert decode(dtype=7, shape=[2], tensor_content=content).tolist() == [b"a", b"b" * 128]


@pytest.mark.parametrize(
    ("fields", "sizes"),
    [
        ({"dtype": 1, "shape": [1, 250_000_000], "float_val": [1.0]}, (10**9, 10**9 - 4)),
        ({"dtype": 1, "shape": [2], "float_val": [1.0] * 5}, (20, 0)),
        ({"dtype": 18, "shape": [3], "dcomplex_val": [1.0, 2.0]}, (48, 32)),
        ({"dtype": 4, "shape": [5, 7]}, (35, 35)),
        ({"dtype": 7, "shape": [4], "string_val": [b"", b"a" * 1000]}, (4096, 2048)),
        ({"dtype": 1, "shape": [2**40], "tensor_content": b"\0" * 12}, (12, 0)),
        ({"dtype": 20, "shape": [4]}, (0, 0)),
        ({"dtype": 1, "shape": [2, -1]}, (0, 0)),
        ({"dtype": 1, "shape": [2**60] * 33}, (0, 0)),
    ],
)
def test_sizes_are_known_before_the_array_is_made(fields, sizes):
    shape = messages.TensorShapeProto(dim=[{"size": size} for size in fields.pop("shape")])
    proto = messages.TensorProto(tensor_shape=shape, **fields)
    assert tensors.decoded_sizes(proto) == sizes


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dtype": 1, "shape": [3], "tensor_content": b"\0" * 11}, "12 bytes of tensor_content"),
        ({"dtype": 20, "shape": [1]}, "Received: dtype RESOURCE"),
        ({"dtype": 0, "shape": [1]}, "Received: dtype INVALID"),
        ({"dtype": 1, "shape": [2, -1]}, "fully known shape"),
        ({"dtype": 1, "shape": [1] * 33}, "rank 32 at most"),
        ({"dtype": 1, "shape": [2**40, 2**40], "float_val": [1.0]}, "at most 1073741824 bytes"),
        ({"dtype": 7, "shape": [2], "tensor_content": b"\x01"}, "2 string lengths"),
        ({"dtype": 7, "shape": [1], "tensor_content": b"\xff" * 12}, "1 string lengths"),
        ({"dtype": 7, "shape": [1], "tensor_content": b"\x05ab"}, "5 bytes of strings"),
    ],
)
def test_unusable_tensors_are_refused(fields, message):
    with pytest.raises(tensors.TensorError, match=message):
        decode(**fields)


def test_unencodable_arrays_are_refused():
    with pytest.raises(tensors.TensorError, match="dtype datetime64"):
        tensors.encode_tensor(np.array(["2020-01-01"], "datetime64[D]"))
    with pytest.raises(tensors.TensorError, match="Received: dict"):
        tensors.encode_tensor(np.array([{}], object))


def test_lists_of_bytes_keep_trailing_zeros():
    assert tensors.as_array([b"a\0", b"\0"]).tolist() == [b"a\0", b"\0"]
    assert tensors.as_array("x").shape == ()
    assert tensors.as_array(np.array(["x"])).dtype.kind == "O"


def test_named_dtypes():
    assert tensors.named_dtype("float") == np.float32
    assert tensors.named_dtype("string").kind == "O"
    with pytest.raises(tensors.TensorError, match="'resource'"):
        tensors.named_dtype("resource")
    with pytest.raises(tensors.TensorError, match="'nonsense'"):
        tensors.named_dtype("nonsense")
