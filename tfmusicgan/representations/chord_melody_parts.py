"""The two parts of a piece, as words: which notes play them, and what they begin where."""

import dataclasses

import numpy as np

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import chord_melody_events as events
from tfmusicgan.representations.melody_track import melody_notes
from tfmusicgan.representations.note_arrays import NoteArrays, note_arrays


def find_words(
    sequence: NoteSequence, steps_per_quarter: int, melody_name: str, chords_name: str
) -> np.ndarray:
    """The words of a whole piece.

    Args:
      sequence: The piece; it stays as it is.
      steps_per_quarter: Steps in a quarter note.
      melody_name: See `ChordMelodyWords`.
      chords_name: The same.

    Returns:
      int64 [words, 6], as `chord_melody_events.merge` gives them.

    Raises:
      ConversionError: With reason `"bad_times"`, `"too_long"`, `"no_melody"` or `"no_chords"`.
    """
    name, notes = name_of(sequence), note_arrays(sequence)
    seconds = np.stack([notes.start_seconds, notes.end_seconds])
    if not np.isfinite(seconds).all():
        raise ConversionError(f"Expected finite times in {name!r}.", reason="bad_times")
    quarters = transforms.seconds_to_quarters(sequence, seconds)
    start, end = events.round_steps(quarters, steps_per_quarter)
    if max(start.max(initial=0), end.max(initial=0)) >= events.MAX_STEPS:
        raise ConversionError(
            f"Expected less than {events.MAX_STEPS} steps. Received: more in {name!r}.",
            reason="too_long",
        )
    melody, chords = _parts(notes, sequence, melody_name, chords_name)
    for part, what in ((melody, "melody"), (chords, "chords")):
        if not part.any():
            raise ConversionError(
                f"Expected a melody and chords of pitches from {events.LOWEST_PITCH} on. "
                f"Received: {len(notes)} notes in {name!r}, none of them of the {what}.",
                reason=f"no_{what}",
            )
    return events.merge(
        events.melody_events(start[melody], end[melody], notes.pitch[melody]),
        events.chord_events(start[chords], end[chords], notes.pitch[chords]),
    )


def name_of(sequence: NoteSequence) -> str:
    """What a piece is called in messages."""
    return sequence.id or sequence.filename or "the sequence"


def _parts(
    notes: NoteArrays, sequence: NoteSequence, melody_name: str, chords_name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Which notes are the melody's, and which the chords': bool [notes] each."""
    melody = melody_notes(notes, sequence, melody_name)
    # Neither drums nor the melody's instrument play chords.
    others = dataclasses.replace(notes, is_drum=notes.is_drum | melody)
    chords = melody_notes(others, sequence, chords_name)
    in_range = (notes.pitch >= events.LOWEST_PITCH) & (notes.pitch < 128)
    return melody & in_range, chords & in_range
