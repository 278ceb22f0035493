"""The serving signatures of C-RNN-GAN."""

from __future__ import annotations

import typing

import numpy as np
import tensorflow as tf

from tfmusicgan.models.signature import Signature
from tfmusicgan.representations import note_events_graph as graph
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
      `serving_default` (seed), `generate` (seed, length, dropout, qpm) and `continue` (the same
      with note_sequence in place of qpm), whose answers have the numbers of the events as well:
      float32 in little-endian bytes, step by step.
    """
    seed = {"seed": tf.TensorSpec([None], tf.int64)}
    writing = {
        **seed,
        "length": tf.TensorSpec([None], tf.int32),
        "dropout": tf.TensorSpec([None], tf.bool),
    }
    defaults = {"seed": 1, "length": model.length, "dropout": False}
    qpm = model.default_qpm
    tempos = (max(MIN_QPM, min(_SLOWEST, qpm)), min(MAX_QPM, max(_FASTEST, qpm)))
    return {
        "serving_default": Signature(lambda seed: _serve(model, seed), seed, {"seed": 1}),
        "generate": Signature(
            lambda **given: _generate(model, **given),
            {**writing, "qpm": tf.TensorSpec([None], tf.float32)},
            {**defaults, "qpm": qpm},
            {"length": (1, model.max_length), "qpm": tempos},
        ),
        "continue": Signature(
            lambda **given: _continue(model, **given),
            {**writing, "note_sequence": tf.TensorSpec([None], tf.string)},
            {**defaults, "length": 0, "note_sequence": _example(model)},
            {"length": (0, model.max_length)},
        ),
    }


def _serve(model: CRNNGAN, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    rep = model.representation
    qpm = tf.fill(tf.shape(seed), np.float32(model.default_qpm))
    events = model.sample_examples(seed)[rep.name]
    return {"note_sequence": graph.to_note_sequences(events, rep, qpm)}


def _generate(
    model: CRNNGAN, seed: tf.Tensor, length: tf.Tensor, dropout: tf.Tensor, qpm: tf.Tensor
) -> dict[str, tf.Tensor]:
    length = tf.clip_by_value(length, 1, model.max_length)
    events = model.sample(seed, length, dropout)[model.representation.name]
    return _answers(model, events, length, qpm)


def _continue(
    model: CRNNGAN,
    seed: tf.Tensor,
    note_sequence: tf.Tensor,
    length: tf.Tensor,
    dropout: tf.Tensor,
) -> dict[str, tf.Tensor]:
    rep = model.representation
    # A server merges requests: one that is no music must not fail the others.
    note_sequence = graph.readable_note_sequences(note_sequence)
    most = model.max_length - model.length
    given = graph.from_note_sequences(note_sequence, rep, most)
    length = tf.where(length > 0, length, given[1] + model.length)
    length = tf.clip_by_value(length, given[1] + 1, model.max_length)
    events = model.sample(seed, length, dropout, given)[rep.name]
    return _answers(model, events, length, graph.note_sequence_qpm(note_sequence))


def _answers(
    model: CRNNGAN, events: tf.Tensor, lengths: tf.Tensor, qpm: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The outputs of pieces: NoteSequences, and the numbers of the events."""
    rep = model.representation
    shape = [tf.shape(events)[0], tf.shape(events)[1] * rep.num_features]
    flat = tf.bitcast(tf.reshape(events, shape), tf.int32)
    return {
        "note_sequence": graph.to_note_sequences(events, rep, qpm, lengths),
        rep.name: pack_numbers(flat, lengths * rep.num_features),
    }


def _example(model: CRNNGAN) -> bytes:
    """A few events of one pitch, what a warm-up request sends."""
    rep = model.representation
    tone = [384.0, 261.63, 64.0] if rep.raw else [1.0, 0.0, 0.0]
    event = np.array(tone * rep.tones, np.float32)
    times = [tone[0], *[0.0] * (rep.num_times - 1)]
    event = np.insert(event, np.arange(rep.num_times) * 3, times)
    events = np.tile(event, (4, 1))
    return rep.decode({rep.name: events}).SerializeToString(deterministic=True)
