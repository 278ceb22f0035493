"""Given music with numbers that make no sense, and too much of it."""

import numpy as np
import pytest
import tensorflow as tf

from tests.made_up import band, chorale
from tests.representations.test_given_track import (
    BAND,
    PIANO,
    TINY,
    VOICES,
    serialize,
    traced_count,
    traced_roll,
    traced_track,
    tune,
)
from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import given_track as numpy_half
from tfmusicgan.representations import multitrack_piano_roll_graph as graph


@pytest.mark.parametrize("field", ["start_time", "end_time"])
def test_times_that_are_not_finite(field):
    sequence = tune((0, 1, 60, 0))
    setattr(sequence.notes[0], field, np.nan)
    for function in (numpy_half.count_bars, lambda *a: numpy_half.encode_track(*a, PIANO)):
        with pytest.raises(ConversionError, match="finite times and tempos in 'tune'") as raised:
            function(sequence, TINY)
        assert raised.value.reason == "bad_times"
    # In the graph the note is left out, so that the batch goes on.
    assert not traced_track(TINY, PIANO)(serialize([sequence]), 2).numpy().any()


def test_a_wild_row_leaves_the_others_alone():
    wild = NoteSequence()
    for value in (np.nan, np.inf, -np.inf, 1e300, -1e300):
        wild.notes.add(pitch=40, start_time=value, end_time=1.0)
        wild.notes.add(pitch=41, start_time=1.0, end_time=value, part=-5, instrument=9999)
        wild.tempos.add(time=value, qpm=value)
    wild.notes.add(pitch=2**31 - 1, program=-7, start_time=0, end_time=1)
    wild.notes.add(pitch=-(2**31), program=2**31 - 1, start_time=5, end_time=-1)
    for rep, music in ((BAND, band(3)), (VOICES, chorale(4))):
        sane = serialize([music])
        mixed = graph.readable_note_sequences(
            tf.concat([sane, serialize([wild]), [b"\xff\xff\xff"], sane], axis=0)
        )
        for function in (
            lambda texts, rep=rep: traced_roll(rep)(texts, 6),
            lambda texts, rep=rep: traced_track(rep, 2)(texts, 6),
            traced_count(rep, 64),
            lambda texts: graph.note_sequence_qpm(texts),
        ):
            alone, among = function(sane).numpy(), function(mixed).numpy()
            assert alone.any()
            assert np.array_equal(among[0], alone[0])
            assert np.array_equal(among[3], alone[0])


def test_the_number_of_notes_does_not_make_a_long_piece_large():
    # 20,000 notes of a year each on one row: the work is bounded by the bars asked for.
    sequence = NoteSequence()
    for number in range(20_000):
        sequence.notes.add(pitch=60 + number % 3, start_time=number % 7 / 4, end_time=3e7)
    texts = serialize([sequence])
    assert traced_count(TINY, 8)(texts).numpy().tolist() == [8]
    assert traced_track(TINY, PIANO)(texts, 8).numpy()[:, 1:].all()
