"""What MidiNet learns from: a bar, the bar before it, and its chord, taken from windows of bars."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfmusicgan.models import noise
from tfmusicgan.representations.melody_bars import (
    NUM_CHORDS,
    NUM_PITCHES,
    MelodyBars,
)
from tfmusicgan.representations.melody_bars_steps import LOUDEST, MINOR

CHORD_SIZE = 13
"""Numbers of a chord: twelve positions and a flag."""

# A minor chord's position is that of its relative major: A minor's that of C.
_RELATIVE_MAJOR = 3


@dataclasses.dataclass(frozen=True)
class Triples:
    """A batch of bars with what they are made to.

    Attributes:
      bar: float32 [rows, steps, columns], see `pictures`.
      previous: float32 [rows, steps, columns], the bar before; zeros before a window's first.
      chord: float32 [rows, 13], see `chord_numbers`.
    """

    bar: tf.Tensor
    previous: tf.Tensor
    chord: tf.Tensor


def draw_triples(
    windows: tf.Tensor, keys: noise.Key, representation: MelodyBars, transpose_keys: int
) -> Triples:
    """Takes a bar of each window, moved to another key.

    All bars are as likely, and so are all of `transpose_keys` keys, upwards from the window's own.

    Args:
      windows: int32 [rows, bars, columns], of `MelodyBars`.
      keys: Two uint32 [rows].
      representation: Says what the columns are.
      transpose_keys: 1 to 12; 1 leaves the windows where they are.
    """
    uniforms = noise.uniforms(keys, 2)
    bars = representation.bars
    number = tf.minimum(tf.cast(uniforms[:, 0] * bars, tf.int32), bars - 1)
    moves = tf.minimum(tf.cast(uniforms[:, 1] * transpose_keys, tf.int32), transpose_keys - 1)
    before = tf.gather(windows, tf.maximum(number - 1, 0), batch_dims=1)
    chosen = tf.gather(windows, number, batch_dims=1)
    chosen, before = (transpose(bar, moves, representation) for bar in (chosen, before))
    has_previous = tf.cast(number > 0, tf.float32)[:, tf.newaxis, tf.newaxis]
    return Triples(
        pictures(chosen, representation),
        pictures(before, representation) * has_previous,
        chord_numbers(chosen[:, representation.chord_column]),
    )


def transpose(bars: tf.Tensor, semitones: tf.Tensor, representation: MelodyBars) -> tf.Tensor:
    """Moves melody and chord of bars; the melody turns over at the ends of its range.

    Args:
      bars: int32 [rows, columns].
      semitones: int32 [rows], 0 and more.
      representation: Says what the columns are.

    Returns:
      int32 of the same shape.
    """
    rep, semitones = representation, semitones[:, tf.newaxis]
    steps = rep.steps_per_bar
    pitch, chord = bars[:, :steps] - rep.lowest_pitch, bars[:, steps : steps + 1]
    moved = (pitch + semitones) % rep.num_pitches + rep.lowest_pitch
    first = tf.where(chord < MINOR, 1, MINOR)
    chord = tf.where(chord > 0, (chord - first + semitones) % 12 + first, 0)
    return tf.concat([moved, chord, bars[:, steps + 1 :]], axis=1)


def pictures(bars: tf.Tensor, representation: MelodyBars) -> tf.Tensor:
    """Bars as the networks see them.

    Args:
      bars: int32 [..., columns], of `MelodyBars`.
      representation: Says what the columns are.

    Returns:
      float32 [..., steps, width]: 1 for the pitch of 128 that sounds, and where the representation
      has them 1 where a note begins, and the velocity as a share of 127.
    """
    rep, steps = representation, representation.steps_per_bar
    columns = [tf.one_hot(bars[..., :steps], NUM_PITCHES)]
    if rep.onsets:
        onset = bars[..., rep.onset_column : rep.onset_column + steps]
        columns.append(tf.cast(onset, tf.float32)[..., tf.newaxis])
    if rep.velocities:
        velocity = bars[..., rep.velocity_column : rep.velocity_column + steps]
        share = tf.cast(velocity, tf.float32) * np.float32(1 / LOUDEST)
        columns.append(share[..., tf.newaxis])
    return columns[0] if len(columns) == 1 else tf.concat(columns, axis=-1)


def chord_numbers(chords: tf.Tensor) -> tf.Tensor:
    """Chords as the networks see them (released data: 12 positions and a flag).

    Position k without the flag is the major triad on pitch class k (0 for C), with it the minor
    triad nine semitones above, whose relative major has this position.

    Args:
      chords: int32 [...], 0 for none, of `MelodyBars`.

    Returns:
      float32 [..., 13], all 0 for none.
    """
    return tf.gather(tf.constant(_chord_table()), chords)


def _chord_table() -> np.ndarray:
    table = np.zeros((NUM_CHORDS, CHORD_SIZE), np.float32)
    for root in range(12):
        table[1 + root, root] = 1.0
        table[MINOR + root, [(root + _RELATIVE_MAJOR) % 12, 12]] = 1.0
    return table
