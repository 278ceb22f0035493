"""Dropout whose draws follow from keys: alike on any number of devices, and after a restart."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfmusicgan.models import noise


def masks(keys: noise.Key, size: int, rate: float) -> tf.Tensor:
    """What dropout multiplies features by: 0 for a share `rate` of them, 1 / (1 - rate) elsewhere.

    Source: Srivastava et al. 2014, "Dropout", JMLR 15; scaled in training (section 10).

    Args:
      keys: Two uint32 tensors [rows].
      size: Features per row.
      rate: Probability of a feature to be left out, in [0, 1).

    Returns:
      float32 [rows, size].
    """
    kept = noise.uniforms(keys, size) >= rate
    return tf.cast(kept, tf.float32) * np.float32(1 / (1 - rate))


def critic_masks(
    keys: noise.Key, views: int, passes: Sequence[int], size: int, rate: float
) -> tf.Tensor:
    """Masks for a critic that sees several views of every row, in several passes at once.

    Args:
      keys: Of the rows, two uint32 tensors [rows].
      views: Views of a row.
      passes: Numbers of the passes: each has draws of its own.
      size: The critic's last features.
      rate: Probability of a feature to be left out, in [0, 1).

    Returns:
      float32 [views * passes * rows, size], views outermost.
    """
    view = np.arange(views, dtype=np.int64)[:, np.newaxis]
    numbers = np.array(passes, np.int64) * views + view
    drawn = noise.fold(keys, numbers.reshape(-1, 1))  # [views * passes, rows]
    return masks(tuple(tf.reshape(part, [-1]) for part in drawn), size, rate)


def batch_masks(
    seed: int,
    step: tf.Tensor,
    stream: int,
    all_rows: int | tf.Tensor,
    rows: tf.Tensor,
    size: int,
    rate: float,
) -> tf.Tensor:
    """Masks of some rows of the global batch, drawn for all of it by one operation.

    On one device a tenth of the work of keys for every row; each of several draws all rows and
    takes its own.

    Args:
      seed: The model's.
      step: Scalar int64, the training step.
      stream: Tells apart the uses of noise in one step.
      all_rows: Rows of the global batch.
      rows: int [rows], numbers within the global batch.
      size: Features per row.
      rate: Probability of a feature to be left out, in [0, 1).

    Returns:
      float32 [rows, size].
    """
    key = noise.row_keys(seed, step, stream, tf.zeros([1], tf.int64))
    words = tf.bitcast(tf.stack([key[0][0], key[1][0]]), tf.int32)
    uniforms = tf.random.stateless_uniform([all_rows, size], words, alg="philox")
    kept = tf.gather(uniforms, rows) >= rate
    return tf.cast(kept, tf.float32) * np.float32(1 / (1 - rate))
