"""The graph half of `note_events.py`: events to NoteSequences, core ops only."""

import numpy as np
import tensorflow as tf

from tfmusicgan.representations import note_events_numbers as numbers
from tfmusicgan.representations.note_events import NoteEvents
from tfmusicgan.representations.note_events_numbers import (
    MAX_TICKS,
    MIDDLE_C,
    MIDDLE_VELOCITY,
    OUTSIDE,
    PITCH_HZ,
    SEMITONES,
    TICKS_PER_QUARTER,
    VELOCITY_UNIT,
)
from tfmusicgan.representations.score_messages_graph import checked_qpm, encode_sequences


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
    time, length, pitch, velocity = _from_features(features, representation)
    onset = tf.maximum(tf.cumsum(tf.where(counted, time, 0), axis=1), 0)  # [batch, steps]
    sounds = (length > 0) & (velocity > 0) & counted[..., tf.newaxis]
    place = tf.where(sounds)
    row, start = place[:, 0], tf.gather_nd(onset, place[:, :2])
    values = (tf.gather_nd(each, place) for each in (length, pitch, velocity))
    length, pitch, velocity = values
    row, start, end, pitch, velocity = _heard(row, start, start + length, pitch, velocity)
    batch = tf.shape(features)[0]
    last = tf.math.unsorted_segment_max(end, row, batch)  # the lowest number where there is none
    total = tf.maximum(tf.reduce_max(onset, axis=1), last)
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


def _from_features(
    features: tf.Tensor, representation: NoteEvents
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Time int32 [batch, steps], and lengths, pitches, velocities int32 [batch, steps, tones].

    See `note_events_numbers.from_features`, whose operations these are.
    """
    raw = representation.raw
    features = tf.where(tf.math.is_nan(features), tf.zeros([], features.dtype), features)
    time = _ticks(features[..., 0], raw)
    shape = tf.concat([tf.shape(features)[:2], [representation.tones, 3]], axis=0)
    length, frequency, intensity = tf.unstack(tf.reshape(features[..., 1:], shape), axis=-1)
    if raw:
        found = tf.searchsorted(tf.constant(PITCH_HZ), tf.reshape(frequency, [-1]), side="right")
        pitch = tf.maximum(tf.reshape(found, tf.shape(frequency)) - 1 - OUTSIDE, -OUTSIDE)
        velocity = tf.cast(tf.clip_by_value(tf.round(intensity), 0.0, 127.0), tf.int32)
        velocity = tf.where(frequency > 0, velocity, 0)
    else:
        time = tf.maximum(time, 0)
        semitones = tf.round(frequency * float(SEMITONES))
        semitones = tf.clip_by_value(semitones, -float(OUTSIDE), float(OUTSIDE))
        pitch = tf.cast(semitones, tf.int32) + MIDDLE_C
        steps = tf.round(intensity * float(VELOCITY_UNIT))
        steps = tf.clip_by_value(steps, -float(MIDDLE_VELOCITY), 127.0)
        velocity = tf.clip_by_value(tf.cast(steps, tf.int32) + MIDDLE_VELOCITY, 0, 127)
    return time, tf.maximum(_ticks(length, raw), 0), _fold(pitch), velocity


def _fold(pitch: tf.Tensor) -> tf.Tensor:
    """Moves pitches by octaves into 0-127."""
    low, high = pitch % 12, 116 + (pitch - 116) % 12
    return tf.where(pitch < 0, low, tf.where(pitch > 127, high, pitch))


def _ticks(feature: tf.Tensor, raw: bool) -> tf.Tensor:
    if not raw:
        feature = feature * float(TICKS_PER_QUARTER)
    limited = tf.clip_by_value(tf.round(feature), -float(MAX_TICKS), float(MAX_TICKS))
    return tf.cast(limited, tf.int32)


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
    row, start, end, pitch, velocity = (
        tf.boolean_mask(values, kept) for values in (row, start, end, pitch, velocity)
    )
    time = tf.bitwise.left_shift(row, np.int64(40)) + tf.cast(start, whole) * 128
    order = tf.argsort(time + tf.cast(pitch, whole), stable=True)
    row, start, end, pitch, velocity = (
        tf.gather(values, order) for values in (row, start, end, pitch, velocity)
    )
    return row, start, end, pitch, velocity
