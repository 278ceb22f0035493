"""MidiNet's layers: products with the released code's initial weights, and batch normalisation.

Kernels of 1 x 128 on bars of 128 pitches see all of them, and those of transposed convolutions are
as long as their stride: each layer is one product of matrices.
"""

import keras
import tensorflow as tf

from tfmusicgan.layers.initializers import seeded_normal, seeded_plain_normal
from tfmusicgan.layers.precision import full_precision
from tfmusicgan.layers.replicas import mean_over_replicas


class Product(keras.layers.Layer):
    """Rows times a kernel plus a bias: a dense layer, or a convolution of one place.

    Args:
      inputs: Numbers of a row.
      outputs: Numbers that come out.
      seed: Of the initial weights, together with the layer's name.
      stddev: Of the initial weights.
      truncated: Whether these are cut at two standard deviations, as convolutions' are.

    Input shape:
      [..., inputs].

    Output shape:
      [..., outputs].
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        seed: int,
        stddev: float,
        truncated: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        make = seeded_normal if truncated else seeded_plain_normal
        initializer = make(seed, f"{self.name}/kernel", stddev)
        self.kernel = self.add_weight(
            name="kernel", shape=(inputs, outputs), initializer=initializer
        )
        self.bias = self.add_weight(name="bias", shape=(outputs,), initializer="zeros")
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Multiplies."""
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        inputs, outputs = kernel.shape
        rows = tf.nn.bias_add(tf.matmul(tf.reshape(x, [-1, inputs]), kernel), bias)
        return tf.reshape(rows, [-1, *x.shape[1:-1], outputs])


class Upsampling(keras.layers.Layer):
    """Transposed convolution of 2 x 1 with stride 2 along time.

    Args:
      channels: Input channels.
      filters: Output channels.
      seed: Of the initial weights, together with the layer's name.
      stddev: Of the initial weights.

    Input shape:
      [batch, time, channels].

    Output shape:
      [batch, 2 * time, filters].
    """

    def __init__(self, channels: int, filters: int, seed: int, stddev: float, **kwargs):
        super().__init__(**kwargs)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(channels, 2, filters),
            initializer=seeded_plain_normal(seed, f"{self.name}/kernel", stddev),
        )
        self.bias = self.add_weight(name="bias", shape=(filters,), initializer="zeros")
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Doubles the steps: step 2 t + k is step t times tap k of the kernel."""
        kernel = tf.convert_to_tensor(self.kernel)
        channels, taps, filters = kernel.shape
        flat = tf.matmul(
            tf.reshape(x, [-1, channels]), tf.reshape(kernel, [channels, taps * filters])
        )
        rows = tf.reshape(flat, [-1, filters])
        rows = tf.nn.bias_add(rows, tf.convert_to_tensor(self.bias))
        return tf.reshape(rows, [-1, taps * x.shape[1], filters])


class BatchNormalization(keras.layers.Layer):
    """Batch normalisation of channels with scale and offset, the statistics the global batch's.

    Args:
      channels: Channels.
      decay: Of the moving statistics; None for none, where only batches are normalised.
      epsilon: Added to the variance.

    Input shape:
      [batch, ..., channels].

    Output shape:
      The same.
    """

    def __init__(self, channels: int, decay: float | None, epsilon: float, **kwargs):
        super().__init__(**kwargs)
        self.decay, self.epsilon = decay, epsilon
        self.gamma = self.add_weight(name="gamma", shape=(channels,), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(channels,), initializer="zeros")
        if decay is not None:
            kept = {"shape": (channels,), "trainable": False, "autocast": False}
            kept["aggregation"] = "mean"
            self.moving_mean = self.add_weight(name="moving_mean", initializer="zeros", **kept)
            self.moving_variance = self.add_weight(
                name="moving_variance", initializer="ones", **kept
            )
        self.built = True

    def call(
        self, x: tf.Tensor, training: bool = True, update_statistics: bool = False
    ) -> tf.Tensor:
        """Normalises.

        Args:
          x: [batch, ..., channels].
          training: Use the global batch's statistics instead of the moving ones.
          update_statistics: Let the moving statistics follow the batch's.

        Returns:
          The normalised tensor in x's dtype.
        """
        gamma, beta = (
            full_precision(tf.convert_to_tensor(weight)) for weight in (self.gamma, self.beta)
        )
        if not training:
            scale = gamma * tf.math.rsqrt(tf.convert_to_tensor(self.moving_variance) + self.epsilon)
            shift = beta - tf.convert_to_tensor(self.moving_mean) * scale
            return x * tf.cast(scale, x.dtype) + tf.cast(shift, x.dtype)
        wide = full_precision(x)
        axes = list(range(x.shape.rank - 1))
        mean = mean_over_replicas(tf.reduce_mean(wide, axis=axes))
        centred = wide - mean
        # Two passes: the difference of large squares would lose the variance's digits.
        variance = mean_over_replicas(tf.reduce_mean(tf.square(centred), axis=axes))
        if update_statistics:
            self._follow(self.moving_mean, mean)
            self._follow(self.moving_variance, variance)
        scale = gamma * tf.math.rsqrt(variance + self.epsilon)
        return tf.cast(centred * scale + beta, x.dtype)

    def _follow(self, moving: keras.Variable, value: tf.Tensor) -> None:
        moving.assign(moving * self.decay + tf.stop_gradient(value) * (1 - self.decay))
