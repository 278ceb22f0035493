"""What loops over time share: lists that are written step by step, and gradients of all steps."""

from typing import Any

import tensorflow as tf


def empty(dtype: tf.DType, steps: int | tf.Tensor, **kwargs: Any) -> tf.TensorArray:
    """A list to be written step by step."""
    return tf.TensorArray(dtype, steps, clear_after_read=False, **kwargs)


def stacked(array: tf.TensorArray, steps: int) -> tf.Tensor:
    """All that a list holds, its first axis known: [steps, ...]."""
    found = array.stack()
    return tf.ensure_shape(found, [steps, *found.shape[1:]])


def product_of_steps(before: tf.Tensor, after: tf.Tensor) -> tf.Tensor:
    """The gradient of a matrix of all steps, as one product.

    Args:
      before: [steps, batch, n], what it multiplied.
      after: [steps, batch, m], the gradients by what came of it.

    Returns:
      [n, m].
    """
    return tf.matmul(flat(before), flat(after), transpose_a=True)


def flat(values: tf.Tensor) -> tf.Tensor:
    """[steps, batch, n] to [steps * batch, n]."""
    return tf.reshape(values, [-1, values.shape[-1]])
