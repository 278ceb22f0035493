"""Arrays of several requests as those of one batch: the checks, how large it is, the padding."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfmusicgan.serving.server import statuses
from tfmusicgan.serving.tensors import STRING_BYTES


def checked_rows(arrays: Sequence[np.ndarray], max_batch_size: int) -> int:
    """The rows of a request's arrays [rows, ...], one per input.

    Raises:
      RequestError: If they are not equally many, or more than `max_batch_size`.
    """
    if not arrays:
        raise statuses.invalid_argument("Batching Run() must have at least one input tensor")
    if any(array.ndim == 0 for array in arrays):
        raise statuses.invalid_argument(
            "Batching Run() input tensors must have at least one dimension"
        )
    rows = len(arrays[0])
    if any(len(array) != rows for array in arrays):
        raise statuses.invalid_argument(
            "Batching Run() input tensors must have equal 0th-dimension size"
        )
    if rows > max_batch_size:
        raise statuses.invalid_argument(
            f"Task size {rows} is larger than maximum input batch size {max_batch_size}"
        )
    return rows


def check_outputs(outputs: Sequence[np.ndarray], rows: int) -> None:
    """Sees that every output has the batch's rows.

    Raises:
      RequestError: If one has not.
    """
    if any(np.ndim(output) == 0 for output in outputs):
        raise statuses.failed_precondition("Batched output tensor has 0 dimensions")
    if any(len(output) != rows for output in outputs):
        raise statuses.failed_precondition(
            "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension "
            "sizes of the input tensors"
        )


class Extent(NamedTuple):
    """How large one row of one input is, once padded.

    Attributes:
      shape: Its axes, without that of the rows.
      element_bytes: Of the largest value that may fill it.
    """

    shape: tuple[int, ...]
    element_bytes: int

    @classmethod
    def of(cls, array: np.ndarray) -> "Extent":
        """That of an array [rows, ...]; of strings, the first is what fills."""
        if array.dtype.kind != "O":
            return cls(array.shape[1:], array.itemsize)
        text = len(array.flat[0]) if array.size else 0
        return cls(array.shape[1:], STRING_BYTES + text)

    def joined(self, other: "Extent") -> "Extent":
        """The extent that holds both."""
        return Extent(
            tuple(map(max, self.shape, other.shape)),
            max(self.element_bytes, other.element_bytes),
        )


def batch_bytes(extents: Sequence[Extent], rows: int) -> int:
    """Bytes of a batch of so many rows, of all its inputs."""
    return rows * sum(math.prod(extent.shape) * extent.element_bytes for extent in extents)


def merged(
    requests: Sequence[Sequence[np.ndarray]], size: int, lengths_differ: bool
) -> list[np.ndarray]:
    """Joins the rows of requests.

    Args:
      requests: Of each, one array [rows, ...] per input.
      size: Rows of the batch: the missing ones repeat the first row of the last request.
      lengths_differ: Inner axes are padded too.

    Returns:
      One array [size, ...] per input.
    """
    batch = []
    for parts in zip(*requests, strict=True):
        parts = equally_long(parts) if lengths_differ else list(parts)
        missing = size - sum(map(len, parts))
        if missing:
            parts.append(np.repeat(parts[-1][:1], missing, axis=0))
        batch.append(parts[0] if len(parts) == 1 else np.concatenate(parts))
    return batch


def equally_long(parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Pads arrays [rows, ...] to their largest inner shape, each with its own first element.

    An array that has none is filled with zeros, or empty strings.
    """
    inner = tuple(np.max([part.shape[1:] for part in parts], axis=0, initial=0))
    padded = []
    for part in parts:
        if part.shape[1:] != inner:
            nothing = b"" if part.dtype.kind == "O" else 0
            value = part.flat[0] if part.size else nothing
            filled = np.full((len(part), *inner), value, part.dtype)
            filled[tuple(map(slice, part.shape))] = part
            part = filled
        padded.append(part)
    return padded
