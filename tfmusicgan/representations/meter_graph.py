"""The meter of music that a model of bars is given, inside the graph."""

import dataclasses
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfmusicgan.note_sequences.transforms import DEFAULT_METER
from tfmusicgan.note_sequences.whole_bars import TOLERANCE_QUARTERS
from tfmusicgan.representations import protos_graph
from tfmusicgan.representations.masks_graph import where_true
from tfmusicgan.representations.note_sequences_graph import (
    FlatNotes,
    as_texts,
    flat_notes,
    to_quarters,
)

_SIGNATURE = {"time": tf.float64, "numerator": tf.int32, "denominator": tf.int32}
_PARTS = 1e6  # Positions are rounded to this part of a quarter note, as in `meter_segments`.


class _Meters(NamedTuple):
    """Where the meter changes in a batch, as the starts of `transforms.meter_segments`.

    Attributes:
      row: int32 [signatures], in order; none of rows without time signature, else one at 0.
      quarter: float64 [signatures], where each begins, in order within a row.
      numerator: int64 [signatures].
      denominator: int64 [signatures].
      pick_up: float64 [batch], quarter notes before the first bar line; 0 without a pick-up.
      end: float64 [batch], length in quarter notes.
    """

    row: tf.Tensor
    quarter: tf.Tensor
    numerator: tf.Tensor
    denominator: tf.Tensor
    pick_up: tf.Tensor
    end: tf.Tensor


def in_meter(note_sequences: tf.Tensor, beats_per_bar: int) -> tf.Tensor:
    """Passes on music in bars of as many quarter notes.

    Music without time signature is taken for such; other music is in 4/4 before its first one. Time
    signatures with a zero do not count, nor do those of a pick-up and of a last bar that is cut
    short; see `missing_quarters`. Where a time signature of the meter is repeated is not looked at.
    It refuses what `bar_stretches.missing_quarters` does.

    Args:
      note_sequences: tf.string [batch], of `readable_note_sequences`.
      beats_per_bar: Quarter notes in a bar.

    Returns:
      tf.string [batch], the same.

    Raises:
      InvalidArgumentError: When run with another time signature anywhere, or one that does not
        count in quarter, half or whole notes; it names the signature.
    """
    meters = _read_meters(as_texts(note_sequences), tf.constant(beats_per_bar, tf.float64))
    numerator, denominator = meters.numerator, meters.denominator
    counted = (denominator == 1) | (denominator == 2) | (denominator == 4)
    other = ~counted | (numerator * 4 != beats_per_bar * denominator)
    first, left = tf.gather(meters.pick_up, meters.row), tf.gather(meters.end, meters.row)
    left -= meters.quarter
    rows = tf.size(meters.end)
    latest = tf.math.unsorted_segment_max(meters.quarter, meters.row, rows)
    is_last = (meters.quarter > first) & (left < beats_per_bar - TOLERANCE_QUARTERS)
    is_last &= meters.quarter == tf.gather(latest, meters.row)
    other &= (meters.quarter >= first) & ~is_last
    numerator, denominator = map(tf.strings.as_string, where_true(other, numerator, denominator))
    names = numerator + "/" + denominator
    hint = f"note_sequence: expected music in {beats_per_bar}/4. Received:"
    with tf.control_dependencies([tf.debugging.Assert(tf.size(names) == 0, [hint, names[:1]])]):
        return tf.identity(note_sequences)


def missing_quarters(note_sequences: tf.Tensor, beats_per_bar: int) -> tf.Tensor:
    """What the first bar lacks at its start.

    A time signature less than a bar after the start begins the first whole bar; what is before it
    is a pick-up. Equals `bar_stretches.missing_quarters` and, for music of one meter,
    `whole_bars.bars_of`.

    Args:
      note_sequences: tf.string [batch], of `readable_note_sequences`.
      beats_per_bar: Quarter notes in a bar.

    Returns:
      float64 [batch], quarter notes; 0 without a pick-up.
    """
    beats = tf.constant(beats_per_bar, tf.float64)
    pick_up = _read_meters(as_texts(note_sequences), beats).pick_up
    return tf.where(pick_up > 0, beats_per_bar - pick_up, 0.0)


def later(notes: FlatNotes, quarters: tf.Tensor) -> FlatNotes:
    """Moves the notes of each row by quarter notes, float64 [batch]; their seconds stay."""
    by = tf.gather(quarters, notes.row)
    return dataclasses.replace(
        notes, start_quarters=notes.start_quarters + by, end_quarters=notes.end_quarters + by
    )


# A function of its own, traced once in a process: signatures ask for both of the above.
@tf.function(
    autograph=False,
    input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([], tf.float64)],
)
def _read_meters(note_sequences: tf.Tensor, beats_per_bar: tf.Tensor) -> _Meters:
    wanted = {"time_signatures": tf.string, "tempos": tf.string}
    parsed = protos_graph.decode_messages(note_sequences, "magenta.NoteSequence", wanted)
    texts, places = protos_graph.flat_submessages(*parsed["time_signatures"])
    found = protos_graph.decode_scalars(texts, "magenta.NoteSequence.TimeSignature", _SIGNATURE)
    time = tf.maximum(found["time"], 0.0)
    padded = parsed["time_signatures"][0]
    quarter, _ = to_quarters(time, time, places, parsed["tempos"], padded)
    quarter = tf.round(quarter * _PARTS) / _PARTS
    row, end = tf.cast(places[:, 0], tf.int32), _ends(note_sequences, parsed["tempos"])
    counts = (found["numerator"] > 0) & (found["denominator"] > 0)
    taken = counts & tf.math.is_finite(time)
    taken &= (quarter < tf.gather(end, row)) | (quarter == 0)
    # The default holds from 0 on in all rows that have a time signature, and is there the first.
    default, _ = tf.unique(*where_true(counts, row))
    defaults = [default, tf.zeros_like(default, tf.float64)]
    defaults += [tf.fill(tf.shape(default), number) for number in DEFAULT_METER]
    signatures = where_true(taken, row, quarter, found["numerator"], found["denominator"])
    both = zip(defaults, signatures, strict=True)
    row, quarter, numerator, denominator = _changes(*(tf.concat(pair, axis=0) for pair in both))
    early = (quarter > 0) & (quarter < beats_per_bar - TOLERANCE_QUARTERS)
    early = tf.where(early, quarter, np.inf)
    # Of none infinity.
    pick_up = tf.math.unsorted_segment_min(early, row, tf.size(end))
    pick_up = tf.where(pick_up < beats_per_bar, pick_up, 0.0)
    numerator, denominator = tf.cast(numerator, tf.int64), tf.cast(denominator, tf.int64)
    return _Meters(row, quarter, numerator, denominator, pick_up, end)


def _changes(
    row: tf.Tensor, quarter: tf.Tensor, numerator: tf.Tensor, denominator: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Time signatures by row and position, without replaced ones and repetitions on bar lines."""
    order = tf.argsort(quarter, stable=True)
    order = tf.gather(order, tf.argsort(tf.gather(row, order), stable=True))
    signatures = [tf.gather(values, order) for values in (row, quarter, numerator, denominator)]
    # Of several at one time the last in the message holds.
    row, quarter = signatures[:2]
    is_last = (row[1:] != row[:-1]) | (quarter[1:] != quarter[:-1])
    is_last = tf.concat([is_last, tf.ones_like(row[:1], tf.bool)], axis=0)
    signatures = where_true(is_last, *signatures)
    row, quarter, numerator, denominator = signatures
    is_same = tf.ones_like(row[1:], tf.bool)
    for values in (row, numerator, denominator):
        is_same &= values[1:] == values[:-1]
    # What is left out is on a bar line itself: the one before is as good as the one that stays.
    length = 4.0 * tf.cast(numerator, tf.float64) / tf.cast(denominator, tf.float64)
    bars = (quarter[1:] - quarter[:-1]) / length[1:]
    is_same &= tf.abs(bars - tf.round(bars)) < 1.0 / _PARTS
    is_change = tf.concat([tf.ones_like(row[:1], tf.bool), ~is_same], axis=0)
    return where_true(is_change, *signatures)


def _ends(note_sequences: tf.Tensor, tempos: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    """Where music ends, its last note or its total time, in quarter notes: float64 [batch]."""
    fields = {"total_time": tf.float64}
    total = protos_graph.decode_scalars(note_sequences, "magenta.NoteSequence", fields)
    total = total["total_time"]
    total = tf.where(tf.math.is_finite(total), total, 0.0)
    rows = tf.range(tf.size(total, tf.int64), dtype=tf.int64)
    places = tf.stack([rows, tf.zeros_like(rows)], axis=1)
    end, _ = to_quarters(total, total, places, tempos, total[:, tf.newaxis])
    notes = flat_notes(note_sequences)
    last = tf.math.unsorted_segment_max(notes.end_quarters, notes.row, notes.batch)
    return tf.round(tf.maximum(end, last) * _PARTS) / _PARTS
