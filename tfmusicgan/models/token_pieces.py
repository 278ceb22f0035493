"""Pieces of any length, and the serving signatures of the GANs on sequences of tokens.

A piece is written by one rule from its first token to its last: longer ones begin as shorter ones,
and going on after the beginning of a piece gives that piece again.
"""

from __future__ import annotations

import importlib
import types
import typing

import numpy as np
import tensorflow as tf

from tfmusicgan.errors import ExportError
from tfmusicgan.models import roll_outs
from tfmusicgan.models.signature import Signature
from tfmusicgan.models.token_draws import Limits
from tfmusicgan.representations.base import Representation
from tfmusicgan.representations.packing_graph import pack_numbers

if typing.TYPE_CHECKING:
    from tfmusicgan.models.base import MusicGAN
    from tfmusicgan.models.token_gan import TokenGAN


def signatures(model: TokenGAN) -> dict[str, Signature]:
    """The signatures of a model.

    Args:
      model: The model.

    Returns:
      `serving_default` (seed), `generate` (seed, temperature, top_k, top_p, length, qpm) and
      `continue` (the same with note_sequence in place of qpm; it also counts the given tokens that
      stand for others, and those before the ones that it goes on from).

    Raises:
      ExportError: If the representation has no graph half.
    """
    default = default_signature(model)
    numbers, whole = tf.TensorSpec([None], tf.float32), tf.TensorSpec([None], tf.int32)
    seed = {"seed": tf.TensorSpec([None], tf.int64)}
    drawing = {**seed, "temperature": numbers, "top_k": whole, "top_p": numbers, "length": whole}
    defaults = {"seed": 1, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "length": model.length}
    ranges = {
        "temperature": (0.0, 10.0),
        "top_k": (0, model.representation.num_tokens),
        "top_p": (0.0, 1.0),
        "length": (1, model.max_length),
    }
    qpm = model.representation.default_qpm
    return {
        **default,
        "generate": Signature(
            lambda **given: _generate(model, **given),
            {**drawing, "qpm": numbers},
            {**defaults, "qpm": qpm},
            {**ranges, "qpm": (min(20.0, qpm), max(300.0, qpm))},
        ),
        "continue": Signature(
            lambda **given: _continue(model, **given),
            {**drawing, "note_sequence": tf.TensorSpec([None], tf.string)},
            {**defaults, "length": 0, "note_sequence": _example(model)},
            {**ranges, "length": (0, model.max_length)},
        ),
    }


def default_signature(model: MusicGAN) -> dict[str, Signature]:
    """`serving_default` of a model that draws tokens: from `seed` to `note_sequence`.

    Raises:
      ExportError: If the representation has no graph half.
    """
    graph_half(model.representation)
    seed = {"seed": tf.TensorSpec([None], tf.int64)}
    return {"serving_default": Signature(lambda seed: _serve(model, seed), seed, {"seed": 1})}


def graph_half(representation: Representation) -> types.ModuleType:
    """The module that turns a representation's tokens to NoteSequences and back in the graph.

    It is `representations/<name>_graph.py` and has `to_note_sequences`, `from_note_sequences`
    (the last tokens, how many they are, which of them stand for what the vocabulary lacks, and how
    many come before them), `note_sequence_qpm` and `readable_note_sequences`.

    Raises:
      ExportError: If there is none.
    """
    name = f"tfmusicgan.representations.{representation.name}_graph"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
    raise ExportError(
        f"Expected a representation with a graph half, which makes music of tokens in a server. "
        f"Received: {representation.name}, whose tokens are none. There is nothing to export."
    )


def _serve(model: MusicGAN, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    rep = model.representation
    qpm = tf.fill(tf.shape(seed), np.float32(rep.default_qpm))
    tokens = model.sample_examples(seed)["tokens"]
    return {"note_sequence": graph_half(rep).to_note_sequences(tokens, rep, qpm)}


def _generate(
    model: TokenGAN, seed: tf.Tensor, length: tf.Tensor, qpm: tf.Tensor, **draws: tf.Tensor
) -> dict[str, tf.Tensor]:
    keys = model.piece_keys(seed)
    tokens = roll_outs.write(model.generator, keys, length, model.max_length, Limits(**draws))
    return _answers(model, tokens, length, qpm)


def _continue(
    model: TokenGAN,
    seed: tf.Tensor,
    note_sequence: tf.Tensor,
    length: tf.Tensor,
    **draws: tf.Tensor,
) -> dict[str, tf.Tensor]:
    rep = model.representation
    graph = graph_half(rep)
    # A server merges requests: one that is no music must not fail the others.
    note_sequence = graph.readable_note_sequences(note_sequence)
    most = model.max_length - model.length
    given, count, replaced, left_out = graph.from_note_sequences(note_sequence, rep, most)
    length = tf.where(length > 0, length, count + model.length)
    length = tf.clip_by_value(length, count + 1, model.max_length)
    keys = model.piece_keys(seed)
    tokens = roll_outs.write(
        model.generator, keys, length, model.max_length, Limits(**draws), (given, count)
    )
    qpm = graph.note_sequence_qpm(note_sequence)
    if getattr(rep, "grid_in_seconds", False):  # tokens last as long as they did, at any tempo
        qpm = tf.fill(tf.shape(seed), np.float32(rep.default_qpm))
    counted = {
        "tokens_replaced": tf.math.count_nonzero(replaced, axis=1, dtype=tf.int32),
        "tokens_left_out": left_out,
    }
    return _answers(model, tokens, length, qpm) | counted


def _answers(
    model: TokenGAN, tokens: tf.Tensor, lengths: tf.Tensor, qpm: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The outputs of pieces: NoteSequences, and tokens as int32 in little-endian bytes."""
    rep = model.representation
    texts = graph_half(rep).to_note_sequences(tokens, rep, qpm, lengths)
    return {"note_sequence": texts, "tokens": pack_numbers(tokens, lengths)}


def _example(model: TokenGAN) -> bytes:
    """A piece of a few tokens of the vocabulary's middle, what a warm-up request sends."""
    rep = model.representation
    usable = np.arange(rep.num_tokens) if model.drawable is None else np.flatnonzero(model.drawable)
    tokens = np.full(min(4, model.length), usable[len(usable) // 2], np.int32)
    return rep.decode({"tokens": tokens}).SerializeToString(deterministic=True)
