"""One shard of samples, made by one worker."""

import functools
import json
import pathlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tfmusicgan.bulk_sampling.plan import MUSIC, Plan, row_seeds
from tfmusicgan.bulk_sampling.sounds import sampled_sounds
from tfmusicgan.errors import ExportError
from tfmusicgan.files import write_whole
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.sources import Source, read_source
from tfmusicgan.serving.exported import load_export
from tfmusicgan.serving.graph_errors import graph_error_text

_KEPT = ("pitch",)  # of a sampled sound, beside itself


def sample_shard(plan: Plan, shard: int, export: str, partial: pathlib.Path) -> None:
    """Writes one shard, its counts and the samples' own files; the shard itself last, by rename.

    Args:
      plan: What to sample.
      shard: Number of the shard.
      export: The model's version folder.
      partial: The folder to write to.

    Raises:
      ExportError: If the model gives something else than one sample for each seed.
      ReadError: If a given piece can no longer be read.
      OSError: If a file cannot be written.
    """
    from tfmusicgan.note_sequences.tfrecord import RecordWriter

    rows = plan.rows(shard)
    path = partial / plan.shard_name(shard)
    done_path = partial / f".{path.name}.count"
    counts, done = Counter(), 0
    with RecordWriter(path) as writer:
        for first in range(rows.start, rows.stop, plan.batch_size):
            batch = range(first, min(first + plan.batch_size, rows.stop))
            for row, sample in zip(batch, sample_rows(plan, export, batch), strict=True):
                writer.write(sample if plan.output == MUSIC else sample.record)
                counts.update(_counted(plan, sample))
                if plan.extra_files:
                    _write_file(sample, partial / plan.file_name(row))
            done += len(batch)
            done_path.write_text(str(done))
        write_whole(path.with_name(f"{path.name}.json"), json.dumps(counts))
    done_path.unlink(missing_ok=True)


def sample_rows(plan: Plan, export: str, rows: Sequence[int]) -> list:
    """Samples at most one batch.

    Args:
      plan: What to sample.
      export: The model's version folder.
      rows: Numbers of the samples.

    Returns:
      NoteSequences or `SampledSound`s, one for each row. The model always sees `plan.batch_size`
      rows (one batch size gives one result to the bit): missing ones repeat the last seed and are
      dropped.

    Raises:
      ExportError: If the model fails, or gives something else than one sample for each seed.
      ReadError: If a given piece can no longer be read.
    """
    seeds = row_seeds(plan.seed, rows)
    outputs = _answer(plan, export, rows, seeds)
    messages = outputs[plan.output]
    if messages.shape != (plan.batch_size,):
        raise ExportError(
            f"Expected {plan.batch_size} {plan.answers} from {export}. Received: an array of shape"
            f" {messages.shape}."
        )
    if plan.output != MUSIC:
        return sampled_sounds(seeds, outputs, export)
    return [_parsed(message, export) for message in messages[: len(rows)]]


def _answer(
    plan: Plan, export: str, rows: Sequence[int], seeds: np.ndarray
) -> dict[str, np.ndarray]:
    """What of the signature's outputs is kept, for a full batch."""
    import tensorflow as tf

    function = load_export(export).signatures[plan.signature]
    specs = function.structured_input_signature[1]
    missing = plan.batch_size - len(rows)
    controls = {
        name: tf.constant([value] * plan.batch_size, specs[name].dtype)
        for name, value in plan.controls.items()
    }
    if plan.accompany:
        pieces = [_piece(plan.given(row)) for row in rows]
        controls["note_sequence"] = tf.constant(pieces + pieces[-1:] * missing)
    try:
        outputs = function(seed=tf.constant(np.pad(seeds, (0, missing), mode="edge")), **controls)
        return {name: outputs[name].numpy() for name in (*_KEPT, plan.output) if name in outputs}
    except tf.errors.OpError as error:
        raise ExportError(f"{export} could not be run: {graph_error_text(error.message)}") from None


def _parsed(message: bytes, export: str) -> NoteSequence:
    from google.protobuf.message import DecodeError

    try:
        return NoteSequence.FromString(message)
    except DecodeError:
        raise ExportError(f"{export} gave bytes that are no NoteSequence.") from None


def _counted(plan: Plan, sample) -> dict[str, int]:
    """What the manifest counts of a sample."""
    if plan.output == MUSIC:
        return {"notes": len(sample.notes), "without_notes": not sample.notes}
    return {"silent": sample.is_silent}


def _write_file(sample, path: pathlib.Path) -> None:
    """Writes a sample's own file, MIDI or WAV, whole."""
    from tfmusicgan.note_sequences.midi import write_midi

    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(sample, NoteSequence):
        write_midi(sample, path)
    else:
        sample.write_wav(path)


@functools.lru_cache(maxsize=64)
def _piece(source: Source) -> bytes:
    """A given piece's message; samples of one piece follow each other."""
    return read_source(source).SerializeToString(deterministic=True)
