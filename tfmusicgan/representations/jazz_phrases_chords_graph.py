"""Chords of jazz phrases inside the graph: symbols to basses and tones, and back, on a grid.

Equals `jazz_phrases_chords.py` for symbols whose kind is in the table of `chord_symbols_graph.py`.
"""

import functools

import tensorflow as tf

from tfmusicgan.errors import PieceError
from tfmusicgan.note_sequences.chord_symbols import NO_CHORD, chord_pitch_classes
from tfmusicgan.representations import chord_symbols_graph
from tfmusicgan.representations.jazz_phrases_chords import (
    NUM_TONES,
    ROOTS,
    symbol_tables,
    tones_above,
)

UNKNOWN = chord_symbols_graph.UNKNOWN
"""Tones of what is no chord symbol of the table."""

_DEGREE_SEMITONES = (0, 2, 4, 5, 7, 9, 11)
_DEGREES = 13


def chord_numbers(symbols: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Looks chord symbols up.

    Args:
      symbols: tf.string, any shape.

    Returns:
      int32 of the same shape each: pitch class of the bass, and tones above it, a bit each; both 0
      for no chord, and tones `UNKNOWN` for what is no chord symbol of the table.
    """
    root, kind, bass = chord_symbols_graph.split(symbols)
    tones = chord_symbols_graph.find(kind, _kinds(), UNKNOWN)
    degree = chord_symbols_graph.find(bass, _degrees(), UNKNOWN)
    note = chord_symbols_graph.find(bass, _basses(), UNKNOWN)
    above = tf.where(note >= 0, note - root, tf.maximum(degree, 0)) % 12
    turned = tf.bitwise.right_shift(tones, above) | tf.bitwise.left_shift(tones, 12 - above)
    turned = (turned & (NUM_TONES - 1)) | 1
    known = (root >= 0) & (tones >= 0)
    none = chord_symbols_graph.is_no_chord(symbols)
    found = tf.where(none, 0, tf.where(known, turned, UNKNOWN))
    return tf.where(known & ~none, (root + above) % 12, 0), found


def symbols_of(basses: tf.Tensor, tones: tf.Tensor) -> tf.Tensor:
    """As `jazz_phrases_chords.symbol_of`.

    Args:
      basses: int32, any shape, 0 to 11.
      tones: int32 of the same shape, odd or 0.

    Returns:
      tf.string of the same shape.
    """
    kinds, shifts = symbol_tables()
    shift = tf.gather(tf.constant(shifts), tones)
    roots = tf.constant(ROOTS)
    text = tf.gather(roots, (basses + shift) % 12) + tf.gather(tf.constant(kinds), tones)
    over = tf.strings.join(["/", tf.gather(roots, basses)])
    return tf.where(tones > 0, text + tf.where(shift > 0, over, ""), NO_CHORD)


def to_bits(tones: tf.Tensor) -> tf.Tensor:
    """Tones as numbers to one column a semitone: int32 [...] to uint8 [..., 12]."""
    return tf.cast(tf.bitwise.right_shift(tones[..., tf.newaxis], tf.range(12)) & 1, tf.uint8)


def from_bits(bits: tf.Tensor) -> tf.Tensor:
    """The inverse of `to_bits`: int32 [...]."""
    return tf.reduce_sum(tf.bitwise.left_shift(tf.cast(bits, tf.int32), tf.range(12)), axis=-1)


def chord_grid(
    basses: tf.Tensor,
    tones: tf.Tensor,
    counts: tf.Tensor,
    steps_per_chord: tf.Tensor | int,
    num_steps: tf.Tensor | int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Progressions on a plain grid, each chord for the same time, again and again.

    Args:
      basses: int32 [batch, chords], a row's own from the left.
      tones: int32 [batch, chords].
      counts: int32 [batch], how many each row has; a row without has no chord anywhere.
      steps_per_chord: Scalar or int32 [batch], from 1.
      num_steps: Scalar, of the grid.

    Returns:
      The fields `chord_roots` int32 [batch, num_steps] and `chord_tones` uint8
      [batch, num_steps, 12].
    """
    each = tf.broadcast_to(tf.cast(steps_per_chord, tf.int32), tf.shape(counts))
    place = tf.range(num_steps)[tf.newaxis] // each[:, tf.newaxis]
    place %= tf.maximum(counts, 1)[:, tf.newaxis]
    # One column more, for batches without any chord.
    padded = (tf.pad(values, [[0, 0], [0, 1]]) for values in (basses, tones))
    bass, found = (tf.gather(values, place, batch_dims=1) for values in padded)
    has = (counts > 0)[:, tf.newaxis]
    return tf.where(has, bass, 0), to_bits(tf.where(has, found, 0))


@functools.cache
def _kinds() -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Kinds in the table's spelling to their tones above the root."""
    found = {}
    for kind in chord_symbols_graph.candidates():
        try:
            found[kind] = tones_above(0, chord_pitch_classes(f"C{kind}"))
        except PieceError:
            continue
    spelled = chord_symbols_graph.spell_all(tuple(found))
    found = dict(zip(spelled, found.values(), strict=True))
    return tuple(found), tuple(found.values())


@functools.cache
def _basses() -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of notes, in small letters, too, to pitch classes."""
    names, numbers = chord_symbols_graph.roots()
    return (*names, *(name[0].lower() + name[1:] for name in names)), numbers * 2


@functools.cache
def _degrees() -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Basses of Harte's spelling, such as `b7`, to semitones above the root."""
    found = {
        f"{sign}{degree}": (_DEGREE_SEMITONES[(degree - 1) % 7] + shift) % 12
        for degree in range(1, _DEGREES + 1)
        for sign, shift in (("", 0), ("#", 1), ("b", -1))
    }
    return tuple(found), tuple(found.values())
