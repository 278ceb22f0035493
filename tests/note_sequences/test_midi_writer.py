"""MIDI writing: there and back, and against note_seq's reader."""

import math
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.note_sequences.test_midi import reference
from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.midi import read_midi, to_midi_bytes, write_midi
from tfmusicgan.note_sequences.proto import NoteSequence


def song() -> NoteSequence:
    """Two tempos, meters and keys; three instruments; times on ticks of 480 to a quarter."""
    sequence = NoteSequence(ticks_per_quarter=480, total_time=2.5)
    sequence.source_info.encoding_type = NoteSequence.SourceInfo.MIDI
    sequence.tempos.add(time=0, qpm=60)
    sequence.tempos.add(time=2, qpm=120)
    sequence.time_signatures.add(time=0, numerator=6, denominator=8)
    sequence.time_signatures.add(time=2, numerator=7, denominator=16)
    sequence.key_signatures.add(time=0, key=9, mode=NoteSequence.KeySignature.MINOR)
    sequence.key_signatures.add(time=1, key=8, mode=NoteSequence.KeySignature.MAJOR)
    sequence.notes.add(
        pitch=36, velocity=1, start_time=0, end_time=0.25, instrument=2, is_drum=True
    )
    sequence.notes.add(pitch=60, velocity=127, start_time=0, end_time=2.25, program=19)
    sequence.notes.add(pitch=43, velocity=64, start_time=1, end_time=2.5, instrument=1, program=32)
    sequence.control_changes.add(time=0.5, control_number=64, control_value=127, program=19)
    sequence.pitch_bends.add(time=1.5, bend=-8192, instrument=1, program=32)
    sequence.instrument_infos.add(instrument=0, name="Orgel")
    sequence.instrument_infos.add(instrument=2, name="Schlagzeug")
    return sequence


def test_there_and_back():
    assert read_midi(to_midi_bytes(song())) == song()


@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("tonic", range(12))
def test_every_key_comes_back(tonic, mode):
    sequence = song()
    del sequence.key_signatures[:]
    sequence.key_signatures.add(key=tonic, mode=mode)
    assert read_midi(to_midi_bytes(sequence)).key_signatures == sequence.key_signatures


@pytest.mark.parametrize(
    ("mode", "tonic", "signature"),
    [
        ("DORIAN", 2, (0, "MAJOR")),
        ("DORIAN", 4, (2, "MAJOR")),  # E dorian has the two sharps of D major.
        ("PHRYGIAN", 9, (5, "MAJOR")),
        ("LYDIAN", 0, (7, "MAJOR")),
        ("MIXOLYDIAN", 2, (7, "MAJOR")),
        ("LOCRIAN", 4, (5, "MAJOR")),
        ("NOT_SPECIFIED", 11, (11, "MAJOR")),
    ],
)
def test_other_modes_keep_their_sharps_and_flats(mode, tonic, signature):
    sequence = song()
    del sequence.key_signatures[:]
    sequence.key_signatures.add(key=tonic, mode=mode)
    (key,) = read_midi(to_midi_bytes(sequence)).key_signatures
    assert (key.key, NoteSequence.KeySignature.Mode.Name(key.mode)) == signature


def test_note_seq_reads_the_same():
    expected, got = reference(to_midi_bytes(song())), song()
    note = ("pitch", "velocity", "start_time", "end_time", "instrument", "program", "is_drum")
    for ours, theirs in zip(
        got.notes, sorted(expected.notes, key=lambda n: (n.start_time, n.pitch)), strict=True
    ):
        assert [getattr(ours, f) for f in note] == [getattr(theirs, f) for f in note]
    assert got.time_signatures == expected.time_signatures
    assert got.key_signatures == expected.key_signatures
    assert got.tempos == expected.tempos


def test_more_instruments_than_channels():
    sequence = NoteSequence(ticks_per_quarter=96)
    for number in range(40):
        sequence.notes.add(
            pitch=30 + number, velocity=9, end_time=1, instrument=number, program=number
        )
    back = read_midi(to_midi_bytes(sequence))
    assert [(n.pitch, n.instrument, n.program, n.is_drum) for n in back.notes] == [
        (30 + number, number, number, False) for number in range(40)
    ]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 127), st.integers(1, 127), st.integers(0, 60), st.integers(1, 9)),
        min_size=1,
        max_size=30,
        unique_by=lambda note: note[0],
    ),
    st.floats(20, 300),
)
def test_notes_on_a_grid_come_back(notes, qpm):
    sequence = NoteSequence(ticks_per_quarter=24)
    sequence.tempos.add(qpm=qpm)
    step = 60 / qpm / 24
    for pitch, velocity, start, size in notes:
        sequence.notes.add(
            pitch=pitch, velocity=velocity, start_time=start * step, end_time=(start + size) * step
        )
    back = read_midi(to_midi_bytes(sequence))
    step = 60 / back.tempos[0].qpm / 24  # Tempos are whole microseconds in MIDI.
    got = {
        (n.pitch, n.velocity, round(n.start_time / step), round((n.end_time - n.start_time) / step))
        for n in back.notes
    }
    assert got == set(notes)


def test_short_notes_last_a_tick():
    sequence = NoteSequence(ticks_per_quarter=10)
    sequence.notes.add(pitch=60, velocity=9, start_time=1, end_time=1.0001)
    assert read_midi(to_midi_bytes(sequence)).notes[0].end_time == pytest.approx(1.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pitch": 128}, "Received pitch 128"),
        ({"velocity": 200}, "velocity 200"),
        ({"program": -1}, "program -1"),
        ({"end_time": 0.5}, r"1.000 to 0.500 s"),
    ],
)
def test_notes_that_midi_cannot_hold(change, message):
    sequence = NoteSequence()
    sequence.notes.add(**{"pitch": 60, "velocity": 9, "start_time": 1, "end_time": 2} | change)
    with pytest.raises(ConversionError, match=message) as caught:
        to_midi_bytes(sequence)
    assert caught.value.reason == "not_midi_range"


def test_what_is_between_two_events_has_to_fit():
    """2^28 - 1 ticks at most; together there may be more."""
    sequence = NoteSequence(ticks_per_quarter=15_360)
    for quarter in (0, 9_000, 18_000, 26_000):  # at 120 qpm, up to 399,360,000 ticks
        sequence.notes.add(
            pitch=60, velocity=80, start_time=quarter / 2, end_time=(quarter + 1) / 2
        )
    read = read_midi(to_midi_bytes(sequence), "long.mid")
    assert [note.start_time for note in read.notes] == [0.0, 4_500.0, 9_000.0, 13_000.0]
    del sequence.notes[1:3]
    expected = r"at most 268435455 ticks from one .*Received 25999 quarter notes of 15360"
    with pytest.raises(ConversionError, match=expected) as caught:
        to_midi_bytes(sequence)
    assert caught.value.reason == "not_midi_range"


@pytest.mark.parametrize(
    ("field", "event", "message"),
    [
        ("time_signatures", {"numerator": 300, "denominator": 4}, "Received 300/4 at 0.000 s"),
        ("time_signatures", {"numerator": 4, "denominator": 6}, "Received 4/6 at"),
        ("time_signatures", {"numerator": 4, "denominator": 256}, "Received 4/256 at"),
        ("tempos", {"qpm": 3.5, "time": 1}, r"from 3\.5763 to 60000000 .*Received 3\.5 at 1.000 s"),
        ("tempos", {"qpm": 1e8}, r"Received 1e\+08 at"),
        ("tempos", {"qpm": math.inf}, "Received inf at"),
        ("notes", {"start_time": 3e6, "end_time": 3e6 + 1}, "Received 3000000.000 s, 480 to a"),
        ("notes", {"end_time": math.inf}, "at most 2147483647 ticks. Received inf s"),
        ("key_signatures", {"time": math.nan}, "Received nan s"),
        ("control_changes", {"control_number": 128}, "Received number 128, value 0, program 0"),
        ("control_changes", {"control_value": 300}, "value 300"),
        ("control_changes", {"program": 200}, "program 200"),
        ("pitch_bends", {"bend": 8192}, "Received bend 8192"),
        ("pitch_bends", {"bend": -8193}, "Received bend -8193"),
        ("pitch_bends", {"program": -1}, "program -1"),
    ],
)
def test_events_that_midi_cannot_hold(field, event, message):
    sequence = song()
    getattr(sequence, field).add(**event)
    with pytest.raises(ConversionError, match=message) as caught:
        to_midi_bytes(sequence)
    assert caught.value.reason == "not_midi_range"


def test_limits_that_midi_holds():
    sequence = NoteSequence(ticks_per_quarter=480)
    sequence.tempos.add(qpm=6e7 / 0xFFFFFF)
    sequence.time_signatures.add(numerator=255, denominator=128)
    sequence.notes.add(pitch=127, velocity=127, program=127, start_time=80_000, end_time=80_001)
    sequence.pitch_bends.add(bend=8191, program=127)
    sequence.control_changes.add(control_number=127, control_value=127, program=127)
    back = read_midi(to_midi_bytes(sequence))
    for field in ("tempos", "time_signatures", "pitch_bends", "control_changes"):
        assert getattr(back, field) == getattr(sequence, field)
    assert back.notes[0].start_time == pytest.approx(80_000, abs=0.03)


def test_meters_that_count_nowhere_are_left_out():
    sequence = song()
    sequence.time_signatures.add(time=1, numerator=0, denominator=4)
    sequence.time_signatures.add(time=1, numerator=4, denominator=0)
    assert read_midi(to_midi_bytes(sequence)) == song()


def test_the_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "song.mid"
    write_midi(song(), path)
    assert read_midi(path) == song()
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_midi(NoteSequence(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
