"""Seeds, controls and music of a generation as the rows of a signature's inputs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from google.protobuf.message import Message

from tfmusicgan.errors import ConfigError, unknown_name
from tfmusicgan.serving import tensors

# Alias -> (dtype as in "int64", "float", "string"; shape, -1 for any size).
TensorTypes = dict[str, tuple[str, tuple[int, ...]]]


def seed_rows(seeds: Iterable[int]) -> np.ndarray:
    """Seeds as int64 [rows].

    Raises:
      ConfigError: If one is no whole number, or does not fit.
    """
    values = np.asarray(list(seeds))
    if values.size and (values.dtype.kind not in "iu" or values.max() >= 2**63):
        raise ConfigError(
            f"Expected seeds that are whole numbers below 2**63. Received: {values[:5].tolist()}."
        )
    return values.astype(np.int64)


def music_rows(music: Message | bytes | Sequence[Message | bytes], num_rows: int) -> np.ndarray:
    """Given music as an object array [rows] of serialised NoteSequences.

    Args:
      music: One NoteSequence, or its bytes, for all rows; or a sequence of one per row.
      num_rows: Number of seeds.

    Raises:
      ConfigError: If something else is among them, or they are not as many as the seeds.
    """
    is_one = isinstance(music, Message | bytes | str)
    pieces = [music] if is_one else list(music)
    for piece in pieces:
        if not isinstance(piece, Message | bytes):
            raise ConfigError(
                f"Expected NoteSequences, or their bytes. Received: {type(piece).__name__}."
            )
    if not is_one and len(pieces) != num_rows:
        raise ConfigError(
            f"Expected one NoteSequence, or {num_rows} as there are seeds. Received: {len(pieces)}."
        )
    rows = np.empty(num_rows, object)
    texts = [piece if isinstance(piece, bytes) else piece.SerializeToString() for piece in pieces]
    rows[:] = texts * num_rows if is_one else texts
    return rows


def control_rows(
    inputs: TensorTypes,
    controls: Mapping[str, object],
    num_rows: int,
    defaults: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> dict[str, np.ndarray]:
    """Controls as the signature wants them: its dtypes, one row per seed.

    Args:
      inputs: The signature's inputs, `"seed"` among them.
      controls: Name -> one value for all rows, or one per row.
      num_rows: Number of seeds.
      defaults: Name -> the value [1, ...] of a control that is not given.

    Returns:
      Name -> [rows, ...].

    Raises:
      ConfigError: If a control is unknown, missing, of another type or length.
    """
    names = [name for name in inputs if name != "seed"]
    for name in controls:
        if name not in names:
            raise unknown_name("control", name, names)
    missing = [name for name in names if name not in controls and name not in defaults]
    if missing:
        raise ConfigError(
            f"Expected all inputs of the signature that have no default: {', '.join(names)}. "
            f"Missing: {', '.join(missing)}."
        )
    rows = {
        name: np.repeat(value[:1], num_rows, axis=0)
        for name, value in defaults.items()
        if name not in controls
    }
    for name, value in controls.items():
        type_name, shape = inputs[name]
        if isinstance(value, str) and len(shape) == 2:  # from a command line: several
            value = tensors.split_texts(value)
        array = _typed(name, value, type_name)
        if array.ndim == len(shape) - 1:
            array = np.repeat(array[None], num_rows, axis=0)
        fits = array.ndim == len(shape) and all(
            size in (-1, found) for size, found in zip(shape[1:], array.shape[1:], strict=True)
        )
        if not fits:
            raise ConfigError(
                f"Expected values of shape {list(shape[1:])} for control {name!r}, one or a row of "
                f"them. Received: an array of shape {list(array.shape)}."
            )
        if len(array) != num_rows:
            raise ConfigError(
                f"Expected one value, or {num_rows} as there are seeds, for control {name!r}. "
                f"Received: {len(array)}."
            )
        rows[name] = array
    return rows


def count_rows(inputs: TensorTypes, controls: Mapping[str, object]) -> int:
    """How many rows controls have, of a signature that takes no seeds.

    Args:
      inputs: The signature's inputs.
      controls: Name -> one value for all rows, or one per row.

    Raises:
      ConfigError: If the signature takes seeds, or no control has rows.
    """
    if "seed" in inputs:
        raise ConfigError("Expected seeds, which the signature takes. Received: none.")
    for name, value in controls.items():
        array = tensors.as_array(value)
        if name in inputs and array.ndim == len(inputs[name][1]):
            return len(array)
    raise ConfigError(
        f"Expected a row of values for one of the controls: {', '.join(inputs)}. Received: "
        f"{', '.join(controls) or 'nothing'}."
    )


def split_rows(rows: Mapping[str, np.ndarray], max_rows: int, max_bytes: int) -> Iterator[slice]:
    """Splits a job into requests, each of one row at least.

    Args:
      rows: Name -> [rows, ...].
      max_rows: Most rows of a request.
      max_bytes: Most bytes of the inputs of a request of several rows.

    Yields:
      The rows of each request, in their order.
    """
    num_rows = len(next(iter(rows.values())))
    sizes = sum((_row_bytes(array) for array in rows.values()), np.zeros(num_rows, np.int64))
    start = total = 0
    for row, size in enumerate(sizes.tolist()):
        if row > start and (row - start == max_rows or total + size > max_bytes):
            yield slice(start, row)
            start, total = row, 0
        total += size
    if num_rows:
        yield slice(start, num_rows)


def _row_bytes(array: np.ndarray) -> np.ndarray:
    """Bytes of each row's values: int64 [rows]."""
    if array.dtype == object:
        return np.array([sum(len(v) for v in np.ravel(row)) for row in array], np.int64)
    return np.full(len(array), array[:1].nbytes, np.int64)


def _typed(name: str, value: object, type_name: str) -> np.ndarray:
    """A control's value in the input's dtype; texts (from a command line) are read as that type."""
    dtype = tensors.named_dtype(type_name)
    try:
        array = tensors.as_array(value)
    except ValueError as error:
        raise ConfigError(
            f"Expected as many values in every row for control {name!r}. Received: {value!r}."
        ) from error
    try:
        if dtype == np.bool_ and array.dtype.kind == "O":
            words = {"true": True, "false": False}
            return np.array([words[str(v).lower()] for v in array.flat]).reshape(array.shape)
        if dtype.kind != "O" and array.dtype.kind == "O":
            read = {"i": int, "u": int, "c": complex}.get(dtype.kind, float)
            array = np.array([read(text) for text in array.flat]).reshape(array.shape)
        if array.dtype.kind == "c" and dtype.kind != "c":
            raise ValueError
        with np.errstate(invalid="ignore", over="ignore"):
            typed = array.astype(dtype)
        # A cast would round 1.5 to 1, make 0.5 True, and wrap what is too large.
        if dtype.kind in "iub" and array.dtype.kind in "iuf" and (typed != array).any():
            raise ValueError
        # Or make it infinite.
        if dtype.kind not in "iubO" and not np.array_equal(np.isfinite(array), np.isfinite(typed)):
            raise ValueError
        return typed
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise ConfigError(
            f"Expected {type_name} for control {name!r}. Received: {value!r}."
        ) from error
