"""What a kernel sees at each of its places, side by side."""

from collections.abc import Callable

import tensorflow as tf


def frames(x: tf.Tensor, axis: int, taps: int, stride: int) -> tf.Tensor:
    """Cuts an axis into frames that may overlap, with valid padding.

    Args:
      x: [..., channels].
      axis: Which one, not the last.
      taps: Length of a frame.
      stride: From one frame to the next.

    Returns:
      [..., taps * channels], the axis as long as there are frames; the tap is outermost.
    """
    if taps == stride == 1:
        return x  # a slice of everything would be copied on the way back
    count = (x.shape[axis] - taps) // stride + 1
    slices = [_every(x, axis, tap, count, stride) for tap in range(taps)]
    return slices[0] if taps == 1 else tf.concat(slices, axis=-1)


def _every(x: tf.Tensor, axis: int, first: int, count: int, stride: int) -> tf.Tensor:
    """Every `stride`-th place along an axis from `first` on, `count` of them."""
    if stride == 1:
        # `window`'s gradient is padding, several times as fast as that of x[...].
        return window(x, axis, first, count)
    places = [slice(None)] * x.shape.rank
    places[axis] = slice(first, first + (count - 1) * stride + 1, stride)
    return x[tuple(places)]


def window(x: tf.Tensor, axis: int, first: int, count: int) -> tf.Tensor:
    """x[..., first : first + count, ...] along an axis, `count` within what there is."""
    begin, size = [0] * x.shape.rank, [-1] * x.shape.rank
    begin[axis], size[axis] = first, count
    after = x.shape[axis] - first - count

    # TensorFlow's own gradient, within XLA, is an operation that has none.
    @tf.custom_gradient
    def apply(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        return tf.slice(x, begin, size), lambda upstream: _padded(upstream, axis, first, after)

    return apply(x)


def _padded(x: tf.Tensor, axis: int, before: int, after: int) -> tf.Tensor:
    """Zeros before and after, along an axis; the gradient of `window`, and the other way round."""
    paddings = [[0, 0]] * x.shape.rank
    paddings[axis] = [before, after]
    count = x.shape[axis]

    @tf.custom_gradient
    def apply(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        return tf.pad(x, paddings), lambda upstream: window(upstream, axis, before, count)

    return apply(x)
