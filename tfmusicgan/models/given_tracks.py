"""Piano-rolls with a given track: its place, what critics see of it, and a bank of such tracks."""

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.errors import ConfigError
from tfmusicgan.models import noise
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll

_BANK_BITS = 6
# Given tracks of the training data that requests with a seed alone are played to: a power of two.
BANK_SIZE = 2**_BANK_BITS
_BANK_STREAM = 3
# Of a note's logit: no threshold and no temperature changes the given track.
_CERTAIN = 1e9


def index_of(name: str | None, representation: MultitrackPianoRoll) -> int | None:
    """The given track's place among the tracks.

    Args:
      name: Its name, None for no given track.
      representation: Names the tracks.

    Raises:
      ConfigError: If there is no such track, or no other.
    """
    if name is None:
        return None
    names = [track.name for track in representation.tracks]
    if name not in names:
        raise ConfigError(
            f"Expected a condition_track among the records' tracks: {', '.join(names)}. "
            f"Received: {name!r}. Change it with --set=condition_track=NAME."
        )
    if len(names) == 1:
        raise ConfigError(
            f"Expected another track beside the condition_track. Received: {name!r} alone. "
            "Convert with more --tracks."
        )
    return names.index(name)


def insert(own: tf.Tensor, given: tf.Tensor, at: int) -> tf.Tensor:
    """Puts the given track to its place among the generated ones.

    Args:
      own: [..., generated tracks].
      given: [...], any dtype.
      at: Its place.

    Returns:
      [..., tracks] in the dtype of `own`.
    """
    return tf.concat(
        [own[..., :at], tf.cast(given, own.dtype)[..., tf.newaxis], own[..., at:]], axis=-1
    )


def certain_logits(given: tf.Tensor) -> tf.Tensor:
    """Logits of the given track: bool to float32, any shape."""
    return tf.where(given, _CERTAIN, -_CERTAIN)


def private_views(examples: tf.Tensor, at: int | None) -> tf.Tensor:
    """What critics of single tracks see: one track after the other, each beside the given one.

    Args:
      examples: [rows, bars, time, pitch, tracks].
      at: The given track's place, None without.

    Returns:
      [critics * rows, bars, time, pitch, 1 or 2], the critics outermost.
    """
    views = examples
    if at is not None:
        views = tf.concat([examples[..., :at], examples[..., at + 1 :]], axis=-1)
    views = tf.transpose(views, [4, 0, 1, 2, 3])[..., tf.newaxis]
    if at is not None:
        given = tf.broadcast_to(examples[tf.newaxis, ..., at : at + 1], tf.shape(views))
        views = tf.concat([views, given], axis=-1)
    return tf.reshape(views, [-1, *views.shape[2:]])


def bank_shape(representation: MultitrackPianoRoll) -> tuple[int, ...]:
    """Axes of the bank: [BANK_SIZE, bars, time, pitch]."""
    steps, pitches = representation.steps_per_bar, representation.num_pitches
    return (BANK_SIZE, representation.bars, steps, pitches)


def fill_bank(given: np.ndarray) -> np.ndarray:
    """As many given tracks as the bank holds; fewer are repeated.

    Args:
      given: bool [n, bars, time, pitch], n above 0.

    Returns:
      bool [BANK_SIZE, bars, time, pitch].
    """
    return given[np.arange(BANK_SIZE) % len(given)]


def choose(bank: keras.Variable, keys: noise.Key) -> tf.Tensor:
    """Takes a given track for each row from the bank.

    Args:
      bank: bool [BANK_SIZE, bars, time, pitch].
      keys: Of the phrases, two uint32 [rows].

    Returns:
      bool [rows, bars, time, pitch].
    """
    word, _ = noise.fold(keys, np.int64(_BANK_STREAM))
    index = tf.cast(tf.bitwise.right_shift(word, np.uint32(32 - _BANK_BITS)), tf.int32)
    return tf.gather(tf.convert_to_tensor(bank), index)
