"""Tracks walked event by event: which note-off ends which note, by hand and by note_seq."""

from tests.note_sequences import midi_bytes as mb
from tests.note_sequences.test_midi import assert_agrees
from tfmusicgan.note_sequences.midi import read_midi


def ticks(data: bytes) -> list[tuple[int, int, int]]:
    """(start, end, velocity) of each note, at 480 ticks of a quarter note of half a second."""
    notes = read_midi(data).notes
    return [(round(n.start_time * 960), round(n.end_time * 960), n.velocity) for n in notes]


def test_a_note_off_does_not_end_a_note_that_begins_with_it():
    data = mb.midi(
        mb.track((0, mb.on(60, 50)), (100, mb.on(60, 70)), (0, mb.off(60)), (40, mb.off(60)))
    )
    assert ticks(data) == [(0, 100, 50), (100, 140, 70)]
    assert_agrees(data)


def test_a_note_off_ends_all_that_began_before():
    data = mb.midi(
        mb.track((0, mb.on(60, 50)), (100, mb.on(60, 70)), (40, mb.off(60)), (9, mb.off(60)))
    )
    assert ticks(data) == [(0, 140, 50), (100, 140, 70)]
    assert_agrees(data)


def test_a_note_off_takes_back_what_begins_with_it_alone():
    data = mb.midi(
        mb.track((5, mb.on(60)), (0, mb.off(60)), (40, mb.off(60)), (0, mb.on(62)), (9, mb.off(62)))
    )
    assert ticks(data) == [(45, 54, 80)]
    assert_agrees(data)
