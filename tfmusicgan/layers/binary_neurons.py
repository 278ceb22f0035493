"""Binary neurons: outputs of 0 and 1 that gradients pass through (BinaryMuseGAN).

Hao-Wen Dong, Yi-Hsuan Yang: "Convolutional Generative Adversarial Networks with Binary Neurons for
Polyphonic Music Generation", ISMIR 2018, arXiv 1804.09399.

Backward, a neuron is the sigmoid of slope times x: the sigmoid-adjusted straight-through estimator
(Bengio, Leonard, Courville 2013, arXiv 1308.3432) with the slope annealing of Chung, Ahn, Bengio
2017, arXiv 1609.01704. The slope acts on the gradient alone; the output's probability is that of
the plain sigmoid.

A neuron's output is piecewise constant and its gradient is an estimator's: second derivatives are
those of the sigmoid and mean nothing. Nothing here needs them; a gradient penalty differentiates
the critic, with what the neurons gave as its input.
"""

import tensorflow as tf

from tfmusicgan.layers.precision import full_precision


def deterministic_neuron(logits: tf.Tensor, slope: tf.Tensor | float = 1.0) -> tf.Tensor:
    """1 where sigmoid(logits) > 0.5, else 0.

    Args:
      logits: Float, any shape.
      slope: Scalar above 0, of the gradient's sigmoid.

    Returns:
      0 and 1 in the shape and dtype of `logits`; NaN where those are NaN.
    """
    # The sigmoid itself rounds to 0.5 around 0.
    return _straight_through(logits > 0, logits, slope)


def stochastic_neuron(
    logits: tf.Tensor, slope: tf.Tensor | float, uniforms: tf.Tensor
) -> tf.Tensor:
    """1 with probability sigmoid(logits), else 0.

    Args:
      logits: Float, any shape.
      slope: Scalar above 0, of the gradient's sigmoid.
      uniforms: float32, of the same shape, uniform in (0, 1): the neuron is 1 where they lie below
        the probability.

    Returns:
      0 and 1 in the shape and dtype of `logits`; NaN where those are NaN.
    """
    probability = tf.sigmoid(full_precision(logits))
    return _straight_through(tf.cast(uniforms, probability.dtype) < probability, logits, slope)


def annealed_slope(step: tf.Tensor, steps_per_epoch: int, growth: float = 1.1) -> tf.Tensor:
    """The slope at a training step: 1 at first, times `growth` after each epoch.

    Args:
      step: Scalar integer, training steps since the neurons are in use.
      steps_per_epoch: Steps that count as an epoch.
      growth: Factor per epoch.

    Returns:
      Scalar float32: growth ** (step // steps_per_epoch).
    """
    epoch = tf.cast(step // steps_per_epoch, tf.float32)
    return tf.pow(tf.constant(growth, tf.float32), epoch)


def _straight_through(on: tf.Tensor, logits: tf.Tensor, slope: tf.Tensor | float) -> tf.Tensor:
    """`on` as numbers, with the gradient of sigmoid(slope * logits)."""
    wide = full_precision(logits)
    soft = tf.sigmoid(tf.stop_gradient(tf.cast(slope, wide.dtype)) * wide)
    # The difference is exactly 0 (NaN stays NaN, so that a run that fails is seen to).
    bits = tf.cast(on, wide.dtype) + (soft - tf.stop_gradient(soft))
    return tf.cast(bits, logits.dtype)
