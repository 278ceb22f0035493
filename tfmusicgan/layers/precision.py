"""Where mixed precision must not reach: sums, losses and probabilities."""

import tensorflow as tf


def full_precision(x: tf.Tensor) -> tf.Tensor:
    """Half-precision numbers as float32; float32 and float64 as they are."""
    x = tf.convert_to_tensor(x)
    return tf.cast(x, tf.float32) if x.dtype in (tf.float16, tf.bfloat16) else x
