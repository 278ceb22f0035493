"""NoteSequences read inside the graph: tempo changes, and rows that make no sense."""

import functools

import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, Phase, given, settings

from tests.made_up import band, chorale
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import note_sequences_graph as graph

# No shrinking: every example runs a graph.
SETTINGS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
TEXTS = [tf.TensorSpec([None], tf.string)]

read = tf.function(graph.readable_note_sequences, TEXTS, autograph=False)
qpm_of = tf.function(graph.note_sequence_qpm, TEXTS, autograph=False)


@tf.function(input_signature=TEXTS, autograph=False)
def positions(texts):
    notes = graph.flat_notes(texts)
    return notes.row, notes.start_quarters, notes.end_quarters


def serialize(sequences):
    return tf.constant([sequence.SerializeToString() for sequence in sequences], tf.string)


# TensorFlow takes numbers below 2e-308 as zero, a tempo that does not count.
NUMBERS = functools.partial(st.floats, allow_subnormal=False)
TIMES = st.one_of(NUMBERS(-3, 50), st.integers(0, 9).map(float))
TEMPOS = st.lists(st.tuples(TIMES, st.one_of(NUMBERS(-20, 300), st.just(0.0))), max_size=6)
NOTES = st.lists(st.tuples(TIMES, TIMES), max_size=8)


@SETTINGS
@given(st.lists(st.tuples(TEMPOS, NOTES), max_size=4))
def test_positions_equal_those_of_the_tempo_map(rows):
    sequences = []
    for tempos, notes in rows:
        sequences.append(NoteSequence())
        for time, qpm in tempos:  # In any order; some at one time, some before the beginning.
            sequences[-1].tempos.add(time=time, qpm=qpm)
        for start, end in notes:
            sequences[-1].notes.add(start_time=start, end_time=end)
    row, start, end = (values.numpy() for values in positions(serialize(sequences)))
    assert row.tolist() == [i for i, (_, notes) in enumerate(rows) for _ in notes]
    for index, (sequence, (_, notes)) in enumerate(zip(sequences, rows, strict=True)):
        times = np.array(notes).reshape(-1, 2)
        expected = transforms.seconds_to_quarters(sequence, times)
        found = np.stack([start[row == index], end[row == index]], axis=1)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_positions_by_hand():
    sequence = NoteSequence()
    sequence.tempos.add(time=4.0, qpm=30.0)
    sequence.tempos.add(time=2.0, qpm=60.0)  # Two quarters a second before it, then one.
    for start in (-1.0, 1.0, 2.0, 3.5, 8.0):
        sequence.notes.add(start_time=start, end_time=start + 0.5)
    _, start, _ = positions(serialize([NoteSequence(), sequence]))
    assert start.numpy().tolist() == [-2.0, 2.0, 4.0, 5.5, 8.0]


def test_numbers_that_are_none_are_left_out_of_their_own_row_alone():
    sane, wild = NoteSequence(), NoteSequence()
    sane.tempos.add(qpm=60.0)
    sane.notes.add(start_time=1.0, end_time=1.5)
    for value in (np.nan, np.inf, -np.inf):
        wild.tempos.add(time=value, qpm=100.0)
        wild.tempos.add(time=1.0, qpm=value)
        wild.notes.add(start_time=value, end_time=1.0)
        wild.notes.add(start_time=0.0, end_time=value)
    wild.tempos.add(time=1e300, qpm=1e300)
    wild.notes.add(start_time=0.5, end_time=1e308)
    row, start, end = (values.numpy() for values in positions(serialize([sane, wild, sane])))
    assert row.tolist() == [0, 1, 2]
    assert start.tolist() == [1.0, 1.0, 1.0]
    assert end[[0, 2]].tolist() == [1.5, 1.5]
    assert end[1] == np.inf


def test_the_first_tempo():
    sequences = [NoteSequence() for _ in range(8)]
    firsts = (60.7, 0.0, -3.0, np.nan, np.inf, 2.0, 1e9)
    for sequence, qpm in zip(sequences, firsts, strict=False):
        sequence.tempos.add(time=0.0, qpm=qpm)
        sequence.tempos.add(time=3.0, qpm=77.0)
    found = qpm_of(serialize(sequences)).numpy()
    assert found.dtype == np.float32
    assert found.tolist() == [np.float32(60.7), 120, 120, 120, 120, 4, 1000, 120]
    assert qpm_of(serialize(sequences[-1:])).numpy().tolist() == [120]
    assert qpm_of(serialize([])).shape == (0,)


@SETTINGS
@given(st.lists(TEMPOS, max_size=4))
def test_the_tempo_at_the_beginning_is_that_of_the_tempo_map(rows):
    sequences = [NoteSequence() for _ in rows]
    for sequence, tempos in zip(sequences, rows, strict=True):
        for time, qpm in tempos:
            sequence.tempos.add(time=time, qpm=qpm)
    expected = [transforms.tempos_by_time(sequence)[0.0] for sequence in sequences]
    expected = np.clip(np.array(expected, np.float32), 4, 1000)
    np.testing.assert_allclose(qpm_of(serialize(sequences)), expected, rtol=1e-6)


def test_a_later_tempo_does_not_hold_from_the_beginning():
    late, replaced, early = NoteSequence(), NoteSequence(), NoteSequence()
    late.tempos.add(time=5.0, qpm=60.0)
    for qpm in (60.0, 80.0):
        replaced.tempos.add(qpm=qpm)
    for time, qpm in ((3.0, 90.0), (-1.0, 50.0)):
        early.tempos.add(time=time, qpm=qpm)
    found = qpm_of(serialize([late, replaced, early, NoteSequence()]))
    assert found.numpy().tolist() == [120, 80, 50, 120]


def _without(sequence, end):
    """The bytes of a sequence, cut or filled up so that they do not parse."""
    return sequence.SerializeToString()[:-1] + end


def _submessage(field, content):
    """The bytes of a NoteSequence whose only field is a submessage of the given bytes."""
    tag = NoteSequence.DESCRIPTOR.fields_by_name[field].number << 3 | 2
    assert len(content) < 128
    low, high = tag & 127, tag >> 7
    return bytes([low | 128, high] if high else [low]) + bytes([len(content)]) + content


# A field's tag, without the value.
_HALF = b"\x08"


@pytest.mark.parametrize(
    "damaged",
    [
        b"\xff\xff\xff",
        b"MThd\x00\x00\x00\x06",
        _without(chorale(2), b""),
        _without(band(3), b"\x00\xff"),
        _submessage("notes", _HALF),
    ],
)
def test_a_row_that_does_not_parse_becomes_empty_alone(damaged):
    texts = [chorale(1).SerializeToString(), damaged, b"", band(2).SerializeToString()]
    with pytest.raises(tf.errors.DataLossError):
        positions(tf.constant(texts))
    assert read(tf.constant(texts)).numpy().tolist() == [texts[0], b"", b"", texts[3]]
    assert read(tf.constant([damaged])).numpy().tolist() == [b""]
    assert positions(read(tf.constant(texts)))[0].numpy()[-1] == 3


def test_a_total_time_of_another_length_is_found():
    damaged = b"\x4a\x03abc"  # field 9 as three bytes of packed doubles
    texts = [chorale(1).SerializeToString(), damaged]
    assert read(tf.constant(texts)).numpy().tolist() == [texts[0], b""]


@pytest.mark.parametrize("field", ["notes", "tempos", "part_infos", "instrument_infos"])
def test_damage_inside_a_submessage_is_found(field):
    texts = [_submessage(field, _HALF), b"", _submessage(field, b"")]
    assert len(getattr(NoteSequence.FromString(texts[2]), field)) == 1
    assert read(tf.constant(texts)).numpy().tolist() == [b"", b"", texts[2]]


def test_what_is_readable_stays_as_it_is():
    texts = [band(number, bars=2 + number).SerializeToString() for number in range(9)]
    assert read(tf.constant(texts)).numpy().tolist() == texts
    assert read(tf.constant([], tf.string)).shape == (0,)
    sequence = NoteSequence(id="fields that nobody reads here", total_time=3.0)
    sequence.text_annotations.add(text="C", time=1.0)
    assert read(serialize([sequence])).numpy().tolist() == [sequence.SerializeToString()]


def test_rows_of_too_many_submessages_become_empty():
    note, limit = _submessage("notes", b""), graph.MAX_SUBMESSAGES
    texts = [note * limit, note * (limit + 1), note]
    assert [len(text) for text in read(tf.constant(texts)).numpy()] == [2 * limit, 0, 2]
