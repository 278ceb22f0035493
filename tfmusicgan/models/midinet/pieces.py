"""MidiNet's serving signatures: melodies from scratch, over given chords, after given music."""

from __future__ import annotations

import typing

import numpy as np
import tensorflow as tf

from tfmusicgan.models.midinet import chains
from tfmusicgan.models.signature import Signature
from tfmusicgan.representations import melody_bars_graph as graph
from tfmusicgan.representations.chord_symbols_graph import NO_TRIAD, triad_numbers
from tfmusicgan.representations.meter_graph import in_meter
from tfmusicgan.representations.packing_graph import pack_numbers

if typing.TYPE_CHECKING:
    from tfmusicgan.models.midinet.model import MidiNet
    from tfmusicgan.representations.melody_bars import MelodyBars

MAX_BARS = 64
"""Most bars that a request asks for, and most that are read of music to go on with."""

_PROGRESSION = ("C", "Am", "F", "G")


def signatures(model: MidiNet) -> dict[str, Signature]:
    """The signatures of a model.

    Args:
      model: The model.

    Returns:
      `serving_default` (seed), `generate` (seed, temperature, num_bars, qpm), `continue` (with
      note_sequence in place of qpm), and of models with chords `harmonize` (as generate, with
      chords). With chords, all but the first have sound_chords, and continue may have chords.
    """
    numbers, whole = tf.TensorSpec([None], tf.float32), tf.TensorSpec([None], tf.int32)
    seed = {"seed": tf.TensorSpec([None], tf.int64)}
    drawing = {**seed, "temperature": numbers, "num_bars": whole}
    bars, qpm = model.representation.bars, model.model_config.qpm
    defaults = {"seed": 1, "temperature": 0.0, "num_bars": bars}
    ranges = {"temperature": (0.0, 10.0), "num_bars": (1, MAX_BARS)}
    over = {}
    if model.chord_bank is not None:
        drawing["sound_chords"] = tf.TensorSpec([None], tf.bool)
        defaults["sound_chords"] = False
        over["chords"] = tf.TensorSpec([None, None], tf.string)
    tempo = {"qpm": (min(20.0, qpm), max(300.0, qpm))}
    found = {
        "serving_default": Signature(lambda seed: _serve(model, seed), seed, {"seed": 1}),
        "generate": Signature(
            lambda **given: _generate(model, **given),
            {**drawing, "qpm": numbers},
            {**defaults, "qpm": qpm},
            {**ranges, **tempo},
        ),
        "continue": Signature(
            lambda **given: _continue(model, **given),
            {**drawing, **over, "note_sequence": tf.TensorSpec([None], tf.string)},
            # An empty text: the chords of the music, or the model's own.
            {**defaults, **{key: [""] for key in over}, "note_sequence": _example(model)},
            ranges,
        ),
    }
    if over:
        found["harmonize"] = Signature(
            lambda **given: _harmonize(model, **given),
            {**drawing, **over, "qpm": numbers},
            # No bars: as many as the chords, repeated until they fill a window.
            {**defaults, "num_bars": 0, "chords": list(_PROGRESSION), "qpm": qpm},
            {**ranges, "num_bars": (0, MAX_BARS), **tempo},
        )
    return found


def read_chords(chords: tf.Tensor, may_be_empty: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """Looks the chords of progressions up.

    Args:
      chords: tf.string [batch, any], chord symbols, a row's own from the left; empty texts behind
        them are padding.
      may_be_empty: Whether rows may have no chords.

    Returns:
      int32 [batch, any], numbers of `MelodyBars`, 0 for padding, and how many each row has.

    Raises:
      InvalidArgumentError: When run with a text that is no symbol of a chord with a third, with an
        empty text in front of a symbol, with more than `MAX_BARS`, or without symbols in a row
        that needs some. It names the text.
    """
    given = chords != ""
    count = tf.reduce_sum(tf.cast(given, tf.int32), axis=1)
    numbers = tf.where(given, triad_numbers(chords), NO_TRIAD)
    wrong = tf.boolean_mask(chords, given & (numbers <= 0))
    hint = "chords: expected symbols such as C, Am7 or F#m/A, with a third. Received:"
    checks = [tf.debugging.Assert(tf.size(wrong) == 0, [hint, wrong[:3]])]
    whole = tf.reduce_all(given == tf.sequence_mask(count, tf.shape(chords)[1]))
    hint = "chords: expected no empty text in front of a symbol. Received:"
    checks.append(tf.debugging.Assert(whole, [hint, chords]))
    hint = f"chords: expected at most {MAX_BARS}, one a bar. Received:"
    checks.append(tf.debugging.Assert(tf.shape(chords)[1] <= MAX_BARS, [hint, tf.shape(chords)[1]]))
    if not may_be_empty:
        hint = "chords: expected one symbol at least for every row. Received rows of:"
        checks.append(tf.debugging.Assert(tf.reduce_all(count > 0), [hint, count]))
    with tf.control_dependencies(checks):
        return tf.identity(numbers), tf.identity(count)


def _serve(model: MidiNet, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    bars = model.sample_examples(seed)[model.representation.name]
    qpm = tf.fill(tf.shape(seed), np.float32(model.model_config.qpm))
    return {"note_sequence": graph.to_note_sequences(bars, model.representation, qpm)}


def _generate(
    model: MidiNet,
    seed: tf.Tensor,
    temperature: tf.Tensor,
    num_bars: tf.Tensor,
    qpm: tf.Tensor,
    sound_chords: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    keys = model.piece_keys(seed)
    bars = chains.write(model, keys, model.own_chords(keys), _most(num_bars), temperature)
    return _answers(model, bars, num_bars, qpm, sound_chords)


def _harmonize(
    model: MidiNet,
    seed: tf.Tensor,
    chords: tf.Tensor,
    temperature: tf.Tensor,
    num_bars: tf.Tensor,
    qpm: tf.Tensor,
    sound_chords: tf.Tensor,
) -> dict[str, tf.Tensor]:
    numbers, count = read_chords(chords, may_be_empty=False)
    count = tf.maximum(count, 1)
    window = model.representation.bars
    whole = (window + count - 1) // count * count
    num_bars = tf.minimum(tf.where(num_bars > 0, num_bars, whole), MAX_BARS)
    repeated = _repeat(numbers, count, _most(num_bars))
    bars = chains.write(model, model.piece_keys(seed), repeated, _most(num_bars), temperature)
    return _answers(model, bars, num_bars, qpm, sound_chords)


def _continue(
    model: MidiNet,
    seed: tf.Tensor,
    note_sequence: tf.Tensor,
    temperature: tf.Tensor,
    num_bars: tf.Tensor,
    chords: tf.Tensor | None = None,
    sound_chords: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    rep, keys = model.representation, model.piece_keys(seed)
    # A server merges requests: one that is no music must not fail the others.
    note_sequence = graph.readable_note_sequences(note_sequence)
    note_sequence = in_meter(note_sequence, rep.beats_per_bar)
    given, num_given = graph.from_note_sequences(note_sequence, rep, MAX_BARS)
    longest = _most(num_bars)
    numbers = model.own_chords(keys)
    if chords is not None:
        numbers = _repeat(numbers, tf.fill(tf.shape(seed), rep.bars), longest)
        # Over the given chords if there are any, else over those of the music again.
        for wanted, count in (
            _chords_of(given, num_given, rep),
            read_chords(chords, may_be_empty=True),
        ):
            wanted = _repeat(wanted, tf.maximum(count, 1), longest)
            numbers = tf.where((count > 0)[:, tf.newaxis], wanted, numbers)
    last = tf.gather(given, tf.maximum(num_given - 1, 0), batch_dims=1)
    made = chains.write(model, keys, numbers, longest, temperature, last, num_given)
    # The given bars of each row, and the made ones behind them.
    total = num_given + num_bars
    place = tf.range(_most(total))[tf.newaxis]
    behind = MAX_BARS + tf.minimum(place - num_given[:, tf.newaxis], longest - 1)
    source = tf.where(place < num_given[:, tf.newaxis], place, behind)
    bars = tf.gather(tf.concat([given, made], axis=1), source, batch_dims=1)
    return _answers(model, bars, total, graph.note_sequence_qpm(note_sequence), sound_chords)


def _chords_of(
    bars: tf.Tensor, num_bars: tf.Tensor, rep: MelodyBars
) -> tuple[tf.Tensor, tf.Tensor]:
    """The chords of given bars, without bars that have none, from the left, and their number."""
    numbers = bars[..., rep.chord_column]
    taken = (numbers != NO_TRIAD) & tf.sequence_mask(num_bars, tf.shape(numbers)[1])
    order = tf.argsort(tf.cast(~taken, tf.int32), axis=1, stable=True)
    count = tf.reduce_sum(tf.cast(taken, tf.int32), axis=1)
    return tf.gather(numbers, order, batch_dims=1), count


def _answers(
    model: MidiNet,
    bars: tf.Tensor,
    num_bars: tf.Tensor,
    qpm: tf.Tensor,
    sound_chords: tf.Tensor | None,
) -> dict[str, tf.Tensor]:
    """The outputs of pieces: NoteSequences, and bars as int32 in little-endian bytes."""
    rep = model.representation
    texts = graph.to_note_sequences(bars, rep, qpm, num_bars, sound_chords)
    flat = tf.reshape(bars, [tf.shape(bars)[0], tf.shape(bars)[1] * rep.num_columns])
    return {"note_sequence": texts, rep.name: pack_numbers(flat, num_bars * rep.num_columns)}


def _repeat(chords: tf.Tensor, count: tf.Tensor, num_bars: tf.Tensor) -> tf.Tensor:
    """Progressions of `count` chords each, again and again: int32 [batch, num_bars]."""
    place = tf.range(num_bars)[tf.newaxis] % count[:, tf.newaxis]
    return tf.gather(chords, place, batch_dims=1)


def _most(num_bars: tf.Tensor) -> tf.Tensor:
    """The bars of the longest row, 1 where there are no rows."""
    return tf.reduce_max(tf.concat([num_bars, [1]], axis=0))


def _example(model: MidiNet) -> bytes:
    """A bar of one note, what a warm-up request sends."""
    rep = model.representation
    bar = np.zeros((1, rep.num_columns), np.int32)
    bar[0, : rep.steps_per_bar] = rep.lowest_pitch + rep.num_pitches // 2
    return rep.decode({rep.name: bar}).SerializeToString(deterministic=True)
