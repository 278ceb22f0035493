"""Layers whose weights all learn at one rate (equalised learning rate).

Weights are drawn from N(0, 1) and kept so; where they are used they are multiplied by He's
constant, so that Adam's steps, which do not depend on a gradient's size, are in proportion to each
layer's weights (Progressive GAN, arXiv 1710.10196, section 4.1). Biases are not scaled.
"""

import math

import keras
import tensorflow as tf

from tfmusicgan.layers.affine import affine
from tfmusicgan.layers.initializers import seeded_plain_normal
from tfmusicgan.models.gansynth.operations import (
    convolve,
    convolve_upscaled,
    normalised_leaky_relu,
)


def he_scale(fan_in: int, slope: float) -> float:
    """sqrt(2 / ((1 + slope^2) fan_in)); slope 1 for linear layers, 0 for all with a leaky ReLU.

    The released code has 0 there although the activation's slope is 0.2.
    """
    return math.sqrt(2.0 / ((1.0 + slope**2) * fan_in))


class ScaledLayer(keras.layers.Layer):
    """A layer with a scaled kernel and a bias.

    Args:
      kernel_shape: The kernel's axes, the outputs last.
      bias_shape: The bias's axes.
      fan_in: Inputs that one output adds up.
      slope: Of the leaky ReLU that follows; None for linear layers.
      seed: Of the initial weights, together with the layer's name.
    """

    def __init__(
        self,
        kernel_shape: tuple[int, ...],
        bias_shape: tuple[int, ...],
        fan_in: int,
        slope: float | None,
        seed: int,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.slope = slope
        self.scale = he_scale(fan_in, 1.0 if slope is None else 0.0)
        normal = seeded_plain_normal(seed, f"{self.name}/kernel", 1.0)
        # Equal on all replicas; averages of weights are assigned on each.
        settings = {"aggregation": "only_first_replica"}
        self.kernel = self.add_weight(kernel_shape, initializer=normal, name="kernel", **settings)
        self.bias = self.add_weight(bias_shape, initializer="zeros", name="bias", **settings)
        self.built = True

    def weights_in_use(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The scaled kernel and the bias."""
        return tf.convert_to_tensor(self.kernel) * self.scale, tf.convert_to_tensor(self.bias)


class ScaledConvolution(ScaledLayer):
    """Convolution with same padding.

    Args:
      channels: Input channels.
      filters: Output channels.
      kernel: Taps along frames and bins, odd.
      slope: Of a leaky ReLU that follows; None for none.
      seed: Of the initial weights, together with the layer's name.
      normalise: Pixel norm after the leaky ReLU.
      growth: Box upscaling of the input along frames and bins; None for none.

    Input shape:
      [batch, frames, bins, channels].

    Output shape:
      [batch, frames, bins, filters], both sizes times `growth`.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: tuple[int, int],
        slope: float | None,
        seed: int,
        normalise: bool = False,
        growth: tuple[int, int] | None = None,
        **kwargs,
    ):
        fan_in = kernel[0] * kernel[1] * channels
        super().__init__((*kernel, channels, filters), (filters,), fan_in, slope, seed, **kwargs)
        self.normalise, self.growth = normalise, growth

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Applies the convolution."""
        kernel, bias = self.weights_in_use()
        if self.growth is not None:
            x = convolve_upscaled(x, kernel, bias, self.growth)
        else:
            x = convolve(x, kernel, bias, None if self.normalise else self.slope)
        return normalised_leaky_relu(x, self.slope) if self.normalise else x


class ScaledDense(ScaledLayer):
    """A product, plus a bias.

    Args:
      inputs: Numbers of a row.
      units: Outputs of a row.
      slope: Of a leaky ReLU that follows; None for none.
      seed: Of the initial weights, together with the layer's name.

    Input shape:
      [batch, inputs].

    Output shape:
      [batch, units].
    """

    def __init__(self, inputs: int, units: int, slope: float | None, seed: int, **kwargs):
        super().__init__((inputs, units), (units,), inputs, slope, seed, **kwargs)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Applies the product."""
        return affine(x, *self.weights_in_use(), self.slope)


class FirstConvolution(ScaledLayer):
    """The generator's first convolution: one pixel, padded with zeros, to a first map.

    With valid padding and a kernel as large as the map, each output sees one pixel other than 0:
    output [i, j] is the pixel times the kernel's tap [h - 1 - i, w - 1 - j], plus a bias that all
    places share. Here the taps are in the order of the outputs, and one product is all. Fan-in
    counts all taps of the convolution, the h w - 1 that meet zeros too, as released.

    Args:
      inputs: Channels of the pixel.
      filters: Output channels.
      size: Frames and bins of the map.
      slope: Of the leaky ReLU before pixel norm.
      seed: Of the initial weights, together with the layer's name.

    Input shape:
      [batch, inputs].

    Output shape:
      [batch, *size, filters].
    """

    def __init__(
        self, inputs: int, filters: int, size: tuple[int, int], slope: float, seed: int, **kwargs
    ):
        self.size, self.filters = size, filters
        fan_in = size[0] * size[1] * inputs
        super().__init__((inputs, *size, filters), (filters,), fan_in, slope, seed, **kwargs)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Makes the first map."""
        kernel, bias = self.weights_in_use()
        x = tf.matmul(x, tf.reshape(kernel, [kernel.shape[0], -1]))
        x = tf.nn.bias_add(tf.reshape(x, [-1, *self.size, self.filters]), bias)
        return normalised_leaky_relu(x, self.slope)
