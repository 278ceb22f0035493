"""What the convolutions share: a kernel and a bias whose first values follow from a seed."""

import keras
import tensorflow as tf

from tfmusicgan.layers.initializers import seeded_normal


class KernelLayer(keras.layers.Layer):
    """A layer with a kernel and a bias, made when the layer is."""

    def add_kernel(
        self, kernel_shape: tuple[int, ...], bias_shape: tuple[int, ...], seed: int, stddev: float
    ) -> None:
        """Adds `kernel`, a truncated normal of (seed, layer name), and `bias`, zeros.

        Args:
          kernel_shape: The kernel's axes.
          bias_shape: The bias's axes.
          seed: Of the initial weights.
          stddev: Of the initial kernel.
        """
        self.kernel = self.add_weight(
            name="kernel",
            shape=kernel_shape,
            initializer=seeded_normal(seed, f"{self.name}/kernel", stddev),
        )
        self.bias = self.add_weight(name="bias", shape=bias_shape, initializer="zeros")


def product(rows: tf.Tensor, kernels: tf.Tensor) -> tf.Tensor:
    """Rows of each track times its kernel.

    Args:
      rows: [tracks, rows, inputs].
      kernels: [tracks, inputs, outputs].

    Returns:
      [tracks, rows, outputs].
    """
    if kernels.shape[0] > 1:
        return tf.matmul(rows, kernels)
    # A product of matrices is faster than one of batches of one matrix.
    return tf.matmul(tf.squeeze(rows, 0), tf.squeeze(kernels, 0))[tf.newaxis]
