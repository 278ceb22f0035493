"""Pieces of several phrases, and the serving signatures of the GANs on piano-rolls.

The phrases of a piece follow one another. The first is the phrase of the piece's seed alone; fixed
latents are the piece's, all others, and the draws of a temperature, are each phrase's own.
"""

from __future__ import annotations

import typing
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfmusicgan.models import noise
from tfmusicgan.models.signature import Signature
from tfmusicgan.representations import multitrack_piano_roll_graph as graph
from tfmusicgan.representations.packing import packed_size
from tfmusicgan.representations.packing_graph import pack_bytes, unpack_bits

if typing.TYPE_CHECKING:
    from tfmusicgan.models.piano_roll_gan import PianoRollGAN

MAX_PHRASES = 64
# Of a piece's noise: the numbers below are taken by what each phrase draws.
_PHRASES_STREAM = 5
# Phrases that are generated, or turned to notes, at a time. In between they are packed bits: one of
# the paper's size has 20 kB then, and takes 1 MB while its notes are found.
_CHUNK = 64


def signatures(model: PianoRollGAN) -> dict[str, Signature]:
    """The signatures of a model.

    Args:
      model: The model.

    Returns:
      `serving_default` (seed), `generate` (seed, threshold, temperature, qpm, num_phrases), and
      with a condition track `accompany` (seed, note_sequence, threshold, temperature), which also
      answers what of the given music is not as it was.
    """
    controls = tf.TensorSpec([None], tf.float32)
    inputs = {"seed": tf.TensorSpec([None], tf.int64)}
    drawing = {**inputs, "threshold": controls, "temperature": controls}
    defaults = {"seed": 1, "threshold": 0.5, "temperature": model.default_temperature}
    ranges = {"threshold": (0.0, 1.0), "temperature": (0.0, 10.0)}
    found = {
        "serving_default": Signature(lambda seed: _serve(model, seed), inputs, {"seed": 1}),
        "generate": Signature(
            lambda **given: _generate(model, **given),
            {**drawing, "qpm": controls, "num_phrases": tf.TensorSpec([None], tf.int32)},
            {**defaults, "qpm": model.model_config.qpm, "num_phrases": 1},
            {**ranges, "qpm": (20.0, 300.0), "num_phrases": (1, MAX_PHRASES)},
        ),
    }
    if model.condition_track is not None:
        found["accompany"] = Signature(
            lambda **given: _accompany(model, **given),
            {**drawing, "note_sequence": tf.TensorSpec([None], tf.string)},
            {**defaults, "note_sequence": _example(model)},
            ranges,
        )
    return found


def _serve(model: PianoRollGAN, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    rolls = model.sample_examples(seed)["piano_roll"]
    qpm = tf.fill(tf.shape(seed), np.float32(model.model_config.qpm))
    return {"note_sequence": graph.to_note_sequences(rolls, model.representation, qpm)}


def _generate(
    model: PianoRollGAN,
    seed: tf.Tensor,
    threshold: tf.Tensor,
    temperature: tf.Tensor,
    qpm: tf.Tensor,
    num_phrases: tf.Tensor,
) -> dict[str, tf.Tensor]:
    phrases = _phrases(model, seed, num_phrases, threshold, temperature)
    num_bars = num_phrases * model.representation.bars
    return _answers(model, phrases, num_phrases, num_bars, qpm)


def _accompany(
    model: PianoRollGAN,
    seed: tf.Tensor,
    note_sequence: tf.Tensor,
    threshold: tf.Tensor,
    temperature: tf.Tensor,
) -> dict[str, tf.Tensor]:
    rep, at = model.representation, model.condition_track
    # A server merges requests: one that is no music must not fail the others.
    note_sequence = graph.readable_note_sequences(note_sequence)
    note_sequence = graph.in_meter(note_sequence, rep.beats_per_bar)
    limit = MAX_PHRASES * rep.bars
    notes = graph.read_notes(note_sequence, rep)
    music_bars = graph.count_bars(notes, rep)
    num_bars = tf.minimum(music_bars, limit)
    num_phrases = (num_bars + rep.bars - 1) // rep.bars
    longest = tf.reduce_max(tf.concat([num_phrases, [1]], axis=0))
    given = graph.given_track(notes, rep, at, longest * rep.bars)
    shape = [-1, longest, rep.bars, rep.steps_per_bar, rep.num_pitches]
    given = tf.boolean_mask(tf.reshape(given, shape), tf.sequence_mask(num_phrases, longest))
    phrases = _phrases(model, seed, num_phrases, threshold, temperature, given)
    qpm = graph.note_sequence_qpm(note_sequence)
    counts = graph.count_notes(notes, rep, at, limit)
    return {
        **_answers(model, phrases, num_phrases, num_bars, qpm),
        "notes_moved": counts.moved,
        "notes_left_out": counts.left_out,
        "bars_left_out": music_bars - num_bars,
    }


def _answers(
    model: PianoRollGAN,
    phrases: tf.Tensor,
    num_phrases: tf.Tensor,
    num_bars: tf.Tensor,
    qpm: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """The outputs of pieces: NoteSequences and packed piano-rolls, string [batch] each.

    Args:
      model: The model.
      phrases: Of `_phrases`.
      num_phrases: int32 [batch].
      num_bars: int32 [batch], at most those of the phrases.
      qpm: float32 [batch].
    """
    rep = model.representation
    shape = rep.spec["piano_roll"].shape

    def convert(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        lengths, bars = tf.gather(num_phrases, rows), tf.gather(num_bars, rows)
        first = tf.reduce_sum(num_phrases[: tf.reduce_min(rows)])
        octets = tf.io.decode_raw(phrases[first : first + tf.reduce_sum(lengths)], tf.uint8)
        octets = tf.reshape(octets, [tf.reduce_sum(lengths), packed_size(int(np.prod(shape)))])
        cells = unpack_bits(octets, shape)
        rolls = tf.RaggedTensor.from_row_lengths(cells, lengths, validate=False).to_tensor()
        # Not -1 for the bars: there may be no rows.
        longest = tf.reduce_max(tf.concat([lengths, [1]], axis=0))
        rolls = tf.reshape(rolls, [tf.size(rows), longest * rep.bars, *shape[1:]])
        texts = graph.to_note_sequences(rolls, rep, tf.gather(qpm, rows), bars)
        return texts, pack_bytes(rolls, bars)

    per_run = tf.maximum(_CHUNK // tf.reduce_max(tf.concat([num_phrases, [1]], axis=0)), 1)
    texts, packed = _in_runs(convert, tf.size(num_phrases), per_run, num_results=2)
    return {"note_sequence": texts, "piano_roll": packed}


def _phrases(
    model: PianoRollGAN,
    seed: tf.Tensor,
    num_phrases: tf.Tensor,
    threshold: tf.Tensor,
    temperature: tf.Tensor,
    given: tf.Tensor | None = None,
) -> tf.Tensor:
    """Generates the phrases of pieces.

    Args:
      model: The model.
      seed: int64 [batch].
      num_phrases: int32 [batch], 1 and more.
      threshold: float32 [batch].
      temperature: float32 [batch].
      given: bool [phrases of all pieces, bars, time, pitch], given tracks; by default the bank's.

    Returns:
      tf.string [phrases of all pieces], their packed bits.
    """
    keys = model.piece_keys(seed)
    piece = tf.repeat(tf.range(tf.size(seed)), num_phrases)
    begin = tf.gather(tf.cumsum(num_phrases, exclusive=True), piece)
    number = tf.cast(tf.range(tf.size(piece)) - begin, tf.int64)

    def draw(rows: tf.Tensor) -> tuple[tf.Tensor]:
        pieces = tf.gather(piece, rows)
        of_piece = tuple(tf.gather(part, pieces) for part in keys)
        later = tf.gather(number, rows)
        own = noise.fold(noise.fold(of_piece, np.int64(_PHRASES_STREAM)), later)
        phrase = tuple(
            tf.where(later > 0, mine, first) for mine, first in zip(own, of_piece, strict=True)
        )
        of_rows = None if given is None else tf.gather(given, rows)
        rolls = model.binarise(
            model.phrase_logits(of_piece, phrase, of_rows),
            tf.gather(threshold, pieces),
            tf.gather(temperature, pieces),
            phrase,
        )
        return (pack_bytes(tf.ensure_shape(rolls, [None, *shape])),)

    shape = model.representation.spec["piano_roll"].shape
    (phrases,) = _in_runs(draw, tf.size(piece), _CHUNK, num_results=1)
    return phrases


def _in_runs(
    function: Callable[[tf.Tensor], tuple[tf.Tensor, ...]],
    count: tf.Tensor,
    per_run: tf.Tensor | int,
    num_results: int,
) -> tuple[tf.Tensor, ...]:
    """A function of row numbers over all rows, some at a time, its results one after the other.

    Args:
      function: int32 [rows] to tensors of strings, [rows] each.
      count: int32 scalar, number of rows; for none there is one run of none.
      per_run: int32 scalar, most rows of a run.
      num_results: How many tensors.
    """
    num_runs = tf.maximum((count + per_run - 1) // per_run, 1)
    done = tuple(
        tf.TensorArray(tf.string, num_runs, infer_shape=False, element_shape=[None])
        for _ in range(num_results)
    )

    def body(run: tf.Tensor, done: tuple[tf.TensorArray, ...]):
        first = run * per_run
        found = function(tf.range(first, tf.minimum(first + per_run, count)))
        done = tuple(array.write(run, part) for array, part in zip(done, found, strict=True))
        return run + 1, done

    _, done = tf.while_loop(lambda run, _: run < num_runs, body, (0, done), parallel_iterations=1)
    return tuple(tf.ensure_shape(array.concat(), [None]) for array in done)


def _example(model: PianoRollGAN) -> bytes:
    """A phrase with one note of the given track, what a warm-up request sends."""
    roll = np.zeros(model.representation.spec["piano_roll"].shape, bool)
    roll[0, 0, model.representation.num_pitches // 2, model.condition_track] = True
    return model.representation.decode({"piano_roll": roll}).SerializeToString(deterministic=True)
