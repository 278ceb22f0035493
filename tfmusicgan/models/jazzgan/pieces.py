"""JazzGAN's serving signatures: phrases, melodies over given chords, melodies after a primer."""

from __future__ import annotations

import typing

import numpy as np
import tensorflow as tf

from tfmusicgan.models.jazzgan import given, writing
from tfmusicgan.models.jazzgan.phrases import Phrases
from tfmusicgan.models.signature import Signature
from tfmusicgan.representations import jazz_phrases_graph as graph
from tfmusicgan.representations.jazz_phrases_chords_graph import from_bits
from tfmusicgan.representations.jazz_phrases_rhythm import STEPS_PER_BAR, rhythm_tokens
from tfmusicgan.representations.meter_graph import in_meter
from tfmusicgan.representations.packing_graph import pack_numbers

if typing.TYPE_CHECKING:
    from tfmusicgan.models.jazzgan.model import JazzGAN

MAX_BARS = 64
"""Most bars that are asked for, beside those of given music."""

READ_BARS = 16
"""Most bars that are read of music to go on with."""

_PROGRESSION = ("Dm7", "G7", "Cmaj7", "Cmaj7")
_BEATS_PER_BAR = 4


def signatures(model: JazzGAN) -> dict[str, Signature]:
    """The signatures of a model.

    Args:
      model: The model.

    Returns:
      `serving_default` (seed), `generate` (seed, temperature, sound_chords, qpm), `harmonize` (the
      same with chords, beats_per_chord and num_bars) and `continue` (the same with note_sequence in
      place of qpm). Without num_bars (0) there are as many as the chords fill.
    """
    numbers, whole = tf.TensorSpec([None], tf.float32), tf.TensorSpec([None], tf.int32)
    seed = {"seed": tf.TensorSpec([None], tf.int64)}
    drawing = {**seed, "temperature": numbers, "sound_chords": tf.TensorSpec([None], tf.bool)}
    over = {
        "chords": tf.TensorSpec([None, None], tf.string),
        "beats_per_chord": whole,
        "num_bars": whole,
    }
    defaults = {"seed": 1, "temperature": 1.0, "sound_chords": False}
    ranges = {"temperature": (0.0, 10.0)}
    of_chords = {"beats_per_chord": _BEATS_PER_BAR, "num_bars": 0}
    ranges_over = {**ranges, "beats_per_chord": (1, 16), "num_bars": (0, MAX_BARS)}
    qpm = model.model_config.qpm
    tempo = {"qpm": (min(20.0, qpm), max(300.0, qpm))}
    return {
        "serving_default": Signature(lambda seed: _serve(model, seed), seed, {"seed": 1}),
        "generate": Signature(
            lambda **inputs: _generate(model, **inputs),
            {**drawing, "qpm": numbers},
            {**defaults, "qpm": qpm},
            {**ranges, **tempo},
        ),
        "harmonize": Signature(
            lambda **inputs: _harmonize(model, **inputs),
            {**drawing, **over, "qpm": numbers},
            {**defaults, **of_chords, "chords": list(_PROGRESSION), "qpm": qpm},
            {**ranges_over, **tempo},
        ),
        "continue": Signature(
            lambda **inputs: _continue(model, **inputs),
            {**drawing, **over, "note_sequence": tf.TensorSpec([None], tf.string)},
            # An empty text: the chords of the music, or of the training data.
            {**defaults, **of_chords, "chords": [""], "note_sequence": _example(model)},
            ranges_over,
        ),
    }


def _serve(model: JazzGAN, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    qpm = tf.fill(tf.shape(seed), np.float32(model.model_config.qpm))
    examples = model.sample_examples(seed)
    return {"note_sequence": graph.to_note_sequences(examples, model.representation, qpm)}


def _generate(
    model: JazzGAN,
    seed: tf.Tensor,
    temperature: tf.Tensor,
    sound_chords: tf.Tensor,
    qpm: tf.Tensor,
) -> dict[str, tf.Tensor]:
    phrases = Phrases.of(model.sample(seed, temperature), model.representation)
    return _answers(model, phrases, qpm, sound_chords)


def _harmonize(
    model: JazzGAN,
    seed: tf.Tensor,
    chords: tf.Tensor,
    beats_per_chord: tf.Tensor,
    num_bars: tf.Tensor,
    temperature: tf.Tensor,
    sound_chords: tf.Tensor,
    qpm: tf.Tensor,
) -> dict[str, tf.Tensor]:
    keys, progression = model.piece_keys(seed), given.read_chords(chords, beats_per_chord, MAX_BARS)
    with tf.control_dependencies(given.need_chords(progression)):
        num_bars = tf.where(num_bars > 0, num_bars, progression.bars)
    num_steps = num_bars * STEPS_PER_BAR
    zeros = tf.zeros_like(num_bars)
    chord = given.chord_grid(progression, _most(num_steps))
    nothing = tf.zeros([tf.size(seed), 1], tf.int32)
    wanted = Phrases(nothing, nothing, zeros, zeros, *chord, num_steps)
    begun = given.begin(wanted, model.own_phrases(keys), model.representation)
    phrases = _written(model, begun, keys, temperature)
    return _answers(model, phrases, qpm, sound_chords)


def _continue(
    model: JazzGAN,
    seed: tf.Tensor,
    note_sequence: tf.Tensor,
    chords: tf.Tensor,
    beats_per_chord: tf.Tensor,
    num_bars: tf.Tensor,
    temperature: tf.Tensor,
    sound_chords: tf.Tensor,
) -> dict[str, tf.Tensor]:
    rep, keys = model.representation, model.piece_keys(seed)
    # A server merges requests: one that is no music must not fail the others.
    note_sequence = graph.readable_note_sequences(note_sequence)
    note_sequence = in_meter(note_sequence, _BEATS_PER_BAR)
    most = READ_BARS * STEPS_PER_BAR
    music = Phrases.of_any(graph.from_note_sequences(note_sequence, rep, most, most))
    progression = given.read_chords(chords, beats_per_chord, MAX_BARS)
    own = model.own_phrases(keys)
    bars = given.bars_of(music)
    behind = (rep.max_steps + STEPS_PER_BAR - 1) // STEPS_PER_BAR
    of_chords = tf.maximum(progression.bars - bars, 1)
    behind = tf.where(progression.count > 0, of_chords, behind)
    bars += tf.where(num_bars > 0, num_bars, behind)
    num_steps = bars * STEPS_PER_BAR - music.first_step
    chord = given.chords_under(music, own, progression, _most(num_steps))
    wanted = music._replace(chord_roots=chord.root, chord_tones=chord.tones, num_steps=num_steps)
    begun = given.begin(wanted, own, rep)
    phrases = _written(model, begun, keys, temperature)
    return _answers(model, phrases, graph.note_sequence_qpm(note_sequence), sound_chords)


def _written(model: JazzGAN, begun: writing.Begun, keys: tuple, temperature: tf.Tensor) -> Phrases:
    """What is written, without what came before the music."""
    # No note is shorter than a step.
    most = _most(begun.phrases.num_steps) + begun.primer
    written = model.write(begun, keys, most, temperature)
    num_notes = written.num_notes - begun.silent
    place = begun.silent[:, tf.newaxis] + tf.range(_most(num_notes))
    place = tf.minimum(place, most - 1)
    is_there = tf.sequence_mask(num_notes, _most(num_notes))
    pitches, rhythms = (
        tf.where(is_there, tf.gather(values, place, batch_dims=1), 0)
        for values in (written.pitches, written.rhythms)
    )
    first_step = given.music_begins(begun, model.representation.encoding)
    return begun.phrases._replace(
        pitches=pitches, rhythms=rhythms, num_notes=num_notes, first_step=first_step
    )


def _answers(
    model: JazzGAN, phrases: Phrases, qpm: tf.Tensor, sound_chords: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The outputs: NoteSequences, and their fields as int32 in little-endian bytes."""
    rep = model.representation
    texts = graph.to_note_sequences(phrases.examples(rep), rep, qpm, sound_chords)
    notes, steps = phrases.num_notes, phrases.num_steps
    return {
        "note_sequence": texts,
        "pitches": pack_numbers(phrases.pitches, notes),
        "rhythm": pack_numbers(phrases.rhythms, notes),
        "first_step": phrases.first_step,
        "chord_roots": pack_numbers(phrases.chord_roots, steps),
        "chord_tones": pack_numbers(from_bits(phrases.chord_tones), steps),
    }


def _most(numbers: tf.Tensor) -> tf.Tensor:
    """The highest, 1 where there are no rows."""
    return tf.reduce_max(tf.concat([numbers, [1]], axis=0))


def _example(model: JazzGAN) -> bytes:
    """A bar of quarter notes, what a warm-up request sends."""
    rep = model.representation
    length = min(12, rep.longest)
    count = min(STEPS_PER_BAR // length, rep.max_notes)
    example = {name: np.zeros(field.shape, field.dtype) for name, field in rep.spec.items()}
    example["pitches"][:count] = 24 + np.arange(count) // (12 // length)
    example["rhythm"][:count] = rhythm_tokens(np.full(count, length), 0, rep.encoding)
    example["num_notes"] = np.array(count, np.int32)
    example["num_steps"] = np.array(min(count * length, rep.max_steps), np.int32)
    return rep.decode(example).SerializeToString(deterministic=True)
