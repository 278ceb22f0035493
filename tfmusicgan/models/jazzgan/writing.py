"""JazzGAN writes: one loop over notes, in which each row draws a note, its time goes on, and ends.

A row depends on its own noise alone, and a longer progression begins as a shorter one does up to
where its end comes into sight.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfmusicgan.models import noise, token_draws
from tfmusicgan.models.jazzgan import features, lstm
from tfmusicgan.models.jazzgan.networks import Generator
from tfmusicgan.models.jazzgan.phrases import Phrases, chord_at
from tfmusicgan.representations import jazz_phrases_rhythm_graph as rhythm_graph
from tfmusicgan.representations.jazz_phrases_rhythm import STEPS_PER_BAR

_STATE, _DRAWS = 0, 1  # parts of a row's noise


@dataclasses.dataclass(frozen=True)
class Begun:
    """What rows have before the first note is drawn.

    Attributes:
      phrases: Chords of the music, and notes [rows, given] of which `num_notes` are given, at least
        `primer`; `first_step` is where the first of them begins.
      primer: As many of them are known from the beginning, the rest are read step by step.
      silent: int32 [rows], how many come before the music, which begins where they end, with the
        first chord; at most `primer`. None for none.
    """

    phrases: Phrases
    primer: int
    silent: tf.Tensor | None = None


class Written(NamedTuple):
    """What has been written; int32.

    Attributes:
      pitches: [rows, most], pitch tokens; the given ones first; 0 behind a row's last.
      rhythms: [rows, most], rhythm tokens, the last note cut to fit.
      drawn: [rows, most], rhythm tokens as they were drawn.
      num_notes: [rows].
    """

    pitches: tf.Tensor
    rhythms: tf.Tensor
    drawn: tf.Tensor
    num_notes: tf.Tensor


class Draws(NamedTuple):
    """All chance in a row.

    Attributes:
      state: Standard normal states before the first note behind the primer, two of float32
        [rows, hidden size].
      uniforms: float32 [rows, 2 * notes] in (0, 1), two for each note, the primer's among them.
    """

    state: lstm.State
    uniforms: tf.Tensor


def draw(keys: noise.Key, hidden_size: int, notes: int | tf.Tensor, table: np.ndarray) -> Draws:
    """Draws what rows are written by.

    Args:
      keys: Of the rows, two uint32 [rows].
      hidden_size: The generator's.
      notes: Of the longest melody, the primer's among them.
      table: Quantiles of the normal distribution, from `noise.quantile_table`.
    """
    values = noise.draws(noise.fold(keys, np.int64(_STATE)), 2 * hidden_size, table)
    uniforms = noise.uniforms(noise.fold(keys, np.int64(_DRAWS)), 2 * notes)
    return Draws(tuple(tf.split(values, 2, axis=1)), uniforms)


def write(
    generator: Generator,
    begun: Begun,
    encoding: str,
    draws: Draws,
    most: int | tf.Tensor,
    temperature: tf.Tensor | None = None,
) -> Written:
    """Writes melodies over chords, up to their end.

    Args:
      generator: The network.
      begun: What rows begin with.
      encoding: Of the representation.
      draws: The rows', for as many notes as `most`.
      most: Notes of the longest melody, the given ones among them; it ends there where its chords
        do not.
      temperature: float32 [rows], see `token_draws.Limits`; by default 1.

    Returns:
      The notes.
    """
    phrases, first = begun.phrases, begun.primer
    weights = generator.lstm.recurrence()
    history, time, music_begins = _after_primer(begun, encoding)
    limits = None if temperature is None else _limits(temperature)
    given = tf.shape(phrases.pitches)[1]

    def body(note, time, count, history, hidden, cell, arrays):
        active = time < phrases.num_steps
        chord = chord_at(phrases, time)
        read = generator.reader(history, *chord, phrases.num_steps - time)
        hidden, cell, _ = lstm.step(generator.lstm.project(read), hidden, cell, weights)
        numbers = tf.gather(draws.uniforms, [2 * note, 2 * note + 1], axis=1)
        logits = generator.logits(hidden)
        pitch, rhythm = (_token_of(part, numbers[:, n], limits) for n, part in enumerate(logits))
        place, is_given = tf.minimum(note, given - 1), note < phrases.num_notes
        pitch = tf.where(is_given, phrases.pitches[:, place], pitch)
        rhythm = tf.where(is_given, phrases.rhythms[:, place], rhythm)
        begin = (music_begins + time) % STEPS_PER_BAR
        length = _duration(rhythm, begin, encoding)
        cut = tf.minimum(length, phrases.num_steps - time)
        fitted = _token(cut, begin, encoding)
        values = (pitch, fitted, rhythm)
        arrays = tuple(
            array.write(note - first, tf.where(active, value, 0))
            for array, value in zip(arrays, values, strict=True)
        )
        history = features.advance(history, pitch, rhythm, length, chord.root)
        count += tf.cast(active, tf.int32)
        return note + 1, time + length, count, history, hidden, cell, arrays

    def goes_on(note, time, *_):
        return (note < most) & tf.reduce_any(time < phrases.num_steps)

    dtype = generator.compute_dtype
    rows = phrases.pitches.shape[0]
    arrays = tuple(tf.TensorArray(tf.int32, most - first, element_shape=[rows]) for _ in range(3))
    loop = (
        tf.constant(first),
        time,
        tf.zeros_like(phrases.num_steps),
        history,
        *(tf.cast(part, dtype) for part in draws.state),
        arrays,
    )
    _, _, count, *_, arrays = tf.while_loop(
        goes_on, body, loop, maximum_iterations=most - first, parallel_iterations=1
    )
    return _behind_primer(begun, arrays, count)


def _behind_primer(begun: Begun, arrays: tuple[tf.TensorArray, ...], count: tf.Tensor) -> Written:
    """The primer, and behind it what the loop has written: three of [steps, rows], and how many."""
    phrases, first = begun.phrases, begun.primer
    before = tuple(part[:, :first] for part in (phrases.pitches, phrases.rhythms, phrases.rhythms))
    behind = (tf.transpose(array.stack()) for array in arrays)
    notes = [tf.concat(pair, axis=1) for pair in zip(before, behind, strict=True)]
    return Written(*notes, first + count)


def _after_primer(begun: Begun, encoding: str) -> tuple[features.History, tf.Tensor, tf.Tensor]:
    """What is known then, the step at which the next note begins, and the place of step 0."""
    phrases, first = begun.phrases, begun.primer
    pitches, rhythms = (
        tf.ensure_shape(part[:, :first], [None, first])
        for part in (phrases.pitches, phrases.rhythms)
    )
    lengths = rhythm_graph.durations(rhythms, phrases.first_step, encoding)
    before = tf.zeros_like(phrases.num_steps)
    if begun.silent is not None:
        mask = tf.sequence_mask(begun.silent, first, tf.int32)
        before = tf.reduce_sum(lengths * mask, axis=1)
    starts = tf.cumsum(lengths, axis=1, exclusive=True) - before[:, tf.newaxis]
    roots = chord_at(phrases, starts).root
    known = features.histories(pitches, rhythms, lengths, roots)
    time = tf.reduce_sum(lengths, axis=1) - before
    music_begins = phrases.first_step + before
    return tf.nest.map_structure(lambda part: part[:, -1], known), time, music_begins


def _token_of(
    logits: tf.Tensor | None, uniforms: tf.Tensor, limits: token_draws.Limits | None
) -> tf.Tensor:
    """Tokens: float [rows, tokens], float32 [rows] in (0, 1) to int32 [rows]; of none 0."""
    if logits is None:
        return tf.zeros(tf.shape(uniforms), tf.int32)
    logits = tf.cast(logits, tf.float32)
    if limits is not None:
        logits = token_draws.limit(logits, limits)
    more = -logits.shape[-1] % token_draws.BLOCK
    padded = tf.pad(logits, [[0, 0], [0, more]], constant_values=-1e9)
    return token_draws.draw(padded, uniforms)


def _limits(temperature: tf.Tensor) -> token_draws.Limits:
    return token_draws.Limits(
        temperature, tf.zeros_like(temperature, tf.int32), tf.ones_like(temperature)
    )


def _duration(rhythm: tf.Tensor, begin: tf.Tensor, encoding: str) -> tf.Tensor:
    """Lengths of single notes: tokens and places in the bar where they begin, [rows]."""
    return rhythm_graph.durations(rhythm[:, tf.newaxis], begin, encoding)[:, 0]


def _token(length: tf.Tensor, begin: tf.Tensor, encoding: str) -> tf.Tensor:
    return rhythm_graph.rhythm_tokens(length[:, tf.newaxis], begin, encoding)[:, 0]
