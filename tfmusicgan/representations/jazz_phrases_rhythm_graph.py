"""The encodings of `jazz_phrases_rhythm.py` inside the graph, for training and for sampling."""

import tensorflow as tf

from tfmusicgan.representations.jazz_phrases_rhythm import (
    BEAT_POSITION,
    DURATION,
    STEPS_PER_BAR,
)


def durations(rhythm: tf.Tensor, first_step: tf.Tensor, encoding: str) -> tf.Tensor:
    """As `jazz_phrases_rhythm.durations`: int32 [..., notes].

    Args:
      rhythm: int32 [..., notes], rhythm tokens, 0 to 47.
      first_step: int32 [...], the place in the bar where the first note begins, 0 to 47.
      encoding: One of `ENCODINGS`.
    """
    if encoding == BEAT_POSITION:
        before = tf.concat([first_step[..., tf.newaxis], rhythm[..., :-1]], axis=-1)
        return duration_between(before, rhythm)
    return rhythm + 1 if encoding == DURATION else tf.ones_like(rhythm)


def duration_between(before: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
    """Length of a note from where the one before it ends to where it ends, both places in the bar.

    Args:
      before: int32, any shape, 0 to 47; of the first note where it begins.
      position: int32 of the same shape, 0 to 47.

    Returns:
      int32 of the same shape, 1 to 48.
    """
    return (position - before + STEPS_PER_BAR - 1) % STEPS_PER_BAR + 1


def rhythm_tokens(lengths: tf.Tensor, first_step: tf.Tensor, encoding: str) -> tf.Tensor:
    """As `jazz_phrases_rhythm.rhythm_tokens`: int32 [..., notes]."""
    if encoding == BEAT_POSITION:
        return (first_step[..., tf.newaxis] + tf.cumsum(lengths, axis=-1)) % STEPS_PER_BAR
    return lengths - 1 if encoding == DURATION else tf.zeros_like(lengths)
