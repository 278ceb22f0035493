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

    A product of matrices for every block of neighbouring pitches: the taps along pitch fill a band
    of a matrix that is 0 elsewhere. With the refiner's kernels (36 taps, one channel in or out)
    that is twice the multiplications, and on a CPU faster than TensorFlow's convolution and its
    gradient: see `scripts/benchmarks/refiner.py`.

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
        _, _, taps, channels, filters = self.kernel.shape
        pitch = x.shape[3]
        block = _block(pitch, taps)
        count = -(-pitch // block)
        if count * block > pitch:
            x = tf.pad(x, [[0, 0]] * 3 + [[0, count * block - pitch], [0, 0]])
        # What is small is moved about, the input or the output.
        y = self._gather(x, block) if channels <= filters else self._scatter(x, block)
        return window(y, 3, 0, pitch) if count * block > pitch else y

    def _gather(self, x: tf.Tensor, block: int) -> tf.Tensor:
        """Lays side by side what a block of outputs sees, for one product."""
        tracks, rows, taps, channels, filters = self.kernel.shape
        time, pitch = x.shape[2:4]
        first = (taps - 1) // 2
        x = tf.pad(x, [[0, 0], [0, 0], _around(rows), [first, block - first], [0, 0]])
        x = tf.reshape(x, [tracks, -1, time + rows - 1, pitch // block + 1, block * channels])
        after = window(window(x, 3, 1, pitch // block), 4, 0, (taps - 1) * channels)
        seen = tf.concat([window(x, 3, 0, pitch // block), after], axis=-1)
        seen = frames(seen, 2, rows, 1)
        # [tracks, rows, to, from, channels, filters]
        band = shifted_taps(tf.convert_to_tensor(self.kernel), block)
        matrices = tf.reshape(
            tf.transpose(band, [0, 1, 3, 4, 2, 5]), [tracks, seen.shape[-1], block * filters]
        )
        bias = tf.tile(tf.convert_to_tensor(self.bias), [1, block])
        y = track_affine(tf.reshape(seen, [tracks, -1, seen.shape[-1]]), matrices, bias)
        return tf.reshape(y, [tracks, -1, time, pitch, filters])

    def _scatter(self, x: tf.Tensor, block: int) -> tf.Tensor:
        """One product for what a block of inputs gives to each output, then the sums."""
        tracks, rows, taps, channels, filters = self.kernel.shape
        time, pitch = x.shape[2:4]
        kernel = tf.reverse(tf.convert_to_tensor(self.kernel), [2])
        band = shifted_taps(kernel, block)  # [tracks, rows, from, to, channels, filters]
        width = (block + taps - 1) * filters
        matrices = tf.reshape(
            tf.transpose(band, [0, 2, 4, 1, 3, 5]), [tracks, block * channels, rows * width]
        )
        y = tf.matmul(tf.reshape(x, [tracks, -1, block * channels]), matrices)
        y = tf.reshape(y, [tracks, -1, time, pitch // block, rows * width])
        padding = [[0, 0], [0, 0], _around(rows), [0, 0], [0, 0]]
        parts = [tf.pad(part, padding) for part in tf.split(y, rows, axis=-1)]
        y = tf.add_n([window(part, 2, row, time) for row, part in enumerate(parts)])
        # Blocks reach into the next one.
        over = window(y, 4, block * filters, width - block * filters)
        over = tf.pad(over, [[0, 0]] * 4 + [[0, 2 * block * filters - width]])
        own = tf.pad(window(y, 4, 0, block * filters), [[0, 0]] * 3 + [[0, 1], [0, 0]])
        y = own + tf.pad(over, [[0, 0]] * 3 + [[1, 0], [0, 0]])
        y = tf.reshape(y, [tracks, -1, time, pitch + block, filters])
        y = window(y, 3, taps // 2, pitch)
        return y + tf.convert_to_tensor(self.bias)[:, tf.newaxis, tf.newaxis, tf.newaxis]


def shifted_taps(kernel: tf.Tensor, block: int) -> tf.Tensor:
    """A kernel's taps along pitch, moved on by one pitch from row to row.

    Args:
      kernel: [tracks, time taps, pitch taps, channels, filters].
      block: Rows.

    Returns:
      [tracks, time taps, block, block + pitch taps - 1, channels, filters], 0 beside the taps.
    """
    tracks, rows, taps, channels, filters = kernel.shape
    row = tf.reshape(kernel, [tracks, rows, taps, channels * filters])
    row = tf.pad(row, [[0, 0], [0, 0], [0, block], [0, 0]])
    length = block + taps - 1
    # A row one longer than those that are cut of it, repeated.
    moved = tf.tile(row, [1, 1, block, 1])[:, :, : block * length]
    return tf.reshape(moved, [tracks, rows, block, length, channels, filters])


def _block(pitch: int, taps: int) -> int:
    """Pitches of a block: those of the next block that it reaches must be in that one."""
    least = max(taps - 1, 1)
    return next((size for size in range(least, pitch + 1) if pitch % size == 0), least)


def _around(taps: int) -> list[int]:
    """Same padding."""
    return [(taps - 1) // 2, taps // 2]
