"""What the reader checks before it reads: fields, files, groups of files."""

import pathlib
from collections.abc import Sequence

from tfmusicgan.errors import RecordsError
from tfmusicgan.records.manifest import Manifest, Shard
from tfmusicgan.representations.base import Representation


def check_fields(
    directory: pathlib.Path, manifest: Manifest, representation: Representation
) -> None:
    """Compares the fields' shapes with the representation's.

    Raises:
      RecordsError: If they differ.
    """
    expected = {name: list(field.shape) for name, field in representation.spec.items()}
    came = {name: field.get("shape") for name, field in manifest.fields.items()}
    if came != expected:
        raise RecordsError(
            f"The manifest of {directory} contradicts itself: its representation has fields of "
            f"shapes {expected}, its records {came}. Convert the data again."
        )


def check_size(path: pathlib.Path, shard: Shard) -> None:
    """Checks that a shard is there and has the manifest's size.

    Raises:
      RecordsError: If not.
    """
    if not path.is_file():
        raise RecordsError(f"Shard {path} is missing. Convert the data again.")
    size = path.stat().st_size
    if size != shard.num_bytes:
        raise RecordsError(
            f"Shard {path}: expected {shard.num_bytes} bytes. Received: {size}. It is truncated or "
            "of another conversion; convert the data again."
        )


def difference(expected: dict, came: dict) -> str:
    """The first thing in which two representation descriptions differ, in words."""
    for key in ("name", "version"):
        if expected[key] != came[key]:
            return f"representation {key} {expected[key]!r}. Received: {came[key]!r}"
    parameters, others = expected["parameters"], came["parameters"]
    for key in sorted({*parameters, *others}):
        if parameters.get(key) != others.get(key):
            return f"{key}={parameters.get(key)!r}. Received: {others.get(key)!r}"
    return "other parameters"


def check_groups(
    directory: pathlib.Path,
    shards: Sequence[Shard],
    batch_size: int,
    num_groups: int,
    repeat: bool,
) -> None:
    """Checks that shards can be dealt to groups, and rows of a batch to them.

    Raises:
      RecordsError: If there are fewer shards with examples than groups, or the rows do not divide.
    """
    held = sum(shard.num_examples > 0 for shard in shards)
    if num_groups > held:
        raise RecordsError(
            f"Expected at least {num_groups} shards with examples, one for each group of files. "
            f"Received: {held} at {directory}. Convert the data again with "
            f"--shards={num_groups} or more, or train with fewer workers."
        )
    if num_groups < 1 or batch_size % num_groups:
        raise RecordsError(
            f"Expected a number of file groups that divides batch_size {batch_size}. Received: "
            f"{num_groups}. Change one of them."
        )
    if num_groups > 1 and not repeat:
        raise RecordsError(f"Expected repeat with {num_groups} file groups. Received: none.")
