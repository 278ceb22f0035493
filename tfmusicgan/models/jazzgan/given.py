"""What a request gives JazzGAN: chords as symbols, and notes that it is to go on after."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from tfmusicgan.models.jazzgan.phrases import Chord, Phrases, chord_at
from tfmusicgan.models.jazzgan.writing import Begun
from tfmusicgan.representations import jazz_phrases_chords_graph as chords_graph
from tfmusicgan.representations import jazz_phrases_rhythm_graph as rhythm_graph
from tfmusicgan.representations.jazz_phrases import NUM_PITCHES, REST, JazzPhrases
from tfmusicgan.representations.jazz_phrases_rhythm import (
    BEAT_POSITION,
    STEPS_PER_BAR,
    STEPS_PER_QUARTER,
)


class Progression(NamedTuple):
    """Chords of equal length, int32.

    Attributes:
      bass: [batch, any], pitch classes.
      tones: [batch, any], a bit for each semitone above the bass.
      count: [batch], how many each row has.
      steps: [batch], of each chord.
    """

    bass: tf.Tensor
    tones: tf.Tensor
    count: tf.Tensor
    steps: tf.Tensor

    @property
    def bars(self) -> tf.Tensor:
        """Bars that they fill, rounded up: int32 [batch]."""
        return (self.count * self.steps + STEPS_PER_BAR - 1) // STEPS_PER_BAR


def read_chords(chords: tf.Tensor, beats_per_chord: tf.Tensor, max_bars: int) -> Progression:
    """Looks the chords of progressions up.

    Args:
      chords: tf.string [batch, any], chord symbols, `N.C.` for none, a row's own from the left;
        empty texts behind them are padding.
      beats_per_chord: int32 [batch], quarter notes, from 1.
      max_bars: Most bars of a progression.

    Returns:
      The progressions.

    Raises:
      InvalidArgumentError: When run with a text that is no chord symbol, with an empty text in
        front of a symbol, or with more than `max_bars`. It names the text.
    """
    is_given = chords != ""
    count = tf.reduce_sum(tf.cast(is_given, tf.int32), axis=1)
    bass, tones = chords_graph.chord_numbers(tf.where(is_given, chords, "N.C."))
    wrong = tf.boolean_mask(chords, tones < 0)
    hint = "chords: expected symbols such as Cmaj7, F#m7b5, Bb7/D or N.C. Received:"
    checks = [tf.debugging.Assert(tf.size(wrong) == 0, [hint, wrong[:3]])]
    whole = tf.reduce_all(is_given == tf.sequence_mask(count, tf.shape(chords)[1]))
    hint = "chords: expected no empty text in front of a symbol. Received:"
    checks.append(tf.debugging.Assert(whole, [hint, chords]))
    found = Progression(bass, tones, count, beats_per_chord * STEPS_PER_QUARTER)
    short = tf.reduce_all(found.bars <= max_bars)
    hint = f"chords: expected at most {max_bars} bars of them. Received rows of bars:"
    checks.append(tf.debugging.Assert(short, [hint, found.bars]))
    with tf.control_dependencies(checks):
        return Progression(*map(tf.identity, found))


def need_chords(progression: Progression) -> list[tf.Operation]:
    """Fails when run with a row without chords."""
    hint = "chords: expected one symbol at least for every row. Received rows of:"
    has = tf.reduce_all(progression.count > 0)
    return [tf.debugging.Assert(has, [hint, progression.count])]


def chord_grid(progression: Progression, num_steps: tf.Tensor) -> Chord:
    """Progressions again and again, step by step: [batch, num_steps]."""
    roots, tones = chords_graph.chord_grid(
        progression.bass, progression.tones, progression.count, progression.steps, num_steps
    )
    return Chord(roots, tf.cast(tones, tf.int32))


def bars_of(music: Phrases) -> tf.Tensor:
    """Bars that given music touches: int32 [batch]."""
    return (music.first_step + music.num_steps + STEPS_PER_BAR - 1) // STEPS_PER_BAR


def chords_under(
    music: Phrases, own: Phrases, progression: Progression, num_steps: tf.Tensor
) -> Chord:
    """The chords of given music and of what is to come behind it.

    These are those that are given, from the music's first bar on. Without, they are the music's
    own, which begin again at the next bar line; behind music without chords, of the training data.

    Args:
      music: What is given.
      own: Phrases of the training data.
      progression: Chords that are given, if any.
      num_steps: Scalar, steps from the music's beginning on.

    Returns:
      [batch, num_steps].
    """
    place = music.first_step[:, tf.newaxis] + tf.range(num_steps)
    grid = chord_grid(progression, num_steps + STEPS_PER_BAR)
    wanted = Chord(*(tf.gather(values, place, batch_dims=1) for values in grid))
    whole = bars_of(music)[:, tf.newaxis] * STEPS_PER_BAR
    last = tf.maximum(music.num_steps - 1, 0)[:, tf.newaxis]
    again = place % tf.maximum(whole, 1) - music.first_step[:, tf.newaxis]
    again = chord_at(music, tf.clip_by_value(again, 0, last))
    of_data = chord_at(own, (place - whole) % own.num_steps[:, tf.newaxis])
    has = tf.reduce_any(music.chord_tones > 0, axis=[1, 2])[:, tf.newaxis]
    found = _chosen((place < whole) | has, again, of_data)
    return _chosen(progression.count[:, tf.newaxis] > 0, wanted, found)


def begin(music: Phrases, own: Phrases, rep: JazzPhrases) -> Begun:
    """Given music with as many notes in front of it as make a primer, which do not sound.

    In front of music of few notes these are rests; where there are no notes at all they are a
    primer of the training data, moved to the first chord's root.

    Args:
      music: Notes [batch, at least 1], of which rows may have none; chords and length of what is to
        be written.
      own: Phrases of the training data.
      rep: The representation.

    Returns:
      What `writing.write` begins with.
    """
    needed = rep.primer_notes
    silent = tf.maximum(needed - music.num_notes, 0)
    most = tf.shape(music.pitches)[1] + needed
    source = tf.range(most)[tf.newaxis] - silent[:, tf.newaxis]
    before = source < 0
    source = tf.clip_by_value(source, 0, tf.shape(music.pitches)[1] - 1)
    pitches, rhythms = (
        tf.gather(values, source, batch_dims=1) for values in (music.pitches, music.rhythms)
    )
    pitches = tf.where(before, REST, pitches)
    lengths = rhythm_graph.durations(own.rhythms, own.first_step, rep.encoding)  # [batch, needed]
    total = tf.reduce_sum(lengths, axis=1)
    has_notes = (music.num_notes > 0)[:, tf.newaxis]
    # Rests as long as can be: of whole bars, the place where they end is where they begin.
    own_first = tf.where(
        music.num_notes > 0, music.first_step - silent * rep.longest, music.first_step - total
    )
    first_step = own_first % STEPS_PER_BAR
    rests = music.first_step if rep.encoding == BEAT_POSITION else tf.zeros_like(silent)
    rests = rests + (0 if rep.encoding == BEAT_POSITION else rep.longest - 1)
    rhythms = tf.where(before, rests[:, tf.newaxis], rhythms)
    primer = rhythm_graph.rhythm_tokens(lengths, first_step, rep.encoding)
    filling = [[0, 0], [0, most - needed]]
    pitches = tf.where(has_notes, pitches, tf.pad(_moved(own, total, music), filling))
    rhythms = tf.where(has_notes, rhythms, tf.pad(primer, filling))
    phrases = music._replace(
        pitches=pitches,
        rhythms=rhythms,
        num_notes=music.num_notes + silent,
        first_step=first_step,
    )
    return Begun(phrases, needed, silent)


def music_begins(begun: Begun, encoding: str) -> tf.Tensor:
    """The place in the bar where the music begins, behind the notes that do not sound: [batch]."""
    phrases, first = begun.phrases, begun.primer
    lengths = rhythm_graph.durations(phrases.rhythms[:, :first], phrases.first_step, encoding)
    lengths *= tf.sequence_mask(begun.silent, first, tf.int32)
    return (phrases.first_step + tf.reduce_sum(lengths, axis=1)) % STEPS_PER_BAR


def _moved(own: Phrases, total: tf.Tensor, music: Phrases) -> tf.Tensor:
    """A primer's pitches, moved so that its next chord's root is that of the music's first."""
    next_chord, first = chord_at(own, total), chord_at(music, tf.zeros_like(total))
    both = tf.reduce_any(next_chord.tones > 0, -1) & tf.reduce_any(first.tones > 0, -1)
    shift = tf.where(both, (first.root - next_chord.root + 6) % 12 - 6, 0)[:, tf.newaxis]
    moved = own.pitches + shift
    moved += 12 * tf.cast(moved < 0, tf.int32)
    moved -= 12 * tf.cast(moved > NUM_PITCHES - 2, tf.int32)
    return tf.where(own.pitches == REST, REST, moved)


def _chosen(condition: tf.Tensor, one: Chord, other: Chord) -> Chord:
    """One where a condition holds, the other elsewhere: bool [batch, steps or 1]."""
    root = tf.where(condition, one.root, other.root)
    return Chord(root, tf.where(condition[..., tf.newaxis], one.tones, other.tones))
