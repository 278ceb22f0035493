"""The graph half of `jazz_phrases.py`: phrases to NoteSequences, and other keys; core ops only."""

from collections.abc import Mapping

import tensorflow as tf

from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.jazz_phrases import HIGHEST_PITCH, LOWEST_PITCH, REST, JazzPhrases
from tfmusicgan.representations.jazz_phrases_chords import NUM_TONES
from tfmusicgan.representations.jazz_phrases_chords_graph import from_bits, symbols_of, to_bits
from tfmusicgan.representations.jazz_phrases_input_graph import from_note_sequences
from tfmusicgan.representations.jazz_phrases_messages import (
    CHORD_VELOCITY,
    CHORDS,
    LOWEST_BASS,
    MELODY,
    SECONDS_PER_STEP,
    phrase_header,
)
from tfmusicgan.representations.jazz_phrases_rhythm import STEPS_PER_BAR, TIME_STEP
from tfmusicgan.representations.jazz_phrases_rhythm_graph import durations, rhythm_tokens
from tfmusicgan.representations.melody_messages import VELOCITY
from tfmusicgan.representations.note_sequences_graph import (
    note_sequence_qpm,
    readable_note_sequences,
)
from tfmusicgan.representations.score_messages_graph import checked_qpm, encode_sequences

__all__ = [
    "durations",
    "from_note_sequences",
    "note_sequence_qpm",
    "readable_note_sequences",
    "rhythm_tokens",
    "to_note_sequences",
    "transpose",
]

Phrases = Mapping[str, tf.Tensor]


def transpose(phrases: Phrases, semitones: tf.Tensor) -> dict[str, tf.Tensor]:
    """Moves phrases upwards, each by as much; of chords only the root changes.

    Notes that would be above the range drop by octaves, rests stay.

    Args:
      phrases: The representation's fields, [batch, ...] each.
      semitones: int32 [batch], 0 and more.

    Returns:
      All fields.
    """
    moved, semitones = dict(phrases), semitones[:, tf.newaxis]
    pitches, highest = phrases["pitches"], HIGHEST_PITCH - LOWEST_PITCH
    higher = pitches + semitones
    over = tf.maximum(higher - highest, 0)
    higher -= (over + 11) // 12 * 12
    length = tf.shape(pitches)[-1]
    sounds = (pitches != REST) & tf.sequence_mask(phrases["num_notes"], length)
    moved["pitches"] = tf.where(sounds, higher, pitches)
    has_chord = tf.reduce_any(phrases["chord_tones"] > 0, axis=-1)
    roots = phrases["chord_roots"]
    moved["chord_roots"] = tf.where(has_chord, (roots + semitones) % 12, roots)
    return moved


def to_note_sequences(
    phrases: Phrases,
    representation: JazzPhrases,
    qpm: tf.Tensor,
    sound_chords: tf.Tensor | None = None,
) -> tf.Tensor:
    """Serialises the NoteSequences of a batch of phrases.

    The messages equal those of `JazzPhrases.decode` with the same (float32) tempo.

    Args:
      phrases: The representation's fields, [batch, ...] each, of any number of notes and steps.
      representation: Says what the rhythm's tokens are.
      qpm: float32 [batch], quarter notes per minute, within 4-1,000.
      sound_chords: bool [batch], whether the chords sound as well; by default none do.

    Returns:
      tf.string [batch].

    Raises:
      InvalidArgumentError: When run with a tempo or a field out of range.
    """
    qpm, phrases = checked_qpm(qpm), _checked(phrases)
    first, num_steps = phrases["first_step"], phrases["num_steps"]

    def seconds(steps: tf.Tensor, of_rows: tf.Tensor) -> tf.Tensor:
        # The operations of jazz_phrases_messages.phrase_to_note_sequence, in its order.
        return tf.cast(steps, tf.float64) * SECONDS_PER_STEP / of_rows

    tones = from_bits(phrases["chord_tones"])
    counted = tf.sequence_mask(num_steps, tf.shape(tones)[1])
    tones = tf.where(counted, tones, 0)
    chord = tf.where(tones > 0, phrases["chord_roots"] * NUM_TONES + tones, 0)
    parts = [_melody(phrases, representation.encoding)]
    if sound_chords is not None:
        sounding = tf.where(sound_chords[:, tf.newaxis], chord, 0)
        parts.append(_sounding(sounding, first, num_steps))
    row, start, instrument, pitch, end, velocity = (
        tf.concat(column, axis=0) for column in zip(*parts, strict=True)
    )
    start, end = start + tf.gather(first, row), end + tf.gather(first, row)
    # By row, start, instrument and pitch; a row has less than 2**20 steps.
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
    named = tf.where((chord != tf.pad(chord[:, :-1], [[0, 0], [1, 0]])) & counted)
    of_row, step, found = named[:, 0], tf.cast(named[:, 1], tf.int32), tf.gather_nd(chord, named)
    symbols = {
        "time": seconds(step + tf.gather(first, of_row), tf.gather(qpm, of_row)),
        "text": symbols_of(found // NUM_TONES, found % NUM_TONES),
        "annotation_type": tf.fill(tf.shape(found), NoteSequence.TextAnnotation.CHORD_SYMBOL),
    }
    bars = (first + num_steps + STEPS_PER_BAR - 1) // STEPS_PER_BAR
    total = seconds(bars * STEPS_PER_BAR, qpm)
    return encode_sequences(phrase_header(), qpm, total, row, notes, (of_row, symbols))


def _checked(phrases: Phrases) -> dict[str, tf.Tensor]:
    """The fields, if all are in range."""
    notes, steps = tf.shape(phrases["pitches"])[1], tf.shape(phrases["chord_roots"])[1]
    checks = []
    for name, low, high in (
        ("pitches", 0, REST),
        ("rhythm", 0, STEPS_PER_BAR - 1),
        ("num_notes", 1, notes),
        ("first_step", 0, STEPS_PER_BAR - 1),
        ("chord_roots", 0, 11),
        ("num_steps", 1, steps),
    ):
        in_range = tf.reduce_all((phrases[name] >= low) & (phrases[name] <= high))
        hint = f"{name}: expected {low} to "
        checks.append(tf.debugging.Assert(in_range, [hint, high, phrases[name]]))
    tones = phrases["chord_tones"]
    with_bass = tf.reduce_all((tones <= 1) & (tones <= tones[..., :1]))
    hint = "chord_tones: expected 0 and 1, and the bass among a chord's tones"
    checks.append(tf.debugging.Assert(with_bass, [hint]))
    with tf.control_dependencies(checks):
        return {name: tf.identity(value) for name, value in phrases.items()}


def _melody(phrases: Phrases, encoding: str) -> tuple[tf.Tensor, ...]:
    """Row, first step, instrument, pitch, step after the last, velocity of notes, int32 each.

    Steps count from the beginning of each phrase; see `jazz_phrases_messages.phrase_notes`.
    """
    pitches, length = phrases["pitches"], tf.shape(phrases["pitches"])[1]
    lengths = durations(phrases["rhythm"], phrases["first_step"], encoding)
    limit = phrases["num_steps"][:, tf.newaxis]
    ends = tf.minimum(tf.cumsum(lengths, axis=1), limit)
    starts = tf.minimum(tf.cumsum(lengths, axis=1, exclusive=True), limit)
    inside = (starts < ends) & tf.sequence_mask(phrases["num_notes"], length)
    begins = ends_here = inside & (pitches != REST)
    if encoding == TIME_STEP:
        differs = pitches[:, 1:] != pitches[:, :-1]
        begins &= tf.pad(differs, [[0, 0], [1, 0]], constant_values=True)
        goes_on = tf.pad(~differs & inside[:, 1:], [[0, 0], [0, 1]])
        ends_here &= ~goes_on
    # Notes begin and end in the same order within a row.
    place, last = tf.where(begins), tf.where(ends_here)
    found = tf.gather_nd(pitches, place) + LOWEST_PITCH
    instrument, velocity = tf.fill(tf.shape(found), MELODY), tf.fill(tf.shape(found), VELOCITY)
    row, start = tf.cast(place[:, 0], tf.int32), tf.gather_nd(starts, place)
    return row, start, instrument, found, tf.gather_nd(ends, last), velocity


def _sounding(
    chord: tf.Tensor, first_step: tf.Tensor, num_steps: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """The same of the chords' notes: chord int32 [batch, steps], 0 for none."""
    steps = tf.range(tf.shape(chord)[1])[tf.newaxis]
    begins = (steps + first_step[:, tf.newaxis]) % STEPS_PER_BAR == 0
    changes = chord[:, 1:] != chord[:, :-1]
    begins |= tf.pad(changes, [[0, 0], [1, 0]], constant_values=True)
    begins &= steps < num_steps[:, tf.newaxis]
    place = tf.where(begins)
    row, start = tf.cast(place[:, 0], tf.int32), tf.cast(place[:, 1], tf.int32)
    # A row's next beginning, or else its end; one more, for batches without any.
    following = tf.pad(start, [[0, 1]])[1:]
    same_row = tf.pad(row, [[0, 1]], constant_values=-1)[1:] == row
    end = tf.where(same_row, following, tf.gather(num_steps, row))
    found = tf.gather_nd(chord, place)
    each = tf.where(to_bits(found % NUM_TONES) > 0)
    row, start, end, bass = (
        tf.gather(values, each[:, 0]) for values in (row, start, end, found // NUM_TONES)
    )
    pitch = LOWEST_BASS + bass + tf.cast(each[:, 1], tf.int32)
    velocity = tf.fill(tf.shape(pitch), CHORD_VELOCITY)
    return row, start, tf.fill(tf.shape(pitch), CHORDS), pitch, end, velocity
