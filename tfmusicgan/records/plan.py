"""The plan of a conversion: which pieces, in which split, in which shard. Made before any work.

It is a function of the sources' names and contents and of the options alone, so the same input
gives the same shards whatever runs them, and an interrupted run knows what is missing.
"""

import collections
import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tfmusicgan.datasets.base import Dataset, Lister, Missing, lists_no_others
from tfmusicgan.datasets.splits import split_by_name
from tfmusicgan.errors import MusicGanError, PieceError
from tfmusicgan.note_sequences import sources
from tfmusicgan.note_sequences.sources import Source
from tfmusicgan.records import selection
from tfmusicgan.records.manifest import SPLITS
from tfmusicgan.records.options import ConvertOptions

DUPLICATE = "duplicate"
LARGEST_GROUP = 1000
"""Groups of more pieces train, whatever their name says. No song comes so often: such a group is
many songs that chance likenesses connect, too much of the music for one of the small splits."""

_FILES_AT_ONCE = 64


@dataclasses.dataclass(frozen=True)
class DroppedPiece:
    """One piece that was left out.

    Attributes:
      name: Its name.
      reason: What it is counted under.
      message: A sentence.
      same_as: Of a duplicate, the name of the piece that has its contents.
    """

    name: str
    reason: str
    message: str
    same_as: str = ""


@dataclasses.dataclass(frozen=True)
class ShardTask:
    """One shard: the unit of work of a conversion.

    Attributes:
      split: Its split.
      file: Its file name.
      sources: Its pieces, sorted by file and place in the file, each with its number in the plan's
        list of all sources.
      options: `ConvertOptions.to_json()`.
    """

    split: str
    file: str
    sources: tuple[tuple[int, Source], ...]
    options: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Plan:
    """All shards of a conversion.

    Attributes:
      tasks: Every shard, by split and number.
      num_listed: Pieces that were found, those left out included.
      dropped: Pieces left out before any was read: unreadable files, duplicates, what the options
        do not select, and what they name and is not there.
      options: `ConvertOptions.to_json()`.
    """

    tasks: tuple[ShardTask, ...]
    num_listed: int
    dropped: tuple[DroppedPiece, ...]
    options: Mapping[str, Any]

    @property
    def num_sources(self) -> int:
        """Pieces that will be read."""
        return sum(len(task.sources) for task in self.tasks)

    def sources_digest(self) -> str:
        """SHA-256 over the names and digests of the pieces that are read, sorted by name."""
        rows = sorted(f"{s.digests}  {s.name}\n" for task in self.tasks for _, s in task.sources)
        text = "".join(rows).encode("utf-8")
        return hashlib.sha256(text).hexdigest()

    def to_json(self, versions: Mapping[str, str]) -> str:
        """What a later run compares to see whether it goes on with the same work."""
        content = {
            "options": self.options,
            "versions": dict(versions),
            "dropped": [dataclasses.astuple(drop) for drop in self.dropped],
            "shards": {
                task.file: [
                    [source.name, source.path, source.digests] for _, source in task.sources
                ]
                for task in self.tasks
            },
        }
        return json.dumps(content, indent=1) + "\n"


def list_pieces(
    files: Sequence[pathlib.Path],
    root: pathlib.Path,
    progress: Callable[[int], None] = lambda done: None,
    list_sources: Lister = sources.list_sources,
    missing_files: Missing = lists_no_others,
) -> tuple[list[Source], list[DroppedPiece]]:
    """Lists the pieces in some files and reads their digests.

    Args:
      files: What the dataset found.
      root: The folder that names count from.
      progress: Called with the number of files done.
      list_sources: The dataset's; it gets some files at a time.
      missing_files: The dataset's; it gets all.

    Returns:
      The pieces sorted by file and place in the file, without those whose contents an earlier one
      has already; and what was left out, sorted by name.
    """
    found: list[Source] = []
    dropped = [_dropped(name, error) for name, error in missing_files(files, root)]
    for first in range(0, len(files), _FILES_AT_ONCE):
        listed, failed = list_sources(files[first : first + _FILES_AT_ONCE], root)
        found.extend(listed)
        dropped.extend(_dropped(name, error) for name, error in failed)
        progress(min(len(files), first + _FILES_AT_ONCE))
    kept, first_names = [], {}
    for source in sorted(found, key=lambda one: one.order):
        first_name = first_names.setdefault(source.digest, source.name)
        if first_name == source.name:
            kept.append(source)
        else:
            message = f"{source.name!r} has the same contents as {first_name!r}."
            dropped.append(DroppedPiece(source.name, DUPLICATE, message, first_name))
    return kept, sorted(dropped, key=lambda drop: drop.name)


def make_plan(
    dataset: Dataset,
    pieces: Sequence[Source],
    dropped: Sequence[DroppedPiece],
    options: ConvertOptions,
    root: pathlib.Path = pathlib.Path(),
) -> Plan:
    """Selects pieces, splits them and deals them to shards.

    Args:
      dataset: Gives the official split, and the groups that must stay together.
      pieces: Sorted, as `list_pieces` gives them.
      dropped: What was left out so far.
      options: What to select, split fractions and number of shards.
      root: The folder that names count from.

    Raises:
      MusicGanError: If there is no piece at all, or none that was selected.
    """
    if not pieces:
        detail = f" The first of {len(dropped)}: {dropped[0].message}" if dropped else ""
        raise MusicGanError(f"Expected music in the input. Received: nothing readable.{detail}")
    num_listed = len(pieces) + len(dropped)
    # Duplicates still tell which songs are the same.
    copies = {drop.name: drop.same_as for drop in dropped if drop.reason == DUPLICATE}
    names = [*(source.name for source in pieces), *copies]
    group_of = selection.groups(dataset, names, root, copies)
    group_sizes = collections.Counter(group_of.values())
    unread = [drop.name for drop in dropped if drop.reason != DUPLICATE]
    selected = selection.leave_out(dataset, names, root, options.best_match, options.only, unread)
    left_out, without_piece = dict(selected[0]), selected[1]
    # Contents stay if one of their names does: Lakh has a file with every recording it matches.
    for copy, first in copies.items():
        if copy not in left_out:
            left_out.pop(first, None)
    dropped = [*dropped, *_left_out(pieces, left_out, without_piece)]
    pieces = [source for source in pieces if source.name not in left_out]
    if not pieces:
        raise MusicGanError(
            f"Expected pieces that are selected. Received: none of {num_listed}. The last: "
            f"{dropped[-1].message}"
        )
    by_split: dict[str, list[tuple[int, Source]]] = {split: [] for split in SPLITS}
    for index, source in enumerate(pieces):
        split = dataset.split_of(source.name)
        if split is None:
            group = group_of[source.name]
            is_large = group_sizes[group] > LARGEST_GROUP
            split = "train" if is_large else split_by_name(group, options.split)
        by_split[split].append((index, source))
    num_training = len(by_split["train"])
    described = options.to_json()
    tasks = []
    for split, members in by_split.items():
        num_shards = options.shards_for(len(members), num_training)
        for shard in range(num_shards):
            file = f"{split}-{shard:05d}-of-{num_shards:05d}.tfrecord.gz"
            # Dealt like cards, so that neighbours (one album, one composer) come to several shards.
            tasks.append(ShardTask(split, file, tuple(members[shard::num_shards]), described))
    return Plan(tuple(tasks), num_listed, tuple(dropped), described)


def _left_out(
    pieces: Sequence[Source], reasons: Mapping[str, str], without_piece: Sequence[str]
) -> list[DroppedPiece]:
    """What the selection leaves out: lines of a list that are no piece's, then pieces."""
    found = dict.fromkeys(without_piece, selection.NO_SUCH_PIECE)
    found |= {piece.name: reasons[piece.name] for piece in pieces if piece.name in reasons}
    return [DroppedPiece(name, why, selection.message(name, why)) for name, why in found.items()]


def _dropped(name: str | os.PathLike, error: PieceError) -> DroppedPiece:
    return DroppedPiece(str(name), error.reason, str(error))
