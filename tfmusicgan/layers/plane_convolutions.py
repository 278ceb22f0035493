"""Convolutions with kernels along two axes.

`PlaneConvolution` is a critic's: valid padding, strides, and a matrix product whose gradient can be
differentiated again. `TrackPlaneConvolution` is a generator's: same padding, one set of weights per
track, the tracks in front as in `track_layers`.
"""

import tensorflow as tf

from tfmusicgan.layers.frames import frames
from tfmusicgan.layers.kernel_layer import KernelLayer


class PlaneConvolution(KernelLayer):
    """Convolution with valid padding along two axes.

    Args:
      channels: Input channels.
      filters: Output channels.
      kernel: Taps along the rows and along the columns.
      strides: Steps along the rows and along the columns.
      seed: Of the initial weights, together with the layer's name.
      stddev: Of the initial weights.

    Input shape:
      [batch, rows, columns, channels].

    Output shape:
      [batch, (rows - kernel[0]) // strides[0] + 1, (columns - kernel[1]) // strides[1] + 1,
      filters].
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: tuple[int, int],
        strides: tuple[int, int],
        seed: int,
        stddev: float = 0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.strides = strides
        self.add_kernel((*kernel, channels, filters), (filters,), seed, stddev)
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Applies the convolution."""
        kernel = tf.convert_to_tensor(self.kernel)
        *taps, channels, filters = kernel.shape
        _, rows, columns, _ = x.shape
        count = (columns - taps[1]) // self.strides[1] + 1
        if taps[1] == self.strides[1] and columns == count * taps[1]:
            # Neighbouring columns lie side by side already.
            wide = tf.reshape(x, [-1, rows, count, taps[1] * channels])
        else:
            wide = frames(x, 2, taps[1], self.strides[1])
        seen = frames(wide, 1, taps[0], self.strides[0])
        sizes = seen.shape
        flat = tf.matmul(
            tf.reshape(seen, [-1, sizes[-1]]), tf.reshape(kernel, [sizes[-1], filters])
        )
        flat = tf.nn.bias_add(flat, tf.convert_to_tensor(self.bias))
        return tf.reshape(flat, [-1, *sizes[1:3], filters])


class TrackPlaneConvolution(KernelLayer):
    """Convolution with stride 1 and same padding along time and pitch, weights per track.

    One call of TensorFlow's convolution per track. With the refiner's kernels (36 taps, one channel
    in or out) that is faster on a CPU than shifts and products while the maps have few channels,
    and slower by half with many.

    Args:
      tracks: Number of weight sets.
      channels: Input channels.
      filters: Output channels.
      kernel: Taps along time and along pitch; where even, the padding has one more at the end than
        at the start, as TensorFlow's has.
      seed: Of the initial weights, together with the layer's name.
      stddev: Of the initial weights.

    Input shape:
      [tracks, batch, time, pitch, channels].

    Output shape:
      [tracks, batch, time, pitch, filters].
    """

    def __init__(
        self,
        tracks: int,
        channels: int,
        filters: int,
        kernel: tuple[int, int],
        seed: int,
        stddev: float = 0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.add_kernel((tracks, *kernel, channels, filters), (tracks, filters), seed, stddev)
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Applies the convolution."""
        pairs = zip(
            tf.unstack(x),
            tf.unstack(tf.convert_to_tensor(self.kernel)),
            tf.unstack(tf.convert_to_tensor(self.bias)),
            strict=True,
        )
        return tf.stack(
            [
                tf.nn.bias_add(tf.nn.conv2d(track, kernel, strides=1, padding="SAME"), bias)
                for track, kernel, bias in pairs
            ]
        )
