"""MIDI reading against bytes counted by hand, and against note_seq's own reader."""

import random
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.note_sequences import midi_bytes as mb
from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import midi_chunks
from tfmusicgan.note_sequences.midi import read_midi
from tfmusicgan.note_sequences.proto import NoteSequence

# One note of pitch 61, ticks 120 to 360, as the body of otherwise special files.
NOTE = ((120, mb.on(61, 90)), (240, mb.off(61)))


def rows(sequence) -> np.ndarray:
    """[notes, 7] sorted: start, pitch, instrument, end, velocity, program, is_drum."""
    array = np.array(
        [
            (n.start_time, n.pitch, n.instrument, n.end_time, n.velocity, n.program, n.is_drum)
            for n in sequence.notes
        ]
    ).reshape(-1, 7)
    keys = (array[:, 4], array[:, 3].round(7), array[:, 2], array[:, 1], array[:, 0].round(7))
    return array[np.lexsort(keys)]


def reference(data: bytes):
    from note_seq import midi_io

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return midi_io.midi_to_note_sequence(data)


def assert_agrees(data: bytes) -> None:
    expected = rows(reference(data))
    if not len(expected):
        with pytest.raises(ReadError, match="Expected notes"):
            read_midi(data)
        return
    got = rows(read_midi(data))
    np.testing.assert_array_equal(got[:, [1, 2, 4, 5, 6]], expected[:, [1, 2, 4, 5, 6]])
    np.testing.assert_allclose(got[:, [0, 3]], expected[:, [0, 3]], rtol=0, atol=1e-6)


def test_everything_in_a_small_file():
    data = mb.midi(
        mb.track(
            (0, mb.tempo(500_000)),
            (0, mb.meter(6, 3)),
            (0, mb.key(-3, 1)),
            (480, mb.tempo(250_000)),
            (480, mb.meter(3, 2)),
        ),
        mb.track(
            (0, mb.name(b"Bass")),
            (0, mb.program(33, 2)),
            (0, bytes([0xB2, 7, 100])),
            (240, mb.on(40, 70, 2)),
            (0, bytes([0xE2, 0x01, 0x41])),
            (480, mb.off(40, 2)),
        ),
        mb.track((0, mb.on(36, 99, 9)), (960, mb.on(36, 0, 9))),
        division=480,
    )
    sequence = read_midi(data)
    expected = NoteSequence(ticks_per_quarter=480, total_time=0.75)
    expected.source_info.encoding_type = NoteSequence.SourceInfo.MIDI
    expected.tempos.add(time=0, qpm=120)
    expected.tempos.add(time=0.5, qpm=240)
    expected.time_signatures.add(time=0, numerator=6, denominator=8)
    expected.time_signatures.add(time=0.75, numerator=3, denominator=4)
    expected.key_signatures.add(time=0, key=0, mode=NoteSequence.KeySignature.MINOR)  # C minor
    # Half of the bass note lies after the tempo change at one quarter note.
    expected.notes.add(
        pitch=36, velocity=99, start_time=0, end_time=0.75, instrument=1, is_drum=True
    )
    expected.notes.add(
        pitch=40, velocity=70, start_time=0.25, end_time=0.625, instrument=0, program=33
    )
    expected.control_changes.add(time=0, control_number=7, control_value=100, program=33)
    expected.pitch_bends.add(time=0.25, bend=1 + 128, program=33)
    expected.instrument_infos.add(instrument=0, name="Bass")
    assert sequence == expected


def test_defaults_of_the_standard_are_written_out():
    sequence = read_midi(mb.midi(mb.track(*NOTE), division=240))
    assert [(t.time, t.qpm) for t in sequence.tempos] == [(0, 120)]
    meters = [(s.time, s.numerator, s.denominator) for s in sequence.time_signatures]
    assert meters == [(0, 4, 4)]
    assert not sequence.key_signatures
    assert (sequence.notes[0].start_time, sequence.notes[0].end_time) == (0.25, 0.75)


def test_four_four_before_a_late_time_signature():
    sequence = read_midi(mb.midi(mb.track((480, mb.meter(3, 3)), *NOTE)))
    meters = [(s.time, s.numerator, s.denominator) for s in sequence.time_signatures]
    assert meters == [(0, 4, 4), (0.5, 3, 8)]


@pytest.mark.parametrize(
    ("sharps", "minor", "tonic"),
    [(0, 0, 0), (1, 0, 7), (-1, 0, 5), (3, 0, 9), (-7, 0, 11), (0, 1, 9), (1, 1, 4), (-4, 1, 5)],
)
def test_key_signatures(sharps, minor, tonic):
    sequence = read_midi(mb.midi(mb.track((0, mb.key(sharps, minor)), *NOTE)))
    assert [(k.key, k.mode) for k in sequence.key_signatures] == [(tonic, minor)]


def test_signatures_that_are_none_are_left_out():
    data = mb.midi(mb.track((0, mb.key(-1, 255)), (0, mb.key(9, 0)), (0, mb.meter(0, 2)), *NOTE))
    sequence = read_midi(data)
    assert not sequence.key_signatures
    assert [(s.numerator, s.denominator) for s in sequence.time_signatures] == [(4, 4)]


def test_tempo_in_a_later_track_counts():
    # note_seq reads the first track only: it would end this note at 0.375 s.
    data = mb.midi(mb.track(), mb.track((0, mb.tempo(1_000_000))), mb.track(*NOTE))
    sequence = read_midi(data)
    assert [(t.time, t.qpm) for t in sequence.tempos] == [(0, 60)]
    assert sequence.notes[0].end_time == 0.75
    assert reference(data).notes[0].end_time == 0.375


def test_at_one_tick_the_first_tracks_last_word_counts():
    data = mb.midi(
        mb.track((0, mb.meter(2, 2)), (0, mb.meter(5, 2))), mb.track((0, mb.meter(7, 2)), *NOTE)
    )
    assert [s.numerator for s in read_midi(data).time_signatures] == [5]


def test_repeated_tempos_are_left_out():
    data = mb.midi(mb.track((0, mb.tempo(400_000)), (60, mb.tempo(400_000)), *NOTE))
    assert [t.qpm for t in read_midi(data).tempos] == [150]


@pytest.mark.parametrize(("raw", "text"), [(b"\xe9t\xe9", "été"), ("ドラム".encode(), "ドラム")])
def test_track_names_in_latin_1_and_utf_8(raw, text):
    sequence = read_midi(mb.midi(mb.track((0, mb.name(raw)), *NOTE)))
    assert [info.name for info in sequence.instrument_infos] == [text]


@pytest.mark.parametrize(
    "events",
    [
        # Overlapping notes of one pitch: a note-off ends both; the later one is not heard again.
        ((0, mb.on(60, 50)), (10, mb.on(60, 70)), (10, mb.off(60)), (480, mb.off(60)), *NOTE),
        # A missing note-off does not move the ends of the notes after it.
        (
            *((0, mb.on(60, 50)), (10, mb.on(60, 70)), (10, mb.off(60))),
            *((30, mb.on(60, 51)), (10, mb.off(60)), (30, mb.on(60, 52)), (10, mb.off(60))),
        ),
        # Legato, the next note written before the end of the one before.
        ((0, mb.on(60, 50)), (10, mb.on(60, 70)), (0, mb.off(60)), (20, mb.off(60))),
        # Never ended, and ended for the last time before it began.
        ((0, mb.on(60, 50)), (10, mb.off(60)), (10, mb.on(60, 70)), *NOTE),
        # Length zero.
        ((5, mb.on(60)), (0, mb.off(60)), (7, mb.off(60)), *NOTE),
        # A note that a program change interrupts, at the same tick and before.
        ((0, mb.on(60)), (10, mb.program(5)), (10, mb.off(60)), *NOTE),
        ((0, mb.on(60)), (10, mb.program(5)), (0, mb.off(60)), *NOTE),
        ((0, mb.on(60)), (10, mb.off(60)), (0, mb.program(5)), *NOTE),
        # Two channels of one track, the higher one's note ending first at the same tick.
        ((0, mb.on(60, 50, 1)), (0, mb.on(61, 51, 0)), (9, mb.off(60, 1)), (0, mb.off(61, 0))),
    ],
)
def test_agrees_where_note_ends_are_doubtful(events):
    assert_agrees(mb.midi(mb.track(*events)))


EVENT = st.one_of(
    st.builds(
        mb.on, st.sampled_from([60, 61, 64]), st.integers(0, 127), st.sampled_from([0, 4, 9])
    ),
    st.builds(mb.off, st.sampled_from([60, 61, 64]), st.sampled_from([0, 4, 9])),
    st.builds(mb.program, st.sampled_from([0, 7, 90]), st.sampled_from([0, 4])),
)
TRACK = st.lists(st.tuples(st.sampled_from([0, 0, 1, 7, 300]), EVENT), max_size=40)


@settings(max_examples=300, deadline=None)
@given(st.lists(TRACK, min_size=1, max_size=3), st.integers(1, 30000))
def test_agrees_on_any_notes(tracks, division):
    assert_agrees(mb.midi(*(mb.track(*events) for events in tracks), division=division))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(1000, 16_000_000)), max_size=20),
    st.integers(24, 960),
)
def test_agrees_on_any_tempo_map(changes, division):
    notes = [event for i in range(60) for event in ((37, mb.on(i)), (411, mb.off(i)))]
    tempos = [(delta, mb.tempo(micros)) for delta, micros in changes]
    assert_agrees(mb.midi(mb.track(*tempos), mb.track(*notes), division=division))


def test_agrees_on_type_0_with_running_status():
    body = bytes([0, 0x90, 60, 80, 10, 60, 0, 0, 62, 81, 10, 62, 0])
    events = [(0, body[1:4]), *[(body[i], body[i + 1 : i + 3]) for i in range(4, len(body), 3)]]
    assert_agrees(mb.midi(mb.track(*events), kind=0))


GOOD = mb.midi(mb.track(*NOTE), mb.track(*NOTE))


@pytest.mark.parametrize(
    ("data", "reason", "message"),
    [
        (b"", "empty_file", "Received an empty one"),
        (b"not music at all", "not_midi", r"Received b'not '"),
        (GOOD[:10], "truncated_midi", "ends inside the header"),
        (GOOD[:-3], "truncated_midi", "ends inside track 2 of 2"),
        (mb.midi(mb.track(*NOTE), num_tracks=2), "truncated_midi", "after 1 of 2 tracks"),
        (mb.midi(mb.track(*NOTE), kind=2), "midi_type_2", "Received type 2"),
        (mb.midi(mb.track(*NOTE), division=0), "bad_time_division", "Received 0 ticks"),
        (mb.midi(mb.track(*NOTE), division=0xE728), "bad_time_division", "Received SMPTE"),
        (mb.midi(mb.track((0, mb.on(60, 200)), *NOTE)), "unreadable_midi", "cannot parse"),
        (mb.midi(mb.track((0, mb.tempo(0)), *NOTE)), "bad_tempo", "Received 0"),
        (mb.midi(mb.track((0, mb.tempo(9)))), "no_notes", "without any"),
        (mb.midi(mb.track((0, mb.on(60)))), "no_notes", "without any"),
        (
            mb.midi(mb.track((0, mb.on(60)), (2**28 - 1, mb.off(60)))),
            "too_long",
            "Received 559241 quarter notes",
        ),
        (
            mb.midi(mb.track(*([(2**28 - 1, mb.on(60)), (1, mb.off(60))] * 9))),
            "too_long",
            "Received 5033165 quarter notes",
        ),
        (mb.midi(num_tracks=5000), "too_many_events", "at most 4096 tracks"),
        (
            mb.midi(mb.track(*NOTE, *([(0, mb.tempo(9))] * 100_001))),
            "too_many_events",
            "at most 100000 tempo changes",
        ),
    ],
)
def test_bad_files_have_reasons(data, reason, message):
    with pytest.raises(ReadError, match=message) as caught:
        read_midi(data, "folder/song.mid")
    assert caught.value.reason == reason
    assert "folder/song.mid" in str(caught.value) or "song" not in message
    assert "\n" not in str(caught.value)


def test_too_large(monkeypatch):
    monkeypatch.setattr(midi_chunks, "MAX_FILE_BYTES", 40)
    with pytest.raises(ReadError, match=r"at most 40 bytes\. Received 62 bytes") as caught:
        read_midi(GOOD + bytes(62 - len(GOOD)) if len(GOOD) < 62 else GOOD[:62])
    assert caught.value.reason == "too_large"


def test_too_many_notes(monkeypatch):
    monkeypatch.setattr(midi_chunks, "MAX_NOTES", 1)
    with pytest.raises(ReadError, match=r"at most 1 notes.*Received 2 and 0") as caught:
        read_midi(GOOD)
    assert caught.value.reason == "too_many_events"


def test_copies_of_control_changes_are_bounded():
    # 60,000 control changes before the notes of 100 programs would be six million.
    controls = [(0, bytes([0xB0, 7, 1]))] * 60_000
    notes = [e for p in range(100) for e in ((0, mb.program(p)), (1, mb.on(60)), (1, mb.off(60)))]
    with pytest.raises(ReadError, match="control changes times programs") as caught:
        read_midi(mb.midi(mb.track(*controls, *notes)))
    assert caught.value.reason == "too_many_events"


def test_missing_file(tmp_path):
    with pytest.raises(ReadError, match=r"No such file or directory.*gone\.mid") as caught:
        read_midi(tmp_path / "gone.mid")
    assert caught.value.reason == "unreadable_file"


def test_path_and_bytes_give_the_same(tmp_path):
    path = tmp_path / "song.mid"
    path.write_bytes(GOOD)
    assert read_midi(path) == read_midi(str(path)) == read_midi(GOOD)


def test_mutated_files_are_read_or_refused():
    """A short form of the fuzzing done in development: no other error, no crash."""
    choice = random.Random(5)
    events = [e for i in range(40) for e in ((i % 7, mb.on(40 + i % 20)), (9, mb.off(40 + i % 20)))]
    data = mb.midi(mb.track((0, mb.tempo(400_000)), (0, mb.name(b"x"))), mb.track(*events))
    refused = 0
    for _ in range(1500):
        mutant = bytearray(data)
        for _ in range(choice.choice([1, 2, 5])):
            mutant[choice.randrange(14, len(mutant))] = choice.randrange(256)
        try:
            read_midi(bytes(mutant))
        except ReadError:
            refused += 1
    assert 300 < refused < 1500
