"""The triads of bars inside the graph: as `melody_bars_steps.find_triads`."""

import tensorflow as tf

from tfmusicgan.note_sequences.chord_symbols import NO_CHORD
from tfmusicgan.representations.chord_symbols_graph import NO_TRIAD, triad_numbers
from tfmusicgan.representations.note_sequences_graph import chord_symbols

# Positions are rounded to this part of a quarter note, so that equal lengths are equal.
_PARTS = 1e6


def bar_triads(
    note_sequences: tf.Tensor,
    missing: tf.Tensor,
    first_bar: tf.Tensor,
    max_bars: int,
    beats_per_bar: int,
) -> tf.Tensor:
    """The triad of the chord symbol that holds longest in each bar.

    All spans of a symbol in a bar count together; of several as long the one that begins first
    there counts. Symbols that differ as texts are different ones.

    Args:
      note_sequences: tf.string [batch], of `readable_note_sequences`.
      missing: float64 [batch], quarter notes that the first bar of all lacks at its start.
      first_bar: int32 [batch], the number of the first bar that is asked for.
      max_bars: How many bars are asked for.
      beats_per_bar: Quarter notes in a bar.

    Returns:
      int32 [batch, max_bars], numbers of `MelodyBars`; 0 where no chord holds, or none that has a
      third or that is in the table of `chord_symbols_graph`.
    """
    batch = tf.shape(note_sequences)[0]
    row, start, end, symbol = _spans(note_sequences, missing)
    _, number = tf.unique(tf.strings.join([tf.strings.as_string(row), symbol], " "))
    count = tf.reduce_max(tf.concat([number, [-1]], axis=0)) + 1
    of_row = tf.math.unsorted_segment_max(row, number, count)
    begin_of_row = tf.gather(first_bar, row) * beats_per_bar

    def longest_span(bar: tf.Tensor) -> tf.Tensor:
        begin = tf.cast(begin_of_row + bar * beats_per_bar, tf.float64)
        held = tf.maximum(tf.minimum(end, begin + beats_per_bar) - tf.maximum(start, begin), 0.0)
        length = tf.round(tf.math.unsorted_segment_sum(held, number, count) * _PARTS)
        longest = tf.gather(tf.math.unsorted_segment_max(length, of_row, batch), of_row)
        # Where each symbol begins in the bar, of those that hold longest.
        place = tf.where(held > 0, tf.range(tf.size(row)), tf.size(row))
        first = tf.math.unsorted_segment_min(place, number, count)
        first = tf.where(length == longest, first, tf.size(row))
        return tf.math.unsorted_segment_min(first, of_row, batch)

    # One bar after the other: a client may send many symbols.
    bars = tf.range(max_bars)
    spec = tf.TensorSpec([None], tf.int32)
    chosen = tf.map_fn(longest_span, bars, fn_output_signature=spec, parallel_iterations=1)
    triads = tf.maximum(triad_numbers(symbol), NO_TRIAD)
    # One more: spans too short to be counted may leave nothing to choose.
    chosen = tf.gather(tf.pad(triads, [[0, 1]]), tf.minimum(chosen, tf.size(row)))
    return tf.ensure_shape(tf.transpose(chosen), [None, max_bars])


def _spans(note_sequences: tf.Tensor, missing: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Row, start and end in quarter notes, and symbol: no chord until the first, each the next."""
    batch = tf.shape(note_sequences)[0]
    row, quarter, symbol = chord_symbols(note_sequences)
    quarter += tf.gather(missing, row)
    row = tf.concat([tf.range(batch), row], axis=0)
    quarter = tf.maximum(tf.round(quarter * _PARTS) / _PARTS, 0.0)
    quarter = tf.concat([tf.zeros([batch], tf.float64), quarter], axis=0)
    symbol = tf.concat([tf.fill([batch], NO_CHORD), symbol], axis=0)
    # By row, then position; of several at one position the last holds.
    order = tf.argsort(quarter, stable=True)
    order = tf.gather(order, tf.argsort(tf.gather(row, order), stable=True))
    row, quarter, symbol = (tf.gather(values, order) for values in (row, quarter, symbol))
    infinity = tf.constant(float("inf"), tf.float64)
    following = tf.concat([quarter[1:], tf.fill([tf.minimum(batch, 1)], infinity)], axis=0)
    next_row = tf.concat([row[1:], tf.fill([tf.minimum(batch, 1)], -1)], axis=0)
    return row, quarter, tf.where(next_row == row, following, infinity), symbol
