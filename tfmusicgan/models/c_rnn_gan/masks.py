"""Dropout of C-RNN-GAN's training: a function of seed, step and row of the global batch."""

from __future__ import annotations

import typing

import tensorflow as tf

from tfmusicgan.models import dropout
from tfmusicgan.models.c_rnn_gan.writing import Masks

if typing.TYPE_CHECKING:
    from tfmusicgan.models.c_rnn_gan.training import CRNNGANTraining

# Streams of training noise.
_GENERATOR, _DISCRIMINATOR = 4, 5


def of_generator(model: CRNNGANTraining, rows: tf.Tensor) -> Masks | None:
    """What both LSTMs' outputs are multiplied by in this step.

    Args:
      model: Its stage says how many events there are.
      rows: This replica's.

    Returns:
      Two of [steps, rows, hidden size]; None without dropout.
    """
    steps, size = model.num_events, model.model_config.hidden_size
    flat = _draw(model, _GENERATOR, rows, 1, 2 * steps * size)
    if flat is None:
        return None
    both = tf.transpose(tf.reshape(flat, [rows, 2, steps, size]), [1, 2, 0, 3])
    return tuple(tf.unstack(both))


def of_discriminator(model: CRNNGANTraining, rows: tf.Tensor) -> Masks | None:
    """What the discriminator's input and its layers' outputs are multiplied by in this step.

    Args:
      model: Its stage says how many events there are.
      rows: This replica's; real sequences come first, then as many generated ones, these twice.

    Returns:
      [steps, 3 * rows, features] and twice [2, steps, 3 * rows, hidden size]; None without dropout.
    """
    steps, size = model.num_events, model.model_config.hidden_size
    flat = _draw(model, _DISCRIMINATOR, rows, 2, steps * (model.features + 4 * size))
    if flat is None:
        return None
    event, hidden = tf.split(flat, [steps * model.features, 4 * steps * size], axis=1)
    event = tf.transpose(tf.reshape(event, [2 * rows, steps, model.features]), [1, 0, 2])
    hidden = tf.reshape(hidden, [2 * rows, 2, 2, steps, size])
    found = (event, *tf.unstack(tf.transpose(hidden, [1, 2, 3, 0, 4])))
    return tuple(tf.concat([mask, mask[..., rows:, :]], axis=-2) for mask in found)


def _draw(
    model: CRNNGANTraining, stream: int, rows: tf.Tensor, kinds: int, size: int
) -> tf.Tensor | None:
    """Masks of this replica's rows of each kind: [kinds * rows, size]; None without dropout."""
    config, own = model.model_config, model.global_rows(rows)
    if not config.dropout:
        return None
    places = tf.concat([own + kind * config.batch_size for kind in range(kinds)], axis=0)
    found = dropout.batch_masks(
        model.seed,
        tf.convert_to_tensor(model.step),
        stream,
        kinds * config.batch_size,
        places,
        size,
        config.dropout,
    )
    return tf.cast(found, model.generator.compute_dtype)
