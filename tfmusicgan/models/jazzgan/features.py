"""What JazzGAN's networks are told at each step: the chord, what came before, how much is left.

One function, `NoteReader`, makes numbers of it for training, where all steps of a batch are read at
once, and for writing, one step after the other. What came before is a `History`: `histories` makes
those of all notes of given phrases, `advance` the one after another note.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.layers.initializers import seeded_plain_normal
from tfmusicgan.recipes.jazzgan import PITCH_CLASSES
from tfmusicgan.representations.jazz_phrases import NUM_PITCHES, REST
from tfmusicgan.representations.jazz_phrases_rhythm import (
    BEAT_POSITION,
    STEPS_PER_BAR,
    TIME_STEP,
)

LAST_NOTES = 4
"""Notes that a network sees of what came before, beside what it remembers."""

COUNTDOWN = STEPS_PER_BAR
"""How far from the end a network begins to see it, in steps or in notes."""

_NO_PITCH_CLASS = 12
"""In place of a pitch above a root: a rest."""


class History(NamedTuple):
    """What is known after a note; integers int32 [...].

    Attributes:
      pitches: [..., 4], the last notes' pitch tokens, the latest first; rests before the first.
      rhythms: [..., 4], their rhythm tokens; 0 before the first.
      duration: The last note's, in steps.
      repeats: [..., 3], how many notes in a row have the last one's pitch, rhythm token and
        duration, at least 1.
      sounding: Pitch token of the last note that is no rest; that of a rest if there is none.
      interval: From the last note but one that is no rest to the last, in semitones; of a rest 0.
      above_root: The last note's pitch class above the root of its chord, 12 for a rest.
    """

    pitches: tf.Tensor
    rhythms: tf.Tensor
    duration: tf.Tensor
    repeats: tf.Tensor
    sounding: tf.Tensor
    interval: tf.Tensor
    above_root: tf.Tensor


def histories(
    pitches: tf.Tensor, rhythms: tf.Tensor, durations: tf.Tensor, roots: tf.Tensor
) -> History:
    """What is known after each note of given phrases.

    Args:
      pitches: int32 [rows, notes], pitch tokens; the number of notes is known.
      rhythms: int32 [rows, notes], rhythm tokens.
      durations: int32 [rows, notes], in steps.
      roots: int32 [rows, notes], of the chords where notes begin.

    Returns:
      Tensors [rows, notes, ...].
    """
    notes = pitches.shape[1]
    earlier = tf.constant(np.tri(notes, dtype=bool))  # [note, it or an earlier one]
    last = tf.where(pitches != REST, tf.range(1, notes + 1), 0)
    last = tf.reduce_max(tf.where(earlier, last[:, tf.newaxis], 0), axis=-1)
    padded = tf.pad(pitches, [[0, 0], [1, 0]], constant_values=REST)
    sounding = tf.gather(padded, last, batch_dims=1)
    before = tf.pad(sounding[:, :-1], [[0, 0], [1, 0]], constant_values=REST)
    runs = [_run_lengths(values, earlier) for values in (pitches, rhythms, durations)]
    return History(
        pitches=_last_notes(pitches, REST),
        rhythms=_last_notes(rhythms, 0),
        duration=durations,
        repeats=tf.stack(runs, axis=-1),
        sounding=sounding,
        interval=_interval(pitches, before),
        above_root=_above_root(pitches, roots),
    )


def advance(
    history: History, pitch: tf.Tensor, rhythm: tf.Tensor, duration: tf.Tensor, root: tf.Tensor
) -> History:
    """What is known after one more note.

    Args:
      history: [...], before it.
      pitch: int32 [...], its pitch token.
      rhythm: int32 [...], its rhythm token.
      duration: int32 [...], in steps.
      root: int32 [...], of the chord where it begins.

    Returns:
      Tensors of the same shapes.
    """
    same = [
        pitch == history.pitches[..., 0],
        rhythm == history.rhythms[..., 0],
        duration == history.duration,
    ]
    return History(
        pitches=tf.concat([pitch[..., tf.newaxis], history.pitches[..., :-1]], axis=-1),
        rhythms=tf.concat([rhythm[..., tf.newaxis], history.rhythms[..., :-1]], axis=-1),
        duration=duration,
        repeats=history.repeats * tf.cast(tf.stack(same, axis=-1), tf.int32) + 1,
        sounding=tf.where(pitch == REST, history.sounding, pitch),
        interval=_interval(pitch, history.sounding),
        above_root=_above_root(pitch, root),
    )


def _pitch_classes(tones: tf.Tensor, roots: tf.Tensor) -> tf.Tensor:
    """Chords' tones above their roots as pitch classes: int [..., 12] and [...] to [..., 12]."""
    above = (tf.range(12) - roots[..., tf.newaxis]) % 12
    return tf.gather(tones, above, batch_dims=tones.shape.rank - 1)


class NoteReader(keras.layers.Layer):
    """Makes the numbers that a network reads at a step; it keeps the embeddings.

    Args:
      encoding: Of the representation. With places in the bar there are embeddings of durations
        beside them; with time steps there is no rhythm.
      pitch_size: Numbers of a pitch.
      rhythm_size: Numbers of a rhythm token, and of a duration.
      root_size: Numbers of a chord's root.
      rest_class: Whether "pitch above the root" tells a rest from the root.
      chord_tones: `"above_root"`, or `"pitch_classes"`: what a chord's tones are told by.
      seed: Of the initial weights.
      stddev: Theirs.

    Output shape:
      [..., input size]: 12 tones of the chord and its root's embedding; repetitions of pitch,
      rhythm token and duration; the last interval; the last pitch above its root, one-hot; how far
      the end is, one-hot; embeddings of the last four pitches and rhythm tokens, and of the last
      duration.
    """

    def __init__(
        self,
        encoding: str,
        pitch_size: int,
        rhythm_size: int,
        root_size: int,
        rest_class: bool,
        chord_tones: str,
        seed: int,
        stddev: float,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoding, self.rest_class = encoding, rest_class
        self.has_pitch_classes = chord_tones == PITCH_CLASSES
        sizes = {"root_embedding": (12, root_size), "pitch_embedding": (NUM_PITCHES, pitch_size)}
        if encoding != TIME_STEP:
            sizes["rhythm_embedding"] = (STEPS_PER_BAR, rhythm_size)
        if encoding == BEAT_POSITION:
            sizes["duration_embedding"] = (STEPS_PER_BAR, rhythm_size)
        for name, shape in sizes.items():
            initializer = seeded_plain_normal(seed, f"{self.name}/{name}", stddev)
            setattr(self, name, self.add_weight(name=name, shape=shape, initializer=initializer))
        repeats = 1 + (encoding != TIME_STEP) + (encoding == BEAT_POSITION)
        self.input_size = 12 + root_size + repeats + 1 + 12 + rest_class + COUNTDOWN
        self.input_size += LAST_NOTES * pitch_size
        if encoding != TIME_STEP:
            self.input_size += LAST_NOTES * rhythm_size
        if encoding == BEAT_POSITION:
            self.input_size += rhythm_size
        self.built = True

    def call(
        self, history: History, roots: tf.Tensor, tones: tf.Tensor, left: tf.Tensor
    ) -> tf.Tensor:
        """Makes the numbers.

        Args:
          history: [...].
          roots: int32 [...], the chord's.
          tones: int [..., 12], the chord's tones above the root, 0 or 1.
          left: int32 [...], steps or notes up to the end, from 1.

        Returns:
          float [..., input size].
        """
        has_rhythm, has_durations = self.encoding != TIME_STEP, self.encoding == BEAT_POSITION
        repeats = history.repeats[..., : 1 + has_rhythm + has_durations]
        # A rest is the root, as published, where it has no class of its own.
        above = history.above_root if self.rest_class else history.above_root % _NO_PITCH_CLASS
        parts = [
            _pitch_classes(tones, roots) if self.has_pitch_classes else tones,
            self._look_up(self.root_embedding, roots),
            repeats,
            history.interval[..., tf.newaxis],
            tf.one_hot(above, 12 + self.rest_class),
            tf.one_hot(left - 1, COUNTDOWN),
            self._side_by_side(self.pitch_embedding, history.pitches),
        ]
        if has_rhythm:
            parts.append(self._side_by_side(self.rhythm_embedding, history.rhythms))
        if has_durations:
            parts.append(self._look_up(self.duration_embedding, history.duration - 1))
        return tf.concat([tf.cast(part, self.compute_dtype) for part in parts], axis=-1)

    def _side_by_side(self, embedding: keras.Variable, tokens: tf.Tensor) -> tf.Tensor:
        """Embeddings of some tokens in a row: [..., n] to [..., n * size]."""
        found = self._look_up(embedding, tokens)
        size = tokens.shape[-1] * embedding.shape[1]
        return tf.reshape(found, tf.concat([tf.shape(tokens)[:-1], [size]], axis=0))

    def _look_up(self, embedding: keras.Variable, tokens: tf.Tensor) -> tf.Tensor:
        # Keras casts in `call` alone, and looks no rows up.
        table = tf.cast(tf.convert_to_tensor(embedding), self.compute_dtype)
        return tf.gather(table, tokens)


def _last_notes(values: tf.Tensor, filling: int) -> tf.Tensor:
    """Each value with those before it, the latest first: [rows, notes] to [rows, notes, 4]."""
    notes = values.shape[1]
    padded = tf.pad(values, [[0, 0], [LAST_NOTES - 1, 0]], constant_values=filling)
    first = LAST_NOTES - 1
    return tf.stack([padded[:, first - k : first - k + notes] for k in range(LAST_NOTES)], axis=-1)


def _run_lengths(values: tf.Tensor, earlier: tf.Tensor) -> tf.Tensor:
    """How many values in a row are as each is, up to it: [rows, notes] to [rows, notes]."""
    changes = tf.cast(values[:, 1:] != values[:, :-1], tf.int32)
    run = tf.cumsum(tf.pad(changes, [[0, 0], [1, 0]]), axis=1)
    same = (run[:, :, tf.newaxis] == run[:, tf.newaxis]) & earlier
    return tf.reduce_sum(tf.cast(same, tf.int32), axis=-1)


def _interval(pitch: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
    """From the pitch that sounded before, or 0 where there is none or the note is a rest."""
    return tf.where((pitch == REST) | (before == REST), 0, pitch - before)


def _above_root(pitch: tf.Tensor, root: tf.Tensor) -> tf.Tensor:
    # Token 0 is MIDI pitch 36, a C.
    return tf.where(pitch == REST, _NO_PITCH_CLASS, (pitch - root) % 12)
