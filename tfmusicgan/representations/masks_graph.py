"""Some rows of several tensors, inside the graph."""

import tensorflow as tf


def where_true(mask: tf.Tensor, *values: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """What `tf.boolean_mask` gives of each tensor, with one search and a tenth of its operations.

    Args:
      mask: bool [rows].
      *values: [rows, ...] each.

    Returns:
      [rows where it is true, ...] each, in their order.

    Raises:
      ValueError: If their numbers of rows are known, and not the mask's.
    """
    for tensor in values:
        mask.shape.assert_is_compatible_with(tensor.shape[:1])
    places = tf.squeeze(tf.where(mask), axis=1)
    return tuple(tf.gather(tensor, places) for tensor in values)
