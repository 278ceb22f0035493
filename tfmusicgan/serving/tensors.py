"""NumPy arrays to TensorProto bytes and back, without TensorFlow.

TensorFlow Serving answers in the typed fields (`float_val`, `int_val` ...), one element after the
other, and stock clients read those. Filling them through protobuf's Python interface costs a
Python call per element; their bytes are written here by NumPy instead: fixed-width fields are the
array's own buffer after a tag, integer fields are varints made column by column.

The fields and the meaning of each are those of tensorflow/core/framework/tensor.proto.
"""

import dataclasses
import math

import numpy as np

from tfmusicgan.errors import MusicGanError
from tfmusicgan.serving import messages
from tfmusicgan.serving.wire import delimited, read_varints, varint, varints

MAX_DECODED_BYTES = 1 << 30  # a few bytes of request may claim any shape ("last value repeats")
STRING_BYTES = 24  # of a string in TensorFlow's memory, besides its text
_MAX_RANK = 32  # NumPy's

_CONTENT_FIELD, _STRING_FIELD = 4, 8


class TensorError(MusicGanError):
    """An array has no TensorProto form, or a TensorProto's values do not fit its shape."""


@dataclasses.dataclass(frozen=True)
class _Coding:
    """How one dtype travels: DataType number, typed field's number and name, element encoding."""

    data_type: int
    field: int
    field_name: str
    kind: str  # "fixed": the buffer's bytes; "varint"; "half": the 16 bits as a varint


def _coding(name: str, field: int, field_name: str, kind: str) -> _Coding:
    return _Coding(messages.DataType.values_by_name[name].number, field, field_name, kind)


_CODINGS = {
    "float32": _coding("DT_FLOAT", 5, "float_val", "fixed"),
    "float64": _coding("DT_DOUBLE", 6, "double_val", "fixed"),
    "int8": _coding("DT_INT8", 7, "int_val", "varint"),
    "int16": _coding("DT_INT16", 7, "int_val", "varint"),
    "int32": _coding("DT_INT32", 7, "int_val", "varint"),
    "uint8": _coding("DT_UINT8", 7, "int_val", "varint"),
    "uint16": _coding("DT_UINT16", 7, "int_val", "varint"),
    "complex64": _coding("DT_COMPLEX64", 9, "scomplex_val", "fixed"),
    "int64": _coding("DT_INT64", 10, "int64_val", "varint"),
    "bool": _coding("DT_BOOL", 11, "bool_val", "fixed"),
    "complex128": _coding("DT_COMPLEX128", 12, "dcomplex_val", "fixed"),
    "float16": _coding("DT_HALF", 13, "half_val", "half"),
    "uint32": _coding("DT_UINT32", 16, "uint32_val", "varint"),
    "uint64": _coding("DT_UINT64", 17, "uint64_val", "varint"),
}
_DT_STRING = messages.DataType.values_by_name["DT_STRING"].number
_DTYPES = {coding.data_type: np.dtype(name) for name, coding in _CODINGS.items()}
_DTYPES[_DT_STRING] = np.dtype(object)
_CODING_OF_TYPE = {coding.data_type: coding for coding in _CODINGS.values()}


def numpy_dtype(data_type: int) -> np.dtype | None:
    """The NumPy dtype of a DataType number (object for strings), None when there is none."""
    return _DTYPES.get(data_type)


def named_dtype(name: str) -> np.dtype:
    """The NumPy dtype of a type by TensorFlow's name, e.g. `"float"`, `"int64"`, `"string"`.

    Raises:
      TensorError: If there is none.
    """
    value = messages.DataType.values_by_name.get(f"DT_{name.upper()}")
    dtype = numpy_dtype(value.number) if value is not None else None
    if dtype is None:
        raise TensorError(f"Expected a type of numbers, bools or strings. Received: {name!r}.")
    return dtype


def as_array(value: object) -> np.ndarray:
    """Turns numbers, texts, bytes and nested lists of them into an array that can be sent.

    Texts become UTF-8 bytes in an object array: NumPy's own bytes dtype would cut trailing zero
    bytes, which serialised messages do have.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind not in "SU":
        return value
    array = np.asarray(value)
    return np.array(value, dtype=object) if array.dtype.kind in "SU" else array


def split_texts(text: str) -> list[str]:
    """Several texts that were given as one, with spaces or bar lines between them."""
    return text.replace("|", " ").split()


def encode_tensor(array: np.ndarray, as_content: bool = False) -> bytes:
    """Serialises an array as a TensorProto.

    Args:
      array: Any shape; numbers, bools, or an object array of bytes or texts.
      as_content: Numbers go to `tensor_content` (fastest for the receiver) in place of the typed
        field. Strings are always `string_val`.

    Returns:
      The TensorProto's bytes, equal to protobuf's own.

    Raises:
      TensorError: If the dtype has no TensorProto form, or an object is neither bytes nor text.
    """
    array = as_array(array)
    if array.dtype.kind == "O":
        return _head(_DT_STRING, array.shape) + b"".join(map(_string_value, array.ravel()))
    coding = _CODINGS.get(array.dtype.name)
    if coding is None:
        raise TensorError(
            f"Expected an array of one of {', '.join(_CODINGS)} or strings. Received: dtype "
            f"{array.dtype}. Convert it with astype()."
        )
    head = _head(coding.data_type, array.shape)
    if array.size == 0:
        return head
    if as_content:
        return head + delimited(_CONTENT_FIELD, _little_endian(array).tobytes())
    return head + delimited(coding.field, _packed(array, coding.kind))


def decode_tensor(proto: messages.TensorProto, max_bytes: int = MAX_DECODED_BYTES) -> np.ndarray:
    """Reads a TensorProto, from its typed field or from `tensor_content`.

    As in TensorFlow, a typed field with too few values repeats its last one (or zero when it is
    empty), and surplus values are ignored; `tensor_content` must fit the shape exactly.

    Args:
      proto: A `messages.TensorProto`.
      max_bytes: Largest array that is made.

    Returns:
      An array of the proto's shape; strings are bytes in an object array.

    Raises:
      TensorError: If the dtype or shape is not usable, or the bytes do not fit.
    """
    dtype = numpy_dtype(proto.dtype)
    if dtype is None:
        raise TensorError(
            f"Expected a tensor of numbers, bools or strings. Received: {_type_name(proto)}."
        )
    shape = tuple([dim.size for dim in proto.tensor_shape.dim])
    if proto.tensor_shape.unknown_rank or len(shape) > _MAX_RANK or min(shape, default=0) < 0:
        raise TensorError(
            f"Expected a fully known shape of rank {_MAX_RANK} at most. Received: {list(shape)}."
        )
    count = math.prod(shape)
    if count * dtype.itemsize > max_bytes:
        raise TensorError(
            f"Expected at most {max_bytes} bytes. Received: shape {list(shape)} of "
            f"{_type_name(proto)}."
        )
    if count == 0:
        return np.empty(shape, dtype)
    if proto.tensor_content:
        values = _from_content(proto.tensor_content, dtype, count)
    else:
        values = _from_field(proto, dtype, count)
    return values.reshape(shape)


def decoded_sizes(proto: messages.TensorProto) -> tuple[int, int]:
    """Bytes of the array of a TensorProto, and those of them that repeat its last value.

    Strings count as TensorFlow holds them. Both are 0 where the proto has no array.
    """
    dtype, dims = numpy_dtype(proto.dtype), proto.tensor_shape.dim
    sizes = [dim.size for dim in dims]
    if dtype is None or len(sizes) > _MAX_RANK or min(sizes, default=0) < 0:
        return 0, 0
    if proto.tensor_content:
        return len(proto.tensor_content), 0
    count = math.prod(sizes)
    if dtype.kind == "O":
        given = len(proto.string_val)
        each = STRING_BYTES + (len(proto.string_val[-1]) if given else 0)
    else:
        field = getattr(proto, _CODING_OF_TYPE[proto.dtype].field_name)
        given, each = len(field) // (2 if dtype.kind == "c" else 1), dtype.itemsize
    return max(count, given) * each, max(0, count - given) * each


def _type_name(proto) -> str:
    return f"dtype {messages.data_type_name(proto.dtype)}"


def _from_content(content: bytes, dtype: np.dtype, count: int) -> np.ndarray:
    if dtype.kind == "O":
        return _strings_from_content(content, count)
    if len(content) != count * dtype.itemsize:
        raise TensorError(
            f"Expected {count * dtype.itemsize} bytes of tensor_content for {count} values of "
            f"{dtype}. Received: {len(content)}."
        )
    return np.frombuffer(content, dtype.newbyteorder("<")).astype(dtype, copy=False)


def _strings_from_content(content: bytes, count: int) -> np.ndarray:
    """All lengths as varints, then all strings (TensorFlow's EncodeStringList)."""
    lengths, position = read_varints(content, count)
    if len(lengths) < count:
        raise TensorError(f"Expected {count} string lengths. Received: {len(lengths)}.")
    if position + sum(lengths) != len(content):
        raise TensorError(
            f"Expected {sum(lengths)} bytes of strings. Received: {len(content) - position}."
        )
    values = np.empty(count, object)
    for i, length in enumerate(lengths):
        values[i] = content[position : position + length]
        position += length
    return values


def _from_field(proto, dtype: np.dtype, count: int) -> np.ndarray:
    if dtype.kind == "O":
        given = list(proto.string_val)
        last = given[-1] if given else b""
        values = np.empty(count, object)
        values[:] = (given + [last] * (count - len(given)))[:count]
        return values
    coding = _CODING_OF_TYPE[proto.dtype]
    field = getattr(proto, coding.field_name)
    parts = 2 if dtype.kind == "c" else 1
    read_as = np.dtype(np.uint16) if coding.kind == "half" else _part_dtype(dtype)
    # int_val is 32 bits wide: values outside the dtype's range wrap, as TensorFlow's casts do.
    wide = np.dtype(np.int64) if coding.field_name in ("int_val", "half_val") else read_as
    given = np.fromiter(field, wide, len(field))[: count * parts].astype(read_as, copy=False)
    given = given[: len(given) // parts * parts].view(dtype)
    if len(given) == count:
        return given
    values = np.full(count, given[-1] if len(given) else 0, dtype)
    values[: len(given)] = given
    return values


def _part_dtype(dtype: np.dtype) -> np.dtype:
    return np.zeros(0, dtype).real.dtype if dtype.kind == "c" else dtype


def _little_endian(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def _packed(array: np.ndarray, kind: str) -> bytes:
    if kind == "fixed":
        return _little_endian(array).tobytes()
    if kind == "half":
        array = np.ascontiguousarray(array).view(np.uint16)
    return varints(array.ravel())


def _string_value(value: object) -> bytes:
    if isinstance(value, str):
        value = value.encode()
    if not isinstance(value, bytes):
        raise TensorError(
            f"Expected bytes or text in an array of objects. Received: {type(value).__name__}."
        )
    return delimited(_STRING_FIELD, value)


def _head(data_type: int, shape: tuple[int, ...]) -> bytes:
    """The dtype and tensor_shape fields."""
    dims = b"".join(delimited(2, (b"\x08" + varint(size)) if size else b"") for size in shape)
    return varint(1 << 3) + varint(data_type) + delimited(2, dims)
