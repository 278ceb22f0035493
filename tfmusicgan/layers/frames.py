"""What a kernel sees at each of its places, side by side."""

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
    count = (x.shape[axis] - taps) // stride + 1
    slices = []
    for tap in range(taps):
        window = [slice(None)] * x.shape.rank
        window[axis] = slice(tap, tap + (count - 1) * stride + 1, stride)
        slices.append(x[tuple(window)])
    return slices[0] if taps == 1 else tf.concat(slices, axis=-1)
