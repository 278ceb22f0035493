"""The graph half of `note_events_numbers.py`: events as a model's numbers, core ops only."""

import tensorflow as tf

from tfmusicgan.representations.note_events import NoteEvents
from tfmusicgan.representations.note_events_numbers import (
    MAX_TICKS,
    MIDDLE_C,
    MIDDLE_VELOCITY,
    OUTSIDE,
    PITCH_HZ,
    SEMITONES,
    SILENT_VELOCITY,
    TICKS_PER_QUARTER,
    VELOCITY_UNIT,
)


def to_features(
    time: tf.Tensor,
    length: tf.Tensor,
    pitch: tf.Tensor,
    velocity: tf.Tensor,
    representation: NoteEvents,
) -> tf.Tensor:
    """Events as the numbers of a model; the operations of `note_events_numbers.to_features`.

    Args:
      time: int32 [batch, steps, times], ticks since the tone before.
      length: int32 [batch, steps, tones], ticks.
      pitch: int32 [batch, steps, tones], MIDI's.
      velocity: int32 [batch, steps, tones], 0 for a tone that is silent.
      representation: Says what the features are.

    Returns:
      float32 [batch, steps, features].
    """
    silent = velocity == 0
    if representation.raw:
        hertz = tf.where(silent, 0.0, tf.gather(tf.constant(PITCH_HZ), pitch + OUTSIDE))
        tones = [tf.cast(length, tf.float32), hertz, tf.cast(velocity, tf.float32)]
        time = tf.cast(time, tf.float32)
    else:
        time, length, octaves, intensity = (
            tf.cast(tf.cast(whole, tf.float64) / unit, tf.float32)
            for whole, unit in (
                (time, TICKS_PER_QUARTER),
                (length, TICKS_PER_QUARTER),
                (tf.where(silent, 0, pitch - MIDDLE_C), SEMITONES),
                (tf.where(silent, SILENT_VELOCITY, velocity) - MIDDLE_VELOCITY, VELOCITY_UNIT),
            )
        )
        tones = [length, octaves, intensity]
    # [batch, steps, times, features of a time], with one time those of all tones.
    times, steps = representation.num_times, tf.shape(time)[:2]
    parts = [
        tf.reshape(x, tf.concat([steps, [times, -1]], axis=0))
        for x in (time[..., tf.newaxis], tf.stack(tones, axis=-1))
    ]
    flat = tf.concat(parts, axis=-1)
    return tf.reshape(flat, tf.concat([steps, [representation.num_features]], axis=0))


def from_features(
    features: tf.Tensor, representation: NoteEvents
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """The numbers of a model as events; the operations of `note_events_numbers.from_features`.

    Args:
      features: float32 [batch, steps, features].
      representation: Says what they are.

    Returns:
      Times and lengths (ticks), pitches within 0-127 and velocities, all int32 [batch, steps,
      tones].
    """
    raw = representation.raw
    features = tf.where(tf.math.is_nan(features), tf.zeros([], features.dtype), features)
    times, steps = representation.num_times, tf.shape(features)[:2]
    features = tf.reshape(features, tf.concat([steps, [times, -1]], axis=0))
    time = _ticks(features[..., 0], raw)
    # Of tones that share a time, the others come after none.
    time = tf.pad(time, [[0, 0], [0, 0], [0, representation.tones - times]])
    shape = tf.concat([steps, [representation.tones, 3]], axis=0)
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
