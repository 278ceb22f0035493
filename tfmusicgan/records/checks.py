"""What the reader checks before it reads: fields, files, groups of files."""

import hashlib
import pathlib
from collections.abc import Sequence

from tfmusicgan.errors import RecordsError
from tfmusicgan.records import ordering
from tfmusicgan.records.manifest import Manifest, Shard
from tfmusicgan.records.shard_file import file_digest
from tfmusicgan.representations.base import Representation

_MANY = 20


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


def check_digest(path: pathlib.Path, shard: Shard) -> None:
    """Checks that a shard is there, with the manifest's size and digest.

    Raises:
      RecordsError: If not.
    """
    check_size(path, shard)
    if file_digest(path) != shard.sha256:
        raise RecordsError(
            f"Shard {path} is damaged: its SHA-256 is not the manifest's. Convert the data again."
        )


def difference(expected: dict, came: dict) -> str:
    """The first thing in which two representation descriptions differ, in words."""
    for key in ("name", "version"):
        if expected[key] != came[key]:
            return f"representation {key} {expected[key]!r}. Received: {came[key]!r}"
    parameters, others = expected["parameters"], came["parameters"]
    for key in sorted({*parameters, *others}):
        if parameters.get(key) != others.get(key):
            return f"{key}={_short(parameters.get(key))}. Received: {_short(others.get(key))}"
    return "other parameters"


def _short(value: object) -> str:
    """A value in a message; a list of many things, such as a vocabulary, by number and digest."""
    if not isinstance(value, list) or len(value) <= _MANY:
        return repr(value)
    digest = hashlib.sha256(repr(value).encode()).hexdigest()
    return f"{len(value)} of them (SHA-256 {digest[:8]}...)"


def check_sizes(batch_size: int, examples_per_row: int, start_step: int) -> None:
    """Checks how much is read, and from where.

    Raises:
      RecordsError: If a number is out of its range.
    """
    if batch_size < 1 or examples_per_row < 1 or start_step < 0:
        raise RecordsError(
            "Expected batch_size and examples_per_row of at least 1 and start_step of at least "
            f"0. Received: {batch_size}, {examples_per_row} and {start_step}."
        )


def check_groups(
    directory: pathlib.Path,
    shards: Sequence[Shard],
    batch_size: int,
    num_groups: int,
) -> None:
    """Checks that shards can be dealt to groups evenly, and rows of a batch to them.

    Raises:
      RecordsError: If there are fewer shards with examples than groups, if one group would have
        more than twice another's examples, or if the rows do not divide.
    """
    counts = tuple(shard.num_examples for shard in shards if shard.num_examples)
    if num_groups > len(counts):
        raise RecordsError(
            f"Expected at least {num_groups} shards with examples, one for each group of files. "
            f"Received: {len(counts)} at {directory}. Convert the data again with "
            f"--shards={num_groups} or more, or train with fewer workers or groups."
        )
    if num_groups >= 1:
        dealt = ordering.deal(counts, num_groups)
        sizes = sorted(sum(counts[index] for index in group) for group in dealt)
        if sizes[-1] > 2 * sizes[0]:
            raise RecordsError(
                f"Expected shards that make {num_groups} groups of about as many examples, since "
                f"each gives as many rows to a batch. Received: {sizes[0]} to {sizes[-1]} examples "
                f"at {directory}. Convert the data again with --shards={8 * num_groups}."
            )
    if num_groups < 1 or batch_size % num_groups:
        raise RecordsError(
            f"Expected a number of file groups that divides batch_size {batch_size}. Received: "
            f"{num_groups}. Change one of them."
        )


def check_choice(groups: range, num_groups: int, repeat: bool) -> None:
    """Checks which of the groups are to be read.

    Raises:
      RecordsError: If there are none or unknown ones, or a single epoch of several.
    """
    if not groups or not {*groups} <= {*range(num_groups)}:
        raise RecordsError(
            f"Expected some of the file groups 0 to {num_groups - 1}. Received: {list(groups)}."
        )
    if num_groups > 1 and not repeat:
        raise RecordsError(
            f"Expected repeat=True with {num_groups} file groups, which end at different steps. "
            "Received: False. Read one epoch with num_groups=1."
        )
