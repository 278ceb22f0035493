"""Wire bytes against messages made one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfmusicgan.note_sequences import wire
from tfmusicgan.note_sequences.proto import NoteSequence

SMALL = st.integers(0, 127)
SECONDS = st.floats(0, 1e6)


def columns(rows: list[dict]) -> dict[str, np.ndarray]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


NOTES = st.fixed_dictionaries(
    {
        "pitch": SMALL,
        "velocity": SMALL,
        "start_time": SECONDS,
        "end_time": SECONDS,
        "instrument": st.integers(0, 2**21 - 1),
        "program": SMALL,
        "is_drum": st.booleans(),
    }
)
BENDS = st.fixed_dictionaries(
    {
        "time": SECONDS,
        "bend": st.integers(-8192, 8191),
        "instrument": st.integers(0, 300),
        "program": SMALL,
        "is_drum": st.booleans(),
    }
)


@given(st.lists(NOTES, min_size=1, max_size=9))
def test_notes(rows):
    expected = NoteSequence()
    for row in rows:
        expected.notes.add(**row)
    sequence = NoteSequence()
    wire.add_notes(sequence, columns(rows))
    assert sequence == expected
    assert sequence.SerializeToString() == expected.SerializeToString()


@given(st.lists(BENDS, min_size=1, max_size=9))
def test_pitch_bends(rows):
    expected = NoteSequence()
    for row in rows:
        expected.pitch_bends.add(**row)
    sequence = NoteSequence()
    wire.add_pitch_bends(sequence, columns(rows))
    assert sequence == expected


def test_control_changes_are_appended():
    sequence = NoteSequence()
    expected = NoteSequence()
    for number in (3, 7):
        row = {"time": 1.5, "control_number": number, "control_value": 127, "instrument": 128}
        wire.add_control_changes(sequence, columns([row]))
        expected.control_changes.add(**row)
    assert sequence == expected


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("pitch", 128, "from 0 to 127. Received 128 to 128"),
        ("velocity", -1, "from 0 to 127. Received -1 to -1"),
        ("instrument", 2**21, "from 0 to 2097151. Received 2097152 to 2097152"),
    ],
)
def test_numbers_that_do_not_fit(name, value, message):
    row = {"pitch": 1, "velocity": 1, "start_time": 0.0, "end_time": 1.0, "instrument": 1}
    with pytest.raises(ValueError, match=message):
        wire.add_notes(NoteSequence(), columns([row | {name: value}]))
