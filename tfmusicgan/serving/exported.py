"""An exported model on disk: finding, loading and telling it from other SavedModels."""

import functools
import hashlib
import json
import os
import pathlib
from typing import Any

from tfmusicgan.errors import ConfigError, ExportError
from tfmusicgan.serving.tensors import split_texts


def find_export(path: str | os.PathLike) -> pathlib.Path:
    """Finds an exported model's version.

    Args:
      path: A version's folder, or a model's folder, whose highest version is taken.

    Returns:
      The version's folder.

    Raises:
      ExportError: If there is no SavedModel, or one that the suite did not export.
    """
    root = pathlib.Path(path)
    if not root.is_dir():
        raise ExportError(f"No folder {root}. Export a model first: tfmusicgan-export --help.")
    if not (root / "saved_model.pb").is_file():
        versions = [child for child in root.iterdir() if child.name.isdecimal()]
        complete = [child for child in versions if (child / "saved_model.pb").is_file()]
        if not complete:
            raise ExportError(
                f"Expected a SavedModel in {root} or in a version folder {root}/NUMBER. Found:"
                f" {', '.join(sorted(child.name for child in root.iterdir())) or 'nothing'}."
                " Export a model first: tfmusicgan-export --help."
            )
        root = max(complete, key=lambda child: int(child.name))
    if not (root / "assets.extra" / "tfmusicgan.json").is_file() or not root.name.isdecimal():
        raise ExportError(
            f"{root} is no model of this suite (no assets.extra/tfmusicgan.json in a folder named"
            " by a version number). Export one with tfmusicgan-export."
        )
    return root


@functools.lru_cache(maxsize=1)
def load_export(export: str) -> Any:
    """Loads a SavedModel, once in each process.

    Args:
      export: A version's folder.

    Returns:
      The loaded object with its `signatures`.

    Raises:
      ExportError: If it cannot be loaded.
    """
    import tensorflow as tf

    try:
        return tf.saved_model.load(export)
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise ExportError(
            f"The SavedModel in {export} cannot be loaded: {str(error).splitlines()[0]}"
        ) from None


def parse_control(name: str, text: str, spec: Any) -> Any:
    """Reads a control's value as its input's type wants it.

    Args:
      name: The control's name, for the message.
      text: The value.
      spec: The input's `tf.TensorSpec`.

    Returns:
      A bool, int, float, the text itself, or of an input of several texts a row their list.

    Raises:
      ConfigError: If the text is no value of that type.
    """
    dtype = spec.dtype
    try:
        if dtype.is_bool:
            return {"true": True, "false": False}[text.lower()]
        if dtype.is_floating or dtype.is_integer:
            return float(text) if dtype.is_floating else int(text)
    except (ValueError, KeyError):
        raise ConfigError(
            f"Control {name!r}: expected a value of type {dtype.name}. Received: {text!r}."
        ) from None
    return text if spec.shape.rank < 2 else split_texts(text)


def check_range(export: pathlib.Path, signature: str, name: str, value: Any) -> None:
    """Compares a control's value with the range that the export states, if it states one.

    Raises:
      ConfigError: If the value is outside; a server would take the nearer bound.
    """
    low, high = _stated_inputs(export, signature).get(name, {}).get("range", (None, None))
    if low is not None and not low <= value <= high:
        raise ConfigError(f"Control {name!r}: expected {low:g} to {high:g}. Received: {value}.")


def stated_defaults(export: pathlib.Path, signature: str) -> dict[str, Any]:
    """The values that the export states for the controls of a signature, by name."""
    inputs = _stated_inputs(export, signature)
    return {name: entry["default"] for name, entry in inputs.items() if "default" in entry}


def _stated_inputs(export: pathlib.Path, signature: str) -> dict[str, Any]:
    manifest = json.loads((export / "assets.extra" / "tfmusicgan.json").read_text())
    return manifest.get("signatures", {}).get(signature, {}).get("inputs", {})


def export_digest(export: pathlib.Path) -> str:
    """SHA-256 over the names and contents of a version's files, in hexadecimal."""
    digest = hashlib.sha256()
    for path in sorted(p for p in export.rglob("*") if p.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(export).as_posix()} {content}\n".encode())
    return digest.hexdigest()
