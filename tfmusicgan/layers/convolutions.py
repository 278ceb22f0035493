"""The critic's convolutions along one axis, written as matrix products.

Every kernel of MuseGAN extends along one axis only, and most have stride equal to kernel: then a
convolution is a reshape and a matrix product, which a CPU runs at the speed of the product. Kernels
that overlap become a concatenation of shifted slices, or a band matrix, and one product. On a CPU
the product of a large map is a convolution with a kernel of one place (`affine.map_affine`).

With `tracks`, a layer has one set of weights per track. The tracks lie in front of its input and
output as they do in `track_layers`, or both are lists of tensors, one for each track: large maps
want lists, as one product per track with its bias and ReLU is faster than one product of batches.
"""

from collections.abc import Sequence

import tensorflow as tf

from tfmusicgan.layers.affine import affine, map_affine, runs_as_convolution
from tfmusicgan.layers.frames import frames
from tfmusicgan.layers.kernel_layer import KernelLayer


class ProductConvolution(KernelLayer):
    """A convolution that arranges its input in rows and multiplies them by its kernel.

    Args:
      kernel_shape: The kernel's axes, without the tracks.
      seed: Of the initial weights, together with the layer's name.
      stddev: Of the initial weights.
      tracks: Number of weight sets; None for one set and no axis of tracks.
      slope: Of a leaky ReLU that follows; None for none.
    """

    def __init__(
        self,
        kernel_shape: tuple[int, ...],
        seed: int,
        stddev: float,
        tracks: int | None,
        slope: float | None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.slope = slope
        sets = () if tracks is None else (tracks,)
        bias_shape = (*sets, kernel_shape[-1])
        self.add_kernel((*sets, *kernel_shape), bias_shape, seed, stddev)
        self.built = True

    def call(self, x: tf.Tensor | Sequence[tf.Tensor]) -> tf.Tensor | list[tf.Tensor]:
        """Applies the convolution."""
        kernel, bias = self._matrix(
            tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        )
        if isinstance(x, list | tuple):
            sets = zip(x, tf.unstack(kernel), tf.unstack(bias), strict=True)
            return [self._product(*one) for one in sets]
        return self._product(x, kernel, bias)

    def _product(self, x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        *sets, inputs, outputs = kernel.shape
        frames = self._frames(tf.reshape(x, [-1, *x.shape[-3:]]))
        if not sets and self.slope is not None and runs_as_convolution(frames):
            return map_affine(frames, kernel, bias, self.slope)
        y = affine(tf.reshape(frames, [*sets, -1, inputs]), kernel, bias, self.slope)
        return tf.reshape(y, [*sets, -1, *frames.shape[1:3], outputs])

    def _matrix(self, kernel: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Kernel and bias as [(tracks,) inputs, outputs] and [(tracks,) outputs]."""
        raise NotImplementedError

    def _frames(self, x: tf.Tensor) -> tf.Tensor:
        """[rows, time, pitch, channels] to [rows, time, pitch, inputs] of the output's size."""
        raise NotImplementedError


class BarConvolution(ProductConvolution):
    """Convolution with stride 1 and valid padding along the bars, which lie beside the channels.

    One product with the kernel spread over a [bars, output bars] band: no activation is copied,
    where shifted slices of whole phrases would be most of a critic's time.

    Args:
      bars: Input bars.
      channels: Input channels per bar.
      filters: Output channels per bar.
      kernel: Taps along the bars.
      seed: Of the initial weights, together with the layer's name.
      stddev: Of the initial weights.
      tracks: Number of weight sets; None for one set and no axis of tracks.
      slope: Of a leaky ReLU that follows; None for none.

    Input shape:
      [batch, time, pitch, bars * channels], the bars outermost; with `tracks`,
      [tracks, batch, time, pitch, bars * channels] or a list.

    Output shape:
      [batch, time, pitch, (bars - kernel + 1) * filters]; with `tracks`, those in front or a list.
    """

    def __init__(
        self,
        bars: int,
        channels: int,
        filters: int,
        kernel: int,
        seed: int,
        stddev: float = 0.02,
        tracks: int | None = None,
        slope: float | None = None,
        **kwargs,
    ):
        super().__init__((kernel, channels, filters), seed, stddev, tracks, slope, **kwargs)
        self.bars, self.output_bars = bars, bars - kernel + 1

    def _matrix(self, kernel: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        *sets, _, channels, filters = kernel.shape
        if self.output_bars > 1:
            kernel = self._spread(kernel)
            bias = tf.tile(bias, [1] * len(sets) + [self.output_bars])
        return tf.reshape(kernel, [*sets, self.bars * channels, self.output_bars * filters]), bias

    def _spread(self, kernel: tf.Tensor) -> tf.Tensor:
        """[..., taps, channels, filters] to [..., bars, channels, output bars, filters]."""
        outer = [[0, 0]] * (kernel.shape.rank - 3)
        edges = [[bar, self.output_bars - 1 - bar] for bar in range(self.output_bars)]
        return tf.stack([tf.pad(kernel, [*outer, edge, [0, 0], [0, 0]]) for edge in edges], -2)

    def _frames(self, x: tf.Tensor) -> tf.Tensor:
        return x


class AxisConvolution(ProductConvolution):
    """Convolution with valid padding along time or pitch.

    Args:
      channels: Input channels.
      filters: Output channels.
      axis: 1 for time, 2 for pitch.
      kernel: Taps along the axis.
      stride: Step along the axis.
      seed: Of the initial weights, together with the layer's name.
      stddev: Of the initial weights.
      tracks: Number of weight sets; None for one set and no axis of tracks.
      slope: Of a leaky ReLU that follows; None for none.

    Input shape:
      [batch, time, pitch, channels]; with `tracks`, [tracks, batch, time, pitch, channels] or a
      list.

    Output shape:
      The same with the axis at (size - kernel) // stride + 1 and `filters` channels.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        axis: int,
        kernel: int,
        stride: int,
        seed: int,
        stddev: float = 0.02,
        tracks: int | None = None,
        slope: float | None = None,
        **kwargs,
    ):
        super().__init__((kernel, channels, filters), seed, stddev, tracks, slope, **kwargs)
        self.axis, self.taps, self.stride = axis, kernel, stride

    def _matrix(self, kernel: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # The tap outermost: the taps of a frame lie side by side.
        *sets, taps, channels, filters = kernel.shape
        return tf.reshape(kernel, [*sets, taps * channels, filters]), bias

    def _frames(self, x: tf.Tensor) -> tf.Tensor:
        taps, stride, shape = self.taps, self.stride, x.shape.as_list()
        if taps % stride == shape[self.axis] % stride == 0 and (self.axis == 2 or shape[2] == 1):
            # Neighbours lie side by side already: fewer slices, and each of them in one piece.
            shape[self.axis], shape[3] = shape[self.axis] // stride, shape[3] * stride
            x, taps, stride = tf.reshape(x, [-1, *shape[1:]]), taps // stride, 1
        return frames(x, self.axis, taps, stride)
