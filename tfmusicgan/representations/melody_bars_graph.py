"""The graph half of `melody_bars.py`: bars to NoteSequences and back, core ops only."""

import tensorflow as tf

from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.melody_bars import MelodyBars
from tfmusicgan.representations.melody_bars_chords_graph import bar_triads
from tfmusicgan.representations.melody_bars_messages import (
    CHORD_VELOCITY,
    CHORDS,
    MELODY,
    SYMBOLS,
    bars_header,
    chord_pitches,
    column_maxima,
)
from tfmusicgan.representations.melody_bars_steps import LOUDEST, SILENCE
from tfmusicgan.representations.melody_messages import VELOCITY
from tfmusicgan.representations.melody_track_graph import melody_notes
from tfmusicgan.representations.note_sequences_graph import (
    FlatNotes,
    flat_notes,
    note_sequence_qpm,
    readable_note_sequences,
)
from tfmusicgan.representations.piano_roll_grid_graph import draw, round_steps
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
    row, start, instrument, pitch, end, velocity = (
        tf.concat(column, axis=0) for column in zip(*parts, strict=True)
    )
    if sound_chords is not None:
        # By row, start, instrument and pitch; a row has at most 2**20 steps.
        place = tf.cast(row, tf.int64) * 2**20 + tf.cast(start, tf.int64)
        order = tf.argsort(place * 2**8 + tf.cast(instrument * 128 + pitch, tf.int64))
        row, start, instrument, pitch, end, velocity = (
            tf.gather(column, order) for column in (row, start, instrument, pitch, end, velocity)
        )
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


def _sounding(chord: tf.Tensor, rep: MelodyBars) -> tuple[tf.Tensor, ...]:
    """The same of the chords' notes: chord int32 [batch, bars], 0 for none."""
    table = chord_pitches()
    place = tf.where(chord > 0)
    pitch = tf.reshape(tf.gather(tf.constant(table), tf.gather_nd(chord, place)), [-1])
    row, bar = (tf.repeat(tf.cast(place[:, axis], tf.int32), table.shape[1]) for axis in range(2))
    start, velocity = bar * rep.steps_per_bar, tf.fill(tf.shape(pitch), CHORD_VELOCITY)
    return row, start, tf.fill(tf.shape(pitch), CHORDS), pitch, start + rep.steps_per_bar, velocity


def from_note_sequences(
    note_sequences: tf.Tensor, representation: MelodyBars, max_bars: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads the melodies that a model is to go on with.

    The bars equal those of `MelodyBars.find_bars` for sequences in the representation's meter from
    time 0 that are a melody; chords as in `bar_triads`. Of notes that overlap the highest counts. A
    sequence without a melody (see `melody_track`) has no bars.

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
    steps, length = rep.steps_per_bar, max_bars * rep.steps_per_bar
    notes = flat_notes(note_sequences)
    (start, end, row, pitch, velocity), first_bar = _grid_notes(notes, rep, max_bars)
    cell = row * 128 + pitch
    shape = (steps, 128)
    held = draw(start, end, cell, notes.batch, max_bars, shape)
    held = tf.reshape(held, [-1, length, 128])
    numbers = tf.where(held, tf.range(128), SILENCE)
    pitches = tf.reduce_max(numbers, axis=2)  # [batch, length]
    begun = tf.reshape(
        draw(start, start + 1, cell, notes.batch, max_bars, shape), [-1, length, 128]
    )
    onsets = tf.gather(begun, tf.maximum(pitches, 0), axis=2, batch_dims=2) & (pitches != SILENCE)
    columns = [tf.cast(onsets, tf.int32)] * rep.onsets
    places = tf.range(length)[tf.newaxis]
    if rep.velocities:
        place = tf.stack([row, tf.maximum(start, 0), pitch], axis=1)
        loudness = tf.zeros([notes.batch, length, 128], tf.int32)
        # Of equal notes the loudest; what clients send may be out of range.
        velocity = tf.clip_by_value(velocity, 1, LOUDEST)
        loudness = tf.tensor_scatter_nd_max(loudness, place, velocity)
        found = tf.gather(loudness, tf.maximum(pitches, 0), axis=2, batch_dims=2)
        heard = onsets | ((places == 0) & (pitches != SILENCE))  # a note may have begun before
        columns.append(_held(tf.where(heard, found, 0), heard))
    source = _fill_rests(pitches, steps)
    filled = [tf.gather(pitches, source, batch_dims=1)]
    if rep.onsets:
        moved = source > places
        still = tf.pad(moved[:, :-1], [[0, 0], [1, 0]]) & ~moved & (places % steps > 0)
        own = tf.where(moved | still, 0, columns[0])
        filled.append(tf.where(moved & (places % steps == 0), 1, own))
    if rep.velocities:
        filled.append(tf.gather(columns[-1], source, batch_dims=1))
    filled[0] = _fold(filled[0], rep)
    parts = [tf.reshape(part, [-1, max_bars, steps]) for part in filled]
    chords = tf.zeros([notes.batch, max_bars], tf.int32)
    if rep.chords == "triads":
        chords = bar_triads(note_sequences, first_bar, max_bars, rep.beats_per_bar)
    parts.insert(1, chords[..., tf.newaxis])
    bars = tf.ensure_shape(tf.concat(parts, axis=2), [None, max_bars, rep.num_columns])
    reached = tf.reduce_max(tf.where(pitches != SILENCE, places + 1, 0), axis=1)
    num_bars = (reached + steps - 1) // steps
    # Of no melody nothing counts, whatever is there.
    return tf.where((num_bars > 0)[:, tf.newaxis, tf.newaxis], bars, 0), num_bars


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
    start, end, row, pitch, velocity = (
        tf.boolean_mask(values, taken)
        for values in (start, end, notes.row, notes.pitch, notes.velocity)
    )
    # The least of int32 is the maximum of no notes.
    last = tf.maximum(tf.math.unsorted_segment_max(end, row, notes.batch), 1)
    earliest = tf.maximum((last - 1) // steps + 1 - max_bars, 0) * steps
    inside = end > tf.gather(earliest, row)
    start, end, row, pitch, velocity = (
        tf.boolean_mask(values, inside) for values in (start, end, row, pitch, velocity)
    )
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


def _fold(pitch: tf.Tensor, rep: MelodyBars) -> tf.Tensor:
    """As `melody_bars_steps.fold`."""
    low, above = rep.lowest_pitch, rep.lowest_pitch + rep.num_pitches
    pitch = tf.where(pitch < low, low + (pitch - low) % 12, pitch)
    return tf.where(pitch >= above, above - 12 + (pitch - above) % 12, pitch)
