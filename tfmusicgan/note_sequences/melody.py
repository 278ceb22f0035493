"""Which part of a piece is its melody, and the top line of a part that is not of one voice."""

import numpy as np

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence

_CHORD_SHARE = 0.5  # A part of which more onsets have several notes than one is a part of chords.
_SAME_ONSET_SECONDS = 0.02
_LEAST_COVER = 0.25  # Of the time that the part which sounds longest does: a melody is no ornament.


def name_of(sequence: NoteSequence) -> str:
    """What a piece is called in messages."""
    return sequence.id or sequence.filename or "the sequence"


def choose_melody(sequence: NoteSequence) -> int:
    """Finds the instrument that plays the melody.

    Drums aside, it is the one that is called so (`melody` in its name, whatever its case; of
    several the first). Otherwise parts of chords are passed over, those with `chord` in their name
    or with several notes at most of their onsets, if that leaves any; and of the others the melody
    is the one that is of one voice for the largest share of its time, in whole tenths, and of
    several such the one that lies highest. Parts that sound for less than a quarter of the longest
    part's time come last.

    Args:
      sequence: Not changed.

    Returns:
      The instrument's number.

    Raises:
      ConversionError: With reason `"no_melody"`, if there are only drums or no notes.
    """
    parts: dict[int, list[NoteSequence.Note]] = {}
    for note in sequence.notes:
        if not note.is_drum and note.end_time > note.start_time:
            parts.setdefault(note.instrument, []).append(note)
    if not parts:
        raise ConversionError(
            f"Expected a melody. Received: no notes but drums in {name_of(sequence)}.", "no_melody"
        )
    names = {info.instrument: info.name.lower() for info in sequence.instrument_infos}
    named = [number for number in parts if "melody" in names.get(number, "")]
    if named:
        return min(named)
    melodic = [
        number
        for number, notes in parts.items()
        if "chord" not in names.get(number, "") and not _is_chords(notes)
    ]
    measured = {number: _voices(parts[number]) for number in melodic or parts}
    longest = max(sounding for sounding, _ in measured.values())

    def rank(number: int) -> tuple:
        sounding, single = measured[number]
        mean_pitch = float(np.mean([note.pitch for note in parts[number]]))
        enough = sounding >= _LEAST_COVER * longest
        return enough, int(10 * single / sounding + 1e-9), mean_pitch, -number

    return max(measured, key=rank)


def top_line(sequence: NoteSequence, instrument: int) -> NoteSequence:
    """A copy in which one instrument has one voice: its highest note at every time of an onset.

    Of notes that begin together the highest stays, and every note ends where the next one begins.
    A note that begins below one that still sounds is left out.

    Args:
      sequence: Not changed.
      instrument: The one to thin out; drum notes of its number stay as they are.

    Returns:
      A new sequence.
    """
    result = NoteSequence()
    result.CopyFrom(sequence)
    del result.notes[:]
    line: list[NoteSequence.Note] = []
    notes = [n for n in sequence.notes if n.instrument == instrument and not n.is_drum]
    for note in sorted(notes, key=lambda one: (one.start_time, -one.pitch, -one.end_time)):
        last = line[-1] if line else None
        if last is not None and note.start_time < last.end_time:
            if note.pitch < last.pitch or note.start_time <= last.start_time:
                continue
            last.end_time = note.start_time
        line.append(NoteSequence.Note.FromString(note.SerializeToString()))
    kept = [n for n in sequence.notes if n.instrument != instrument or n.is_drum]
    result.notes.extend(sorted([*kept, *line], key=lambda one: (one.start_time, one.pitch)))
    return result


def _is_chords(notes: list[NoteSequence.Note]) -> bool:
    """Whether several notes begin at most of a part's onsets."""
    starts = np.sort([note.start_time for note in notes])
    onsets = np.flatnonzero(np.diff(starts, prepend=-1.0) > _SAME_ONSET_SECONDS)
    sizes = np.diff(np.append(onsets, len(starts)))
    return bool(np.mean(sizes > 1) > _CHORD_SHARE)


def _voices(notes: list[NoteSequence.Note]) -> tuple[float, float]:
    """How many seconds a part sounds, and how many of them with one note alone."""
    times = np.array([(note.start_time, note.end_time) for note in notes], np.float64)
    edges = np.unique(times)
    begun = np.searchsorted(np.sort(times[:, 0]), edges[:-1], side="right")
    ended = np.searchsorted(np.sort(times[:, 1]), edges[:-1], side="right")
    voices, lengths = begun - ended, np.diff(edges)
    return float(lengths[voices > 0].sum()), float(lengths[voices == 1].sum())
