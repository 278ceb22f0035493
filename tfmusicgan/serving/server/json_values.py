"""JSON values as a tensor's values, by TensorFlow Serving's rules.

Real numbers take whole ones as long as nothing is lost; whole numbers take no `1.0`; strings come
as text, or as an object with the only key `b64`.
"""

import base64
import binascii
import itertools
from collections.abc import Sequence

import grpc
import numpy as np

from tfmusicgan.serving import messages, tensors
from tfmusicgan.serving.server import json_body, statuses
from tfmusicgan.serving.server.statuses import RequestError

MAX_RANK = 31  # NumPy's, less one for the rows
_CHUNK = 1 << 16  # values at a time, so that other threads get their turn
_INT32 = (-(1 << 31), (1 << 31) - 1)
# What a whole number may be: RapidJSON's IsInt, IsInt64, IsUint and IsUint64.
_WHOLE = {
    "INT8": _INT32,
    "INT16": _INT32,
    "INT32": _INT32,
    "UINT8": _INT32,
    "INT64": (-(1 << 63), (1 << 63) - 1),
    "UINT32": (0, (1 << 32) - 1),
    "UINT64": (0, (1 << 64) - 1),
}
# The whole numbers that a real one holds exactly, and the largest real number.
_REAL = {
    "FLOAT": ((1 << 24) - 1, float(np.finfo(np.float32).max)),
    "DOUBLE": ((1 << 53) - 1, float(np.finfo(np.float64).max)),
}


def is_base64(value: object) -> bool:
    """Whether a JSON value stands for bytes."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def is_object(value: object) -> bool:
    """Whether a JSON value is an object that does not stand for bytes."""
    return isinstance(value, dict) and not is_base64(value)


def dense(value: object, data_type: int, max_rank: int = MAX_RANK) -> np.ndarray:
    """A value, or nested lists of them, as one array.

    Args:
      value: As JSON.
      data_type: A DataType's number.
      max_rank: Most levels of lists.

    Returns:
      An array of the lists' lengths.

    Raises:
      RequestError: If the lists are of no one shape, or a value is not of that kind.
    """
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    if len(shape) > max_rank:
        raise statuses.invalid_argument(
            f"Expected lists nested {max_rank} deep at most. Received: {len(shape)}."
        )
    kind, rank = messages.data_type_name(data_type), len(shape)
    lists = _innermost(value, shape)
    if lists is None:
        _check_shape(value, 0, shape, kind)
    values, parts = itertools.chain.from_iterable(lists), []
    while chunk := list(itertools.islice(values, _CHUNK)):
        parts.append(_leaves(chunk, kind, rank))
    dtype = tensors.numpy_dtype(data_type)
    flat = parts[0] if len(parts) == 1 else np.concatenate(parts or [np.empty(0, dtype)])
    return flat.reshape(shape)


def _innermost(value: object, shape: Sequence[int]) -> list | None:
    """The innermost lists, found a level at a time; None where lists are not of that shape."""
    if not shape:
        return [[value]]
    lists = [value]
    for level, length in enumerate(shape):
        if not all(type(item) is list and len(item) == length for item in lists):
            return None
        if level < len(shape) - 1:
            lists = list(itertools.chain.from_iterable(lists))
    return lists


def _check_shape(value: object, level: int, shape: Sequence[int], kind: str) -> None:
    """Refuses what comes first of a list that is not of its level's size and a value of no kind."""
    rank = len(shape)
    if not isinstance(value, list):
        if level != rank:
            raise json_body.quoting(
                value,
                f"found at incorrect level: {level + 1} in the JSON DOM. Expected at level: {rank}",
            )
        _leaves([value], kind)
        return
    if level >= rank:
        raise statuses.invalid_argument(
            f"Encountered list at unexpected level: {level} expected < {rank}"
        )
    if len(value) != shape[level]:
        raise statuses.invalid_argument(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    if level < rank - 1:
        for item in value:
            _check_shape(item, level + 1, shape, kind)
    else:
        for start in range(0, len(value), _CHUNK):
            _leaves(value[start : start + _CHUNK], kind, rank)


def _leaves(values: list, kind: str, rank: int = 0) -> np.ndarray:
    """The innermost values [n] as an array; `kind` is a DataType's name."""
    array = _at_once(values, kind)
    if array is not None:
        return array
    checked = []
    for value in values:
        if isinstance(value, list):
            raise statuses.invalid_argument(
                f"Encountered list at unexpected level: {rank} expected < {rank}"
            )
        checked.append(_single(value, kind))
    return _numbers(checked, kind) if kind != "STRING" else _strings(checked)


def _at_once(values: list, kind: str) -> np.ndarray | None:
    """All values together, where nothing is wrong with them; else None."""
    kinds = set(map(type, values))
    if kind == "STRING":
        return _strings([_text_bytes(value) for value in values]) if kinds == {str} else None
    if kind == "BOOL":
        return np.array(values, bool) if kinds == {bool} else None
    if kind in _REAL:
        highest_whole, largest = _REAL[kind]
        if not kinds <= {int, float} or (
            int in kinds and any(abs(v) > highest_whole for v in values if type(v) is int)
        ):
            return None
        array = np.array(values, np.float64)
        fits = np.abs(array) <= largest
        return (
            array.astype(tensors.named_dtype(kind)) if (fits | ~np.isfinite(array)).all() else None
        )
    if kind in _WHOLE and kinds == {int}:
        lowest, highest = _WHOLE[kind]
        return _numbers(values, kind) if lowest <= min(values) <= max(values) <= highest else None
    return None


def _numbers(values: list, kind: str) -> np.ndarray:
    # Like the stock server, whole numbers that are wider than the type wrap.
    wide = np.float64 if kind in _REAL else np.uint64 if kind == "UINT64" else np.int64
    return np.array(values, wide).astype(tensors.named_dtype(kind))


def _strings(values: list[bytes]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _single(value: object, kind: str) -> bytes | bool | int | float:
    """One value of the type.

    Raises:
      RequestError: If it is none.
    """
    if kind == "STRING":
        if isinstance(value, str):
            return _text_bytes(value)
        if isinstance(value, dict):
            return _decoded(value)
    elif kind in _REAL:
        if type(value) in (int, float):
            return _real(value, kind)
    elif kind in _WHOLE:
        if type(value) is int and _WHOLE[kind][0] <= value <= _WHOLE[kind][1]:
            return value
    elif kind == "BOOL":
        if type(value) is bool:
            return value
    elif not isinstance(value, dict):
        raise RequestError(
            grpc.StatusCode.UNIMPLEMENTED,
            f"Conversion of JSON Value: {json_body.quoted(value)} to type: {kind.lower()}",
        )
    raise json_body.quoting(
        value, f"Type: {json_body.type_name(value)} is not of expected type: {kind.lower()}"
    )


def _real(value: int | float, kind: str) -> float:
    highest_whole, largest = _REAL[kind]
    # Whole numbers beyond 64 bits are real ones to the stock server's parser.
    whole = type(value) is int and -(1 << 63) <= value < 1 << 64
    if not whole and (value != value or value in (float("inf"), float("-inf"))):
        return value
    if abs(value) > (highest_whole if whole else largest):
        raise statuses.invalid_argument(
            f"Cannot convert JSON value: {json_body.quoted(value)} to {kind.lower()} without loss "
            "of precision."
        )
    return float(value)


def _text_bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:  # half a pair, written as an escape
        raise statuses.invalid_argument(
            "JSON Parse error: The surrogate pair in string is invalid. at offset: 0"
        ) from error


def _decoded(value: dict) -> bytes:
    if not is_base64(value):
        raise json_body.quoting(value, "not formatted correctly for base64 data")
    text = "".join(value["b64"].split()).rstrip("=.")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise statuses.invalid_argument("Unable to base64 decode") from error
