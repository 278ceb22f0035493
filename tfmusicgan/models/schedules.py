"""When something happens in training, and how much, by the model's own step."""

import keras
import tensorflow as tf


class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """From a rate to 0 over the training steps, whichever optimizer asks.

    Args:
      initial: The rate at step 0.
      total_steps: Training steps at which it is 0.
      step: The model's own counter; an optimizer's counts that optimizer's updates.
    """

    def __init__(self, initial: float, total_steps: int, step: keras.Variable):
        self.initial, self.total_steps, self.step = initial, total_steps, step

    def __call__(self, iterations: tf.Tensor) -> tf.Tensor:
        """The rate now: a float32 scalar; `iterations` is the optimizer's counter, not read."""
        done = tf.cast(self.step, tf.float32) / self.total_steps
        return self.initial * tf.maximum(1.0 - done, 0.0)


def decaying(
    rate: float, decay: str, total_steps: int, step: keras.Variable
) -> float | LinearDecay:
    """A learning rate as a config names it.

    Args:
      rate: The rate at step 0.
      decay: `none` or `linear`.
      total_steps: Training steps at which a linear one is 0.
      step: The model's own counter.

    Returns:
      The rate, or its fall to 0.
    """
    return LinearDecay(rate, total_steps, step) if decay == "linear" else rate


def is_generator_turn(step: tf.Tensor, updates_per_step: int = 5) -> tf.Tensor:
    """Whether a training step ends in a generator update under MuseGAN's bursts of 100.

    The first 25 generator updates, and later every 500th, are preceded by 100 critic updates: 20
    training steps of five, of which only the last updates the generator (Arjovsky et al. 2017,
    released code, adopted by MuseGAN v1).

    Args:
      step: Scalar int64, training steps so far.
      updates_per_step: Critic updates per training step; divides 100.

    Returns:
      Scalar bool.
    """
    burst = 100 // updates_per_step
    first = 25 * burst  # steps until the first 25 generator updates are made
    plain = 475  # one step each, generator updates 25 to 499
    cycle = burst + 499  # generator updates 500 to 999, and so on
    early = step % burst == burst - 1
    late = (step - first - plain) % cycle >= burst - 1
    return tf.where(step < first, early, tf.logical_or(step < first + plain, late))
