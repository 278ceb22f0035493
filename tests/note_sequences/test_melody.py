"""Which part is the melody, and which plays chords, in pieces written out by hand."""

import pytest

from tests.note_sequences.test_lead_sheet import piece
from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.melody import choose_chords, choose_melody

# A low line, a high one, block chords, and chords with a note of the tune on top.
LOW = [(40, 0, 2, 1), (43, 2, 4, 1), (45, 4, 8, 1)]
HIGH = [(72, 0, 1, 7), (74, 1, 2, 7), (76, 2, 7, 7)]
BLOCKS = [(pitch, start, start + 4, 4) for start in (0, 4) for pitch in (84, 88, 91)]


def names(sequence, **by_instrument):
    for key, name in by_instrument.items():
        sequence.instrument_infos.add(instrument=int(key.removeprefix("i")), name=name)
    return sequence


def test_the_only_part():
    assert choose_melody(piece(LOW)) == 1
    assert choose_melody(piece(BLOCKS)) == 4


def test_a_name_decides():
    assert choose_melody(names(piece(LOW + HIGH + BLOCKS), i4="Chords", i1="MELODY 2")) == 1
    # Names of parts without notes do not count.
    assert choose_melody(names(piece(LOW + HIGH), i3="melody")) == 7
    assert choose_melody(names(piece(LOW + HIGH), i7="melody", i1="Melody")) == 1


def test_chords_are_passed_over():
    assert choose_melody(piece(LOW + BLOCKS)) == 1
    assert choose_melody(names(piece(LOW + HIGH), i7="Chord symbols")) == 1


def test_the_highest_of_lines():
    assert choose_melody(piece(LOW + HIGH)) == 7
    assert choose_melody(piece(LOW + HIGH + BLOCKS)) == 7


def test_an_ornament_is_no_melody():
    assert choose_melody(piece([*LOW, *HIGH, (96, 3, 3.5, 9)])) == 7


def test_the_part_with_more_of_one_voice():
    """The higher part sounds two notes for half of its time, one at a time at most onsets."""
    held = [(80, 0, 8, 2), (82, 1, 2, 2), (83, 3, 6, 2)]
    assert choose_melody(piece(LOW + held)) == 1


def test_drums_are_none():
    sequence = piece([(36, 0, 1, 0), (38, 1, 2, 0)])
    for note in sequence.notes:
        note.is_drum = True
    with pytest.raises(ConversionError, match="no notes but drums in the piece") as caught:
        choose_melody(sequence)
    assert caught.value.reason == "no_melody"


def test_chords_beside_the_melody():
    assert choose_chords(piece(LOW + HIGH + BLOCKS)) == 4
    assert choose_chords(piece(LOW + HIGH)) is None
    # The only part is the melody, whatever it plays.
    assert choose_chords(piece(BLOCKS)) is None
    assert choose_chords(names(piece(LOW + HIGH + BLOCKS), i1="Chords")) == 1
    assert choose_chords(names(piece(LOW + HIGH + BLOCKS), i4="Melody")) is None
    # Of two parts of chords the one that sounds longer; of equals the first.
    short = [(pitch, 0, 2, 3) for pitch in (60, 64, 67)]
    assert choose_chords(piece(HIGH + short + BLOCKS)) == 4
    assert choose_chords(piece(HIGH + [(p, s, e, 2) for p, s, e, _ in BLOCKS] + BLOCKS)) == 2


def test_drums_are_no_chords():
    sequence = piece(HIGH + BLOCKS)
    for note in sequence.notes:
        note.is_drum = note.instrument == 4
    assert choose_chords(sequence) is None
