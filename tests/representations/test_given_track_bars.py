"""The bars of given music, and what is moved and left out of it, by hand and in both halves."""

import numpy as np
import pytest
import tensorflow as tf

from tests.representations.test_given_track import (
    DRUMS,
    GUITAR,
    PIANO,
    TINY,
    assert_track,
    is_refused,
    rows,
    serialize,
    traced_count,
    traced_notes,
    traced_track,
    tune,
)
from tfmusicgan.datasets.bach_chorales import corpus_folder
from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import given_track as numpy_half
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import TRACK_SETS
from tfmusicgan.serving.given_music import read_piece


def metered(sequence, *signatures):
    """With time signatures (quarter, numerator, denominator), at a quarter note a second."""
    for quarter, numerator, denominator in signatures:
        sequence.time_signatures.add(time=quarter, numerator=numerator, denominator=denominator)
    return sequence


def assert_counts(sequence, index, moved, left_out, num_bars=8):
    """Both halves count these notes."""
    counts = numpy_half.count_notes(sequence, TINY, index, num_bars)
    assert counts == (moved, left_out)
    counts = traced_notes(TINY, index)(serialize([sequence]), num_bars)
    assert [count.numpy().tolist() for count in counts] == [[moved], [left_out]]


def test_a_pick_up_stands_at_the_end_of_the_first_bar():
    melody = (0, 1, 60, 0), (1, 2, 61, 0), (2, 3.5, 62, 0)
    assert_track(tune(*melody), PIANO, ["xx......", "..xx....", "....xxx."])
    after = ["..xx....", "....xx..", "......xx"]  # the last note goes on in the third bar
    for signatures in (((0, 1, 4), (1, 2, 4)), ((0, 2, 4), (1, 2, 4)), ((1, 1, 2), (0, 4, 16))):
        sequence = metered(tune(*melody), *signatures)
        found = numpy_half.encode_track(sequence, TINY, PIANO)
        assert [row[:8] for row in rows(found)] == after
        assert [row[8:] for row in rows(found)] == ["....", "....", "x..."]
        assert_track(sequence, PIANO, rows(found))
    # An eighth before the first bar line.
    eighth = metered(tune((0, 0.5, 60, 0), (0.5, 1.5, 61, 0)), (0, 1, 8), (0.5, 2, 4))
    assert_track(eighth, PIANO, ["...x....", "....xx..", "........"])


def test_a_row_without_a_pick_up_beside_one():
    notes = (0, 1, 60, 0), (1, 2, 61, 0)
    pair = [tune(*notes), metered(tune(*notes), (0, 1, 4), (1, 2, 4))]
    found = traced_track(TINY, PIANO)(serialize(pair), 2).numpy()
    assert [rows(track)[0] for track in found] == ["xx......", "..xx...."]


def test_a_chorale_is_cut_where_training_cuts_it():
    rep = MultitrackPianoRoll(
        tracks=TRACK_SETS["voices"], bars=1, hop_bars=1, steps_per_beat=4, min_notes=0
    )
    chorale = read_piece(str(corpus_folder() / "bwv101.7.mxl"))  # a quarter, then 4/4
    trained = [bar["piano_roll"][0, ..., 0] for bar in rep.encode(chorale)]
    num_bars = numpy_half.count_bars(chorale, rep)
    assert num_bars == 1 + len(trained) + 1  # the last bar lacks what the pick-up has
    for track in (
        numpy_half.encode_track(chorale, rep, 0),
        traced_track(rep, 0)(serialize([chorale]), num_bars).numpy()[0],
    ):
        assert not track[0, :12].any() and track[0, 12:15].any(axis=1).all()
        assert np.array_equal(track[1:-1], trained)


@pytest.mark.parametrize(
    ("signatures", "named"),
    [
        (((0, 3, 4),), "3/4"),
        (((0, 4, 8),), "4/8"),  # two quarter notes, but counted in eighths
        (((0, 1, 4), (1, 3, 4)), "3/4"),
        (((0, 1, 4), (1, 2, 4), (3, 3, 4), (6, 2, 4)), "3/4"),
        (((0, 3, 4), (3, 2, 4)), "3/4"),  # longer than a bar: no pick-up
    ],
)
def test_other_meters_are_refused(signatures, named):
    sequence = metered(tune((0, 9, 60, 0)), *signatures)
    assert is_refused(sequence, TINY)
    for function in (numpy_half.encode_track, numpy_half.count_notes):
        with pytest.raises(ConversionError, match=f"in 2/4. Received: {named} in 'tune'") as raised:
            function(sequence, TINY, PIANO)
        assert raised.value.reason == "no_bars_in_meter"


def test_a_last_bar_may_be_cut_short():
    sequence = metered(tune((0, 6, 60, 0)), (0, 1, 4), (1, 2, 4), (5, 1, 4))
    assert not is_refused(sequence, TINY)
    assert_track(sequence, PIANO, ["..xxxxxxxxxxxx..", "." * 16, "." * 16])


def test_pitches_out_of_range_are_moved_by_octaves():
    sequence = tune((0, 1, 72, 0), (1, 2, 49, 0), (2, 3, 62, 0), (3, 4, 98, 0))
    assert_track(sequence, PIANO, ["xx......", "..xx....", "....x.xx"])
    assert_counts(sequence, PIANO, moved=3, left_out=0)
    # TINY has three pitches: of the others there is none in any octave.
    sequence = tune((0, 1, 63, 0), (1, 2, 71, 0), (2, 3, 59, 0), (3, 4, 84, 0))
    assert_track(sequence, PIANO, ["......xx", "........", "........"])
    assert_counts(sequence, PIANO, moved=1, left_out=3)
    # A drum is another drum an octave higher.
    sequence = tune((0, 1, 72, None), (1, 2, 60, None))
    assert_track(sequence, DRUMS, ["..x.", "....", "...."])
    assert_counts(sequence, DRUMS, moved=0, left_out=1)


def test_a_track_of_which_nothing_can_be_had_is_silent_at_its_length():
    # Its own notes count, not those of others.
    sequence = tune((0, 5, 90, 25), (0, 1, 60, 0))
    assert_track(sequence, GUITAR, ["." * 12] * 3)
    assert_counts(sequence, GUITAR, moved=0, left_out=1)
    assert_counts(sequence, PIANO, moved=0, left_out=0)


def test_notes_behind_the_bars_are_left_out():
    sequence = tune((0, 9, 60, 0), (3.7, 5, 61, 0), (4, 5, 62, 0), (8, 9, 74, 0), (-2, 0, 60, 0))
    assert_counts(sequence, PIANO, moved=0, left_out=3, num_bars=2)
    assert_counts(sequence, PIANO, moved=1, left_out=1)


def test_bars_are_counted_to_the_last_step_at_which_a_note_sounds():
    # Half a step is an eighth of a quarter note's half: 0.25 quarters.
    for end, bars in ((2.0, 1), (2.2, 1), (2.26, 2), (4.24, 2), (4.3, 3), (0.1, 1), (-3.0, 1)):
        # In range, out of it, and of a program that no track takes.
        for pitch, program in ((60, 0), (99, 0), (60, 97)):
            sequence = tune((0.0, end, pitch, program))
            assert numpy_half.count_bars(sequence, TINY) == bars, end
            assert traced_count(TINY, 64)(serialize([sequence])).numpy().tolist() == [bars], end
    hits = tune((3.9, 90, 60, None))  # A drum's onset alone: on the third bar's first step.
    assert numpy_half.count_bars(hits, TINY) == 3
    assert traced_count(TINY, 64)(serialize([hits])).numpy().tolist() == [3]
    with_pick_up = metered(tune((0, 3, 60, 0)), (0, 1, 4), (1, 2, 4))
    assert numpy_half.count_bars(with_pick_up, TINY) == 2


def test_bars_are_bounded():
    sequences = [
        tune((0, 1e9, 60, 0)),
        tune((1e200, 1e201, 60, 0)),
        tune((-1e200, 1.0, 60, 0)),
        tune((4 * 2, 9 * 2, 60, 0)),  # Begins where the last bar ends.
        NoteSequence(),
        tune((0, 9, 128, 0)),  # No MIDI number.
        tune((6, 8, 61, 25)),
    ]
    expected = [4, 4, 1, 4, 1, 1, 4]
    assert traced_count(TINY, 4)(serialize(sequences)).numpy().tolist() == expected
    assert [numpy_half.count_bars(sequence, TINY, 4) for sequence in sequences] == expected
    assert traced_count(TINY, 4)(serialize([])).shape == (0,)


def test_counts_of_no_rows_and_of_wild_numbers():
    assert all(count.shape == (0,) for count in traced_notes(TINY, PIANO)(serialize([]), 2))
    wild = NoteSequence()
    for pitch in (2**31 - 1, -(2**31), -1, 128):
        wild.notes.add(pitch=pitch, start_time=0, end_time=1)
    wild.notes.add(pitch=60, start_time=np.nan, end_time=1)
    texts = tf.concat([serialize([wild]), serialize([tune((0, 1, 72, 0))])], axis=0)
    moved, left_out = traced_notes(TINY, PIANO)(texts, 2)
    assert moved.numpy().tolist() == [0, 1]
    assert left_out.numpy().tolist() == [4, 0]
