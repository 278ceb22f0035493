"""Music that a model of jazz phrases is to go on with, read inside the graph."""

from __future__ import annotations

import tensorflow as tf

from tfmusicgan.representations.jazz_phrases import HIGHEST_PITCH, LOWEST_PITCH, REST, JazzPhrases
from tfmusicgan.representations.jazz_phrases_chords_graph import chord_numbers, to_bits
from tfmusicgan.representations.jazz_phrases_rhythm import STEPS_PER_BAR, STEPS_PER_QUARTER
from tfmusicgan.representations.jazz_phrases_rhythm_graph import rhythm_tokens
from tfmusicgan.representations.masks_graph import where_true
from tfmusicgan.representations.melody_track_graph import melody_notes
from tfmusicgan.representations.meter_graph import later, missing_quarters
from tfmusicgan.representations.note_sequences_graph import FlatNotes, chord_symbols, flat_notes
from tfmusicgan.representations.piano_roll_grid_graph import round_steps

# Steps that are told apart; longer music is a damaged message.
_LATEST = 2**20
_SPAN = 2**21


def from_note_sequences(
    note_sequences: tf.Tensor, representation: JazzPhrases, max_notes: int, max_steps: int
) -> dict[str, tf.Tensor]:
    """Reads the melodies that a model is to go on with, and their chords.

    The fields equal those of `JazzPhrases.find_phrase` for sequences in 4/4 that are a melody, a
    pick-up at the end of a whole bar. Of notes that overlap the earlier ends where the later
    begins, of those that begin together the highest counts; chord symbols that are not in the table
    are no chord. A sequence without a melody (see `melody_track.py`) has no notes.

    Args:
      note_sequences: tf.string [batch], serialised NoteSequences. Bytes that do not parse fail the
        whole batch, unless `readable_note_sequences` has replaced them.
      representation: Gives the encoding.
      max_notes: How many notes and rests are read at most: of more the last.
      max_steps: Likewise.

    Returns:
      The representation's fields, [batch, max_notes] and [batch, max_steps]; `num_notes` and
      `num_steps` are 0 without notes.
    """
    missing = missing_quarters(note_sequences, STEPS_PER_BAR // STEPS_PER_QUARTER)
    notes = later(flat_notes(note_sequences), missing)
    row, start, length, pitch = _entries(_melody(notes, representation, max_steps), representation)
    counts = tf.math.bincount(row, minlength=notes.batch, maxlength=notes.batch)
    begin = tf.cumsum(counts, exclusive=True)
    # The places of a row's last entries among all; those that are not there are padding.
    kept = tf.minimum(counts, max_notes)
    offset = (begin + counts - kept)[:, tf.newaxis] + tf.range(max_notes)
    is_there = tf.sequence_mask(kept, max_notes)

    def by_row(values: tf.Tensor) -> tf.Tensor:
        padded = tf.pad(values, [[0, 1]])
        return tf.where(is_there, tf.gather(padded, tf.where(is_there, offset, 0)), 0)

    starts, lengths = by_row(start), by_row(length)
    first = starts[:, 0]
    num_steps = tf.reduce_sum(lengths, axis=1)
    rhythm = rhythm_tokens(tf.maximum(lengths, 1), first % STEPS_PER_BAR, representation.encoding)
    bass, tones = _chords(note_sequences, missing, first, num_steps, max_steps)
    return {
        "pitches": by_row(pitch),
        "rhythm": tf.where(is_there, rhythm, 0),
        "num_notes": kept,
        "first_step": first % STEPS_PER_BAR,
        "chord_roots": bass,
        "chord_tones": to_bits(tones),
        "num_steps": num_steps,
    }


def _melody(notes: FlatNotes, rep: JazzPhrases, max_steps: int) -> tuple[tf.Tensor, ...]:
    """Row, start, end and pitch token of the melodies' notes, in order, no two at once.

    Those of each row's last `max_steps` steps; a note that begins before them is cut.
    """
    taken = melody_notes(notes, rep.melody_name) & (notes.pitch >= 0) & (notes.pitch < 128)
    start = round_steps(notes.start_quarters, STEPS_PER_QUARTER, _LATEST)
    end = round_steps(notes.end_quarters, STEPS_PER_QUARTER, _LATEST)
    taken &= (start >= 0) & (start < end)
    start, end, row, pitch = where_true(taken, start, end, notes.row, notes.pitch)
    place = tf.cast(row, tf.int64) * _SPAN + tf.cast(start, tf.int64)
    order = tf.argsort(place * 128 + tf.cast(pitch, tf.int64))
    start, end, row, pitch, place = (
        tf.gather(values, order) for values in (start, end, row, pitch, place)
    )
    # Of notes that begin together the last is the highest.
    highest = tf.pad(place[1:] != place[:-1], [[0, 1]], constant_values=True)[: tf.size(place)]
    start, end, row, pitch = where_true(highest, start, end, row, pitch)
    next_start = tf.where(_next(row, -1) == row, _next(start, 0), 2 * _LATEST)
    end = tf.minimum(end, next_start)
    last = tf.math.unsorted_segment_max(end, row, notes.batch)
    start = tf.maximum(start, tf.gather(last, row) - max_steps)
    inside = start < end
    low = tf.maximum(LOWEST_PITCH - pitch + 11, 0) // 12
    high = tf.maximum(pitch - HIGHEST_PITCH + 11, 0) // 12
    token = pitch - LOWEST_PITCH + 12 * (low - high)
    return where_true(inside, row, start, end, token)


def _entries(line: tuple[tf.Tensor, ...], rep: JazzPhrases) -> tuple[tf.Tensor, ...]:
    """Row, start, length and token of notes and the rests between them; see `join`."""
    row, start, end, token = line
    gap = tf.where(_next(row, -1) == row, _next(start, 0) - end, 0)

    def both(note: tf.Tensor, rest: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.stack([note, rest], axis=1), [-1])

    lengths, starts = both(end - start, gap), both(start, end)
    rows, tokens = both(row, row), both(token, tf.fill(tf.shape(token), REST))
    parts = (lengths + rep.longest - 1) // rep.longest  # none of rests without length
    number = tf.range(tf.reduce_sum(parts)) - tf.repeat(tf.cumsum(parts, exclusive=True), parts)
    rows, starts, tokens, lengths = (
        tf.repeat(values, parts) for values in (rows, starts, tokens, lengths)
    )
    before = number * rep.longest
    return rows, starts + before, tf.minimum(lengths - before, rep.longest), tokens


def _chords(
    note_sequences: tf.Tensor,
    missing: tf.Tensor,
    first: tf.Tensor,
    num_steps: tf.Tensor,
    max_steps: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Bass and tones of each step from a row's first on: int32 [batch, max_steps] each."""
    row, quarter, symbol = chord_symbols(note_sequences)
    quarter += tf.gather(missing, row)
    step = round_steps(tf.maximum(quarter, 0.0), STEPS_PER_QUARTER, _LATEST)
    place = tf.cast(row, tf.int64) * _SPAN + tf.cast(step, tf.int64)
    # Stable: of several at one step the last in the message holds.
    order = tf.argsort(place, stable=True)
    place = tf.gather(place, order)
    bass, tones = chord_numbers(tf.gather(symbol, order))
    rows = tf.range(tf.size(first, tf.int64), dtype=tf.int64)[:, tf.newaxis] * _SPAN
    wanted = rows + tf.cast(first[:, tf.newaxis] + tf.range(max_steps), tf.int64)
    found = tf.searchsorted(place, tf.reshape(wanted, [-1]), side="right")
    found = tf.reshape(found, tf.shape(wanted))
    # One before all others, for steps without any.
    place = tf.pad(place, [[1, 0]], constant_values=-1)
    holds = (tf.gather(place, found) >= rows) & tf.sequence_mask(num_steps, max_steps)
    bass, tones = (
        tf.where(holds, tf.gather(tf.pad(values, [[1, 0]]), found), 0) for values in (bass, tones)
    )
    return tf.where(tones > 0, bass, 0), tf.maximum(tones, 0)


def _next(values: tf.Tensor, behind_the_last: int) -> tf.Tensor:
    """Each one's following: int32 [n]."""
    one = tf.minimum(tf.size(values), 1)
    return tf.pad(values[1:], [[0, one]], constant_values=behind_the_last)
