"""Which part of a piece is its melody, and which plays chords beside it."""

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
    parts = _parts(sequence)
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


def choose_chords(sequence: NoteSequence) -> int | None:
    """Finds the instrument that plays chords beside the melody.

    Drums and the melody of `choose_melody` aside, it is the first that is called so (`chord` in its
    name, whatever its case), or else of those with several notes at most of their onsets the one
    that sounds longest, and of equals the first.

    Args:
      sequence: Not changed.

    Returns:
      The instrument's number; None if there is no such part.

    Raises:
      ConversionError: With reason `"no_melody"`, if there are only drums or no notes.
    """
    melody = choose_melody(sequence)
    parts = {number: notes for number, notes in _parts(sequence).items() if number != melody}
    names = {info.instrument: info.name.lower() for info in sequence.instrument_infos}
    named = [number for number in parts if "chord" in names.get(number, "")]
    if named:
        return min(named)
    sounding = {number: _voices(notes)[0] for number, notes in parts.items() if _is_chords(notes)}
    return max(sounding, key=lambda number: (sounding[number], -number), default=None)


def _parts(sequence: NoteSequence) -> dict[int, list[NoteSequence.Note]]:
    """The notes of each instrument but for drums, those without length left out."""
    parts: dict[int, list[NoteSequence.Note]] = {}
    for note in sequence.notes:
        if not note.is_drum and note.end_time > note.start_time:
            parts.setdefault(note.instrument, []).append(note)
    return parts


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
