"""Draws of tokens from a language model's logits, by inversion, and limits to what is drawn.

The cumulative sums of 5,000 probabilities are never made: a uniform number first chooses a block of
the vocabulary by the blocks' sums, then a token within the block. A softmax and one pass of sums
remain, which cost about as much as the product that makes the logits. (`tf.cumsum` runs on one
thread: few numbers are cumulated by a product with a triangle of ones.)
"""

import dataclasses

import numpy as np
import tensorflow as tf

BLOCK = 64  # tokens
_NEVER = -1e9  # a logit
# Temperatures below count as 0: divided by them, logits would no longer be finite.
_LEAST_TEMPERATURE = 1e-3


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a request says about the draws of its row.

    Attributes:
      temperature: float32 [rows]; logits are divided by it. At 0 the most probable token comes.
      top_k: int32 [rows]; only so many most probable tokens can come, 0 for all.
      top_p: float32 [rows]; only the most probable tokens that together reach this probability, at
        this temperature and among those of `top_k`; 1 for all. One can always come.
    """

    temperature: tf.Tensor
    top_k: tf.Tensor
    top_p: tf.Tensor


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
    weights = tf.reshape(tf.nn.softmax(logits), [-1, BLOCK])
    sums = tf.matmul(weights, tf.ones([BLOCK, 1]))  # faster than `reduce_sum`
    ends = _cumulate(tf.reshape(sums, [-1, blocks]))
    target = flat * ends[:, -1:]
    block = _find(ends, target)
    begins = tf.pad(ends[:, :-1], [[0, 0], [1, 0]])
    rest = target - tf.gather(begins, block, batch_dims=1)
    # The chosen block's tokens, [rows, draws, BLOCK].
    chosen = tf.gather(tf.reshape(weights, [-1, blocks, BLOCK]), block, batch_dims=1)
    token = _find(_cumulate(chosen), rest[..., tf.newaxis])[..., 0]
    return tf.reshape(block * BLOCK + token, tf.shape(uniforms))


def limit(logits: tf.Tensor, limits: Limits) -> tf.Tensor:
    """Logits with limits: at temperature 1 with all tokens they stay as they are, bit for bit.

    Of equal logits those of lower tokens count as higher, so that `top_k` leaves as many as it says
    and 1 of them is what temperature 0 leaves.

    Args:
      logits: float32 [rows, tokens].
      limits: Of the rows.

    Returns:
      float32 [rows, tokens].
    """
    decided = (limits.temperature < _LEAST_TEMPERATURE) | (limits.top_k == 1)
    scaled = logits / tf.where(decided, 1.0, limits.temperature)[:, tf.newaxis]
    # Sorting costs more than all the rest of a draw.
    wanted = tf.reduce_any(~decided & ((limits.top_k > 0) | (limits.top_p < 1.0)))
    scaled = tf.cond(wanted, lambda: _cut(scaled, limits), lambda: scaled)
    best = tf.one_hot(tf.argmax(logits, axis=-1), logits.shape[-1], 0.0, _NEVER)
    return tf.where(decided[:, tf.newaxis], best, scaled)


def _cut(logits: tf.Tensor, limits: Limits) -> tf.Tensor:
    """Leaves the tokens of `top_k` and `top_p`: float32 [rows, tokens] to the same shape."""
    size = logits.shape[-1]
    ordered, token = tf.math.top_k(logits, size)  # of equal ones the lower token first
    top_k = tf.where(limits.top_k > 0, limits.top_k, size)[:, tf.newaxis]
    kept = tf.range(size) < top_k
    weights = tf.nn.softmax(tf.where(kept, ordered, _NEVER))
    before = tf.cumsum(weights, axis=-1, exclusive=True)
    top_p = limits.top_p[:, tf.newaxis]
    kept &= (before < top_p) | (top_p >= 1.0)
    count = tf.maximum(tf.reduce_sum(tf.cast(kept, tf.int32), axis=-1, keepdims=True), 1)
    least = tf.gather(ordered, count - 1, batch_dims=1)
    last = tf.gather(token, count - 1, batch_dims=1)
    inside = (logits > least) | ((logits == least) & (tf.range(size) <= last))
    return tf.where(inside, logits, _NEVER)


def _cumulate(weights: tf.Tensor) -> tf.Tensor:
    """Sums up to each number: float32 [..., n] to the same shape."""
    size = weights.shape[-1]
    triangle = tf.constant(np.triu(np.ones((size, size), np.float32)))
    flat = tf.matmul(tf.reshape(weights, [-1, size]), triangle)
    return tf.reshape(flat, tf.shape(weights))


def _find(ends: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Where numbers fall among sums: int32 in the shape of `numbers`.

    Args:
      ends: [..., n], rising.
      numbers: [..., any], at least 0.
    """
    found = tf.searchsorted(ends, numbers, side="right")
    # Rounding may leave a number beyond the last sum: the last place that has a share.
    return tf.minimum(found, tf.searchsorted(ends, ends[..., -1:], side="left"))
