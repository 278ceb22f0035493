"""The optimizers that a config names."""

from collections.abc import Sequence

import keras

from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.fused_adam import FusedAdam
from tfmusicgan.models.schedules import decaying


def make_optimizer(
    model: MusicGAN, name: str, variables: Sequence[keras.Variable]
) -> keras.optimizers.Optimizer:
    """Builds an optimizer with its state, and its loss scale in mixed float16.

    Args:
      model: Its config is a `recipes.wasserstein.WassersteinConfig`, and its step counter sets the
        learning rate where that decays.
      name: Of what it trains; checkpoints keep it.
      variables: What it trains.

    Returns:
      An Adam or an RMSprop, or a `LossScaleOptimizer` around one.
    """
    config = model.model_config
    decay = config.learning_rate_decay
    rate = decaying(config.learning_rate, decay, config.training_steps, model.step)
    # Fixed names: Keras would number the optimizers of one process.
    name = f"{name}_{config.optimizer}"
    if config.optimizer == "rmsprop":
        optimizer = keras.optimizers.RMSprop(rate, epsilon=1e-8, name=name)
    else:
        optimizer = FusedAdam(rate, config.adam_beta_1, config.adam_beta_2, epsilon=1e-8, name=name)
    if model.dtype_policy.name == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name=f"{name}_scale")
    optimizer.build(list(variables))
    return optimizer
