"""Features that do not fall below a bound, as the time between events of one chord."""

from collections.abc import Callable

import tensorflow as tf


def bounded(events: tf.Tensor, least: tf.Tensor) -> tf.Tensor:
    """Events, none of them below its feature's bound.

    Unlike that of a maximum, the gradient is not lost where it brings back what is below a bound:
    all times at 0 would stay there.

    Args:
      events: [..., features].
      least: [features].
    """

    @tf.custom_gradient
    def apply(events: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        found = tf.maximum(events, least)
        return found, lambda upstream: way_back(upstream, found, least)

    return apply(events)


def way_back(upstream: tf.Tensor, found: tf.Tensor, least: tf.Tensor) -> tf.Tensor:
    """The gradient by what was bounded, from that by what came of it; all [..., features]."""
    return tf.where((found > least) | (upstream < 0), upstream, tf.zeros_like(upstream))
