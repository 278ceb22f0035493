"""The generator's layers: all tracks at once, each with weights of its own.

The tracks lie in front, [tracks, batch, time, pitch, channels], and the weights are [tracks, ...],
so that a layer of all tracks is one batched matrix product. A transposed convolution whose stride
is its kernel is a product and a reshape.
"""

import keras
import tensorflow as tf

from tfmusicgan.layers.frames import window
from tfmusicgan.layers.kernel_layer import KernelLayer, track_affine
from tfmusicgan.layers.precision import full_precision
from tfmusicgan.layers.replicas import mean_over_replicas


class TrackUpsampling(KernelLayer):
    """Transposed convolution with stride equal to kernel, one set of weights per track.

    Args:
      tracks: Number of weight sets.
      channels: Input channels.
      filters: Output channels.
      axis: 2 for time, 3 for pitch.
      kernel: Taps, and the factor by which the axis grows.
      seed: Of the initial weights, together with the layer's name.
      stddev: Of the initial weights.

    Input shape:
      [tracks, batch, time, pitch, channels].

    Output shape:
      [tracks, batch, time, pitch, filters], the axis `kernel` times as long.
    """

    def __init__(
        self,
        tracks: int,
        channels: int,
        filters: int,
        axis: int,
        kernel: int,
        seed: int,
        stddev: float = 0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.axis, self.taps, self.filters = axis, kernel, filters
        self.add_kernel((tracks, channels, kernel * filters), (tracks, filters), seed, stddev)
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Applies the transposed convolution."""
        tracks, _, time, pitch, channels = x.shape.as_list()
        rows = tf.reshape(x, [tracks, -1, channels])
        # The same bias for every tap, added by the product itself.
        bias = tf.tile(tf.convert_to_tensor(self.bias), [1, self.taps])
        flat = track_affine(rows, tf.convert_to_tensor(self.kernel), bias)
        y = tf.reshape(flat, [tracks, -1, time, pitch, self.taps, self.filters])
        if self.axis == 2:
            if pitch > 1:
                y = tf.transpose(y, [0, 1, 2, 4, 3, 5])
            return tf.reshape(y, [tracks, -1, time * self.taps, pitch, self.filters])
        return tf.reshape(y, [tracks, -1, time, pitch * self.taps, self.filters])


class TrackTransposedConvolution(KernelLayer):
    """Transposed convolution with stride 1 along time, one set of weights per track.

    Args:
      tracks: Number of weight sets.
      channels: Input channels.
      filters: Output channels.
      kernel: Taps; time grows by `kernel - 1`.
      seed: Of the initial weights, together with the layer's name.
      stddev: Of the initial weights.

    Input shape:
      [tracks, batch, time, 1, channels].

    Output shape:
      [tracks, batch, time + kernel - 1, 1, filters].
    """

    def __init__(
        self,
        tracks: int,
        channels: int,
        filters: int,
        kernel: int,
        seed: int,
        stddev: float = 0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.taps, self.filters = kernel, filters
        self.add_kernel((tracks, kernel * channels, filters), (tracks, filters), seed, stddev)
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Applies the transposed convolution: y[t] = sum over k of x[t - k] W[k]."""
        tracks, _, time, _, channels = x.shape.as_list()
        edge = self.taps - 1
        padded = tf.pad(x, [[0, 0], [0, 0], [edge, edge], [0, 0], [0, 0]])
        shifts = [window(padded, 2, edge - tap, time + edge) for tap in range(self.taps)]
        frames = tf.reshape(tf.concat(shifts, axis=-1), [tracks, -1, self.taps * channels])
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        flat = track_affine(frames, kernel, bias)
        return tf.reshape(flat, [tracks, -1, time + edge, 1, self.filters])


class TrackBatchNormalization(keras.layers.Layer):
    """Batch normalisation per track and channel, its statistics those of the global batch.

    Args:
      tracks: Tracks.
      channels: Channels.
      decay: Of the moving statistics.
      epsilon: Added to the variance.

    Input shape:
      [tracks, batch, time, pitch, channels].

    Output shape:
      The same.
    """

    def __init__(self, tracks: int, channels: int, decay: float, epsilon: float, **kwargs):
        super().__init__(**kwargs)
        self.decay, self.epsilon = decay, epsilon
        shape = (tracks, channels)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")
        moving = {"shape": shape, "trainable": False, "aggregation": "mean", "autocast": False}
        self.moving_mean = self.add_weight(name="moving_mean", initializer="zeros", **moving)
        self.moving_variance = self.add_weight(name="moving_variance", initializer="ones", **moving)
        self.built = True

    def call(
        self, x: tf.Tensor, training: bool = False, update_statistics: bool = False
    ) -> tf.Tensor:
        """Normalises.

        Args:
          x: [tracks, batch, time, pitch, channels].
          training: Use the global batch's statistics instead of the moving ones.
          update_statistics: Let the moving statistics follow the batch's.

        Returns:
          The normalised tensor in x's dtype.
        """
        shift = full_precision(tf.convert_to_tensor(self.beta))
        if training:
            mean, variance, centred = _global_moments(full_precision(x))
            if update_statistics:
                self._follow(self.moving_mean, mean)
                self._follow(self.moving_variance, variance)
            scale = self._scale(variance)
            x = tf.cast(centred, x.dtype)
        else:
            scale = self._scale(tf.convert_to_tensor(self.moving_variance))
            shift -= tf.convert_to_tensor(self.moving_mean) * scale
        return x * _broadcast(scale, x.dtype) + _broadcast(shift, x.dtype)

    def _scale(self, variance: tf.Tensor) -> tf.Tensor:
        gamma = full_precision(tf.convert_to_tensor(self.gamma))
        return tf.math.rsqrt(variance + self.epsilon) * gamma

    def _follow(self, moving: keras.Variable, value: tf.Tensor) -> None:
        moving.assign(moving * self.decay + tf.stop_gradient(value) * (1 - self.decay))


def _broadcast(statistic: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    return tf.cast(statistic, dtype)[:, tf.newaxis, tf.newaxis, tf.newaxis]


def _global_moments(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Mean and variance, [tracks, channels], over batch, time and pitch of all replicas; x - mean.

    The output needs x - mean as well: else TensorFlow would make one operation of difference and
    square, which on a CPU is several times slower than the two.
    """
    mean = mean_over_replicas(tf.reduce_mean(x, axis=[1, 2, 3]))
    centred = x - mean[:, tf.newaxis, tf.newaxis, tf.newaxis]
    # Two passes: the difference of large squares would lose the variance's digits.
    variance = mean_over_replicas(tf.reduce_mean(tf.square(centred), axis=[1, 2, 3]))
    return mean, variance, centred
