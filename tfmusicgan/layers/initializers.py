"""Initial weights that follow from a seed and the weight's name."""

import zlib

import keras


def seeded_normal(seed: int, name: str, stddev: float) -> keras.initializers.Initializer:
    """A truncated normal initializer whose draw follows from (seed, name) alone.

    Args:
      seed: The model's seed.
      name: The weight's place in the model, different for every weight.
      stddev: Standard deviation before truncation at two of them.

    Returns:
      A Keras initializer.
    """
    return keras.initializers.TruncatedNormal(stddev=stddev, seed=_seed(seed, name))


def seeded_plain_normal(seed: int, name: str, stddev: float) -> keras.initializers.Initializer:
    """A normal initializer, not truncated; see `seeded_normal`."""
    return keras.initializers.RandomNormal(stddev=stddev, seed=_seed(seed, name))


def seeded_uniform(seed: int, name: str, limit: float) -> keras.initializers.Initializer:
    """An initializer uniform in (-limit, limit); see `seeded_normal`."""
    return keras.initializers.RandomUniform(-limit, limit, seed=_seed(seed, name))


def seeded_glorot(seed: int, name: str) -> keras.initializers.Initializer:
    """Glorot and Bengio's uniform initializer (AISTATS 2010); see `seeded_normal`."""
    return keras.initializers.GlorotUniform(seed=_seed(seed, name))


def _seed(seed: int, name: str) -> int:
    return zlib.crc32(f"{seed}/{name}".encode())
