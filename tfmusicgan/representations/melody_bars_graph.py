"""The graph half of `melody_bars.py`: bars to NoteSequences and back, core ops only."""

import tensorflow as tf

from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.melody_bars import MelodyBars
from tfmusicgan.representations.melody_bars_graph_input import from_note_sequences
from tfmusicgan.representations.melody_bars_messages import (
    CHORD_VELOCITY,
    CHORDS,
    MELODY,
    SYMBOLS,
    bars_header,
    chord_pitches,
    column_maxima,
)
from tfmusicgan.representations.melody_messages import VELOCITY
from tfmusicgan.representations.note_sequences_graph import (
    note_sequence_qpm,
    readable_note_sequences,
)
from tfmusicgan.representations.score_messages_graph import checked_qpm, encode_sequences

__all__ = [
    "from_note_sequences",
    "note_sequence_qpm",
    "readable_note_sequences",
    "to_note_sequences",
]


def to_note_sequences(
    bars: tf.Tensor,
    representation: MelodyBars,
    qpm: tf.Tensor,
    num_bars: tf.Tensor | None = None,
    sound_chords: tf.Tensor | None = None,
) -> tf.Tensor:
    """Serialises the NoteSequences of a batch of melodies.

    The messages equal those of `MelodyBars.decode` with the same (float32) tempo, of each row's own
    bars.

    Args:
      bars: int32 [batch, bars, columns], any number of bars from one.
      representation: Says what the columns are.
      qpm: float32 [batch], quarter notes per minute, within 4-1,000.
      num_bars: int32 [batch], how many bars of each row count, from 1 to all of them; the others
        are padding. By default all count.
      sound_chords: bool [batch], whether the chords sound as well; by default none do.

    Returns:
      tf.string [batch].

    Raises:
      InvalidArgumentError: When run with a tempo or a number out of range.
    """
    rep, qpm = representation, checked_qpm(qpm)
    in_range = tf.reduce_all((bars >= 0) & (bars <= tf.constant(column_maxima(rep))))
    message = "melody_bars: expected pitches of 0-127, chords of 0-24"
    with tf.control_dependencies([tf.debugging.Assert(in_range, [message, bars])]):
        bars = tf.identity(bars)
    longest = tf.shape(bars)[1]
    if num_bars is None:
        num_bars = tf.fill([tf.shape(bars)[0]], longest)
    num_bars = tf.clip_by_value(num_bars, 1, longest)
    counts = tf.sequence_mask(num_bars, longest)

    def seconds(steps: tf.Tensor, of_rows: tf.Tensor) -> tf.Tensor:
        # The operations of melody_bars_messages.bars_to_note_sequence, in its order.
        return tf.cast(steps, tf.float64) * (60.0 / rep.steps_per_beat) / of_rows

    chord = tf.where(counts, bars[..., rep.chord_column], 0)
    parts = [_melody(bars, num_bars, rep)]
    if sound_chords is not None:
        parts.append(_sounding(tf.where(sound_chords[:, tf.newaxis], chord, 0), rep))
    row, start, instrument, pitch, end, velocity = _in_order(parts)
    rate = tf.gather(qpm, row)
    notes = {
        "pitch": pitch,
        "velocity": velocity,
        "instrument": instrument,
        "start_time": seconds(start, rate),
        "end_time": seconds(end, rate),
    }
    changes = chord != tf.pad(chord[:, :-1], [[0, 0], [1, 0]])
    named = tf.where(changes & counts)
    symbols = {
        "time": seconds(named[:, 1] * rep.steps_per_bar, tf.gather(qpm, named[:, 0])),
        "text": tf.gather(tf.constant(SYMBOLS), tf.gather_nd(chord, named)),
        "annotation_type": tf.fill([tf.shape(named)[0]], NoteSequence.TextAnnotation.CHORD_SYMBOL),
    }
    total = seconds(num_bars * rep.steps_per_bar, qpm)
    header = bars_header(rep)
    return encode_sequences(header, qpm, total, row, notes, (named[:, 0], symbols))


def _melody(bars: tf.Tensor, num_bars: tf.Tensor, rep: MelodyBars) -> tuple[tf.Tensor, ...]:
    """Row, first step, instrument, pitch, step after the last, velocity of notes, int32 each."""
    batch, steps = tf.shape(bars)[0], rep.steps_per_bar
    length = tf.shape(bars)[1] * steps

    def column(first: int) -> tf.Tensor:
        return tf.reshape(bars[..., first : first + steps], [batch, length])

    pitch = column(0)
    if rep.onsets:
        onset = column(rep.onset_column) > 0
    else:
        onset = tf.range(length)[tf.newaxis] % steps == 0
    sounds = tf.sequence_mask(num_bars * steps, length)
    begins = tf.pad(pitch[:, 1:] != pitch[:, :-1], [[0, 0], [1, 0]], constant_values=True) | onset
    ends = tf.pad(begins[:, 1:], [[0, 0], [0, 1]], constant_values=True)
    ends |= tf.range(1, length + 1) == (num_bars * steps)[:, tf.newaxis]
    # Notes begin and end in the same order within a row.
    first = tf.where(begins & sounds)
    last = tf.where(ends & sounds)
    found = tf.gather_nd(pitch, first)
    if rep.velocities:
        velocity = tf.maximum(tf.gather_nd(column(rep.velocity_column), first), 1)
    else:
        velocity = tf.fill(tf.shape(found), VELOCITY)
    first, last = tf.cast(first, tf.int32), tf.cast(last, tf.int32)
    instrument = tf.fill(tf.shape(found), MELODY)
    return first[:, 0], first[:, 1], instrument, found, last[:, 1] + 1, velocity


def _in_order(parts: list[tuple[tf.Tensor, ...]]) -> tuple[tf.Tensor, ...]:
    """The notes of all parts by row, start, instrument and pitch, as `_melody` has them."""
    if len(parts) == 1:
        return parts[0]
    columns = [tf.concat(column, axis=0) for column in zip(*parts, strict=True)]
    row, start, instrument, pitch, *_ = columns
    # A row has at most 2**20 steps.
    place = tf.cast(row, tf.int64) * 2**20 + tf.cast(start, tf.int64)
    order = tf.argsort(place * 2**8 + tf.cast(instrument * 128 + pitch, tf.int64))
    return tuple(tf.gather(column, order) for column in columns)


def _sounding(chord: tf.Tensor, rep: MelodyBars) -> tuple[tf.Tensor, ...]:
    """The same of the chords' notes: chord int32 [batch, bars], 0 for none."""
    table = chord_pitches()
    place = tf.where(chord > 0)
    pitch = tf.reshape(tf.gather(tf.constant(table), tf.gather_nd(chord, place)), [-1])
    row, bar = (tf.repeat(tf.cast(place[:, axis], tf.int32), table.shape[1]) for axis in range(2))
    start, velocity = bar * rep.steps_per_bar, tf.fill(tf.shape(pitch), CHORD_VELOCITY)
    return row, start, tf.fill(tf.shape(pitch), CHORDS), pitch, start + rep.steps_per_bar, velocity
