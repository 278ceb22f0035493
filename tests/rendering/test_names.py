"""Names of pitches, programs and drums, against pretty_midi's tables."""

import re

import pytest

from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.rendering import names


def _words(name: str) -> set[str]:
    return {word for word in re.split(r"[^a-z]+", name.lower()) if len(word) > 3}


def test_pitches():
    pretty_midi = pytest.importorskip("pretty_midi")
    for pitch in range(128):
        assert names.pitch_name(pitch) == pretty_midi.note_number_to_name(pitch)


def test_programs_and_drums_are_in_general_midi_order():
    pretty_midi = pytest.importorskip("pretty_midi")
    assert len(names.PROGRAMS) == 128
    theirs = [pretty_midi.program_to_instrument_name(program) for program in range(128)]
    agreeing = sum(bool(_words(a) & _words(b)) for a, b in zip(names.PROGRAMS, theirs, strict=True))
    assert agreeing > 110  # the rest are spelt otherwise
    assert (names.PROGRAMS[0], names.PROGRAMS[40], names.PROGRAMS[127]) == (
        "Acoustic Grand Piano",
        "Violin",
        "Gunshot",
    )
    for pitch in (36, 42, 46, 49, 56, 75, 81):
        assert _words(names.drum_name(pitch)) & _words(pretty_midi.note_number_to_drum_name(pitch))
    assert names.drum_name(34) == "Drum 34"
    assert names.drum_name(82) == "Drum 82"


def test_tracks_take_their_own_name_then_the_programs():
    sequence = NoteSequence()
    for instrument, program, is_drum in (
        (9, 0, True),
        (2, 40, False),
        (1, 40, False),
        (0, 0, False),
    ):
        sequence.notes.add(pitch=60, instrument=instrument, program=program, is_drum=is_drum)
    sequence.instrument_infos.add(instrument=0, name=" Soprano ")
    assert list(names.track_names(sequence).items()) == [
        ((0, 0, False), "Soprano"),
        ((1, 40, False), "Violin 1"),
        ((2, 40, False), "Violin 2"),
        ((9, 0, True), "Drums"),
    ]
