"""A REST request's `instances` as arrays, by TensorFlow Serving's rules.

A block of rows at once, which is many times as fast as one by one; one by one only the block where
something is wrong, to say with which row.
"""

from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np

from tfmusicgan.serving.server import json_body, json_values, statuses
from tfmusicgan.serving.server.servable import Signature
from tfmusicgan.serving.server.statuses import RequestError

_ROWS_A_BLOCK = 1024


def arrays(instances: Sequence[object], signature: Signature) -> list[np.ndarray]:
    """The inputs of rows.

    Args:
      instances: One at least; all objects of the inputs' values, or all values of the only input.
      signature: What is asked.

    Returns:
      [rows, ...] of each input, in the signature's order.

    Raises:
      RequestError: With the stock server's code and text.
    """
    inputs = signature.inputs
    if not isinstance(instances[0], dict) and len(inputs) > 1:
        raise statuses.invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    are_objects = json_values.is_object(instances[0])
    blocks: list[dict[str, np.ndarray]] = []
    for start in range(0, len(instances), _ROWS_A_BLOCK):
        rows = instances[start : start + _ROWS_A_BLOCK]
        columns = _columns(rows, signature) if are_objects else _column(rows, signature)
        block = columns and _block(columns, signature)
        first = {alias: array[0, ...] for alias, array in blocks[0].items()} if blocks else {}
        if block is None or any(block[alias].shape[1:] != first[alias].shape for alias in first):
            _refuse(rows, start, signature, first, are_objects)
        blocks.append(block)
    return [np.concatenate([block[alias] for block in blocks]) for alias in inputs]


def _block(columns: Mapping[str, list], signature: Signature) -> dict[str, np.ndarray] | None:
    """The values as arrays [rows, ...]; None where something is wrong with one."""
    most = json_values.MAX_RANK + 1  # the rows themselves are a level
    try:
        return {
            alias: json_values.dense(values, signature.inputs[alias].data_type, most)
            for alias, values in columns.items()
        }
    except RequestError:
        return None


def _columns(rows: Sequence[object], signature: Signature) -> dict[str, list] | None:
    """The values by input of rows that are objects; None where one's keys are not the inputs."""
    aliases = signature.inputs.keys()
    if not all(json_values.is_object(row) and row.keys() == aliases for row in rows):
        return None
    return {alias: [row[alias] for row in rows] for alias in aliases}


def _column(rows: Sequence[object], signature: Signature) -> dict[str, list] | None:
    """The same of rows that are the only input's values; None where one is an object."""
    if len(signature.inputs) > 1 or any(json_values.is_object(row) for row in rows):
        return None
    return {alias: list(rows) for alias in signature.inputs}


def _refuse(
    rows: Sequence[object],
    start: int,
    signature: Signature,
    first: dict[str, np.ndarray],
    are_objects: bool,
) -> NoReturn:
    """Says which row of a block is wrong, and why.

    Args:
      rows: The block's.
      start: How many are before it.
      signature: What is asked.
      first: The first row's values, if it is in an earlier block.
      are_objects: Whether the first row is one.
    """
    check = _check_object if are_objects else _check_value
    for position, instance in enumerate(rows, start):
        check(instance, position, signature, first)
    raise statuses.wrong_input_count(first, signature.inputs)


def _check_object(
    instance: object, position: int, signature: Signature, first: dict[str, np.ndarray]
) -> None:
    if not json_values.is_object(instance):
        raise statuses.invalid_argument(
            f"Expecting object but got list at item {position} of input list"
        )
    for alias, value in instance.items():
        try:
            _check_item(alias, value, signature, first)
        except RequestError as error:
            raise _failed(f"{position} key: {alias}", error) from error
    if instance.keys() != signature.inputs.keys():
        raise statuses.invalid_argument(
            f"Failed to process element: {position} of 'instances' list. JSON object: "
            f"{json_body.quoted(instance)} keys must be equal to: {','.join(signature.inputs)}"
        )


def _check_value(
    instance: object, position: int, signature: Signature, first: dict[str, np.ndarray]
) -> None:
    if json_values.is_object(instance):
        raise statuses.invalid_argument(
            f"Expecting value/list but got object at item {position} of input list"
        )
    try:
        _check_item(next(iter(signature.inputs)), instance, signature, first)
    except RequestError as error:
        raise _failed(str(position), error) from error


def _failed(element: str, error: RequestError) -> RequestError:
    return statuses.invalid_argument(
        f"Failed to process element: {element} of 'instances' list. "
        f"Error: {error.code.name}: {error}"
    )


def _check_item(
    alias: str, value: object, signature: Signature, first: dict[str, np.ndarray]
) -> None:
    """The first row's value is the one whose shape the others must have."""
    if alias not in signature.inputs:
        raise statuses.invalid_argument(f"JSON object: does not have named input: {alias}")
    array = json_values.dense(value, signature.inputs[alias].data_type)
    known = first.setdefault(alias, array)
    if known.size != array.size:
        raise statuses.invalid_argument(
            f"Expecting tensor size: {known.size} but got: {array.size}"
        )
    if known.shape != array.shape:
        expected, received = (",".join(map(str, a.shape)) for a in (known, array))
        raise statuses.invalid_argument(f"Expecting shape [{expected}] but got: [{received}]")
