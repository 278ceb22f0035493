"""As `octaves.py`, inside the graph."""

import tensorflow as tf


def fold(pitch: tf.Tensor, lowest_pitch: int, num_pitches: int) -> tf.Tensor:
    """As `octaves.fold`: int32, any shape."""
    above = lowest_pitch + num_pitches
    pitch = tf.where(pitch < lowest_pitch, lowest_pitch + (pitch - lowest_pitch) % 12, pitch)
    return tf.where(pitch >= above, above - 12 + (pitch - above) % 12, pitch)
