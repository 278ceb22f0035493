"""What the convolutions share: a kernel and a bias whose first values follow from a seed."""

import keras
import tensorflow as tf

from tfmusicgan.layers.affine import affine
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


def track_affine(rows: tf.Tensor, kernels: tf.Tensor, biases: tf.Tensor) -> tf.Tensor:
    """Rows of each track times its kernel, plus its bias.

    Args:
      rows: [tracks, rows, inputs].
      kernels: [tracks, inputs, outputs].
      biases: [tracks, outputs].

    Returns:
      [tracks, rows, outputs].
    """
    if kernels.shape[0] > 1:
        return affine(rows, kernels, biases)
    # A product of matrices is faster than one of batches of one matrix.
    single = affine(tf.squeeze(rows, 0), tf.squeeze(kernels, 0), tf.squeeze(biases, 0))
    return tf.expand_dims(single, 0)
