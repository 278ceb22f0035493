"""The nearest words of a vocabulary inside the graph: as `chord_melody_nearest.py`."""

import numpy as np
import tensorflow as tf

from tfmusicgan.representations.chord_melody_nearest import ANOTHER_CLASS, NO_PITCH, RADICES
from tfmusicgan.representations.chord_melody_vocabulary import MAX_DURATION, NUM_CLASSES

# Words that are compared with the vocabulary at a time: 1.7 MB for each difference of 3,300 words,
# 34 MB of the largest vocabulary, whatever the batch.
_AT_A_TIME = 64


def features(words: tf.Tensor) -> tf.Tensor:
    """As `chord_melody_nearest.features`: int64 [words, 6] to int64 [words, 6]."""
    steps, octave, pitch, chord_steps, octaves, classes = tf.unstack(words, axis=1)
    kind = tf.cast(steps > 0, tf.int64) + 2 * tf.cast(pitch > 0, tf.int64)
    note = tf.where(pitch > 0, octave * 12 + 11 + pitch, NO_PITCH)
    steps, chord_steps = (tf.minimum(side, MAX_DURATION) for side in (steps, chord_steps))
    return tf.stack([kind, note, steps, chord_steps, classes, _lowest(octaves, classes)], axis=1)


def nearest(wanted: tf.Tensor, known: np.ndarray) -> tf.Tensor:
    """As `chord_melody_nearest.nearest`.

    Args:
      wanted: int64 [words, 6], of `features`.
      known: int64 [vocabulary, 6], of `chord_melody_nearest.features`; one word at least.

    Returns:
      int64 [words], places in `known`.
    """
    # A piece repeats itself, and a request may ask for many pieces after the same music.
    distinct, index = tf.raw_ops.UniqueV2(x=wanted, axis=[0])
    num = tf.shape(distinct)[0]
    padded = tf.pad(distinct, [[0, -num % _AT_A_TIME], [0, 0]])
    places = tf.map_fn(
        lambda some: tf.argmin(_distances(some, known), axis=1),
        tf.reshape(padded, [-1, _AT_A_TIME, len(RADICES)]),
        fn_output_signature=tf.TensorSpec([_AT_A_TIME], tf.int64),
        parallel_iterations=1,
    )
    return tf.gather(tf.reshape(places, [-1]), index)


def _distances(wanted: tf.Tensor, known: np.ndarray) -> tf.Tensor:
    """As `chord_melody_nearest.distances`, of each wanted word: int64 [words, vocabulary]."""
    kind, note, steps, chord_steps, classes, lowest = map(tf.constant, known.T)
    columns = tf.unstack(wanted[:, tf.newaxis], axis=2)
    num_classes = tf.constant(NUM_CLASSES)
    differences = (
        tf.bitwise.bitwise_xor(kind, columns[0]),
        _between(note, columns[1]),
        tf.abs(steps - columns[2]),
        tf.abs(chord_steps - columns[3]),
        tf.gather(num_classes, tf.bitwise.bitwise_xor(classes, columns[4])),
        _between(lowest, columns[5]),
    )
    total = tf.zeros_like(differences[0])
    for difference, radix in zip(differences, RADICES, strict=True):
        total = total * radix + difference
    return total


def _between(pitches: tf.Tensor, pitch: tf.Tensor) -> tf.Tensor:
    """Semitones, and `ANOTHER_CLASS` more for another pitch class; 0 where one is no pitch."""
    there = (pitches != NO_PITCH) & (pitch != NO_PITCH)
    apart = tf.abs(pitches - pitch)
    return tf.where(there, apart + ANOTHER_CLASS * tf.cast(apart % 12 > 0, tf.int64), 0)


def _lowest(octaves: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Lowest MIDI pitches of chords, `NO_PITCH` for rests: int64, shapes as given."""
    lowest = tf.fill(tf.shape(classes), np.int64(NO_PITCH))
    # The last digit is the octave of the highest class.
    for pitch_class in reversed(range(12)):
        here = tf.bitwise.right_shift(classes, np.int64(pitch_class)) % 2 > 0
        pitch = 12 + octaves % 10 * 12 + pitch_class
        lowest = tf.where(here & ((lowest == NO_PITCH) | (pitch < lowest)), pitch, lowest)
        octaves = tf.where(here, octaves // 10, octaves)
    return lowest
