"""Seeds and controls of a generation as the rows of a signature's inputs."""

from collections.abc import Iterable, Mapping

import numpy as np

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


def control_rows(
    inputs: TensorTypes, controls: Mapping[str, object], num_rows: int
) -> dict[str, np.ndarray]:
    """Controls as the signature wants them: its dtypes, one row per seed.

    Args:
      inputs: The signature's inputs, `"seed"` among them.
      controls: Name -> one value for all rows, or one per row.
      num_rows: Number of seeds.

    Returns:
      Name -> [rows, ...].

    Raises:
      ConfigError: If a control is unknown, missing, of another type or length.
    """
    names = [name for name in inputs if name != "seed"]
    for name in controls:
        if name not in names:
            raise unknown_name("control", name, names)
    missing = [name for name in names if name not in controls]
    if missing:
        raise ConfigError(
            f"Expected all controls of the signature: {', '.join(names)}. Missing: "
            f"{', '.join(missing)}."
        )
    rows = {}
    for name, value in controls.items():
        array = _typed(name, value, inputs[name][0])
        if array.ndim == 0:
            array = np.repeat(array[None], num_rows)
        if len(array) != num_rows:
            raise ConfigError(
                f"Expected one value, or {num_rows} as there are seeds, for control {name!r}. "
                f"Received: {len(array)}."
            )
        rows[name] = array
    return rows


def _typed(name: str, value: object, type_name: str) -> np.ndarray:
    """A control's value in the input's dtype; texts (from a command line) are read as that type."""
    dtype = tensors.named_dtype(type_name)
    array = tensors.as_array(value)
    try:
        if dtype == np.bool_ and array.dtype.kind == "O":
            words = {"true": True, "false": False}
            return np.array([words[str(v).lower()] for v in array.flat]).reshape(array.shape)
        return array.astype(dtype)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"Expected {type_name} for control {name!r}. Received: {value!r}."
        ) from error
