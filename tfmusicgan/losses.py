"""Adversarial losses: free functions in pairs, raw critic scores in, one scalar out."""

from collections.abc import Callable

import tensorflow as tf

from tfmusicgan.layers.precision import full_precision
from tfmusicgan.layers.replicas import mean_over_replicas


def wasserstein_critic_loss(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """E D(fake) - E D(real) (Arjovsky, Chintala, Bottou 2017, arXiv 1701.07875).

    Args:
      real_scores: [batch, ...], the critic's raw scores of real examples.
      fake_scores: [batch, ...], of generated ones.

    Returns:
      A scalar of the scores' dtype; its negative estimates the Wasserstein distance.
    """
    return tf.reduce_mean(fake_scores) - tf.reduce_mean(real_scores)


def wasserstein_generator_loss(fake_scores: tf.Tensor) -> tf.Tensor:
    """-E D(fake) (Arjovsky, Chintala, Bottou 2017, arXiv 1701.07875): [batch, ...] to a scalar."""
    return -tf.reduce_mean(fake_scores)


def least_squares_discriminator_loss(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """Mean of (D(real) - 1)^2 and D(fake)^2 over both (Mao et al. 2017, arXiv 1611.04076).

    Args:
      real_scores: [batch], the discriminator's raw scores of real examples.
      fake_scores: [batch], of as many generated ones.

    Returns:
      A scalar of the scores' dtype: half the mean of the paper's two terms.
    """
    errors = tf.reduce_mean(tf.square(real_scores - 1)) + tf.reduce_mean(tf.square(fake_scores))
    return errors / 2


def non_saturating_discriminator_loss(
    real_scores: tf.Tensor, fake_scores: tf.Tensor, real_label: float = 1.0
) -> tf.Tensor:
    """E ce(D(real), label) + E ce(D(fake), 0) (Goodfellow et al. 2014, arXiv 1406.2661, eq. 1).

    ce is the binary cross-entropy of the sigmoid. A label below 1 is one-sided smoothing (Salimans
    et al. 2016, arXiv 1606.03498, section 3.4).

    Args:
      real_scores: [batch], the discriminator's raw scores of real examples.
      fake_scores: [batch], of generated ones.
      real_label: What real examples are to be told, within 0-1.

    Returns:
      A scalar of the scores' dtype.
    """
    # softplus(x) - label x is the cross-entropy of a raw score x.
    real = tf.reduce_mean(tf.nn.softplus(real_scores) - real_label * real_scores)
    return real + tf.reduce_mean(tf.nn.softplus(fake_scores))


def non_saturating_generator_loss(fake_scores: tf.Tensor) -> tf.Tensor:
    """E ce(D(fake), 1) (Goodfellow et al. 2014, section 3): [batch] to a scalar."""
    return tf.reduce_mean(tf.nn.softplus(-fake_scores))


def feature_matching_loss(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Half the summed squares of E f(fake) - E f(real) (Salimans et al. 2016, section 3.1).

    The means are those of the batches of all replicas.

    Args:
      real: float [batch, ...], features of real examples, which the loss does not train.
      fake: float [batch, ...], of generated ones, the same shape.

    Returns:
      A scalar, float32 or float64, without its weight.
    """
    real, fake = (
        mean_over_replicas(tf.reduce_mean(full_precision(features), axis=0))
        for features in (tf.stop_gradient(real), fake)
    )
    return tf.reduce_sum(tf.square(fake - real)) / 2


def gradient_penalty(
    critic: Callable[[tf.Tensor], tf.Tensor],
    real: tf.Tensor,
    fake: tf.Tensor,
    mixing: tf.Tensor,
    target: float = 1.0,
) -> tf.Tensor:
    """E (||grad D(x)||_2 - target)^2 on lines between pairs (Gulrajani et al. 2017, section 4).

    The norm runs over all axes of an example; 1e-8 under the root keeps its gradient finite at 0.

    Args:
      critic: Maps [batch, ...] to raw scores. Where a score depends on other examples too, as by
        the deviation of a batch, the slope at an example is that of the sum of all scores.
      real: float [batch, ...].
      fake: float [batch, ...], the same shape.
      mixing: float [batch], uniform in [0, 1], one coefficient per pair (1 is the fake).
      target: The norm the penalty pulls to.

    Returns:
      A scalar, float32 or float64, without its weight (10 in the paper).
    """
    real, fake = full_precision(real), full_precision(fake)
    weight = tf.reshape(tf.cast(mixing, real.dtype), [-1] + [1] * (real.shape.rank - 1))
    between = real + weight * (fake - real)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(between)
        scores = critic(between)
    slope = full_precision(tape.gradient(scores, between))
    squared = _squared_norms(slope)
    return tf.reduce_mean(tf.square(tf.sqrt(squared + 1e-8) - target))


@tf.custom_gradient
def _squared_norms(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Sum of squares of each example, [batch, ...] to [batch].

    TensorFlow's own gradient would repeat a number for all of an example before it multiplies.
    """
    axes = list(range(1, x.shape.rank))

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        return x * tf.reshape(2 * upstream, [-1] + [1] * len(axes))

    return tf.reduce_sum(tf.square(x), axis=axes), gradient
