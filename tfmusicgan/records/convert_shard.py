"""One shard of a conversion: read, filter, encode, write. What a worker process runs.

Neither TensorFlow nor note_seq's package is imported, but by the reader of a dataset that needs it
(audio_notes): a worker stays small and starts fast.
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, Self

from tfmusicgan.datasets.base import CountedPiece, CountingReader, Reader
from tfmusicgan.errors import PieceError, RecordsError
from tfmusicgan.files import replacing, room_advice, why_not_written
from tfmusicgan.note_sequences import sources, transforms
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.recorded_note import RecordedNote, notes_of
from tfmusicgan.note_sequences.sources import Source
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.plan import DroppedPiece, ShardTask
from tfmusicgan.records.schema import Origin, example_to_bytes
from tfmusicgan.records.shard_file import ShardWriter, file_digest
from tfmusicgan.representations.base import Example, Representation


@dataclasses.dataclass
class ShardStats:
    """The counts that a worker leaves beside its shard.

    Attributes:
      file: The shard's file name.
      num_pieces: Pieces with at least one phrase (a transposed copy counts as a piece).
      num_notes: Notes of those pieces.
      num_examples: Records written.
      num_bytes: Size of the file; 0 in a dry run.
      num_unpacked_bytes: Size of the records before compression.
      sha256: Digest of the file; empty in a dry run.
      dropped: Pieces left out.
      dropped_phrases: Reason -> phrases left out of kept pieces.
      lost: What -> how many of the kept pieces' no phrase could hold, or their reader not give.
    """

    file: str
    num_pieces: int = 0
    num_notes: int = 0
    num_examples: int = 0
    num_bytes: int = 0
    num_unpacked_bytes: int = 0
    sha256: str = ""
    dropped: list[DroppedPiece] = dataclasses.field(default_factory=list)
    dropped_phrases: dict[str, int] = dataclasses.field(default_factory=dict)
    lost: dict[str, int] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        """The text of the stats file."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`."""
        fields: dict[str, Any] = json.loads(text)
        fields["dropped"] = [DroppedPiece(**drop) for drop in fields["dropped"]]
        return cls(**fields)


def stats_path(folder: pathlib.Path, file: str) -> pathlib.Path:
    """Where the stats of a shard lie."""
    return folder / f"{file}.stats.json"


def convert_shard(
    task: ShardTask,
    folder: str,
    dry_run: bool = False,
    read: Reader | CountingReader = sources.read_source,
) -> str:
    """Converts the pieces of one shard.

    The stats file appears last: where it is, the shard is finished.

    Args:
      task: What to convert.
      folder: The work folder.
      dry_run: Whether to count only; then no shard is written.
      read: The dataset's `read_counted`, or `read_source` where it has none.

    Returns:
      The shard's file name.

    Raises:
      RecordsError: If the shard cannot be written.
    """
    directory = pathlib.Path(folder)
    stats = ShardStats(task.file)
    options = ConvertOptions.from_json(task.options)
    path = directory / task.file
    try:
        if dry_run:
            for _ in _records(task, options, stats, read):
                stats.num_examples += 1
        else:
            with ShardWriter(path) as writer:
                for record in _records(task, options, stats, read):
                    writer.write(record)
            stats.num_examples = writer.num_examples
            stats.num_unpacked_bytes = writer.num_unpacked_bytes
            stats.num_bytes = path.stat().st_size
            stats.sha256 = file_digest(path)
        with replacing(stats_path(directory, task.file)) as partial, open(partial, "w") as file:
            file.write(stats.to_json())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        again = "Make room or choose another --output, and run the same command again to go on."
        raise RecordsError(
            f"Shard {path} could not be written: {why_not_written(error)}."
            f"{room_advice(error, again)}"
        ) from error
    return task.file


def _records(
    task: ShardTask, options: ConvertOptions, stats: ShardStats, read: Reader | CountingReader
) -> Iterator[bytes]:
    """Serialised examples of a shard, in order; counts into `stats` on the way."""
    for index, source in task.sources:
        is_training = task.split == "train"
        for name, examples in encode_piece(source, options, is_training, stats, read):
            for phrase, example in enumerate(examples):
                origin = Origin(name, index, phrase)
                yield example_to_bytes(example, options.representation.spec, origin)


def encode_piece(
    source: Source,
    options: ConvertOptions,
    is_training: bool,
    stats: ShardStats,
    read: Reader | CountingReader = sources.read_source,
) -> Iterator[tuple[str, list[Example]]]:
    """Yields (name, examples) of a piece and of its transposed copies.

    Args:
      source: The piece.
      options: How to encode it.
      is_training: Whether it may be augmented.
      stats: What was kept and dropped is counted here.
      read: Gives the NoteSequence of a source, or its note with the audio, and maybe what is lost.
    """
    try:
        found = read(source)
        music, lost = found if isinstance(found, CountedPiece) else (found, {})
        sequence = notes_of(music)
        options.filters.check(sequence, source.name)
        copies = options.filters.shifts(sequence, source.name, is_training)
    except PieceError as error:
        stats.dropped.append(DroppedPiece(source.name, error.reason, str(error)))
        return
    # Copies of a recording: `ConvertOptions` refuses to transpose them.
    takes = music if getattr(options.representation, "reads_audio", False) else sequence
    for name, semitones in copies:
        examples = _encode(name, takes, semitones, options, stats)
        if examples:
            _add(stats.lost, lost)
            yield name, examples


def _encode(
    name: str,
    music: NoteSequence | RecordedNote,
    semitones: int,
    options: ConvertOptions,
    stats: ShardStats,
) -> list[Example]:
    try:
        if semitones:
            music = transforms.transpose(music, semitones)
        examples = _encode_counted(music, options.representation, stats)
    except PieceError as error:
        stats.dropped.append(DroppedPiece(name, error.reason, str(error)))
        return []
    kept = _spread(examples, options.max_phrases)
    _add(stats.dropped_phrases, {"max_phrases": len(examples) - len(kept)})
    stats.num_pieces += 1
    stats.num_notes += len(notes_of(music).notes)
    return kept


def _encode_counted(
    music: NoteSequence | RecordedNote, representation: Representation, stats: ShardStats
) -> list[Example]:
    """Encodes a piece; counts what is not in its phrases, where a representation says how much."""
    if not hasattr(representation, "encode_counted"):
        return representation.encode(music)
    encoded = representation.encode_counted(music)
    _add(stats.dropped_phrases, encoded.left_out)
    _add(stats.lost, encoded.lost)
    return encoded.examples


def _add(totals: dict[str, int], counts: Mapping[str, int]) -> None:
    """Adds counts to totals; those of 0 leave no trace."""
    for name, count in counts.items():
        if count:
            totals[name] = totals.get(name, 0) + count


def _spread(examples: list[Example], limit: int) -> list[Example]:
    """At most `limit` examples, evenly spread; all if `limit` is 0."""
    if not limit or len(examples) <= limit:
        return examples
    return [examples[index * len(examples) // limit] for index in range(limit)]
