"""Convolutions with kernels along two axes.

`PlaneConvolution` is a critic's: valid padding, strides, and a matrix product whose gradient can be
differentiated again. `TrackPlaneConvolution` is a generator's: same padding, one set of weights per
track, the tracks in front as in `track_layers`.
"""

import tensorflow as tf

from tfmusicgan.layers.frames import frames, window
from tfmusicgan.layers.kernel_layer import KernelLayer, track_affine


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

    A product of matrices for all pitches at once: the taps along pitch fill a band of a matrix that
    is 0 elsewhere. With the refiner's kernels (36 taps, one channel in or out) that is several
    times the multiplications, and on a CPU faster than TensorFlow's convolution and its gradient:
    see `scripts/benchmarks/refiner.py`.

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
        kernel = tf.convert_to_tensor(self.kernel)
        tracks, taps, _, channels, filters = kernel.shape
        _, _, time, pitch, _ = x.shape
        bias = tf.tile(tf.convert_to_tensor(self.bias), [1, pitch])
        band = pitch_band(kernel, pitch)
        x = tf.reshape(x, [tracks, -1, time, pitch * channels])
        padding = [[0, 0], [0, 0], [(taps - 1) // 2, taps // 2], [0, 0]]
        if channels <= filters:
            # What all taps along time see is small: side by side, it is one product.
            seen = frames(tf.pad(x, padding), 2, taps, 1)
            matrices = tf.reshape(band, [tracks, taps * pitch * channels, pitch * filters])
            y = track_affine(tf.reshape(seen, [tracks, -1, seen.shape[-1]]), matrices, bias)
            return tf.reshape(y, [tracks, -1, time, pitch, filters])
        # What they give is: one product for every tap, then the sum.
        matrices = tf.reshape(
            tf.transpose(band, [0, 2, 1, 3]), [tracks, pitch * channels, taps * pitch * filters]
        )
        y = tf.matmul(tf.reshape(x, [tracks, -1, pitch * channels]), matrices)
        y = tf.reshape(y, [tracks, -1, time, taps * pitch * filters])
        parts = [tf.pad(part, padding) for part in tf.split(y, taps, axis=-1)]
        y = tf.add_n([window(part, 2, tap, time) for tap, part in enumerate(parts)])
        y += bias[:, tf.newaxis, tf.newaxis]
        return tf.reshape(y, [tracks, -1, time, pitch, filters])


def pitch_band(kernel: tf.Tensor, pitch: int) -> tf.Tensor:
    """A convolution's taps along pitch, with same padding, as matrices from all pitches to all.

    Args:
      kernel: [tracks, time taps, pitch taps, channels, filters].
      pitch: Pitches that there are.

    Returns:
      [tracks, time taps, pitch * channels, pitch * filters].
    """
    tracks, rows, taps, channels, filters = kernel.shape
    # A row of taps and zeros, repeated, and cut again one short: each row is moved on by one.
    row = tf.reshape(kernel, [tracks, rows, taps, channels * filters])
    row = tf.pad(row, [[0, 0], [0, 0], [0, pitch], [0, 0]])
    length = taps + pitch - 1
    moved = tf.tile(row, [1, 1, pitch, 1])[:, :, : pitch * length]
    moved = tf.reshape(moved, [tracks, rows, pitch, length, channels, filters])
    first = (taps - 1) // 2
    seen = moved[:, :, :, first : first + pitch]  # [tracks, rows, to, from, channels, filters]
    seen = tf.transpose(seen, [0, 1, 3, 4, 2, 5])
    return tf.reshape(seen, [tracks, rows, pitch * channels, pitch * filters])
