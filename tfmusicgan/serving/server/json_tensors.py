"""A REST request's instances or inputs as the arrays of a signature, by TensorFlow Serving's rules.

The order of checks and the texts are the stock server's (read in tensorflow/serving's
json_tensor.cc); those of single values are in json_values.py.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tfmusicgan.serving import messages, tensors
from tfmusicgan.serving.server import json_body, json_values, statuses
from tfmusicgan.serving.server.servable import Signature
from tfmusicgan.serving.server.statuses import RequestError

_MAX_RANK = 31  # NumPy's, less one for the rows
_CHUNK = 1 << 16  # values at a time, so that other threads get their turn
_ROWS_A_BLOCK = 1024


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What a body asks to be run on.

    Attributes:
      arrays: One per input, in the signature's order.
      by_rows: Whether the answer is in row form.
    """

    arrays: list[np.ndarray]
    by_rows: bool


class _Rows:
    """The rows of one input, joined block by block: an array for each of millions takes gigabytes.

    Attributes:
      first: The first one, or None.
    """

    def __init__(self):
        self.first: np.ndarray | None = None
        self._block: list[np.ndarray] = []
        self._blocks: list[np.ndarray] = []

    def add(self, row: np.ndarray) -> None:
        """Takes the next row, of the first one's shape."""
        if self.first is None:
            self.first = row
        self._block.append(row)
        if len(self._block) == _ROWS_A_BLOCK:
            self._join()

    def array(self) -> np.ndarray:
        """All of them [rows, ...]."""
        if self._block:
            self._join()
        return self._blocks[0] if len(self._blocks) == 1 else np.concatenate(self._blocks)

    def _join(self) -> None:
        self._blocks.append(np.stack(self._block))
        self._block = []


def read_inputs(body: Mapping[str, object], signature: Signature) -> Inputs:
    """Reads a body's `instances` or `inputs`.

    Raises:
      RequestError: With the stock server's code and text.
    """
    if not signature.inputs:
        raise statuses.invalid_argument(f"Failed to get input map for signature: {signature.name}")
    if "instances" in body and "inputs" in body:
        raise json_body.quoting(
            body,
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
        )
    if "instances" in body:
        instances = body["instances"]
        if not isinstance(instances, list):
            raise json_body.quoting(body, "Excepting 'instances' to be an list/array")
        if not instances:
            raise json_body.quoting(body, "No values in 'instances' array")
        return Inputs(_from_rows(instances, signature), by_rows=True)
    if "inputs" in body:
        return Inputs(_from_columns(body["inputs"], signature), by_rows=False)
    raise statuses.invalid_argument("Missing 'inputs' or 'instances' key")


def _is_object(value: object) -> bool:
    return isinstance(value, dict) and not json_values.is_base64(value)


def _from_columns(value: object, signature: Signature) -> list[np.ndarray]:
    inputs = signature.inputs
    if not _is_object(value):
        if len(inputs) > 1:
            raise statuses.invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        (entry,) = inputs.values()
        return [_dense(value, entry.data_type)]
    arrays = []
    for alias, entry in inputs.items():
        if alias not in value:
            raise statuses.invalid_argument(f"Missing named input: {alias} in 'inputs' object.")
        arrays.append(_dense(value[alias], entry.data_type))
    return arrays


def _from_rows(instances: Sequence[object], signature: Signature) -> list[np.ndarray]:
    inputs = signature.inputs
    if not isinstance(instances[0], dict) and len(inputs) > 1:
        raise statuses.invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    items: dict[str, _Rows] = {}
    add = _add_object if _is_object(instances[0]) else _add_value
    for position, instance in enumerate(instances):
        add(instance, position, signature, items)
    if items.keys() != inputs.keys():
        raise statuses.wrong_input_count(items, inputs)
    return [items[alias].array() for alias in inputs]


def _add_object(
    instance: object, position: int, signature: Signature, items: dict[str, _Rows]
) -> None:
    if not _is_object(instance):
        raise statuses.invalid_argument(
            f"Expecting object but got list at item {position} of input list"
        )
    for alias, value in instance.items():
        try:
            _add_item(alias, value, signature, items)
        except RequestError as error:
            raise _failed(f"{position} key: {alias}", error) from error
    if instance.keys() != signature.inputs.keys():
        raise statuses.invalid_argument(
            f"Failed to process element: {position} of 'instances' list. JSON object: "
            f"{json_body.quoted(instance)} keys must be equal to: {','.join(signature.inputs)}"
        )


def _add_value(
    instance: object, position: int, signature: Signature, items: dict[str, _Rows]
) -> None:
    if _is_object(instance):
        raise statuses.invalid_argument(
            f"Expecting value/list but got object at item {position} of input list"
        )
    try:
        _add_item(next(iter(signature.inputs)), instance, signature, items)
    except RequestError as error:
        raise _failed(str(position), error) from error


def _failed(element: str, error: RequestError) -> RequestError:
    return statuses.invalid_argument(
        f"Failed to process element: {element} of 'instances' list. "
        f"Error: {error.code.name}: {error}"
    )


def _add_item(alias: str, value: object, signature: Signature, items: dict[str, _Rows]) -> None:
    if alias not in signature.inputs:
        raise statuses.invalid_argument(f"JSON object: does not have named input: {alias}")
    array = _dense(value, signature.inputs[alias].data_type)
    known = items.setdefault(alias, _Rows())
    first = array if known.first is None else known.first
    if first.size != array.size:
        raise statuses.invalid_argument(
            f"Expecting tensor size: {first.size} but got: {array.size}"
        )
    if first.shape != array.shape:
        expected, received = (",".join(map(str, a.shape)) for a in (first, array))
        raise statuses.invalid_argument(f"Expecting shape [{expected}] but got: [{received}]")
    known.add(array)


def _dense(value: object, data_type: int) -> np.ndarray:
    """A value, or nested lists of them, as one array."""
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    if len(shape) > _MAX_RANK:
        raise statuses.invalid_argument(
            f"Expected lists nested {_MAX_RANK} deep at most. Received: {len(shape)}."
        )
    parts: list[np.ndarray] = []
    _fill(value, 0, shape, messages.data_type_name(data_type), parts)
    dtype = tensors.numpy_dtype(data_type)
    flat = parts[0] if len(parts) == 1 else np.concatenate(parts or [np.empty(0, dtype)])
    return flat.reshape(shape)


def _fill(value: object, level: int, shape: list[int], kind: str, parts: list) -> None:
    rank = len(shape)
    if not isinstance(value, list):
        if level != rank:
            raise json_body.quoting(
                value,
                f"found at incorrect level: {level + 1} in the JSON DOM. Expected at level: {rank}",
            )
        parts.append(json_values.leaves([value], kind))
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
            _fill(item, level + 1, shape, kind, parts)
        return
    for start in range(0, len(value), _CHUNK):
        parts.append(json_values.leaves(value[start : start + _CHUNK], kind, rank))
