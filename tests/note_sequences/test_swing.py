"""Swing, by hand."""

import numpy as np
import pytest

from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.swing import swing

CHORD = NoteSequence.TextAnnotation.CHORD_SYMBOL


def piece(*notes, qpm=60.0, instrument=0):
    """(first step, last step) of twelve to a quarter note."""
    sequence = NoteSequence(ticks_per_quarter=240)
    sequence.tempos.add(qpm=qpm)
    add(sequence, notes, instrument, 60 / qpm)
    return sequence


def add(sequence, notes, instrument, quarter=1.0):
    for start, end in notes:
        times = {"start_time": start * quarter / 12, "end_time": end * quarter / 12}
        sequence.notes.add(pitch=60, velocity=80, instrument=instrument, **times)
    sequence.total_time = max(note.end_time for note in sequence.notes)


def steps(sequence, quarter=1.0, instrument=0):
    found = [
        (note.start_time * 12 / quarter, note.end_time * 12 / quarter)
        for note in sequence.notes
        if note.instrument == instrument
    ]
    return np.array(found).round(6).tolist()


def test_pairs_of_eighths():
    even = piece((0, 6), (6, 12), (12, 18), (18, 24), qpm=90)
    kept = even.SerializeToString(deterministic=True)
    swung = swing(even, 2.0)
    assert steps(swung, 60 / 90) == [[0, 8], [8, 12], [12, 20], [20, 24]]
    assert even.SerializeToString(deterministic=True) == kept
    assert swing(even, 1.0) == even
    assert steps(swing(even, 3.0), 60 / 90)[:2] == [[0, 9], [9, 12]]
    # At 90 quarter notes a minute the second eighth comes after 4/9 s.
    assert swung.notes[1].start_time == pytest.approx(4 / 9)


def test_what_lasts_over_the_beat():
    # A rest, a quarter note off the beat, an eighth, a long one that ends in the middle.
    found = steps(swing(piece((6, 18), (18, 24), (24, 54)), 2.0))
    assert found == [[8, 20], [20, 24], [24, 56]]
    assert swing(piece((24, 54)), 2.0).total_time == pytest.approx(56 / 12)


def test_triplets_and_sixteenths_stay():
    triplets = [(0, 4), (4, 8), (8, 12)]
    sixteenths = [(12, 15), (15, 18), (18, 21), (21, 24)]
    found = steps(swing(piece(*triplets, *sixteenths, (24, 30), (30, 36)), 2.0))
    expected = [[*note] for note in (*triplets, *sixteenths)]
    assert found == [*expected, [24, 32], [32, 36]]
    # A quarter note's end in the middle of three triplets stays, too.
    assert steps(swing(piece((0, 18), (20, 24)), 2.0)) == [[0, 18], [20, 24]]


def test_short_notes_stay_before_the_beat():
    # Sixteenths on both eighths: the second has half of what is left.
    assert steps(swing(piece((0, 3), (6, 9)), 2.0)) == [[0, 3], [8, 10]]
    assert steps(swing(piece((6, 7)), 2.0)) == [[8, pytest.approx(8 + 4 / 6)]]


def test_parts_swing_by_themselves():
    sequence = piece((0, 6), (6, 12))
    add(sequence, [(0, 4), (4, 7), (7, 12)], instrument=1)
    for symbol, step in (("C", 0), ("F", 6), ("G", 13), ("Am", 18)):
        sequence.text_annotations.add(text=symbol, time=step / 12, annotation_type=CHORD)
    sequence.text_annotations.add(text="a word", time=0.5)
    swung = swing(sequence, 2.0)
    assert steps(swung) == [[0, 8], [8, 12]]
    assert steps(swung, instrument=1) == [[0, 4], [4, 7], [7, 12]]
    assert [note.start_time for note in swung.notes] == sorted(n.start_time for n in swung.notes)
    times = [round(text.time * 12, 6) for text in swung.text_annotations]
    assert times == [0, 8, 13, 18, 6]


def test_tempos_and_meters():
    # Half as fast from the second quarter note on: it takes two seconds.
    slower = piece((0, 6), (6, 12))
    slower.tempos.add(time=1.0, qpm=30)
    slower.notes.add(start_time=1.0, end_time=2.0)
    slower.notes.add(start_time=2.0, end_time=3.0)
    slower.total_time = 3.0
    found = [note.start_time for note in swing(slower, 2.0).notes]
    assert found == pytest.approx([0, 8 / 12, 1, 1 + 2 * 8 / 12])
    # 6/8 for a bar and a half; then 4/4, whose first quarter note begins off the piece's.
    sequence = piece((0, 6), (6, 12), (54, 60), (60, 66))
    sequence.time_signatures.add(numerator=6, denominator=8)
    sequence.time_signatures.add(time=54 / 12, numerator=4, denominator=4)
    assert steps(swing(sequence, 2.0)) == [[0, 6], [6, 12], [54, 62], [62, 66]]


@pytest.mark.parametrize("ratio", [0.5, 3.1, float("nan")])
def test_ratios_out_of_range(ratio):
    with pytest.raises(ConfigError, match=r"Expected swing within 1-3\. Received: (0.5|3.1|nan)"):
        swing(NoteSequence(), ratio)
    assert swing(NoteSequence(), 2.0) == NoteSequence()
