"""Impro-Visor lead sheets (.ls): a melody, one or more choruses long, over chord symbols.

A sheet is text. Forms in brackets hold its facts, `(title ...)`, `(composer ...)`, `(meter 4 4)`,
`(tempo 160.0)`, `(key -3)`, and begin its parts, `(part (type chords) ...)`; what stands between
the forms belongs to the part before it.

* Chords: bars end with `|`. The entries of a bar divide it evenly: `Dm / Fm Bb7 |` in 4/4 has a
  chord for two beats and two for one each. `/` goes on with the chord before it, `NC` is no chord.
  `(section (style swing))`, in older sheets `(phrase ...)`, begins a section at a bar line.
* Melody: `c+4+8` is a pitch, marks of octaves, and a duration as a sum. `c` is middle C, `+` an
  octave up, `-` one down; octaves begin at C, whatever the sign: `cb` is the B above `c`, `b#` is
  `c`. `4` is a quarter note, `8/3` one of three that fill two eighths, `16/5` one of five that fill
  four sixteenths. `r` is a rest. No two notes sound at once.
* Every melody part is one more chorus: it is as long as the chords, which are played again.

Time is counted in slots, 120 to a quarter note, on which all durations fall. Swing is not written:
pairs of eighths are even. Notes have no loudness of their own.

In the NoteSequence the choruses follow each other, each with its chord symbols, and sections have
the same numbers in each. A sheet of key 0 gets no key signature, since most sheets of any key have
0; of others only the signature is known and it is taken for major.

Source: https://github.com/Impro-Visor/Impro-Visor, src/imp/data/NoteSymbol.java, Duration.java and
PitchClass.java, and the sheets of `datasets/impro_visor.py`.
"""

import os
import pathlib
import re

import numpy as np

from tfmusicgan.errors import ChordSymbolError, ReadError
from tfmusicgan.note_sequences import chord_symbols, wire
from tfmusicgan.note_sequences.impro_visor_forms import MAX_FILE_BYTES
from tfmusicgan.note_sequences.impro_visor_sheet import SLOTS_PER_QUARTER, Sheet, parse_sheet
from tfmusicgan.note_sequences.normalise import check_length
from tfmusicgan.note_sequences.proto import NoteSequence

MAX_CHORDS = 100_000
"""Chord symbols of a piece, those of all choruses together."""

_VELOCITY = 90  # As note_seq has it for ABC.

# Seven chords of the sheets, `Eb7/B6` and `Fm6/E6`, have a bass that is no note. It is left out.
_NO_BASS = re.compile(r"/[A-G]6$")


def read_impro_visor(source: str | os.PathLike | bytes, name: str = "") -> NoteSequence:
    """Reads a lead sheet.

    Args:
      source: A path, or the file's contents.
      name: What messages call it; its path by default.

    Returns:
      A valid NoteSequence: the melody as instrument 0, chord symbols as text annotations in
      note_seq's spelling, sections, and title and composer as metadata.

    Raises:
      ReadError: See `parse_sheet` and `to_note_sequence`; with reason `"unreadable_file"` if the
        file cannot be opened.
    """
    if isinstance(source, bytes):
        data, name = source, name or "lead sheet"
    else:
        name = name or os.fspath(source)
        try:
            with pathlib.Path(source).open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise ReadError(
                f"Expected a readable file. Received {error.strerror}: {name}.", "unreadable_file"
            ) from error
    return to_note_sequence(parse_sheet(data, name), name)


def to_note_sequence(sheet: Sheet, name: str) -> NoteSequence:
    """Writes a sheet as a NoteSequence.

    Args:
      sheet: From `parse_sheet`.
      name: The piece's name, for messages.

    Raises:
      ReadError: With reason `"unknown_chord_symbol"`, `"too_long"` or `"too_many_events"`.
    """
    total = sheet.num_slots * len(sheet.choruses)
    seconds_per_slot = 60.0 / (sheet.qpm * SLOTS_PER_QUARTER)
    check_length(total / SLOTS_PER_QUARTER, total * seconds_per_slot, name)
    if len(sheet.chords) * len(sheet.choruses) > MAX_CHORDS:
        raise ReadError(
            f"Expected at most {MAX_CHORDS} chord symbols, all choruses together. Received more in "
            f"{name}.",
            "too_many_events",
        )
    sequence = NoteSequence(
        ticks_per_quarter=SLOTS_PER_QUARTER, total_time=total * seconds_per_slot
    )
    sequence.tempos.add(qpm=sheet.qpm)
    sequence.time_signatures.add(numerator=sheet.numerator, denominator=sheet.denominator)
    if sheet.sharps:
        # Each sharp is a fifth up from C.
        sequence.key_signatures.add(key=7 * sheet.sharps % 12)
    sequence.instrument_infos.add(instrument=0, name="melody")
    sequence.source_info.source_type = NoteSequence.SourceInfo.SCORE_BASED
    sequence.sequence_metadata.title = sheet.title
    if sheet.composer:
        sequence.sequence_metadata.composers.append(sheet.composer)
    figures = _spell({symbol for _, symbol in sheet.chords}, name)
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    for number in range(len(sheet.choruses)):
        start = number * sheet.num_slots
        for slot, symbol in sheet.chords:
            time = (start + slot) * seconds_per_slot
            sequence.text_annotations.add(time=time, text=figures[symbol], annotation_type=kind)
        for section, (slot, _) in enumerate(sheet.sections):
            time = (start + slot) * seconds_per_slot
            sequence.section_annotations.add(time=time, section_id=section)
    _add_notes(sequence, sheet, seconds_per_slot)
    return sequence


def _add_notes(sequence: NoteSequence, sheet: Sheet, seconds_per_slot: float) -> None:
    rows = [
        (pitch, number * sheet.num_slots + start, number * sheet.num_slots + end)
        for number, chorus in enumerate(sheet.choruses)
        for pitch, start, end in chorus.notes
    ]
    pitch, start, end = np.array(rows, np.int64).T
    same = np.zeros(len(rows), np.int64)
    columns = {
        "pitch": pitch,
        "velocity": same + _VELOCITY,
        "start_time": start * seconds_per_slot,
        "end_time": end * seconds_per_slot,
        "instrument": same,
        # One instrument has one program: that of the first chorus.
        "program": same + sheet.choruses[0].program,
        "is_drum": same.astype(bool),
    }
    wire.add_notes(sequence, columns)


def _spell(symbols: set[str], name: str) -> dict[str, str]:
    """Symbols as they are written -> as note_seq spells them."""
    spelled = {}
    for symbol in symbols:
        try:
            spelled[symbol] = chord_symbols.normalise_symbol(_NO_BASS.sub("", symbol))
        except ChordSymbolError as error:
            raise ReadError(f"{error} It stands in {name}.", error.reason) from error
    return spelled
