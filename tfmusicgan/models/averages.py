"""Moving averages of weights, which a generator samples from with `--checkpoint=ema`."""

from collections.abc import Sequence

import keras

from tfmusicgan.errors import CheckpointError
from tfmusicgan.models.base import MusicGAN


def make_averages(model: MusicGAN, networks: Sequence[keras.layers.Layer]) -> list[keras.Variable]:
    """Adds an average of every weight to a model, with the weight's value.

    Moving statistics have averages too: the latest ones would belong to other weights.

    Args:
      model: Gets the variables; its checkpoints keep them.
      networks: Whose weights are averaged.

    Returns:
      The averages in the order of the networks' weights.
    """
    averages = []
    for weight in weights_of(networks):
        average = model.add_weight(
            name=f"ema_{len(averages)}",
            shape=weight.shape,
            initializer=lambda shape, dtype=None, weight=weight: keras.ops.copy(weight),
            trainable=False,
            aggregation="only_first_replica",
        )
        averages.append(average)
    return averages


def update_averages(
    averages: Sequence[keras.Variable],
    networks: Sequence[keras.layers.Layer],
    learning: Sequence[keras.Variable],
    decay: float,
) -> None:
    """Lets the averages follow the weights: a = decay a + (1 - decay) w.

    A network that stands still is its own average: others learn to go with what it is.

    Args:
      averages: From `make_averages`.
      networks: The same as there.
      learning: The variables in training.
      decay: In [0, 1).
    """
    learns = {id(variable) for variable in learning}
    remaining = iter(averages)
    for network in networks:
        stands = learns.isdisjoint(map(id, network.trainable_variables))
        kept = 0.0 if stands else decay
        for weight in network.weights:
            average = next(remaining)
            average.assign(kept * average + (1 - kept) * weight)


def use_averages(
    averages: Sequence[keras.Variable], networks: Sequence[keras.layers.Layer]
) -> None:
    """Replaces weights and moving statistics by their averages.

    Args:
      averages: From `make_averages`; none of a model that was trained without.
      networks: The same as there.

    Raises:
      CheckpointError: If there are no averages.
    """
    if not averages:
        raise CheckpointError(
            "Expected averaged weights. Received: a model trained with ema_decay=none. Use "
            "--checkpoint=latest or best, or train with --set=ema_decay=0.999."
        )
    for average, weight in zip(averages, weights_of(networks), strict=True):
        weight.assign(average)


def weights_of(networks: Sequence[keras.layers.Layer]) -> list[keras.Variable]:
    """All weights of some networks, the trainable ones and moving statistics, in order."""
    return [weight for network in networks for weight in network.weights]
