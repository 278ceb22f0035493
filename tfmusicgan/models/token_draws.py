"""Draws of tokens from a language model's logits, by inversion.

The cumulative sums of 5,000 probabilities are never made: a uniform number first chooses a block of
the vocabulary by the blocks' sums, then a token within the block. A softmax and one pass of sums
remain, which cost about as much as the product that makes the logits. (`tf.cumsum` runs on one
thread: few numbers are cumulated by a product with a triangle of ones.)
"""

import numpy as np
import tensorflow as tf

BLOCK = 64  # tokens
_NEVER = -1e9  # a logit


def pad_output(kernel: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Adds tokens that are never drawn, up to whole blocks.

    Args:
      kernel: [hidden size, tokens].
      bias: [tokens].

    Returns:
      [hidden size, padded] and [padded].
    """
    more = -kernel.shape[-1] % BLOCK
    return tf.pad(kernel, [[0, 0], [0, more]]), tf.pad(bias, [[0, more]], constant_values=_NEVER)


def draw(logits: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Draws tokens from softmax(logits).

    Args:
      logits: float32 [rows, padded], whole blocks of tokens.
      uniforms: float32 [rows] or [rows, draws] in (0, 1).

    Returns:
      int32 of the shape of `uniforms`.
    """
    blocks = logits.shape[-1] // BLOCK
    flat = tf.reshape(uniforms, [tf.shape(logits)[0], -1])  # [rows, draws]
    weights = tf.reshape(tf.nn.softmax(logits), [-1, blocks, BLOCK])
    ends = _cumulate(tf.reduce_sum(weights, axis=-1))  # [rows, blocks]
    target = flat * ends[:, -1:]
    block, begin = _find(ends, target)
    # The chosen block's tokens, [rows, draws, BLOCK].
    inside = _cumulate(tf.gather(weights, block, batch_dims=1))
    rest = target - begin
    token = tf.reduce_sum(tf.cast(inside <= rest[..., tf.newaxis], tf.int32), axis=-1)
    # Rounding may leave a number beyond the last sum: the last token that can be drawn.
    possible = inside < inside[..., -1:]
    last = tf.reduce_sum(tf.cast(possible, tf.int32), axis=-1)
    return tf.reshape(block * BLOCK + tf.minimum(token, last), tf.shape(uniforms))


def _cumulate(weights: tf.Tensor) -> tf.Tensor:
    """Sums up to each number: float32 [..., n] to the same shape."""
    size = weights.shape[-1]
    triangle = tf.constant(np.triu(np.ones((size, size), np.float32)))
    flat = tf.matmul(tf.reshape(weights, [-1, size]), triangle)
    return tf.reshape(flat, tf.shape(weights))


def _find(ends: tf.Tensor, target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Which block a number falls in, and where that begins: [rows, draws] each.

    Args:
      ends: [rows, blocks], rising.
      target: [rows, draws], at least 0 and at most the last end.
    """
    passed = ends[:, tf.newaxis] <= target[..., tf.newaxis]  # [rows, draws, blocks]
    possible = ends < ends[:, -1:]
    last = tf.reduce_sum(tf.cast(possible, tf.int32), axis=-1, keepdims=True)
    block = tf.minimum(tf.reduce_sum(tf.cast(passed, tf.int32), axis=-1), last)
    begins = tf.pad(ends[:, :-1], [[0, 0], [1, 0]])
    return block, tf.gather(begins, block, batch_dims=1)
