"""Means of phrases, likelihoods, and the reward of a note: what later notes score on average."""

import tensorflow as tf

# log(1e-7), below which nothing flows: released code.
_LEAST_LOG_PROBABILITY = -16.118096


def discounted(scores: tf.Tensor, counted: tf.Tensor, discount: float) -> tf.Tensor:
    """The discounted average of each note's and later notes' scores.

    Args:
      scores: float [rows, notes].
      counted: float [rows, notes], 1 for notes, 0 for padding behind them.
      discount: gamma, within [0, 1): the score j notes later counts gamma^j.

    Returns:
      float [rows, notes], within the scores' range; of padding 0.
    """
    notes = scores.shape[1]
    later = tf.range(notes)[tf.newaxis] - tf.range(notes)[:, tf.newaxis]  # [note, a later one]
    powers = tf.pow(tf.cast(discount, scores.dtype), tf.cast(tf.maximum(later, 0), scores.dtype))
    powers = tf.where(later >= 0, powers, 0)
    counted = tf.cast(counted, scores.dtype)
    total = tf.matmul(scores * counted, powers, transpose_b=True)
    weight = tf.matmul(counted, powers, transpose_b=True)
    return tf.math.divide_no_nan(total, weight)


def log_probabilities(logits: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """Those of given tokens: [..., tokens] and int32 [...] to [...]."""
    negative = tf.nn.sparse_softmax_cross_entropy_with_logits(tokens, logits)
    return tf.maximum(-negative, _LEAST_LOG_PROBABILITY)


def mean_of_rows(values: tf.Tensor, counted: tf.Tensor) -> tf.Tensor:
    """The mean of rows' means of what counts: phrases count alike, as they do one by one."""
    counted = tf.cast(counted, values.dtype)
    total = tf.reduce_sum(values * counted, axis=1)
    return tf.reduce_mean(total / tf.maximum(tf.reduce_sum(counted, axis=1), 1))
