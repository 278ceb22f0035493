"""The serving signatures of C-RNN-GAN."""

from __future__ import annotations

import typing

import numpy as np
import tensorflow as tf

from tfmusicgan.models.base import Signature
from tfmusicgan.representations.note_events_graph import to_note_sequences
from tfmusicgan.representations.packing_graph import pack_numbers
from tfmusicgan.representations.score_header import MAX_QPM, MIN_QPM

if typing.TYPE_CHECKING:
    from tfmusicgan.models.c_rnn_gan.model import CRNNGAN

_SLOWEST, _FASTEST = 20.0, 300.0


def signatures(model: CRNNGAN) -> dict[str, Signature]:
    """The signatures of a model.

    Args:
      model: The model.

    Returns:
      `serving_default` (seed) and `generate` (seed, length, dropout, qpm), whose answer has the
      numbers of the events as well: float32 in little-endian bytes, step by step.
    """
    seed = {"seed": tf.TensorSpec([None], tf.int64)}
    qpm = model.default_qpm
    return {
        "serving_default": Signature(lambda seed: _serve(model, seed), seed, {"seed": 1}),
        "generate": Signature(
            lambda **given: _generate(model, **given),
            {
                **seed,
                "length": tf.TensorSpec([None], tf.int32),
                "dropout": tf.TensorSpec([None], tf.bool),
                "qpm": tf.TensorSpec([None], tf.float32),
            },
            {"seed": 1, "length": model.length, "dropout": False, "qpm": qpm},
            {
                "length": (1, model.max_length),
                "qpm": (max(MIN_QPM, min(_SLOWEST, qpm)), min(MAX_QPM, max(_FASTEST, qpm))),
            },
        ),
    }


def _serve(model: CRNNGAN, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    rep = model.representation
    qpm = tf.fill(tf.shape(seed), np.float32(model.default_qpm))
    return {"note_sequence": to_note_sequences(model.sample_examples(seed)[rep.name], rep, qpm)}


def _generate(
    model: CRNNGAN, seed: tf.Tensor, length: tf.Tensor, dropout: tf.Tensor, qpm: tf.Tensor
) -> dict[str, tf.Tensor]:
    rep = model.representation
    length = tf.clip_by_value(length, 1, model.max_length)
    events = model.sample(seed, length, dropout)[rep.name]
    shape = [tf.shape(events)[0], tf.shape(events)[1] * rep.num_features]
    flat = tf.bitcast(tf.reshape(events, shape), tf.int32)
    return {
        "note_sequence": to_note_sequences(events, rep, qpm, length),
        rep.name: pack_numbers(flat, length * rep.num_features),
    }
