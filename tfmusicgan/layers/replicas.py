"""Statistics of the global batch, which the replicas of a strategy share."""

import tensorflow as tf


def mean_over_replicas(value: tf.Tensor) -> tf.Tensor:
    """The mean of all replicas' values, each of as many rows; its gradient is their mean, too.

    Args:
      value: A replica's own, of any shape. Outside a replica, or with one alone, it stays as it is.

    Returns:
      The same on all replicas.
    """
    context = tf.distribute.get_replica_context()
    replicas = 1 if context is None else context.num_replicas_in_sync
    if replicas == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value) / replicas
