"""What a reader's sequence is completed to."""

import math

import pytest

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences.normalise import check_length, normalise
from tfmusicgan.note_sequences.proto import NoteSequence


def test_defaults_and_order():
    sequence = NoteSequence()
    sequence.notes.add(pitch=64, start_time=1, end_time=3)
    sequence.notes.add(pitch=62, start_time=1, end_time=2, instrument=1)
    sequence.notes.add(pitch=62, start_time=1, end_time=2)
    sequence.notes.add(pitch=70, start_time=0, end_time=0)
    sequence.notes.add(pitch=71, start_time=0, end_time=math.nan)
    sequence.notes.add(pitch=72, start_time=-1, end_time=1)
    sequence.tempos.add(time=2, qpm=60)
    sequence.tempos.add(time=1, qpm=math.inf)
    sequence.time_signatures.add(time=5, numerator=3, denominator=4)
    sequence.time_signatures.add(time=2, numerator=2, denominator=4)
    normalise(sequence, "x")
    assert [(n.pitch, n.instrument) for n in sequence.notes] == [(62, 0), (62, 1), (64, 0)]
    assert [(t.time, t.qpm) for t in sequence.tempos] == [(0, 120), (2, 60)]
    meters = [(m.time, m.numerator) for m in sequence.time_signatures]
    assert meters == [(0, 4), (2, 2), (5, 3)]
    assert (sequence.total_time, sequence.ticks_per_quarter) == (3, 220)


def test_a_later_total_time_and_written_values_stay():
    sequence = NoteSequence(total_time=8, ticks_per_quarter=96)
    sequence.notes.add(start_time=0, end_time=3)
    sequence.tempos.add(time=0, qpm=77)
    sequence.time_signatures.add(time=0, numerator=5, denominator=8)
    expected = NoteSequence.FromString(sequence.SerializeToString())
    normalise(sequence, "x")
    assert sequence == expected


def test_keys_without_a_name_are_dropped():
    sequence = NoteSequence()
    sequence.notes.add(end_time=3)
    for time, key, mode in ((4, 2, 99), (3, 11, 7), (2, 15, 0), (1, -1, 1), (0, 9, 1)):
        sequence.key_signatures.add(time=time, key=key, mode=mode)
    normalise(sequence, "x")
    keys = [
        (signature.time, signature.key, signature.mode) for signature in sequence.key_signatures
    ]
    assert keys == [(0, 9, 1), (3, 11, 7)]


@pytest.mark.parametrize(
    ("note", "reason", "message"),
    [
        ({"pitch": 60}, "no_notes", "without any: x"),
        ({"pitch": 128, "end_time": 1}, "invalid_notes", "Received pitch 128"),
        ({"velocity": -1, "end_time": 1}, "invalid_notes", "velocity -1"),
        ({"program": 300, "end_time": 1}, "invalid_notes", "program 300"),
        ({"end_time": 86_401}, "too_long", "86401 seconds: x"),
    ],
)
def test_refusals(note, reason, message):
    sequence = NoteSequence()
    sequence.notes.add(**note)
    with pytest.raises(ReadError, match=message) as caught:
        normalise(sequence, "x")
    assert caught.value.reason == reason


def test_fast_tempos_count_in_quarters():
    sequence = NoteSequence()
    sequence.notes.add(end_time=10)
    sequence.tempos.add(qpm=1e9)
    with pytest.raises(ReadError, match="Received 166666667 quarter notes, 10 seconds"):
        normalise(sequence, "x")


@pytest.mark.parametrize(("quarters", "seconds"), [(math.nan, 1), (1, math.nan), (1, math.inf)])
def test_lengths_that_are_no_numbers(quarters, seconds):
    with pytest.raises(ReadError, match="Expected a piece of at most"):
        check_length(quarters, seconds, "x")
