"""Transposed convolution of any stride, all tracks at once; see `track_layers` for the axes."""

import tensorflow as tf

from tfmusicgan.layers.kernel_layer import KernelLayer


class TrackStridedTransposedConvolution(KernelLayer):
    """Transposed convolution along time or pitch, one set of weights per track.

    Taps beyond the stride fall onto what the next position writes, and are added.

    Args:
      tracks: Number of weight sets.
      channels: Input channels.
      filters: Output channels.
      axis: 2 for time, 3 for pitch.
      kernel: Taps.
      stride: Step along the axis, at most `kernel`.
      seed: Of the initial weights, together with the layer's name.
      stddev: Of the initial weights.

    Input shape:
      [tracks, batch, time, pitch, channels].

    Output shape:
      [tracks, batch, time, pitch, filters], the axis at (size - 1) * stride + kernel.
    """

    def __init__(
        self,
        tracks: int,
        channels: int,
        filters: int,
        axis: int,
        kernel: int,
        stride: int,
        seed: int,
        stddev: float = 0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.axis, self.taps, self.stride, self.filters = axis, kernel, stride, filters
        self.add_kernel((tracks, channels, kernel * filters), (tracks, filters), seed, stddev)
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Applies the transposed convolution."""
        tracks, _, time, pitch, channels = x.shape.as_list()
        flat = tf.matmul(tf.reshape(x, [tracks, -1, channels]), tf.convert_to_tensor(self.kernel))
        y = tf.reshape(flat, [tracks, -1, time, pitch, self.taps, self.filters])
        if self.axis == 2:
            y = tf.transpose(y, [0, 1, 3, 2, 4, 5])
        rows, size = y.shape[2:4]  # the other axis, then the one that grows
        blocks = -(-self.taps // self.stride)  # runs of `stride` taps, each as long as the output
        parts = []
        for block in range(blocks):
            part = y[:, :, :, :, block * self.stride : (block + 1) * self.stride]
            part = tf.pad(part, [[0, 0]] * 4 + [[0, self.stride - part.shape[4]], [0, 0]])
            part = tf.reshape(part, [tracks, -1, rows, size * self.stride, self.filters])
            edge = [block * self.stride, (blocks - 1 - block) * self.stride]
            parts.append(tf.pad(part, [[0, 0]] * 3 + [edge, [0, 0]]))
        y = tf.add_n(parts)[:, :, :, : (size - 1) * self.stride + self.taps]
        if self.axis == 2:
            y = tf.transpose(y, [0, 1, 3, 2, 4])
        return y + tf.reshape(tf.convert_to_tensor(self.bias), [tracks, 1, 1, 1, self.filters])
