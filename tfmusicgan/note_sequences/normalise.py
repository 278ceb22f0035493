"""What every reader's NoteSequence has, whatever the file left out."""

import math

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.transforms import (
    DEFAULT_METER,
    DEFAULT_QPM,
    seconds_to_quarters,
)

MAX_QUARTERS = 100_000
"""Longest piece in quarter notes: 13 hours at 120 quarter notes a minute."""

MAX_SECONDS = 86_400.0
"""Longest piece in seconds: one day."""

_TICKS_PER_QUARTER = 220  # note_seq's STANDARD_PPQ.
_KEYS = frozenset(NoteSequence.KeySignature.Key.values())
_MODES = frozenset(NoteSequence.KeySignature.Mode.values())


def normalise(sequence: NoteSequence, name: str) -> None:
    """Completes a sequence that a reader has made, in place.

    Afterwards it has ticks_per_quarter, a tempo and a time signature at the start (120 quarter
    notes a minute and 4/4 where the file has none), tempos, signatures and annotations in the order
    of time, notes of positive length sorted by (start, pitch, instrument, end, ...), and a total
    time that is not before the last note's end. Key signatures whose key or mode has no name are
    dropped: a message holds any number there.

    Args:
      sequence: Changed.
      name: The piece's name, for messages.

    Raises:
      ReadError: With reason `"no_notes"` or `"too_long"`, or `"invalid_notes"` if a pitch, velocity
        or program is not within 0 to 127.
    """
    sequence.ticks_per_quarter = sequence.ticks_per_quarter or _TICKS_PER_QUARTER
    _complete_signatures(sequence)
    notes = [note for note in sequence.notes if 0 <= note.start_time < note.end_time]
    if not notes:
        raise ReadError(f"Expected notes. Received a piece without any: {name}.", "no_notes")
    for note in notes:
        if not all(0 <= value <= 127 for value in (note.pitch, note.velocity, note.program)):
            raise ReadError(
                f"Expected pitch, velocity and program from 0 to 127. Received pitch {note.pitch}, "
                f"velocity {note.velocity}, program {note.program} in {name}.",
                "invalid_notes",
            )
    notes.sort(key=_note_order)
    notes = [NoteSequence.Note.FromString(note.SerializeToString()) for note in notes]
    del sequence.notes[:]
    sequence.notes.extend(notes)
    last_end = max(note.end_time for note in notes)
    if not last_end <= sequence.total_time < math.inf:
        sequence.total_time = last_end
    quarters = float(seconds_to_quarters(sequence, sequence.total_time))
    check_length(quarters, sequence.total_time, name)


def check_length(quarters: float, seconds: float, name: str) -> None:
    """Refuses a piece that is longer than any music.

    Args:
      quarters: Its length in quarter notes.
      seconds: Its length in seconds.
      name: The piece's name, for messages.

    Raises:
      ReadError: With reason `"too_long"`.
    """
    if not (seconds <= MAX_SECONDS and quarters <= MAX_QUARTERS):
        raise ReadError(
            f"Expected a piece of at most {MAX_QUARTERS} quarter notes and {MAX_SECONDS:.0f} "
            f"seconds. Received {quarters:.0f} quarter notes, {seconds:.0f} seconds: {name}.",
            "too_long",
        )


def _complete_signatures(sequence: NoteSequence) -> None:
    """Sorts what has a time, drops what cannot have been meant, and adds the defaults."""
    tempos = [t for t in sequence.tempos if 0 < t.qpm < math.inf and 0 <= t.time < math.inf]
    if len(tempos) < len(sequence.tempos):
        tempos = [NoteSequence.Tempo(time=tempo.time, qpm=tempo.qpm) for tempo in tempos]
        del sequence.tempos[:]
        sequence.tempos.extend(tempos)
    keys = [k for k in sequence.key_signatures if k.key in _KEYS and k.mode in _MODES]
    if len(keys) < len(sequence.key_signatures):
        keys = [NoteSequence.KeySignature(time=k.time, key=k.key, mode=k.mode) for k in keys]
        del sequence.key_signatures[:]
        sequence.key_signatures.extend(keys)
    for field in ("tempos", "time_signatures", "key_signatures", "text_annotations"):
        getattr(sequence, field).sort(key=lambda event: event.time)
    if not sequence.tempos or sequence.tempos[0].time > 0:
        sequence.tempos.insert(0, NoteSequence.Tempo(qpm=DEFAULT_QPM))
    if not sequence.time_signatures or sequence.time_signatures[0].time > 0:
        numerator, denominator = DEFAULT_METER
        signature = NoteSequence.TimeSignature(numerator=numerator, denominator=denominator)
        sequence.time_signatures.insert(0, signature)


def _note_order(note: NoteSequence.Note) -> tuple:
    return (
        note.start_time,
        note.pitch,
        note.instrument,
        note.end_time,
        note.velocity,
        note.program,
        note.is_drum,
        note.part,
        note.voice,
    )
