"""symusic's arrays and the walk event by event give the same where both may be used."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.note_sequences import midi_bytes as mb
from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import midi_events, midi_tracks

STEP = st.tuples(
    st.sampled_from([0, 1, 130, 20_000]),
    st.one_of(
        st.builds(mb.on, st.integers(58, 62), st.integers(0, 127)),
        st.builds(mb.off, st.integers(58, 62)),
        st.builds(lambda n, v: bytes([0xB0, n, v]), st.integers(0, 119), st.integers(0, 127)),
        st.builds(lambda low, high: bytes([0xE0, low, high]), *[st.integers(0, 127)] * 2),
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEP, max_size=40), st.booleans())
def test_arrays_equal_the_walk(steps, has_end):
    body = mb.track((0, mb.program(12)), *steps, end=has_end)[8:]
    walked = midi_events.walk_track(body, "", "x")
    read = midi_tracks.read_track(body, 480, "x").instruments
    assert len(walked) == len(read)
    for expected, got in zip(walked, read, strict=True):
        assert (got.program, got.is_drum) == (expected.program, expected.is_drum) == (12, False)
        for instrument in (expected, got):
            order = np.lexsort((instrument.velocity, instrument.pitch, instrument.start))
            for field in ("start", "end", "pitch", "velocity"):
                object.__setattr__(instrument, field, getattr(instrument, field)[order])
        for field in ("start", "end", "pitch", "velocity"):
            np.testing.assert_array_equal(getattr(got, field), getattr(expected, field))
        for field in ("controls", "bends"):
            for name, values in getattr(expected, field).items():
                np.testing.assert_array_equal(getattr(got, field)[name], values)


def test_plain_tracks_are_not_walked(monkeypatch):
    def refuse(*_):
        raise AssertionError("walked")

    monkeypatch.setattr(midi_tracks, "walk_track", refuse)
    events = [e for i in range(9) for e in ((0, mb.on(50 + i, 80, 3)), (240, mb.off(50 + i, 3)))]
    body = mb.track((0, mb.program(33, 3)), *events, (5, mb.on(40, 80, 3)))[8:]
    (instrument,) = midi_tracks.read_track(body, 480, "x").instruments
    assert instrument.program == 33
    assert instrument.end.tolist() == [240 * i for i in range(1, 10)]


def test_events_before_the_first_note_go_to_every_instrument():
    control = bytes([0xB1, 7, 99])
    body = mb.track(
        *((3, control), (0, mb.on(60, 80, 1)), (2, mb.off(60, 1))),
        *((0, mb.program(8, 1)), (1, mb.on(61, 80, 1)), (2, mb.off(61, 1)), (1, control)),
    )[8:]
    first, second = midi_tracks.read_track(body, 480, "x").instruments
    assert (first.program, second.program) == (0, 8)
    assert first.controls["time"].tolist() == [3]
    assert second.controls["time"].tolist() == [3, 9]


def test_data_bytes_that_only_the_walk_sees():
    with pytest.raises(ReadError, match="Received 200 in a channel event at tick 7 of x"):
        midi_events.walk_track(b"\x07\x90\x3c\xc8", "", "x")


def test_system_messages_are_stepped_over():
    body = b"\x00\xf0\x02ab\x01\xf2\x10\x20\x01\xf6\x00\x90\x3c\x50\x05\x3c\x00\x00\xff\x2f\x00"
    (instrument,) = midi_events.walk_track(body, "", "x")
    assert (instrument.start.tolist(), instrument.end.tolist()) == ([2], [7])


def test_copied_events():
    body = mb.track(
        *((0, bytes([0xB0, 1, 1])), (0, bytes([0xE0, 1, 1])), (0, bytes([0xB5, 1, 1]))),
        *((0, mb.program(4)), (0, mb.program(5)), (0, mb.on(60)), (1, mb.on(60, 0))),
    )[8:]
    assert midi_events.copied_events(body) == (1, 2 * 3 + 1)
