"""Phrases as JazzGAN's networks read them: from the first note that is not given to the last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from tfmusicgan.models.jazzgan.features import NoteReader, histories
from tfmusicgan.representations import jazz_phrases_rhythm_graph as rhythm_graph
from tfmusicgan.representations.jazz_phrases import JazzPhrases


class Phrases(NamedTuple):
    """A batch of the representation's examples, see `JazzPhrases`; integers int32 [rows, ...]."""

    pitches: tf.Tensor
    rhythms: tf.Tensor
    num_notes: tf.Tensor
    first_step: tf.Tensor
    chord_roots: tf.Tensor
    chord_tones: tf.Tensor
    num_steps: tf.Tensor

    @classmethod
    def of(cls, examples: Mapping[str, tf.Tensor], rep: JazzPhrases) -> Phrases:
        """Takes the representation's fields, [rows, *shape] each."""
        shapes = {name: [None, *field.shape] for name, field in rep.spec.items()}
        return cls.of_any({name: tf.ensure_shape(examples[name], shapes[name]) for name in shapes})

    @classmethod
    def of_any(cls, examples: Mapping[str, tf.Tensor]) -> Phrases:
        """Takes fields with any number of notes and steps."""
        values = {_FIELDS.get(name, name): value for name, value in examples.items()}
        return cls(**{name: tf.cast(value, tf.int32) for name, value in values.items()})

    def examples(self, rep: JazzPhrases) -> dict[str, tf.Tensor]:
        """The inverse of `of`."""
        return {
            name: tf.cast(getattr(self, _FIELDS.get(name, name)), field.dtype)
            for name, field in rep.spec.items()
        }


_FIELDS = {"rhythm": "rhythms"}


class Chord(NamedTuple):
    """The chord where a note begins: its root int32 [...] and its tones int32 [..., 12]."""

    root: tf.Tensor
    tones: tf.Tensor


def chord_at(phrases: Phrases, steps: tf.Tensor) -> Chord:
    """The chords at some steps of each phrase; beyond what there is of them, the last.

    Args:
      phrases: Their chords [rows, steps of chords].
      steps: int32 [rows] or [rows, n].
    """
    place = tf.clip_by_value(steps, 0, tf.shape(phrases.chord_roots)[1] - 1)
    return Chord(
        tf.gather(phrases.chord_roots, place, batch_dims=1),
        tf.gather(phrases.chord_tones, place, batch_dims=1),
    )


def modelled(phrases: Phrases, rep: JazzPhrases) -> tf.Tensor:
    """1 for notes behind the primer, 0 for padding: float32 [rows, max_notes - primer_notes]."""
    places = tf.range(rep.primer_notes, rep.max_notes)
    return tf.cast(places < phrases.num_notes[:, tf.newaxis], tf.float32)


def generator_inputs(reader: NoteReader, phrases: Phrases, rep: JazzPhrases) -> tf.Tensor:
    """What the generator reads before it says each note behind the primer.

    Args:
      reader: The generator's.
      phrases: A batch.
      rep: Its representation.

    Returns:
      float [rows, max_notes - primer_notes, input size].
    """
    history, chord, start = _read(phrases, rep, 1)
    return reader(history, *chord, phrases.num_steps[:, tf.newaxis] - start)


def discriminator_inputs(
    reader: NoteReader, phrases: Phrases, rep: JazzPhrases, lag: int
) -> tf.Tensor:
    """What the discriminator reads before it scores each note behind the primer.

    Args:
      reader: The discriminator's.
      phrases: A batch.
      rep: Its representation.
      lag: 0 where it reads the note itself, 1 where it reads the one before it.

    Returns:
      float [rows, max_notes - primer_notes, input size].
    """
    history, chord, _ = _read(phrases, rep, lag)
    places = tf.range(rep.primer_notes, rep.max_notes)
    return reader(history, *chord, phrases.num_notes[:, tf.newaxis] - places)


def _read(phrases: Phrases, rep: JazzPhrases, lag: int) -> tuple:
    """Of the notes behind the primer: what is known `lag` notes before, their chords and starts."""
    given, notes = rep.primer_notes, rep.max_notes
    lengths = rhythm_graph.durations(phrases.rhythms, phrases.first_step, rep.encoding)
    starts = tf.cumsum(lengths, axis=1, exclusive=True)
    chord = chord_at(phrases, starts)
    known = histories(phrases.pitches, phrases.rhythms, lengths, chord.root)
    known = tf.nest.map_structure(lambda part: part[:, given - lag : notes - lag], known)
    return known, tf.nest.map_structure(lambda part: part[:, given:], chord), starts[:, given:]
