"""Music cut to a section, and a section put into music."""

import dataclasses
import math
from collections.abc import Iterable, Iterator

from tfmusicgan.magenta.options import Section
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence

TOLERANCE_SECONDS = 1e-6  # of times that went through float32 tempos
_TOLERANCE_BARS = 1e-4


def tempo_at(sequence: NoteSequence, seconds: float) -> float | None:
    """The tempo in force at a time, in quarter notes per minute; None where none is named."""
    if not any(tempo.qpm > 0 for tempo in sequence.tempos):
        return None
    tempos = transforms.tempos_by_time(sequence)
    return [qpm for time, qpm in tempos.items() if time <= seconds + TOLERANCE_SECONDS][-1]


def has_meter(sequence: NoteSequence) -> bool:
    """Whether music has a time signature."""
    return any(s.numerator > 0 and s.denominator > 0 for s in sequence.time_signatures)


def has_notes(sequence: NoteSequence, section: Section) -> bool:
    """Whether any note sounds within a section."""
    return any(
        note.start_time < section.end - TOLERANCE_SECONDS
        and note.end_time > section.start + TOLERANCE_SECONDS
        for note in sequence.notes
    )


def cut(sequence: NoteSequence, section: Section, beats_per_bar: int | None = None) -> NoteSequence:
    """A section as a piece of its own.

    Args:
      sequence: The music; it is not changed.
      section: What to keep.
      beats_per_bar: Quarter notes in a bar of music without time signatures, whose first bar begins
        at 0; None gives its sections none either.

    Returns:
      The notes within, cut at its bounds and beginning at 0, with the tempo in force at its start,
      its time signatures and chord symbols, and what names the instruments. A section that begins
      within a bar begins with a pick-up: its meter stands at 0 and again at the next bar line.
      Changes of tempo are left out: bar lines are as many quarter notes from the start as in the
      music, and notes as many seconds.
    """
    piece = NoteSequence(ticks_per_quarter=sequence.ticks_per_quarter)
    qpm = tempo_at(sequence, section.start)
    if qpm is not None:
        piece.tempos.add(qpm=qpm)
    piece.time_signatures.extend(_signatures(sequence, section, beats_per_bar))
    piece.text_annotations.extend(_chord_symbols(sequence, section))
    piece.instrument_infos.extend(sequence.instrument_infos)
    piece.part_infos.extend(sequence.part_infos)
    whole = Section(0.0, section.seconds)
    piece.notes.extend(moved(sequence.notes, -section.start, whole))
    piece.total_time = max((note.end_time for note in piece.notes), default=0.0)
    return piece


def _signatures(
    sequence: NoteSequence, section: Section, beats_per_bar: int | None
) -> Iterator[NoteSequence.TimeSignature]:
    """The time signatures of a section, and one more at the first bar line where it has none."""
    meters = transforms.meter_segments(sequence)
    if not has_meter(sequence):
        if beats_per_bar is None:
            return
        meters = [dataclasses.replace(meters[0], numerator=beats_per_bar, denominator=4)]
    first, last = transforms.seconds_to_quarters(sequence, [section.start, section.end])
    qpm = tempo_at(sequence, section.start) or transforms.DEFAULT_QPM
    for meter in meters:
        begin, end = max(meter.start_quarter, first), min(meter.end_quarter, last)
        bars = (begin - meter.start_quarter) / meter.quarters_per_bar
        line = meter.start_quarter + math.ceil(bars - _TOLERANCE_BARS) * meter.quarters_per_bar
        lines = [line] if line > begin + _TOLERANCE_BARS else []
        for quarter in (begin, *lines):
            if quarter < end:
                yield NoteSequence.TimeSignature(
                    time=float(quarter - first) * 60.0 / qpm,
                    numerator=meter.numerator,
                    denominator=meter.denominator,
                )


def _chord_symbols(
    sequence: NoteSequence, section: Section
) -> Iterator[NoteSequence.TextAnnotation]:
    """The chord symbols of a section, the one in force at its start among them."""
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    symbols = [one for one in sequence.text_annotations if one.annotation_type == kind]
    symbols.sort(key=lambda one: one.time)
    num_before = sum(one.time <= section.start for one in symbols)
    for one in symbols[max(num_before - 1, 0) :]:
        if one.time < section.end:
            time = max(one.time - section.start, 0.0)
            yield NoteSequence.TextAnnotation(time=time, text=one.text, annotation_type=kind)


def moved(
    notes: Iterable[NoteSequence.Note], seconds: float, section: Section
) -> list[NoteSequence.Note]:
    """Copies of notes at other times, cut to a section; those outside are left out."""
    found = []
    for note in notes:
        start = max(note.start_time + seconds, section.start)
        end = min(note.end_time + seconds, section.end)
        if end - start > TOLERANCE_SECONDS:
            copied = NoteSequence.Note()
            copied.CopyFrom(note)
            copied.start_time, copied.end_time = start, end
            found.append(copied)
    return found


def outside(notes: Iterable[NoteSequence.Note], section: Section) -> list[NoteSequence.Note]:
    """Notes, cut at a section's start and end, without what sounds within it."""
    before, after = Section(0.0, section.start), Section(section.end, float("inf"))
    found = []
    for note in notes:
        # What goes on after the section is struck anew.
        found += moved([note], 0.0, before) + moved([note], 0.0, after)
    return found


def join(
    sequence: NoteSequence,
    kept: Iterable[NoteSequence.Note],
    generated: Iterable[NoteSequence.Note],
    piece: NoteSequence,
    end: float,
) -> NoteSequence:
    """Puts generated notes into music.

    Args:
      sequence: The music; it is not changed.
      kept: Its notes that stay.
      generated: The notes that come in, whose instruments have numbers of their own.
      piece: What they are of: names their instruments, and the tempo where the music has none.
      end: Where the music ends at the earliest, in seconds.

    Returns:
      A NoteSequence, its notes by start, pitch and instrument.
    """
    result = NoteSequence()
    result.CopyFrom(sequence)
    del result.notes[:]
    result.ticks_per_quarter = result.ticks_per_quarter or piece.ticks_per_quarter
    if not result.tempos:
        result.tempos.extend(piece.tempos)
    if not result.time_signatures:
        result.time_signatures.extend(piece.time_signatures)
    result.collection_name = result.collection_name or piece.collection_name
    if not result.HasField("source_info"):
        result.source_info.CopyFrom(piece.source_info)
    notes = sorted(
        [*kept, *generated], key=lambda note: (note.start_time, note.pitch, note.instrument)
    )
    result.notes.extend(notes)
    result.total_time = max([sequence.total_time, end, *(note.end_time for note in notes)])
    return result


def renumber(
    piece: NoteSequence, notes: list[NoteSequence.Note], kept: list[NoteSequence.Note]
) -> list[NoteSequence.InstrumentInfo]:
    """Gives generated notes instruments that no kept note has.

    Args:
      piece: What the notes are of.
      notes: The generated notes; their `instrument` is changed, and they are in no `part`.
      kept: The notes that they join.

    Returns:
      The names of their instruments.
    """
    first = max((note.instrument for note in kept), default=-1) + 1
    for note in notes:
        note.instrument += first
        note.ClearField("part")
    infos = []
    for info in piece.instrument_infos:
        named = NoteSequence.InstrumentInfo()
        named.CopyFrom(info)
        named.instrument += first
        infos.append(named)
    return infos
