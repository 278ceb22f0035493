"""The refiner and the binary neurons that a config names (BinaryMuseGAN, ISMIR 2018)."""

import keras
import tensorflow as tf

from tfmusicgan.layers.binary_neurons import (
    annealed_slope,
    deterministic_neuron,
    stochastic_neuron,
)
from tfmusicgan.layers.refiner import Refiner
from tfmusicgan.models import binarisation, noise
from tfmusicgan.recipes.piano_roll_gan import PianoRollGANConfig


def make_refiner(config: PianoRollGANConfig, tracks: int, seed: int) -> Refiner | None:
    """Builds the refiner.

    Args:
      config: Its sizes and its normalisation.
      tracks: Tracks to refine.
      seed: Of the initial weights.

    Returns:
      The layer; None where `config.refiner` is "none".
    """
    if config.refiner == "none":
        return None
    return Refiner(
        tracks,
        config.refiner_units,
        config.refiner_filters,
        (config.refiner_time_kernel, config.refiner_pitch_kernel),
        decay=config.batch_norm_decay,
        epsilon=config.batch_norm_epsilon,
        seed=seed,
        stddev=config.initial_stddev,
        name="refiner",
    )


def neurons(
    config: PianoRollGANConfig, step: keras.Variable, logits: tf.Tensor, keys: noise.Key
) -> tf.Tensor:
    """The binary neurons behind the refiner, with a slope that grows with the second stage.

    Args:
      config: Which neurons, and how their slope grows.
      step: Training steps so far.
      logits: float [rows, bars, time, pitch, tracks].
      keys: Of the rows, two uint32 tensors [rows]; stochastic neurons draw with them.

    Returns:
      0 and 1 in the shape and dtype of `logits`.
    """
    refined = tf.convert_to_tensor(step) - config.first_stage_steps
    slope = annealed_slope(refined, config.slope_epoch_steps, config.slope_growth)
    if config.refiner == "deterministic":
        return deterministic_neuron(logits, slope)
    return stochastic_neuron(logits, slope, binarisation.uniforms_like(logits, keys))
