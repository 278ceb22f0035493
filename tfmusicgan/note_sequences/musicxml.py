"""MusicXML and compressed MusicXML (MXL) to NoteSequences, with note_seq's parser.

Notes and part names are note_seq's. Ours (`musicxml_score.py` and those beside it) are:

* Time signatures, from the document's real measures: a pickup bar has its own short one, measures
  split by a repeat count as one bar.
* Key signatures with their modes (note_seq takes every key for a major one) and at sounding pitch.
* Tempos, which in note_seq depend on the order of the parts; 120 quarter notes a minute if none.
* Chord symbols, for which note_seq refuses a whole document that has one it does not know, or one
  in a transposing part. Several that are written over one long note share its time.
* Measures that end early in one part (or with a shorter last voice) last as long as in the others.
* Tied notes are one note. Grace notes, which have no length, are left out.
* Every part is an instrument of its own: `instrument` equals `part`. Programs count from 0 as in
  MIDI (in MusicXML from 1), and MIDI channel 10 is drums.

Repeats are not played out. Unpitched percussion is refused, as by note_seq.
"""

import functools
import os
import pathlib
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences.musicxml_chords import chord_symbol
from tfmusicgan.note_sequences.musicxml_file import MAX_XML_BYTES, parse_document
from tfmusicgan.note_sequences.musicxml_meters import bar_meters
from tfmusicgan.note_sequences.musicxml_score import Layout, take_layout
from tfmusicgan.note_sequences.normalise import normalise
from tfmusicgan.note_sequences.proto import NoteSequence, note_seq_module
from tfmusicgan.note_sequences.transforms import DEFAULT_QPM, quarters_to_seconds

# What note_seq's parser raises on documents that are XML but not sound MusicXML.
_PARSER_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
_SECONDS_PER_QUARTER = 0.5  # In a document without tempos, as note_seq reads it.
_DRUM_CHANNEL = 10


def read_musicxml(source: str | os.PathLike | bytes, name: str = "") -> NoteSequence:
    """Reads one score.

    Args:
      source: A path, or the contents of a plain or compressed file.
      name: What messages call the file; its path by default.

    Returns:
      A valid NoteSequence; notes have `part`, `voice` and `instrument` (equal to `part`), part
      names are in part_infos and instrument_infos, chord symbols in text_annotations.

    Raises:
      ReadError: With reason `"unreadable_file"`, `"empty_file"`, `"too_large"`, `"malformed_mxl"`,
        `"unreadable_musicxml"`, `"not_musicxml"`, `"no_notes"`, `"too_long"` or
        `"invalid_notes"`.
    """
    if isinstance(source, bytes):
        data, name = source, name or "MusicXML bytes"
    else:
        name = name or os.fspath(source)
        data = _read_bytes(pathlib.Path(source), name)
    root = parse_document(data, name)
    parser, reader = note_seq_module("musicxml_parser"), note_seq_module("musicxml_reader")
    try:
        layout = take_layout(root)
        document = _document_class()(root)
        sequence = reader.musicxml_to_sequence_proto(document)
    except (parser.MusicXMLParseError, *_PARSER_ERRORS) as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise ReadError(
            f"Expected MusicXML that note_seq can read. Received {what[:200]} in {name}.",
            "unreadable_musicxml",
        ) from error
    _merge_ties(sequence, _ties(document))
    _set_instruments(sequence, document)
    _set_time(sequence, layout)
    normalise(sequence, name)
    return sequence


def _read_bytes(path: pathlib.Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_XML_BYTES + 1)
    except OSError as error:
        raise ReadError(
            f"Expected a readable file. Received {error.strerror}: {name}.", "unreadable_file"
        ) from error


@functools.cache
def _document_class() -> type:
    """note_seq's document class, made to take a parsed document in place of a file name."""
    parser = note_seq_module("musicxml_parser")

    class Document(parser.MusicXMLDocument):
        @staticmethod
        def _get_score(filename: ET.Element) -> ET.Element:
            return filename

    return Document


def _ties(document) -> list[tuple[bool, bool]]:
    """(continues the note before, goes on in a later note) of each note, in note_seq's order."""
    ties = []
    for part in document.parts:
        for measure in part.measures:
            for note in measure.notes:
                if not note.is_rest:
                    types = {tie.get("type") for tie in note.xml_note.findall("tie")}
                    ties.append(("stop" in types, "start" in types))
    return ties


def _merge_ties(sequence: NoteSequence, ties: list[tuple[bool, bool]]) -> None:
    """Makes one note of tied ones, and drops notes without length (grace notes)."""
    waiting: dict[tuple[int, int, float], NoteSequence.Note] = {}
    kept = []
    for note, (continues, goes_on) in zip(sequence.notes, ties, strict=True):
        if note.end_time <= note.start_time:
            continue
        begun = waiting.pop((note.part, note.pitch, round(note.start_time, 6)), None)
        if continues and begun is not None:
            begun.end_time = note.end_time
            # The written value is that of the first note only.
            begun.ClearField("numerator")
            begun.ClearField("denominator")
        else:
            begun = note
            kept.append(note)
        if goes_on:
            waiting[begun.part, begun.pitch, round(begun.end_time, 6)] = begun
    kept = [NoteSequence.Note.FromString(note.SerializeToString()) for note in kept]
    del sequence.notes[:]
    sequence.notes.extend(kept)


def _set_instruments(sequence: NoteSequence, document) -> None:
    """Makes every part an instrument, with its name, program and drum flag."""
    score_parts = [part.score_part for part in document.parts]
    for note in sequence.notes:
        score_part = score_parts[note.part]
        note.instrument = note.part
        note.program = min(max(score_part.midi_program - 1, 0), 127)
        note.is_drum = score_part.midi_channel == _DRUM_CHANNEL
    for info in sequence.part_infos:
        if info.name:
            sequence.instrument_infos.add(instrument=info.part, name=info.name)


def _set_time(sequence: NoteSequence, layout: Layout) -> None:
    """Replaces note_seq's meters, keys and tempos, and sets all times by the real tempos."""
    del sequence.tempos[:], sequence.time_signatures[:], sequence.key_signatures[:]
    quarter, seconds, qpm = Fraction(0), 0.0, DEFAULT_QPM
    tempos = layout.tempos
    if not tempos or tempos[0][0] > 0:
        # What stands at the first tempo mark holds before it, too: marks come late in pickups.
        tempos = [(Fraction(0), tempos[0][1] if tempos else DEFAULT_QPM), *tempos]
    for position, new_qpm in tempos:
        seconds += float(position - quarter) * 60.0 / qpm
        quarter, qpm = position, new_qpm
        sequence.tempos.add(time=seconds, qpm=qpm)

    def to_seconds(quarters: Iterable[float | Fraction]) -> list[float]:
        # All at once: the tempo map is made anew with every call.
        return quarters_to_seconds(sequence, np.array([float(q) for q in quarters])).tolist()

    starts = to_seconds(note.start_time / _SECONDS_PER_QUARTER for note in sequence.notes)
    ends = to_seconds(note.end_time / _SECONDS_PER_QUARTER for note in sequence.notes)
    for note, start, end in zip(sequence.notes, starts, ends, strict=True):
        note.start_time, note.end_time = start, end
    times = to_seconds(quarter for quarter, _, _ in layout.harmonies)
    for time, (_, transposition, harmony) in zip(times, layout.harmonies, strict=True):
        kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
        text = chord_symbol(harmony, transposition)
        sequence.text_annotations.add(time=time, text=text, annotation_type=kind)
    sequence.total_time = to_seconds([sequence.total_time / _SECONDS_PER_QUARTER])[0]
    meters = bar_meters(layout)
    times = to_seconds(meter.quarter for meter in meters)
    for meter, time in zip(meters, times, strict=True):
        sequence.time_signatures.add(
            time=time, numerator=meter.numerator, denominator=meter.denominator
        )
    modes = NoteSequence.KeySignature.Mode
    times = to_seconds(key.quarter for key in layout.keys)
    for key, time in zip(layout.keys, times, strict=True):
        mode = {"ionian": "major", "aeolian": "minor", "": "not_specified"}.get(key.mode, key.mode)
        sequence.key_signatures.add(time=time, key=key.tonic, mode=modes.Value(mode.upper()))
