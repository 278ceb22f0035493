"""NoteSequences to the bars of `melody_bars.py` inside the graph, core ops only."""

import tensorflow as tf

from tfmusicgan.representations.masks_graph import where_true
from tfmusicgan.representations.melody_bars import MelodyBars
from tfmusicgan.representations.melody_bars_chords_graph import bar_triads
from tfmusicgan.representations.melody_bars_steps import LOUDEST, SILENCE
from tfmusicgan.representations.melody_track_graph import melody_notes
from tfmusicgan.representations.meter_graph import later, missing_quarters
from tfmusicgan.representations.note_sequences_graph import FlatNotes, flat_notes
from tfmusicgan.representations.octaves_graph import fold
from tfmusicgan.representations.piano_roll_grid_graph import draw, round_steps


def from_note_sequences(
    note_sequences: tf.Tensor, representation: MelodyBars, max_bars: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads the melodies that a model is to go on with.

    The bars equal those of `MelodyBars.find_bars` for sequences in the representation's meter that
    are a melody, a pick-up at the end of a whole bar; chords as in `bar_triads`. Of notes that
    overlap the highest counts. A sequence without a melody (see `melody_track`) has no bars.

    Args:
      note_sequences: tf.string [batch], serialised NoteSequences. Bytes that do not parse fail the
        whole batch, unless `readable_note_sequences` has replaced them.
      representation: Gives the grid and the columns.
      max_bars: How many bars are read at most: of more the last.

    Returns:
      bars: int32 [batch, max_bars, columns], from a bar in which a note sounds.
      num_bars: int32 [batch], those up to the last in which a note sounds; 0 without notes.
    """
    rep = representation
    missing = missing_quarters(note_sequences, rep.beats_per_bar)
    notes = later(flat_notes(note_sequences), missing)
    grid, first_bar = _grid_notes(notes, rep, max_bars)
    pitches, onsets = _highest(grid, notes.batch, max_bars, rep.steps_per_bar)
    source = _fill_rests(pitches, rep.steps_per_bar)
    filled = tf.gather(pitches, source, batch_dims=1)
    columns = [fold(filled, rep.lowest_pitch, rep.num_pitches)]
    if rep.onsets:
        columns.append(_filled_onsets(onsets, source, rep.steps_per_bar))
    if rep.velocities:
        loudness = _loudness(grid, pitches, onsets)
        columns.append(tf.gather(loudness, source, batch_dims=1))
    parts = [tf.reshape(column, [-1, max_bars, rep.steps_per_bar]) for column in columns]
    chords = tf.zeros([notes.batch, max_bars], tf.int32)
    if rep.chords == "triads":
        chords = bar_triads(note_sequences, missing, first_bar, max_bars, rep.beats_per_bar)
    parts.insert(1, chords[..., tf.newaxis])
    bars = tf.ensure_shape(tf.concat(parts, axis=2), [None, max_bars, rep.num_columns])
    places = tf.range(1, max_bars * rep.steps_per_bar + 1)
    reached = tf.reduce_max(tf.where(pitches != SILENCE, places, 0), axis=1)
    num_bars = (reached + rep.steps_per_bar - 1) // rep.steps_per_bar
    # Of no melody nothing counts, whatever is there.
    return tf.where((num_bars > 0)[:, tf.newaxis, tf.newaxis], bars, 0), num_bars


def _highest(
    grid: tuple[tf.Tensor, ...], batch: tf.Tensor, max_bars: int, steps: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Each step's highest pitch, and whether it begins there: int32 and bool [batch, steps].

    Args:
      grid: Of `_grid_notes`.
      batch: How many rows.
      max_bars: Of each row.
      steps: Of a bar.
    """
    start, end, row, pitch, _ = grid
    cell, shape = row * 128 + pitch, (steps, 128)

    def drawn(end: tf.Tensor) -> tf.Tensor:
        cells = draw(start, end, cell, batch, max_bars, shape)
        return tf.reshape(cells, [-1, max_bars * steps, 128])

    pitches = tf.reduce_max(tf.where(drawn(end), tf.range(128), SILENCE), axis=2)
    begun = tf.gather(drawn(start + 1), tf.maximum(pitches, 0), axis=2, batch_dims=2)
    return pitches, begun & (pitches != SILENCE)


def _loudness(grid: tuple[tf.Tensor, ...], pitches: tf.Tensor, onsets: tf.Tensor) -> tf.Tensor:
    """The velocity of what sounds at each step: int32 [batch, steps]."""
    start, _, row, pitch, velocity = grid
    place = tf.stack([row, tf.maximum(start, 0), pitch], axis=1)
    # Of equal notes the loudest; what clients send may be out of range.
    velocity = tf.clip_by_value(velocity, 1, LOUDEST)
    table = tf.zeros([tf.shape(pitches)[0], pitches.shape[1], 128], tf.int32)
    table = tf.tensor_scatter_nd_max(table, place, velocity)
    found = tf.gather(table, tf.maximum(pitches, 0), axis=2, batch_dims=2)
    # A note may have begun before the first step.
    heard = onsets | ((tf.range(pitches.shape[1]) == 0) & (pitches != SILENCE))
    return _held(tf.where(heard, found, 0), heard)


def _filled_onsets(onsets: tf.Tensor, source: tf.Tensor, steps: int) -> tf.Tensor:
    """Onsets after rests are filled: of a bar that began with one, the first note's moves there.

    Args:
      onsets: bool [batch, steps].
      source: int32 [batch, steps], the step that each step's pitch is from.
      steps: Of a bar.
    """
    places = tf.range(onsets.shape[1])
    moved, first = source > places, places % steps == 0
    still = tf.pad(moved[:, :-1], [[0, 0], [1, 0]]) & ~moved & ~first
    own = tf.where(moved | still, False, onsets)
    return tf.cast(tf.where(moved & first, True, own), tf.int32)


def _grid_notes(
    notes: FlatNotes, rep: MelodyBars, max_bars: int
) -> tuple[tuple[tf.Tensor, ...], tf.Tensor]:
    """Start, end, row, pitch and velocity of the melodies' notes, and each row's first bar.

    Steps count from the first of a row's last `max_bars` bars in which a note sounds; notes before
    are left out, and those that sound on there have a start below 0. int32 each.
    """
    taken = melody_notes(notes, rep.melody_name) & (notes.pitch >= 0) & (notes.pitch < 128)
    latest, steps = 2**20, rep.steps_per_bar
    start = round_steps(notes.start_quarters, rep.steps_per_beat, latest)
    end = round_steps(notes.end_quarters, rep.steps_per_beat, latest)
    taken &= (start < end) & (start >= 0)
    start, end, row, pitch, velocity = where_true(
        taken, start, end, notes.row, notes.pitch, notes.velocity
    )
    # The least of int32 is the maximum of no notes.
    last = tf.maximum(tf.math.unsorted_segment_max(end, row, notes.batch), 1)
    earliest = tf.maximum((last - 1) // steps + 1 - max_bars, 0) * steps
    inside = end > tf.gather(earliest, row)
    start, end, row, pitch, velocity = where_true(inside, start, end, row, pitch, velocity)
    sounding = tf.maximum(start, tf.gather(earliest, row))
    first = tf.math.unsorted_segment_min(sounding, row, notes.batch)
    first = tf.where(first < 2**30, first // steps, 0)  # 0 for rows without notes
    begin = tf.gather(first, row) * steps
    return (start - begin, end - begin, row, pitch, velocity), first


def _fill_rests(pitches: tf.Tensor, steps_per_bar: int) -> tf.Tensor:
    """As `melody_bars_steps.fill_rests` of each row: int32 [batch, steps]."""
    length = pitches.shape[1]
    sounds, places = pitches != SILENCE, tf.range(length)[tf.newaxis]
    last = _held(tf.broadcast_to(places, tf.shape(pitches)), sounds)
    last = tf.where(tf.cumsum(tf.cast(sounds, tf.int32), axis=1) > 0, last, -1)
    bar_start = places // steps_per_bar * steps_per_bar
    first = tf.reshape(
        tf.where(sounds, places, length), [-1, length // steps_per_bar, steps_per_bar]
    )
    first = tf.repeat(tf.reduce_min(first, axis=2), steps_per_bar, axis=1)
    source = tf.where(last >= bar_start, last, tf.where(first < length, first, last))
    return tf.maximum(source, 0)  # of rows without notes


def _held(values: tf.Tensor, onsets: tf.Tensor) -> tf.Tensor:
    """Each onset's value until the next: int32 [batch, steps]."""
    number = tf.cumsum(tf.cast(onsets, tf.int32), axis=1)
    padded = tf.zeros_like(values)
    places = tf.where(onsets)
    index = tf.stack([tf.cast(places[:, 0], tf.int32), tf.gather_nd(number, places) - 1], axis=1)
    compact = tf.tensor_scatter_nd_update(padded, index, tf.gather_nd(values, places))
    return tf.gather(compact, tf.maximum(number - 1, 0), batch_dims=1)
