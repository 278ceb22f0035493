"""The graph half of `chord_melody_words.py`: tokens to NoteSequences and back, core ops only.

Words are looked up in constant tables, in sorted keys: there is no state to be exported.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import chord_melody_events as events
from tfmusicgan.representations import chord_melody_events_graph as events_graph
from tfmusicgan.representations import chord_melody_nearest_graph as nearest_graph
from tfmusicgan.representations import chord_melody_vocabulary as vocabulary
from tfmusicgan.representations.chord_melody_messages import (
    CHORDS,
    MELODY,
    chord_melody_header,
    chord_symbol,
)
from tfmusicgan.representations.chord_melody_nearest import known_features
from tfmusicgan.representations.chord_melody_words import (
    MAX_TOKENS,
    NUM_RESERVED,
    START,
    UNKNOWN,
    ChordMelodyWords,
)
from tfmusicgan.representations.masks_graph import where_true
from tfmusicgan.representations.melody_messages import VELOCITY
from tfmusicgan.representations.melody_track_graph import melody_notes
from tfmusicgan.representations.note_sequences_graph import (
    FlatNotes,
    flat_notes,
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

# After all steps of a piece: one part may begin when the other ends.
_LATEST = 2 * MAX_TOKENS * vocabulary.MAX_DURATION
# No note: what a table has where a word has fewer notes than others.
_NONE = -1


def to_note_sequences(
    tokens: tf.Tensor,
    representation: ChordMelodyWords,
    qpm: tf.Tensor,
    lengths: tf.Tensor | None = None,
) -> tf.Tensor:
    """Serialises the NoteSequences of a batch of tunes with chords.

    The messages equal those of `ChordMelodyWords.decode` with the same (float32) tempo, of each
    row's own tokens.

    Args:
      tokens: int32 [batch, tokens], any number of tokens from one.
      representation: Gives the vocabulary.
      qpm: float32 [batch], quarter notes per minute, within 4-1,000.
      lengths: int32 [batch], how many tokens of each row count, from 1 to all of them; the others
        are padding. By default all count.

    Returns:
      tf.string [batch].

    Raises:
      InvalidArgumentError: When run with a tempo or a token out of range.
    """
    rep = representation
    qpm = checked_qpm(qpm)
    in_range = tf.reduce_all((tokens >= 0) & (tokens < rep.num_tokens))
    message = f"tokens: expected 0-{rep.num_tokens - 1}"
    with tf.control_dependencies([tf.debugging.Assert(in_range, [message, tokens])]):
        tokens = tf.identity(tokens)
    if lengths is not None:
        lengths = tf.clip_by_value(lengths, 1, tf.shape(tokens)[1])
        # A start symbol is nothing that would be heard or take time.
        tokens = tf.where(tf.sequence_mask(lengths, tf.shape(tokens)[1]), tokens, START)
    durations = tf.gather(tf.constant(rep.table[:, [0, 3]]), tokens)  # [batch, tokens, part]
    starts = _starts(durations)
    total = tf.reduce_max(starts + durations, axis=[1, 2])

    def seconds(steps: tf.Tensor, of_rows: tf.Tensor) -> tf.Tensor:
        # The operations of chord_melody_messages.words_to_note_sequence, in its order.
        return tf.cast(steps, tf.float64) * (60.0 / rep.steps_per_quarter) / of_rows

    row, note = _notes(tokens, starts, durations, rep)
    rate = tf.gather(qpm, row)
    notes = {
        "pitch": note["pitch"],
        "velocity": tf.fill(tf.shape(row), VELOCITY),
        "instrument": note["instrument"],
        "start_time": seconds(note["start"], rate),
        "end_time": seconds(note["end"], rate),
    }
    names = tf.gather(tf.constant(_symbols(rep)), tokens)
    named = tf.where(names != "")
    symbols = {
        "time": seconds(tf.gather_nd(starts[..., 1], named), tf.gather(qpm, named[:, 0])),
        "text": tf.gather_nd(names, named),
        "annotation_type": tf.fill([tf.shape(named)[0]], NoteSequence.TextAnnotation.CHORD_SYMBOL),
    }
    return encode_sequences(
        chord_melody_header(rep.steps_per_quarter),
        qpm,
        seconds(total, qpm),
        row,
        notes,
        (named[:, 0], symbols),
    )


def from_note_sequences(
    note_sequences: tf.Tensor, representation: ChordMelodyWords, max_tokens: int | None = None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Finds the words of the music that a model is to go on with, up to its end.

    The tokens equal the last ones of `chord_melody_nearest.find_nearest_tokens` of the words that
    `ChordMelodyWords.find_words` finds, filled up with start symbols, for sequences that have them;
    notes with a time that is not finite are left out. Nothing else is: no window is too short, and
    a melody without chords is words as well. A sequence without a melody has none.

    Args:
      note_sequences: tf.string [batch], serialised NoteSequences. Bytes that do not parse fail the
        whole batch, unless `readable_note_sequences` has replaced them.
      representation: Gives the parts' names, the grid and the vocabulary.
      max_tokens: How many tokens of each, from 1; by default those of a window.

    Returns:
      tokens: int32 [batch, max_tokens].
      lengths: int32 [batch], how many words there are.
      replaced: bool [batch, max_tokens], where the nearest word stands for one that the vocabulary
        lacks.
      left_out: int32 [batch], words before these.

    Raises:
      ValueError: If `max_tokens` is out of range.
    """
    rep = representation
    max_tokens = rep.length if max_tokens is None else max_tokens
    if not 1 <= max_tokens <= MAX_TOKENS:
        raise ValueError(f"max_tokens: expected 1-{MAX_TOKENS}. Received: {max_tokens}.")
    notes = flat_notes(note_sequences)
    times, words = _words(notes, rep)
    row = events_graph.rows_of(times)
    counts = tf.math.bincount(row, minlength=notes.batch, maxlength=notes.batch)
    left_out = tf.maximum(counts - max_tokens, 0)
    # Words are in order of their rows: what is left of a row's place is the place in the row.
    begin = tf.cumsum(counts, exclusive=True) + left_out
    place = tf.range(tf.size(row)) - tf.gather(begin, row)
    kept = place >= 0
    cells, words = where_true(kept, tf.stack([row, place], axis=1), words)
    tokens, replaced = (
        tf.ensure_shape(tf.scatter_nd(cells, values, [notes.batch, max_tokens]), [None, max_tokens])
        for values in _nearest_tokens(words, rep)
    )
    return tokens, counts - left_out, replaced, left_out


def _starts(durations: tf.Tensor) -> tf.Tensor:
    """First steps of both parts' events, laid as in `chord_melody_messages`; shapes as given."""
    starts = tf.cumsum(durations, axis=1, exclusive=True)
    both = tf.reduce_all(durations > 0, axis=2)
    first = tf.argmax(tf.cast(both, tf.int32), axis=1)
    begin = tf.gather(starts, first, axis=1, batch_dims=1)  # [batch, part]
    begin = tf.where(tf.reduce_any(both, axis=1, keepdims=True), begin, 0)
    return starts + (tf.reduce_max(begin, axis=1, keepdims=True) - begin)[:, tf.newaxis]


def _notes(
    tokens: tf.Tensor, starts: tf.Tensor, durations: tf.Tensor, rep: ChordMelodyWords
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Rows of the notes, int32 [notes], and their fields; by row, start, instrument and pitch."""
    pitches = tf.gather(tf.constant(_pitches(rep)), tokens)  # [batch, tokens, melody + chord]
    places = tf.where(pitches != _NONE)
    pitch = tf.gather_nd(pitches, places)
    instrument = tf.where(places[:, 2] > 0, CHORDS, MELODY)
    part = tf.stack([places[:, 0], places[:, 1], tf.cast(instrument, tf.int64)], axis=1)
    start, duration = tf.gather_nd(starts, part), tf.gather_nd(durations, part)
    row = places[:, 0]
    order = tf.argsort(
        (row * _LATEST + start) * 256 + tf.cast(instrument * 128 + pitch, tf.int64), stable=True
    )
    fields = {"pitch": pitch, "instrument": instrument, "start": start, "end": start + duration}
    fields = {name: tf.gather(values, order) for name, values in fields.items()}
    return tf.gather(tf.cast(row, tf.int32), order), fields


def _words(notes: FlatNotes, rep: ChordMelodyWords) -> tuple[tf.Tensor, tf.Tensor]:
    """Times and words of a batch, as `ChordMelodyWords.find_words`; of rows with a melody."""
    melody = melody_notes(notes, rep.melody_name)
    others = dataclasses.replace(notes, is_drum=notes.is_drum | melody)
    chords = melody_notes(others, rep.chords_name)
    in_range = (notes.pitch >= events.LOWEST_PITCH) & (notes.pitch < 128)
    melody, chords = melody & in_range, chords & in_range
    has_melody = tf.math.unsorted_segment_max(tf.cast(melody, tf.int32), notes.row, notes.batch) > 0
    chords &= tf.gather(has_melody, notes.row)
    parts = []
    for find, played in (
        (events_graph.melody_events, melody),
        (events_graph.chord_events, chords),
    ):
        row, *sides, pitch = where_true(
            played, notes.row, notes.start_quarters, notes.end_quarters, notes.pitch
        )
        keys = (events_graph.time_keys(row, side, rep.steps_per_quarter) for side in sides)
        parts.append(find(*keys, pitch))
    return events_graph.merge(*parts)


def _tokens(words: tf.Tensor, rep: ChordMelodyWords) -> tf.Tensor:
    """As `ChordMelodyWords.find_tokens`: int64 [words, 6] to int32 [words]."""
    keys, tokens = (tf.constant(table) for table in rep.sorted_keys)
    wanted = _word_keys(words)
    place = tf.minimum(tf.searchsorted(keys, wanted), tf.size(keys) - 1)
    return tf.where(tf.gather(keys, place) == wanted, tf.gather(tokens, place), UNKNOWN)


def _nearest_tokens(words: tf.Tensor, rep: ChordMelodyWords) -> tuple[tf.Tensor, tf.Tensor]:
    """As `chord_melody_nearest.find_nearest_tokens`, and which are replaced: bool [words]."""
    tokens = _tokens(words, rep)
    unknown = tokens == UNKNOWN
    if not rep.words:
        return tokens, tf.zeros_like(unknown)
    wanted = nearest_graph.features(*where_true(unknown, words))
    places = tf.cast(nearest_graph.nearest(wanted, known_features(rep)), tf.int32)
    tokens = tf.tensor_scatter_nd_update(tokens, tf.where(unknown), places + NUM_RESERVED)
    return tokens, unknown


def _word_keys(words: tf.Tensor) -> tf.Tensor:
    """As `chord_melody_vocabulary.word_keys`: int64 [words, 6] to int64 [words]."""
    most = vocabulary.MAX_DURATION
    num_classes = tf.gather(tf.constant(vocabulary.NUM_CLASSES), words[:, 5])
    fits = (words[:, 0] <= most) & (words[:, 3] <= most)
    fits &= num_classes <= vocabulary.MAX_CHORD_CLASSES
    keys = tf.zeros_like(words[:, 0])
    for column, radix in enumerate(vocabulary.RADICES):
        keys = keys * radix + tf.where(fits, words[:, column], 0)
    return tf.where(fits, keys, vocabulary.NO_KEY)


def _pitches(rep: ChordMelodyWords) -> np.ndarray:
    """MIDI pitches of each token's melody and chord: int32 [num_tokens, 7], `_NONE` for none."""
    table = np.full((rep.num_tokens, 1 + vocabulary.MAX_CHORD_CLASSES), _NONE, np.int32)
    for row, word in zip(table, map(tuple, rep.table.tolist()), strict=True):
        if word[2]:
            row[0] = vocabulary.melody_pitch(word)
        pitches = vocabulary.chord_pitches(word)
        row[1 : 1 + len(pitches)] = pitches
    return table


def _symbols(rep: ChordMelodyWords) -> np.ndarray:
    """Each token's chord symbol, texts [num_tokens]; empty where it has none."""
    return np.array([chord_symbol(word) for word in map(tuple, rep.table.tolist())], object)
