"""Changes to training examples that leave them music: transposition."""

from collections.abc import Sequence

import tensorflow as tf

from tfmusicgan.models import noise


def transpose_batch(
    rolls: tf.Tensor, keys: noise.Key, most_semitones: int, is_drum: Sequence[bool]
) -> tf.Tensor:
    """Transposes each phrase of a training batch by a draw of its own; see `transpose`.

    Args:
      rolls: bool [rows, updates, bars, time, pitch, tracks].
      keys: Of the rows, two uint32 tensors [rows].
      most_semitones: Largest transposition, up and down; 0 for none.
      is_drum: Whether each track is drums.

    Returns:
      bool of the same shape.
    """
    if not most_semitones:
        return rolls
    uniforms = tf.reshape(noise.uniforms(keys, rolls.shape[1]), [-1])
    phrases = tf.reshape(rolls, [-1, *rolls.shape[2:]])
    moved = transpose(phrases, uniforms, most_semitones, is_drum)
    return tf.reshape(moved, [-1, *rolls.shape[1:]])


def transpose(
    rolls: tf.Tensor, uniforms: tf.Tensor, most_semitones: int, is_drum: Sequence[bool]
) -> tf.Tensor:
    """Transposes every phrase by a whole number of semitones, as far as its notes stay in range.

    A draw that would push the highest or lowest note out of the piano-roll is cut to what fits, so
    that no note is lost. Drums stay as they are: their pitches are instruments.

    Args:
      rolls: bool [phrases, bars, time, pitch, tracks], pitches a semitone apart.
      uniforms: float [phrases] within (0, 1): the draws.
      most_semitones: Largest transposition, up and down; all from one to the other are as likely.
      is_drum: Whether each track is drums.

    Returns:
      bool of the same shape.
    """
    pitches = rolls.shape[3]
    choices = 2 * most_semitones + 1
    choice = tf.minimum(tf.cast(uniforms * choices, tf.int32), choices - 1)
    moves = tf.logical_not(tf.constant(list(is_drum), tf.bool))
    sounds = tf.reduce_any(rolls & moves, axis=[1, 2, 4])  # [phrases, pitch]
    # Of a silent phrase both are 0: no room in either direction.
    room_below = tf.argmax(sounds, axis=1, output_type=tf.int32)
    room_above = tf.argmax(sounds[:, ::-1], axis=1, output_type=tf.int32)
    semitones = tf.clip_by_value(choice - most_semitones, -room_below, room_above)
    source = (tf.range(pitches) - semitones[:, tf.newaxis]) % pitches
    return tf.where(moves, tf.gather(rolls, source, axis=3, batch_dims=1), rolls)
