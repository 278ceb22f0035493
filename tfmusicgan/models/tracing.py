"""What goes into a training step's graph."""

from collections.abc import Callable

import tensorflow as tf


def traced_once(update: Callable[..., None]) -> Callable[..., None]:
    """An update that is traced once, however often the training step makes it.

    Call this within `train_step`, so that each trace of it has a function of its own: what an
    update does may depend on the stage.

    Args:
      update: Takes tensors, of the same shapes each time, and returns nothing.

    Returns:
      The update as a function of its own; as it is where nothing is traced, or under a distribution
      strategy, since replicas cannot sum gradients inside a function.
    """
    if tf.executing_eagerly() or tf.distribute.has_strategy():
        return update
    # Inlined, it would be optimised as often as it is called.
    attributes = {"_noinline": True}
    return tf.function(update, autograph=False, experimental_attributes=attributes)
