"""Which part is the melody, and top lines, against pieces written out by hand."""

import pytest

from tests.note_sequences.test_lead_sheet import piece
from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.melody import choose_melody, top_line

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


def line(sequence, instrument=0):
    return [
        (n.pitch, n.start_time, n.end_time) for n in sequence.notes if n.instrument == instrument
    ]


def test_top_line():
    notes = [
        *((60, 0, 4), (64, 0, 2)),  # Of two together the higher.
        (55, 1, 3),  # Below one that sounds.
        (67, 1.5, 2.5),  # Above it, which is cut short.
        (50, 2.5, 3),  # After it.
        (50, 2.5, 3.5),  # The same, longer: that is taken.
    ]
    sequence = piece([*notes, (30, 0, 4, 1), (31, 0, 4, 1)])
    before = sequence.SerializeToString(deterministic=True)
    thinned = top_line(sequence, 0)
    assert line(thinned) == [(64, 0, 1.5), (67, 1.5, 2.5), (50, 2.5, 3.5)]
    assert line(thinned, 1) == [(30, 0, 4), (31, 0, 4)]
    assert sequence.SerializeToString(deterministic=True) == before
    assert thinned.tempos == sequence.tempos
    # A melody stays as it is.
    assert line(top_line(thinned, 0)) == line(thinned)
