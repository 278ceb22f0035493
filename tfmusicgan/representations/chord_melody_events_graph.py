"""Two parts of a batch of pieces to words inside the graph: as `chord_melody_events.py`.

A time is one number, int64: the row and the step in it (`time_keys`). Sorted, the times of all rows
follow each other.
"""

import tensorflow as tf

from tfmusicgan.representations.chord_melody_events import MAX_STEPS, NUM_OCTAVES
from tfmusicgan.representations.masks_graph import where_true
from tfmusicgan.representations.piano_roll_grid import ROUNDING_STEPS

_ROW = 8 * MAX_STEPS
"""Distance of two rows' times; more than there are steps, rests and the lack of an end."""
_PITCH = 2**33


def time_keys(row: tf.Tensor, quarters: tf.Tensor, steps_per_quarter: int) -> tf.Tensor:
    """Nearest steps, halves up, as times.

    Args:
      row: int32 [notes].
      quarters: float64 [notes], quarter notes, no NaN.
      steps_per_quarter: Steps in a quarter note.

    Returns:
      int64 [notes].
    """
    steps = tf.floor(quarters * steps_per_quarter + (0.5 + ROUNDING_STEPS))
    steps = tf.clip_by_value(steps, float(-MAX_STEPS), float(MAX_STEPS))
    return tf.cast(row, tf.int64) * _ROW + MAX_STEPS + tf.cast(steps, tf.int64)


def rows_of(times: tf.Tensor) -> tf.Tensor:
    """The rows of times: int32."""
    return tf.cast(times // _ROW, tf.int32)


def melody_events(start: tf.Tensor, end: tf.Tensor, pitch: tf.Tensor) -> tf.Tensor:
    """As `chord_melody_events.melody_events`, with times for steps: int64 [events, 4]."""
    onsets, index = _unique(start)
    # The highest, and of several the one that ends last.
    span = tf.maximum(end - start, 0)
    best = tf.math.unsorted_segment_max(
        tf.cast(pitch, tf.int64) * _PITCH + span, index, tf.size(onsets)
    )
    pitch, span = best // _PITCH, best % _PITCH
    return _with_rests(onsets, onsets + span, pitch // 12 - 1, pitch % 12 + 1)


def chord_events(start: tf.Tensor, end: tf.Tensor, pitch: tf.Tensor) -> tf.Tensor:
    """As `chord_melody_events.chord_events`, with times for steps: int64 [events, 4]."""
    onsets, index = _unique(start)
    num = tf.size(onsets)
    ends = tf.math.unsorted_segment_max(end, index, num)
    octaves = tf.math.unsorted_segment_min(pitch // 12 - 1, index * 12 + pitch % 12, num * 12)
    octaves = tf.cast(tf.reshape(octaves, [num, 12]), tf.int64)
    present = tf.cast(octaves < NUM_OCTAVES, tf.int64)
    octaves *= present
    digits, bits = tf.zeros_like(onsets), tf.zeros_like(onsets)
    for pitch_class in range(12):
        here = present[:, pitch_class]
        digits = digits * (1 + 9 * here) + octaves[:, pitch_class]
        bits += here * 2**pitch_class
    return _with_rests(onsets, ends, digits, bits)


def merge(melody: tf.Tensor, chords: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """As `chord_melody_events.merge`.

    Args:
      melody: int64 [events, 4], of `melody_events`.
      chords: int64 [events, 4], of `chord_events`.

    Returns:
      Times of the words, ascending, int64 [words], and the words, int64 [words, 6].
    """
    times, index = _unique(tf.concat([melody[:, 0], chords[:, 0]], axis=0))
    first, second = tf.split(index, [tf.shape(melody)[0], tf.shape(chords)[0]])
    # A part begins one event at a time, so that sums are its numbers.
    sides = [
        tf.math.unsorted_segment_sum(events[:, 1:], places, tf.size(times))
        for events, places in ((melody, first), (chords, second))
    ]
    return times, tf.concat(sides, axis=1)


def _unique(times: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Times in ascending order, each once, and where in them each of the given ones is."""
    distinct = tf.sort(tf.unique(times)[0])
    return distinct, tf.searchsorted(distinct, times)


def _with_rests(start: tf.Tensor, end: tf.Tensor, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """[events, 4] of notes in order, each cut where the next begins, with the rests between."""
    following = tf.concat([start[1:], [tf.int64.max]], axis=0)[: tf.size(start)]
    is_last = rows_of(following) != rows_of(start)
    end = tf.maximum(end, start + 1)
    end = tf.where(is_last, end, tf.minimum(end, following))
    notes = tf.stack([start, end - start, first, second], axis=1)
    nothing = tf.zeros_like(start)
    rests = tf.stack([end, following - end, nothing, nothing], axis=1)
    return tf.concat([notes, *where_true(~is_last & (end < following), rests)], axis=0)
