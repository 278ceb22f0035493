"""Which notes of a batch of pieces are their melodies, inside the graph."""

import re

import tensorflow as tf

from tfmusicgan.representations.masks_graph import where_true
from tfmusicgan.representations.melody_track import NAMED_FIRST
from tfmusicgan.representations.note_sequences_graph import FlatNotes


def melody_notes(notes: FlatNotes, melody_name: str) -> tf.Tensor:
    """Finds the notes of each row's melody; equals `melody_track.melody_notes` of each sequence.

    Args:
      notes: Of a batch.
      melody_name: Lower-case ASCII; empty: names do not count.

    Returns:
      bool [notes].
    """
    named, instrument = _is_named(notes, melody_name), tf.cast(notes.instrument, tf.int64)
    order = instrument + tf.where(named, tf.constant(0, tf.int64), NAMED_FIRST)
    order = tf.where(notes.is_drum, tf.int64.max, order)
    first = tf.math.unsorted_segment_min(order, notes.row, notes.batch)
    return ~notes.is_drum & (order == tf.gather(first, notes.row))


def _is_named(notes: FlatNotes, melody_name: str) -> tf.Tensor:
    """Bool [notes]: whether the name of a note's instrument contains the text."""
    if not melody_name:
        return tf.zeros_like(notes.is_drum)
    lower = tf.strings.lower(notes.name)
    without = tf.strings.regex_replace(lower, re.escape(melody_name), "", replace_global=False)
    names = _key(notes.name_row, notes.name_instrument)
    named = tf.sort(*where_true(without != lower, names))
    # One more, so that there is something to compare the last ones with.
    named = tf.pad(named, [[0, 1]], constant_values=tf.int64.max)
    wanted = _key(notes.row, notes.instrument)
    return tf.gather(named, tf.searchsorted(named, wanted)) == wanted


def _key(row: tf.Tensor, instrument: tf.Tensor) -> tf.Tensor:
    """A number for each instrument of each row, int64."""
    return tf.cast(row, tf.int64) * NAMED_FIRST + tf.cast(instrument, tf.int64)
