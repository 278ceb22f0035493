"""Chord symbols for chords that a part plays: names of what sounds, for pieces without symbols."""

import collections
import functools
import itertools

import numpy as np

from tfmusicgan.errors import ChordSymbolError, ConversionError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.chord_symbols import (
    NO_CHORD,
    chord_pitch_classes,
    normalise_symbol,
    transpose_symbol,
)
from tfmusicgan.note_sequences.melody import choose_chords, name_of
from tfmusicgan.note_sequences.proto import NoteSequence, note_seq_module
from tfmusicgan.note_sequences.whole_bars import TOLERANCE_QUARTERS


def name_missing_chords(sequence: NoteSequence) -> NoteSequence:
    """A piece that has no chord symbols, with the names of what its part of chords plays.

    Args:
      sequence: Not changed.

    Returns:
      The same sequence if it has chord symbols, or no part of chords (see `melody.choose_chords`);
      otherwise a new one, of `name_chords`.

    Raises:
      ConversionError: With reason `"no_melody"`, if there are only drums or no notes.
      ChordSymbolError: With reason `"unnamed_chord"`, if what sounds has no name.
    """
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    if any(text.annotation_type == kind for text in sequence.text_annotations):
        return sequence
    chords = choose_chords(sequence)
    return sequence if chords is None else name_chords(sequence, chords)


def name_chords(sequence: NoteSequence, instrument: int) -> NoteSequence:
    """A copy whose chord symbols are the names of what one instrument plays.

    A chord is what sounds together. Wherever that changes, by more than `TOLERANCE_QUARTERS` of
    time, a new symbol begins if its name is another; rests are `NO_CHORD`. note_seq names chords by
    their tones, the lowest of them as the bass: `C E G` is `C`, and `E G C` is `C/E`.

    Args:
      sequence: Not changed; chord symbols that it has are left out of the copy.
      instrument: The part of chords.

    Returns:
      A new sequence.

    Raises:
      ConversionError: With reason `"no_chords"`, if the instrument has no notes.
      ChordSymbolError: With reason `"unnamed_chord"`, if what sounds has no name.
    """
    notes = [n for n in sequence.notes if n.instrument == instrument and not n.is_drum]
    if not notes:
        raise ConversionError(
            f"Expected a part of chords. Received: no note of instrument {instrument} in "
            f"{name_of(sequence)}.",
            "no_chords",
        )
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    result = NoteSequence()
    result.CopyFrom(sequence)
    del result.text_annotations[:]
    others = [text for text in sequence.text_annotations if text.annotation_type != kind]
    result.text_annotations.extend(others)
    places = _changes(sequence, notes)
    seconds = transforms.quarters_to_seconds(sequence, np.array([place for place, _ in places]))
    named = NO_CHORD
    for time, (place, pitches) in zip(seconds.tolist(), places, strict=True):
        symbol = _name(pitches)
        if not symbol:
            raise ChordSymbolError(
                f"Expected a chord that has a name. Received the pitches {list(pitches)} at "
                f"quarter note {place:g} of {name_of(sequence)}.",
                "unnamed_chord",
            )
        if symbol != named:
            result.text_annotations.add(time=time, text=symbol, annotation_type=kind)
        named = symbol
    return result


def _changes(
    sequence: NoteSequence, notes: list[NoteSequence.Note]
) -> list[tuple[float, tuple[int, ...]]]:
    """(quarter note, pitches that sound from there on), wherever they change."""
    times = np.array([(note.start_time, note.end_time) for note in notes], np.float64)
    quarters = transforms.seconds_to_quarters(sequence, times).round(6)
    events = sorted(
        event
        for (start, end), note in zip(quarters.tolist(), notes, strict=True)
        for event in ((start, 1, note.pitch), (end, -1, note.pitch))
    )
    sounding: collections.Counter = collections.Counter()
    changes: list[tuple[float, tuple[int, ...]]] = []
    for (place, change, pitch), following in itertools.zip_longest(events, events[1:]):
        sounding[pitch] += change
        # Of events that are next to each other only the last tells what sounds.
        if following is None or following[0] - place > TOLERANCE_QUARTERS:
            changes.append(
                (place, tuple(sorted(p for p, voices in sounding.items() if voices > 0)))
            )
    return changes


@functools.cache
def _name(pitches: tuple[int, ...]) -> str:
    """note_seq's name of a chord in the one spelling; empty if none has just these tones."""
    if not pitches:
        return NO_CHORD
    library = note_seq_module("chord_symbols_lib")
    bass = pitches[0]
    above = sorted({(pitch - bass) % 12 for pitch in pitches})
    try:
        # Named over C: over some other basses note_seq leaves tones out.
        name = library.pitches_to_chord_symbol(above)
        # It writes major sevenths so that it would read them as minor ones.
        name = normalise_symbol(name.replace("(add7)", "(add#7)").replace("(addb7)", "(add7)"))
    except (library.ChordSymbolError, ChordSymbolError):
        return ""
    # The bass need not be one of the chord's own tones.
    return transpose_symbol(name, bass) if {0, *chord_pitch_classes(name)} == {*above} else ""
