"""Batch normalisation of channels, its statistics those of the global batch."""

import keras
import tensorflow as tf

from tfmusicgan.layers.precision import full_precision
from tfmusicgan.layers.replicas import mean_over_replicas


class ChannelBatchNormalization(keras.layers.Layer):
    """Batch normalisation per channel with a learned offset and no learned scale.

    Args:
      channels: Channels.
      decay: Of the moving statistics.
      epsilon: Added to the variance.

    Input shape:
      [batch, height, width, channels].

    Output shape:
      The same.
    """

    def __init__(self, channels: int, decay: float, epsilon: float, **kwargs):
        super().__init__(**kwargs)
        self.decay, self.epsilon = decay, epsilon
        self.beta = self.add_weight(name="beta", shape=(channels,), initializer="zeros")
        moving = {"shape": (channels,), "trainable": False, "aggregation": "mean"}
        moving["autocast"] = False
        self.moving_mean = self.add_weight(name="moving_mean", initializer="zeros", **moving)
        self.moving_variance = self.add_weight(name="moving_variance", initializer="ones", **moving)
        self.built = True

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Normalises.

        Args:
          x: [batch, height, width, channels].
          training: Use the global batch's statistics instead of the moving ones, which follow them.

        Returns:
          The normalised tensor in x's dtype.
        """
        shift = full_precision(tf.convert_to_tensor(self.beta))
        if training:
            wide = full_precision(x)
            mean = mean_over_replicas(tf.reduce_mean(wide, axis=[0, 1, 2]))
            centred = wide - mean
            # Two passes: the difference of large squares would lose the variance's digits.
            variance = mean_over_replicas(tf.reduce_mean(tf.square(centred), axis=[0, 1, 2]))
            self._follow(self.moving_mean, mean)
            self._follow(self.moving_variance, variance)
            return tf.cast(centred * tf.math.rsqrt(variance + self.epsilon) + shift, x.dtype)
        scale = tf.math.rsqrt(tf.convert_to_tensor(self.moving_variance) + self.epsilon)
        shift -= tf.convert_to_tensor(self.moving_mean) * scale
        return x * tf.cast(scale, x.dtype) + tf.cast(shift, x.dtype)

    def _follow(self, moving: keras.Variable, value: tf.Tensor) -> None:
        moving.assign(moving * self.decay + tf.stop_gradient(value) * (1 - self.decay))
