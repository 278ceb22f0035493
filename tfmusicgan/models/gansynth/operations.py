"""GANSynth's operations on maps, with gradients arranged as in `layers.affine`.

The discriminator's gradient is differentiated again (gradient penalty), hence every gradient here
can be. Maps are [batch, frames, bins, channels].
"""

from collections.abc import Callable

import tensorflow as tf

from tfmusicgan.layers.affine import leaky_relu
from tfmusicgan.layers.precision import full_precision
from tfmusicgan.layers.replicas import mean_over_replicas

_Gradient = Callable[..., tf.Tensor | tuple[tf.Tensor, ...]]
_PIXEL_NORM_FLOOR = 1e-8
_DEVIATION_FLOOR = 1e-6


def convolve(
    x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, slope: float | None = None
) -> tf.Tensor:
    """Convolution with stride 1 and same padding, plus a bias, and a leaky ReLU.

    As the ReLU's mask comes from its output, TensorFlow runs all three as one kernel.

    Args:
      x: [batch, frames, bins, inputs].
      kernel: [taps along frames, taps along bins, inputs, outputs].
      bias: [outputs].
      slope: Of the leaky ReLU; None for none.

    Returns:
      [batch, frames, bins, outputs].
    """
    settings = {"strides": [1, 1, 1, 1], "padding": "SAME"}

    @tf.custom_gradient
    def apply(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, _Gradient]:
        y = tf.nn.bias_add(tf.nn.conv2d(x, kernel, **settings), bias)
        if slope is not None:
            y = tf.nn.leaky_relu(y, slope)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
            if slope is not None:
                upstream = tf.raw_ops.LeakyReluGrad(
                    gradients=upstream, features=tf.stop_gradient(y), alpha=float(slope)
                )
            return (
                tf.raw_ops.Conv2DBackpropInput(
                    input_sizes=tf.shape(x), filter=kernel, out_backprop=upstream, **settings
                ),
                tf.raw_ops.Conv2DBackpropFilter(
                    input=x, filter_sizes=tf.shape(kernel), out_backprop=upstream, **settings
                ),
                _sum_of_rows(upstream),
            )

        return y, gradient

    return apply(x, kernel, bias)


def convolve_upscaled(
    x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, growth: tuple[int, int]
) -> tf.Tensor:
    """`convolve(box_upscale(x, growth), kernel, bias)` without the upscaled map.

    Repeated neighbours meet several taps of the kernel: their sums are the taps of a transposed
    convolution with the growth as its strides, 16 in place of 36 for a 3x3 kernel and twice two.

    Args:
      x: [batch, frames, bins, inputs].
      kernel: [taps along frames, taps along bins, inputs, outputs]; odd numbers of taps.
      bias: [outputs].
      growth: Repetitions along frames and bins.

    Returns:
      [batch, growth[0] * frames, growth[1] * bins, outputs].
    """
    for axis, times in enumerate(growth):
        edges = [[0, 0]] * 4
        shifts = []
        for shift in range(times):
            edges[axis] = [shift, times - 1 - shift]
            shifts.append(tf.pad(kernel, list(edges)))
        kernel = tf.add_n(shifts)
    taps = tf.transpose(tf.reverse(kernel, axis=[0, 1]), [0, 1, 3, 2])
    sizes = [x.shape[1] * growth[0], x.shape[2] * growth[1], taps.shape[2]]
    y = tf.nn.conv2d_transpose(x, taps, [tf.shape(x)[0], *sizes], growth, "SAME")
    return tf.nn.bias_add(tf.ensure_shape(y, [None, *sizes]), bias)


def box_downscale(x: tf.Tensor, factors: tuple[int, int]) -> tf.Tensor:
    """Means of boxes: [batch, frames, bins, channels], both sizes divided by their factors."""
    if tuple(factors) == (1, 1):
        return x

    @tf.custom_gradient
    def apply(x: tf.Tensor) -> tuple[tf.Tensor, _Gradient]:
        cells = factors[0] * factors[1]
        y = tf.nn.avg_pool2d(x, factors, factors, "VALID")

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            upstream.set_shape(y.shape)
            return box_upscale(upstream / cells, factors)

        return y, gradient

    return apply(x)


def box_upscale(x: tf.Tensor, factors: tuple[int, int]) -> tf.Tensor:
    """Repeats frames and bins: [batch, frames, bins, channels], both sizes times their factors."""
    if tuple(factors) == (1, 1):
        return x

    @tf.custom_gradient
    def apply(x: tf.Tensor) -> tuple[tf.Tensor, _Gradient]:
        rows, (frames, bins, channels) = tf.shape(x)[0], x.shape[1:]
        wide = tf.broadcast_to(
            x[:, :, tf.newaxis, :, tf.newaxis],
            [rows, frames, factors[0], bins, factors[1], channels],
        )
        y = tf.reshape(wide, [rows, frames * factors[0], bins * factors[1], channels])
        cells = factors[0] * factors[1]

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            # TensorFlow's own, sums over axes in the middle, is the same from slower kernels.
            upstream.set_shape(y.shape)
            return cells * box_downscale(upstream, factors)

        return y, gradient

    return apply(x)


def pixel_norm(x: tf.Tensor) -> tf.Tensor:
    """Divides by sqrt(mean over channels of x^2 + 1e-8) (Progressive GAN, section 4.2).

    Its gradient is the plain formula's, in fewer operations.
    """

    @tf.custom_gradient
    def apply(x: tf.Tensor) -> tuple[tf.Tensor, _Gradient]:
        mean = tf.reduce_mean(tf.square(x), axis=-1, keepdims=True)
        factor = tf.math.rsqrt(mean + _PIXEL_NORM_FLOOR)
        y = x * factor

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            along = tf.reduce_mean(upstream * y, axis=-1, keepdims=True)
            return factor * (upstream - y * along)

        return y, gradient

    return tf.cast(apply(full_precision(x)), x.dtype)


def batch_deviation(x: tf.Tensor, passes: int = 1) -> tf.Tensor:
    """Appends the deviation of the global batch as a channel (Progressive GAN, section 3).

    The standard deviation over the whole batch, sqrt(biased variance + 1e-6), at every frame, bin
    and channel, then the mean of all: one number for the batch, which all replicas share.

    Args:
      x: [passes * batch, frames, bins, channels]; each pass through the network has its own.
      passes: Batches that lie one after the other.

    Returns:
      [passes * batch, frames, bins, channels + 1].
    """
    shape = x.shape[1:]
    batches = tf.reshape(full_precision(x), [passes, -1, *shape])
    mean = mean_over_replicas(tf.reduce_mean(batches, axis=1, keepdims=True))
    variance = mean_over_replicas(tf.reduce_mean(tf.square(batches - mean), axis=1))
    deviation = tf.reduce_mean(tf.sqrt(variance + _DEVIATION_FLOOR), axis=[1, 2, 3])
    rows = tf.shape(batches)[1]
    channel = tf.broadcast_to(
        tf.reshape(deviation, [passes, 1, 1, 1]), [passes, rows, shape[0], shape[1]]
    )
    channel = tf.reshape(channel, [-1, shape[0], shape[1], 1])
    return tf.concat([x, tf.cast(channel, x.dtype)], axis=-1)


def normalised_leaky_relu(x: tf.Tensor, slope: float) -> tf.Tensor:
    """The generator's non-linearity: pixel norm of a leaky ReLU."""
    return pixel_norm(leaky_relu(x, slope))


def _sum_of_rows(x: tf.Tensor) -> tf.Tensor:
    """[..., channels] to [channels]; as a product, up to twice as fast on large maps."""
    rows = tf.reshape(x, [-1, x.shape[-1]])
    return tf.linalg.matvec(rows, tf.ones(tf.shape(rows)[:1], rows.dtype), transpose_a=True)
