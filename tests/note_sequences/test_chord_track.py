"""Names of chords that a part plays: by hand, and against the symbols of Nottingham's tunes."""

import itertools
import pathlib

import pytest

from tests.note_sequences.test_lead_sheet import SHEET, piece
from tfmusicgan.datasets import nottingham
from tfmusicgan.errors import ChordSymbolError, ConversionError
from tfmusicgan.note_sequences.chord_symbols import NO_CHORD, chord_bass, chord_pitch_classes
from tfmusicgan.note_sequences.chord_track import name_chords, name_missing_chords
from tfmusicgan.note_sequences.lead_sheet import read_lead_sheet, write_lead_sheet


def block(start, end, *pitches):
    return [(pitch, start, end, 4) for pitch in pitches]


def named(sequence):
    return [(text.time, text.text) for text in sequence.text_annotations]


def test_names_by_hand():
    sequence = piece(
        [
            *((72, 0, 1, 0), (74, 1, 9, 0)),
            *block(1, 2, 48, 52, 55),
            *block(2.01, 3, 48, 52, 55),  # Again, a moment later: the same.
            *block(3, 4, 52, 55, 60),  # On another bass.
            *block(5, 7, 45, 48, 52),
            *block(6, 7, 55),  # A seventh more.
        ],
        [(0, "Bb7")],
    )
    sequence.text_annotations.add(time=0.5, text="Lively")
    before = sequence.SerializeToString(deterministic=True)
    result = name_chords(sequence, 4)
    assert named(result) == [
        *((0.5, "Lively"), (1, "C"), (3, "C/E"), (4, NO_CHORD), (5, "Am"), (6, "Am7")),
        (7, NO_CHORD),
    ]
    assert result.notes == sequence.notes
    assert sequence.SerializeToString(deterministic=True) == before
    chords = read_lead_sheet(result, 0).chords_by(2)
    assert chords == (NO_CHORD, "C", NO_CHORD, "Am7", NO_CHORD, NO_CHORD)  # The first of equals.


def test_what_has_no_name_and_no_notes():
    sequence = piece([*block(0, 1, 48, 52, 55), *block(1, 2, *range(48, 54))])
    with pytest.raises(ChordSymbolError, match=r"50, 51, 52, 53\] at quarter note 1") as caught:
        name_chords(sequence, 4)
    assert caught.value.reason == "unnamed_chord"
    with pytest.raises(ConversionError, match="no note of instrument 3 in the piece") as caught:
        name_chords(sequence, 3)
    assert caught.value.reason == "no_chords"


def test_missing_names():
    melody, chords = [(72, 0, 8, 0)], [*block(0, 4, 48, 52, 55), *block(4, 8, 45, 48, 52)]
    result = name_missing_chords(piece([*melody, *chords]))
    assert named(result) == [(0, "C"), (4, "Am"), (8, NO_CHORD)]
    # Symbols that are there stay, if there is only one; a text of another kind is none.
    written = piece([*melody, *chords], [(2, "F")])
    assert named(name_missing_chords(written)) == [(2, "F")]
    with_text = piece([*melody, *chords])
    with_text.text_annotations.add(time=0, text="Lively")
    assert [text for _, text in named(name_missing_chords(with_text))][:2] == ["Lively", "C"]
    assert named(name_missing_chords(piece(melody))) == []


def test_every_chord_of_up_to_four_tones_has_a_name_that_says_them():
    """Its tones, by the functions that read names, with the bass."""
    for size in (1, 2, 3, 4):
        for tones in itertools.combinations(range(12), size):
            sequence = name_chords(piece(block(0, 1, *(tone + 48 for tone in tones))), 4)
            symbol = sequence.text_annotations[0].text
            assert chord_pitch_classes(symbol) | {tones[0]} == set(tones), symbol
            assert chord_bass(symbol) == tones[0]


def test_chords_that_were_written_to_sound_are_named_alike():
    """But for `C6/9` and the chord over a third, whose tones have other names as well."""
    sequence = write_lead_sheet(SHEET, sounding_chords=True)
    sheet = read_lead_sheet(name_chords(sequence, 1))
    assert [(s.start_quarter, s.end_quarter) for s in sheet.chords] == [
        (s.start_quarter, s.end_quarter) for s in SHEET.chords
    ]
    for ours, theirs in zip(sheet.chords, SHEET.chords, strict=True):
        assert chord_pitch_classes(ours.symbol) == chord_pitch_classes(theirs.symbol)


def test_nottinghams_chords_have_the_names_that_its_abc_gives_them(test_data: pathlib.Path):
    dataset = nottingham.DATASET
    sources, _ = dataset.list_sources(*dataset.files(str(test_data / "nottingham")))
    beats = 0
    for source in sources[::37]:
        sequence = dataset.read_source(source)
        if not sequence.text_annotations:
            continue
        symbols = read_lead_sheet(sequence, 0).chords_by(1)
        names = read_lead_sheet(name_chords(sequence, 1), 0).chords_by(1)
        for symbol, name in zip(symbols, names, strict=True):
            if NO_CHORD not in (symbol, name):
                assert chord_pitch_classes(symbol) == chord_pitch_classes(name)
                beats += 1
    assert beats > 500
