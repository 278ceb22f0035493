"""What a critic's layers do to their rows: matrix product, bias, leaky ReLU; with gradients.

The gradients are those that TensorFlow derives, arranged for a critic whose gradient is
differentiated again (gradient penalty):

* The leaky ReLU's mask comes from the output's signs. The input is then needed by nothing else, and
  TensorFlow runs product, bias and ReLU as one kernel, without keeping what lies between.
* The mask's own derivative, zero almost everywhere, is left out. TensorFlow would send a tensor of
  zeros back through the whole first pass, a third of a penalty's work.
* The bias's gradient is a product with ones, up to twice as fast as a sum on large maps.
* Large maps can go through TensorFlow's convolution with a kernel of one place: on a CPU it adds
  bias and ReLU to what it has just worked out, where the product goes over the map once more.
"""

from collections.abc import Callable

import tensorflow as tf

_MANY_PLACES = 256  # of one example; below, a convolution costs more to start than it saves
_Gradient = Callable[..., tf.Tensor | tuple[tf.Tensor, ...]]


def affine(
    x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, slope: float | None = None
) -> tf.Tensor:
    """Rows times a kernel, plus a bias, and a leaky ReLU.

    Operands have the same number of axes: the gradient of a product with more on the left makes one
    weight gradient per row and adds them.

    Args:
      x: [rows, inputs], or [sets, rows, inputs] for several sets of weights.
      kernel: [inputs, outputs], or [sets, inputs, outputs].
      bias: [outputs], or [sets, outputs].
      slope: Of the leaky ReLU for negative numbers, at least 0; None for no ReLU.

    Returns:
      [rows, outputs], or [sets, rows, outputs].
    """

    @tf.custom_gradient
    def apply(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, _Gradient]:
        y = tf.matmul(x, kernel)
        y = tf.nn.bias_add(y, bias) if bias.shape.rank == 1 else y + bias[:, tf.newaxis]
        if slope is not None:
            y = tf.nn.leaky_relu(y, slope)
        return y, lambda upstream: _gradients(upstream, x, kernel, y, slope)

    return apply(x, kernel, bias)


def map_affine(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, slope: float) -> tf.Tensor:
    """What `affine` does, for every place of maps, as a convolution; see `runs_as_convolution`.

    Args:
      x: [batch, height, width, inputs], the batch at least 1: TensorFlow's CPU kernel gives an
        empty one another shape.
      kernel: [inputs, outputs].
      bias: [outputs].
      slope: Of the leaky ReLU for negative numbers, at least 0.

    Returns:
      [batch, height, width, outputs].
    """

    @tf.custom_gradient
    def apply(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, _Gradient]:
        y = tf.nn.conv2d(x, kernel[tf.newaxis, tf.newaxis], strides=1, padding="VALID")
        y = tf.nn.leaky_relu(tf.nn.bias_add(y, bias), slope)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
            flat = [tf.reshape(z, [-1, z.shape[-1]]) for z in (upstream, x, y)]
            by_x, *by_weights = _gradients(flat[0], flat[1], kernel, flat[2], slope)
            return tf.reshape(by_x, [-1, *x.shape[1:]]), *by_weights

        return y, gradient

    return apply(x, kernel, bias)


def runs_as_convolution(x: tf.Tensor) -> bool:
    """Whether `map_affine` is the faster form: with many places, on a CPU.

    Args:
      x: [batch, height, width, inputs].
    """
    # Measured on CPUs alone. On a GPU TensorFlow may change a convolution's layout and back again.
    on_gpu = bool(tf.config.list_logical_devices("GPU"))
    return not on_gpu and x.shape[1:3].num_elements() >= _MANY_PLACES


def _gradients(
    upstream: tf.Tensor, x: tf.Tensor, kernel: tf.Tensor, y: tf.Tensor, slope: float | None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Gradients by x, kernel and bias, from that by y = affine(x, kernel, bias, slope)."""
    if slope is not None:
        upstream = _masked(upstream, y, slope)
    ones = tf.ones(tf.shape(upstream)[:-1], upstream.dtype)
    return (
        tf.matmul(upstream, kernel, transpose_b=True),
        tf.matmul(x, upstream, transpose_a=True),
        tf.linalg.matvec(upstream, ones, transpose_a=True),
    )


def leaky_relu(x: tf.Tensor, slope: float) -> tf.Tensor:
    """Leaky ReLU: x where it is positive, slope * x elsewhere.

    Args:
      x: A tensor of floats.
      slope: At least 0.

    Returns:
      The same shape.
    """

    @tf.custom_gradient
    def apply(x: tf.Tensor) -> tuple[tf.Tensor, _Gradient]:
        y = tf.nn.leaky_relu(x, slope)
        return y, lambda upstream: _masked(upstream, y, slope)

    return apply(x)


def _masked(upstream: tf.Tensor, y: tf.Tensor, slope: float) -> tf.Tensor:
    """The gradient by the ReLU's input, from its output: both have the same sign, or are 0."""
    return tf.raw_ops.LeakyReluGrad(
        gradients=upstream, features=tf.stop_gradient(y), alpha=float(slope)
    )
