"""The graph half of `note_events.py`: events to NoteSequences and back, core ops only."""

import numpy as np
import tensorflow as tf

from tfmusicgan.representations import note_events_numbers as numbers
from tfmusicgan.representations.masks_graph import where_true
from tfmusicgan.representations.note_events import MAX_QUARTERS, NoteEvents
from tfmusicgan.representations.note_events_numbers import MAX_TICKS, TICKS_PER_QUARTER
from tfmusicgan.representations.note_events_numbers_graph import from_features, to_features
from tfmusicgan.representations.note_sequences_graph import (
    FlatNotes,
    flat_notes,
    note_sequence_qpm,
    readable_note_sequences,
)
from tfmusicgan.representations.piano_roll_grid import ROUNDING_STEPS
from tfmusicgan.representations.score_messages_graph import checked_qpm, encode_sequences

__all__ = [
    "from_note_sequences",
    "note_sequence_qpm",
    "readable_note_sequences",
    "to_note_sequences",
]

_ROUNDING = 0.5 + ROUNDING_STEPS


def to_note_sequences(
    features: tf.Tensor,
    representation: NoteEvents,
    qpm: tf.Tensor,
    lengths: tf.Tensor | None = None,
) -> tf.Tensor:
    """Serialises the NoteSequences of a batch of pieces.

    The messages equal those of `NoteEvents.decode` with the same (float32) tempo, of each row's own
    steps.

    Args:
      features: float32 [batch, steps, features], any number of steps from one.
      representation: Says what the features are.
      qpm: float32 [batch], quarter notes per minute, within 4-1,000.
      lengths: int32 [batch], how many steps of each row count; by default all.

    Returns:
      tf.string [batch].

    Raises:
      InvalidArgumentError: When run with a tempo out of range.
    """
    qpm = checked_qpm(qpm)
    steps = tf.shape(features)[1]
    if lengths is None:
        lengths = tf.fill([tf.shape(features)[0]], steps)
    counted = tf.sequence_mask(lengths, steps)
    time, length, pitch, velocity = from_features(features, representation)
    counted = counted[..., tf.newaxis]
    onset = _onsets(tf.where(counted, time, 0))
    sounds = (length > 0) & (velocity > 0) & counted
    place = tf.where(sounds)
    row = place[:, 0]
    values = (tf.gather_nd(each, place) for each in (onset, length, pitch, velocity))
    start, length, pitch, velocity = values
    row, start, end, pitch, velocity = _heard(row, start, start + length, pitch, velocity)
    batch = tf.shape(features)[0]
    last = tf.math.unsorted_segment_max(end, row, batch)  # the lowest number where there is none
    total = tf.maximum(tf.reduce_max(onset, axis=[1, 2]), last)
    rate = tf.gather(qpm, row)

    def seconds(ticks: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        # The operations of NoteEvents.decode, in its order.
        return tf.cast(ticks, tf.float64) * numbers.SECONDS_PER_TICK / rate

    notes = {
        "pitch": pitch,
        "velocity": velocity,
        "start_time": seconds(start, rate),
        "end_time": seconds(end, rate),
    }
    return encode_sequences(numbers.event_header(), qpm, seconds(total, qpm), row, notes)


def _onsets(time: tf.Tensor) -> tf.Tensor:
    """Ticks from the beginning, from those since the tone before: int32 [batch, steps, tones].

    What the clock says below 0 is 0.
    """
    passed = tf.cumsum(time, axis=2)
    steps = tf.cumsum(passed[..., -1:], axis=1, exclusive=True)
    return tf.maximum(steps + passed, 0)


def from_note_sequences(
    note_sequences: tf.Tensor, representation: NoteEvents, max_steps: int | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads the last steps of pieces, which a model is to go on with.

    They equal the last ones of `NoteEvents.find_events`, as features, for sequences that it takes;
    the first of them has the time 0, as that of a piece. What it refuses is left out here: notes
    with a time that is not finite, and those that begin beyond the most quarters of a piece.

    Args:
      note_sequences: tf.string [batch], serialised NoteSequences. Bytes that do not parse fail the
        whole batch, unless `readable_note_sequences` has replaced them.
      representation: Says what the features are.
      max_steps: How many steps of each at most, from 1; by default those of a window.

    Returns:
      features: float32 [batch, max_steps, features], from the left; zeros behind them.
      lengths: int32 [batch], how many steps they are; 0 where nothing sounds.

    Raises:
      ValueError: If `max_steps` is below 1.
    """
    max_steps = representation.length if max_steps is None else max_steps
    if max_steps < 1:
        raise ValueError(f"max_steps: expected at least 1. Received: {max_steps}.")
    notes = flat_notes(note_sequences)
    row, start, length, pitch, velocity = _in_order(notes)
    step, tone = _places(row, start, representation.tones)
    begins = tf.where(tone == 0)[:, 0]  # the first tones of all steps
    step_row, onset = tf.gather(row, begins), tf.gather(start, begins)
    counts = tf.math.bincount(step_row, minlength=notes.batch, maxlength=notes.batch)
    kept = tf.minimum(counts, max_steps)
    # Where the last of each row's steps go.
    left_out = tf.cumsum(counts) - kept
    column = tf.range(tf.size(begins)) - tf.gather(left_out, step_row)
    onset_before = tf.concat([onset[:1], onset[:-1]], axis=0)
    time = tf.where(column > 0, tf.minimum(onset - onset_before, MAX_TICKS), 0)
    steps, time = where_true(column >= 0, tf.stack([step_row, column], axis=1), time)
    time = tf.scatter_nd(steps, time, tf.stack([notes.batch, max_steps]))
    column = tf.gather(column, step)
    tones = tf.stack([row, column, tone], axis=1)
    tones, *values = where_true(column >= 0, tones, length, pitch, velocity)
    shape = tf.stack([notes.batch, max_steps, representation.tones])
    length, pitch, velocity = (tf.scatter_nd(tones, kept, shape) for kept in values)
    # Of tones of one onset all but the first come after no time.
    time = tf.pad(time[..., tf.newaxis], [[0, 0], [0, 0], [0, representation.num_times - 1]])
    features = to_features(time, length, pitch, velocity, representation)
    counted = tf.sequence_mask(kept, max_steps)[..., tf.newaxis]
    features = tf.where(counted, features, 0.0)
    return tf.ensure_shape(features, [None, max_steps, representation.num_features]), kept


def _in_order(
    notes: FlatNotes,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Row, onset, length (ticks), pitch, velocity of the notes that count, as in `find_events`."""
    most = float(MAX_QUARTERS)
    taken = ~notes.is_drum & (notes.velocity > 0) & (notes.pitch >= 0) & (notes.pitch <= 127)
    taken &= tf.abs(notes.start_quarters) <= most
    values = (notes.row, notes.start_quarters, notes.end_quarters, notes.pitch, notes.velocity)
    row, start, end, pitch, velocity = where_true(taken, *values)
    # The operations of NoteEvents._ticks, in its order.
    start, end = (
        tf.cast(
            tf.floor(tf.clip_by_value(x, -most, 2 * most) * TICKS_PER_QUARTER + _ROUNDING), tf.int32
        )
        for x in (start, end)
    )
    length = tf.clip_by_value(end - start, 1, MAX_TICKS)
    velocity = tf.minimum(velocity, 127)
    # By row, onset, pitch, length and velocity: the last sort, which is stable, counts first.
    order = tf.argsort(length * 128 + velocity, stable=True)
    place = tf.bitwise.left_shift(tf.cast(row, tf.int64), np.int64(40))
    place += tf.cast(start, tf.int64) * 128 + tf.cast(pitch, tf.int64)
    order = tf.gather(order, tf.argsort(tf.gather(place, order), stable=True))
    return tuple(tf.gather(values, order) for values in (row, start, length, pitch, velocity))


def _places(row: tf.Tensor, start: tf.Tensor, tones: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The step of each note, counted over all rows, and the tone in it: int32 [notes]."""
    count = tf.size(row)
    if tones == 1:
        return tf.range(count), tf.zeros_like(row)
    fresh = (row[1:] != row[:-1]) | (start[1:] != start[:-1])
    fresh = tf.pad(fresh, [[1, 0]], constant_values=True)[:count]
    first = tf.cast(tf.where(fresh)[:, 0], tf.int32)
    place = tf.range(count) - tf.gather(first, tf.cumsum(tf.cast(fresh, tf.int32)) - 1)
    tone = place % tones
    return tf.cumsum(tf.cast(tone == 0, tf.int32)) - 1, tone


def _heard(
    row: tf.Tensor, start: tf.Tensor, end: tf.Tensor, pitch: tf.Tensor, velocity: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Notes by row, onset and pitch, each cut where its pitch begins anew; [notes] all."""
    whole = tf.int64
    cell = row * 128 + tf.cast(pitch, whole)
    place = tf.bitwise.left_shift(cell, np.int64(32)) + tf.cast(start, whole)
    order = tf.argsort(place, stable=True)
    cell, row, start, end, pitch, velocity = (
        tf.gather(values, order) for values in (cell, row, start, end, pitch, velocity)
    )
    # One more note behind the last, of no cell.
    follows = tf.concat([cell[1:], [-1]], axis=0)[: tf.size(cell)] == cell
    following = tf.concat([start[1:], [0]], axis=0)[: tf.size(cell)]
    end = tf.where(follows, tf.minimum(end, following), end)
    kept = end > start
    row, start, end, pitch, velocity = where_true(kept, row, start, end, pitch, velocity)
    time = tf.bitwise.left_shift(row, np.int64(40)) + tf.cast(start, whole) * 128
    order = tf.argsort(time + tf.cast(pitch, whole), stable=True)
    row, start, end, pitch, velocity = (
        tf.gather(values, order) for values in (row, start, end, pitch, velocity)
    )
    return row, start, end, pitch, velocity
