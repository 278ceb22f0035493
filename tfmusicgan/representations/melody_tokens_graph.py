"""The graph half of `melody_tokens.py`: tokens to NoteSequences and back, core ops only."""

import tensorflow as tf

from tfmusicgan.representations.masks_graph import where_true
from tfmusicgan.representations.melody_messages import VELOCITY, melody_header
from tfmusicgan.representations.melody_tokens import MAX_TOKENS, MelodyTokens
from tfmusicgan.representations.melody_track_graph import melody_notes
from tfmusicgan.representations.note_sequences_graph import (
    FlatNotes,
    flat_notes,
    note_sequence_qpm,
    readable_note_sequences,
)
from tfmusicgan.representations.octaves_graph import fold
from tfmusicgan.representations.piano_roll_grid import ROUNDING_STEPS
from tfmusicgan.representations.piano_roll_grid_graph import draw
from tfmusicgan.representations.score_messages_graph import checked_qpm, encode_sequences

__all__ = [
    "from_note_sequences",
    "note_sequence_qpm",
    "readable_note_sequences",
    "to_note_sequences",
]


def to_note_sequences(
    tokens: tf.Tensor,
    representation: MelodyTokens,
    qpm: tf.Tensor,
    lengths: tf.Tensor | None = None,
) -> tf.Tensor:
    """Serialises the NoteSequences of a batch of melodies.

    The messages equal those of `MelodyTokens.decode` with the same (float32) tempo, of each row's
    own tokens.

    Args:
      tokens: int32 [batch, tokens], any number of tokens from one.
      representation: Gives the keys.
      qpm: float32 [batch], tokens (quarter notes) per minute, within 4-1,000;
        `representation.default_qpm` plays them as fast as they were sampled.
      lengths: int32 [batch], how many tokens of each row count, from 1 to all of them; the others
        are padding. By default all count.

    Returns:
      tf.string [batch].

    Raises:
      InvalidArgumentError: When run with a tempo or a token out of range.
    """
    rep = representation
    qpm = checked_qpm(qpm)
    in_range = tf.reduce_all((tokens >= 0) & (tokens <= rep.num_pitches))
    message = f"tokens: expected 0-{rep.num_pitches}"
    with tf.control_dependencies([tf.debugging.Assert(in_range, [message, tokens])]):
        tokens = tf.identity(tokens)
    longest = tf.shape(tokens)[1]
    if lengths is None:
        lengths = tf.fill([tf.shape(tokens)[0]], longest)
    else:
        lengths = tf.clip_by_value(lengths, 1, longest)
        tokens = tf.where(tf.sequence_mask(lengths, longest), tokens, 0)
    changes = tf.pad(tokens[:, 1:] != tokens[:, :-1], [[0, 0], [1, 1]], constant_values=True)
    # Notes begin and end in the same order within a row.
    first = tf.where(changes[:, :-1] & (tokens > 0))
    last = tf.where(changes[:, 1:] & (tokens > 0))
    row = first[:, 0]
    pitch = tf.gather_nd(tokens, first) - 1 + rep.lowest_pitch
    rate = tf.gather(qpm, row)
    notes = {
        "pitch": pitch,
        "velocity": tf.fill(tf.shape(pitch), VELOCITY),
        # The operations of melody_messages.tokens_to_note_sequence, in its order.
        "start_time": tf.cast(first[:, 1], tf.float64) * 60.0 / rate,
        "end_time": tf.cast(last[:, 1] + 1, tf.float64) * 60.0 / rate,
    }
    total = tf.cast(lengths, tf.float64) * 60.0 / qpm
    return encode_sequences(melody_header(), qpm, total, row, notes)


def from_note_sequences(
    note_sequences: tf.Tensor, representation: MelodyTokens, max_tokens: int | None = None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Samples the melodies that a model is to go on with, up to the last token that sounds.

    The tokens equal the last ones of `MelodyTokens.sample` with `any_octave`, filled up with
    silence, for sequences with finite times; notes with a time that is not finite are left out, and
    what comes after `MAX_TOKENS`. Nothing else is: no window is too short and none has too few
    notes. A sequence without a melody (see `melody_track`), or of fewer keys than an octave has
    without any of them, is silence.

    Args:
      note_sequences: tf.string [batch], serialised NoteSequences. Bytes that do not parse fail the
        whole batch, unless `readable_note_sequences` has replaced them.
      representation: Gives the grid and the keys.
      max_tokens: How many tokens of each, from 1; by default those of a window.

    Returns:
      tokens: int32 [batch, max_tokens].
      lengths: int32 [batch], how many count, the last of them sounds; 0 where none does.
      replaced: bool [batch, max_tokens], where a key stands for a note outside the pitch range.
      left_out: int32 [batch], tokens before these.

    Raises:
      ValueError: If `max_tokens` is out of range.
    """
    rep = representation
    max_tokens = rep.length if max_tokens is None else max_tokens
    if not 1 <= max_tokens <= MAX_TOKENS:
        raise ValueError(f"max_tokens: expected 1-{MAX_TOKENS}. Received: {max_tokens}.")
    notes = flat_notes(note_sequences)
    melody = melody_notes(notes, rep.melody_name) & (notes.pitch >= 0) & (notes.pitch < 128)
    pitch = fold(notes.pitch, rep.lowest_pitch, rep.num_pitches)
    key = pitch - rep.lowest_pitch
    melody &= (key >= 0) & (key < rep.num_pitches)
    is_own, row, key, start, end = where_true(
        melody, pitch == notes.pitch, notes.row, key, *_tokens_of(notes, rep)
    )
    ends = tf.where(end > start, end, 0)  # a note between two tokens is not heard
    last = tf.maximum(tf.math.unsorted_segment_max(ends, row, notes.batch), 0)
    first = tf.maximum(last - max_tokens, 0)
    start, end = (point - tf.gather(first, row) for point in (start, end))
    cell = row * rep.num_pitches + key

    def sounding(taken: tf.Tensor) -> tf.Tensor:
        """Tokens of some of the notes, as if there were no others."""
        grid = draw(
            *where_true(taken, start, end, cell),
            notes.batch,
            1,
            (max_tokens, rep.num_pitches),
        )[:, 0]
        tokens = tf.reduce_max(tf.where(grid, tf.range(1, rep.num_tokens), 0), axis=2)
        return tf.ensure_shape(tokens, [None, max_tokens])

    own, others = sounding(is_own), sounding(~is_own)
    return tf.maximum(own, others), last - first, others > own, first


def _tokens_of(notes: FlatNotes, rep: MelodyTokens) -> tuple[tf.Tensor, tf.Tensor]:
    """The first token of each note and the one after its last: int32 [notes], 0 to `MAX_TOKENS`."""
    # The operations of MelodyTokens.sample, in its order.
    points = (
        tf.math.ceil(seconds * rep.tokens_per_second - ROUNDING_STEPS)
        for seconds in (notes.start_seconds, notes.end_seconds)
    )
    start, end = (
        tf.cast(tf.clip_by_value(point, 0.0, float(MAX_TOKENS)), tf.int32) for point in points
    )
    return start, end
