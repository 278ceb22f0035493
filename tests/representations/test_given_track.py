"""Music given to a model: the NumPy half by hand, and the graph half against it."""

import dataclasses
import functools

import hypothesis.strategies as st
import numpy as np
import tensorflow as tf
from hypothesis import HealthCheck, Phase, given, settings

from tests.representations.slow_piano_roll import scores
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import given_track as numpy_half
from tfmusicgan.representations import multitrack_piano_roll_graph as graph
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import TRACK_SETS

# No shrinking: every example runs a graph.
SETTINGS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
# Two quarters in a bar, two steps each, pitches 60 to 62.
TINY = MultitrackPianoRoll(
    tracks=TRACK_SETS["lpd5"][:3],  # Drums, piano, guitar.
    bars=2,
    beats_per_bar=2,
    steps_per_beat=2,
    lowest_pitch=60,
    num_pitches=3,
)
DRUMS, PIANO, GUITAR = range(3)
REPS = tuple(
    MultitrackPianoRoll(
        tracks=TRACK_SETS[tracks],
        bars=2,
        steps_per_beat=steps,
        lowest_pitch=35,
        num_pitches=8,
        separate_notes=separate,
        min_note_steps=min_steps,
        drum_onsets_only=onsets,
        min_notes=0,
        min_active_tracks=0,
    )
    for tracks, steps, separate, min_steps, onsets in (
        ("lpd5", 24, "always", 2, True),
        ("musegan", 6, "repeats", 1, False),
        ("lpd5", 3, "never", 0, True),
        ("voices", 4, "repeats", 0, True),
    )
)
# What the made-up band and chorale play in.
BAND, VOICES = (dataclasses.replace(rep, lowest_pitch=24, num_pitches=84) for rep in REPS[1::2])
_TEXTS = tf.TensorSpec([None], tf.string)
_SCALAR = tf.TensorSpec([], tf.int32)


@functools.cache
def traced_track(rep, index):
    return tf.function(
        lambda texts, num_bars: graph.given_track(
            graph.read_notes(texts, rep), rep, index, num_bars
        ),
        [_TEXTS, _SCALAR],
        autograph=False,
    )


@functools.cache
def traced_roll(rep):
    return tf.function(
        lambda texts, num_bars: graph.from_note_sequences(texts, rep, num_bars),
        [_TEXTS, _SCALAR],
        autograph=False,
    )


@functools.cache
def traced_count(rep, max_bars):
    return tf.function(
        lambda texts: graph.count_bars(graph.read_notes(texts, rep), rep, max_bars),
        [_TEXTS],
        autograph=False,
    )


@functools.cache
def traced_notes(rep, index):
    return tf.function(
        lambda texts, num_bars: graph.count_notes(
            graph.read_notes(texts, rep), rep, index, num_bars
        ),
        [_TEXTS, _SCALAR],
        autograph=False,
    )


@functools.cache
def traced_meter(beats_per_bar):
    return tf.function(
        lambda texts: graph.in_meter(texts, beats_per_bar), [_TEXTS], autograph=False
    )


def serialize(sequences):
    return tf.constant([sequence.SerializeToString() for sequence in sequences], tf.string)


def tune(*notes, qpm=60.0):
    """A sequence of (start quarter, end quarter, pitch, program), drums for program None."""
    sequence = NoteSequence(id="tune")
    sequence.tempos.add(qpm=qpm)
    for start, end, pitch, program in notes:
        sequence.notes.add(
            pitch=pitch,
            start_time=start * 60 / qpm,
            end_time=end * 60 / qpm,
            program=program or 0,
            is_drum=program is None,
        )
    return sequence


def rows(track):
    """One text for each pitch, lowest first, one character for each step."""
    return [
        "".join(".x"[cell] for cell in column) for column in track.reshape(-1, track.shape[-1]).T
    ]


def assert_track(sequence, index, expected):
    """Both halves give these rows."""
    assert rows(numpy_half.encode_track(sequence, TINY, index)) == expected
    num_bars = numpy_half.count_bars(sequence, TINY)
    texts = serialize([sequence])
    assert traced_count(TINY, 64)(texts).numpy().tolist() == [num_bars]
    assert rows(traced_track(TINY, index)(texts, num_bars).numpy()[0]) == expected


def test_a_track_by_hand():
    sequence = tune((0, 1, 60, 0), (1, 3, 61, 5), (0, 4, 62, 25), (2, 3, 62, None))
    assert_track(sequence, PIANO, ["xx......", "..xxxx..", "........"])
    assert_track(sequence, GUITAR, ["........", "........", "xxxxxxxx"])
    assert_track(sequence, DRUMS, ["........", "........", "....x..."])


def test_a_melody_of_another_instrument():
    # A flute, and voices that no track of the model takes; no guitar among them.
    sequence = tune((0, 1, 60, 73), (1, 2, 61, 100), (1.5, 2.5, 62, 0), (0, 9, 60, None))
    assert_track(sequence, GUITAR, ["xx......", "..xx....", "...xx..."])
    assert_track(sequence, PIANO, ["........", "........", "...xx..."])
    # Drums are no melody, and a melody is no drums.
    assert_track(tune((0, 1, 60, None)), PIANO, ["....", "....", "...."])
    assert_track(tune((0, 1, 60, 0)), DRUMS, ["....", "....", "...."])


def test_a_melody_for_a_chorale():
    rep = dataclasses.replace(TINY, tracks=TRACK_SETS["voices"])
    one = tune((0, 1, 60, 73), (1, 2, 62, 73))
    two = tune((0, 2, 61, 19), (0, 1, 60, 73), (1, 2, 62, 73))
    for note, part in zip(two.notes, (4, 2, 2), strict=True):
        note.part = part
    texts = serialize([one, two])
    melody, lower = ["xx..", "....", "..xx"], ["....", "xxxx", "...."]
    both = ["xx..", "xxxx", "..xx"]
    # One part is a soprano, or whatever voice is asked for; of two the second is the alto.
    for index, expected in enumerate(((melody, melody), (melody, lower), (melody, both))):
        found = traced_track(rep, index)(texts, 1).numpy()
        assert [rows(track) for track in found] == list(expected)
        for sequence, track in zip((one, two), expected, strict=True):
            assert rows(numpy_half.encode_track(sequence, rep, index)) == track


def is_refused(sequence, rep):
    """Whether the graph half refuses the meter; the NumPy half refuses nothing else."""
    try:
        traced_meter(rep.beats_per_bar)(serialize([sequence]))
    except tf.errors.InvalidArgumentError:
        return True
    numpy_half.count_bars(sequence, rep)
    return False


def check(sequences, rep, index, num_bars):
    sequences = [sequence for sequence in sequences if not is_refused(sequence, rep)]
    texts = serialize(sequences)
    before = [sequence.SerializeToString(deterministic=True) for sequence in sequences]
    counts = traced_count(rep, 12)(texts).numpy().tolist()
    assert counts == [numpy_half.count_bars(s, rep, 12) for s in sequences]
    counts = [count.numpy().tolist() for count in traced_notes(rep, index)(texts, num_bars)]
    expected = [numpy_half.count_notes(s, rep, index, num_bars) for s in sequences]
    assert counts == [[row.moved for row in expected], [row.left_out for row in expected]]
    found = traced_track(rep, index)(texts, num_bars).numpy()
    assert found.shape == (len(sequences), num_bars, rep.steps_per_bar, rep.num_pitches)
    for sequence, track in zip(sequences, found, strict=True):
        assert np.array_equal(track, numpy_half.encode_track(sequence, rep, index, num_bars))
    after = [sequence.SerializeToString(deterministic=True) for sequence in sequences]
    assert after == before


# Each pair is traced once: drums, guitar, strings, piano.
GIVEN = ((REPS[0], 0), (REPS[0], 2), (REPS[1], 3), (REPS[2], 1))


# Any meters, or 4/4 after a pick-up.
METERS = (None, ((1, 1, 4), (8, 4, 4)), ((1, 3, 8), (9, 2, 2)), ((1, 3, 4), (2, 4, 4), (1, 3, 4)))


@SETTINGS
@given(
    st.sampled_from(GIVEN),
    st.lists(st.tuples(scores(), st.sampled_from(METERS)), max_size=3),
    st.integers(1, 9),
)
def test_graph_equals_numpy(given_track, score_list, num_bars):
    sequences = [
        dataclasses.replace(score, meters=meters or score.meters).to_sequence()
        for score, meters in score_list
    ]
    check(sequences, *given_track, num_bars)


@SETTINGS
@given(
    st.lists(scores(num_parts=4), max_size=3),
    st.sampled_from((0, 2)),
    st.integers(1, 9),
    st.sets(st.integers(0, 3)),
    st.booleans(),
)
def test_voices_in_the_graph_equal_numpy(score_list, index, num_bars, silent, has_parts):
    sequences = [score.to_sequence() for score in score_list]
    for sequence in sequences:
        notes = [note for note in sequence.notes if note.part not in silent]
        del sequence.notes[:]
        sequence.notes.extend(notes)  # Any number of parts, none at all among them.
        for note in sequence.notes:
            note.instrument = 10 + 3 * note.part
            note.part = note.part if has_parts else 0
    check(sequences, REPS[3], index, num_bars)


@SETTINGS
@given(
    st.sampled_from(REPS[:3]),
    st.lists(scores(), max_size=3),
    st.integers(1, 7),
    st.sampled_from(((), (1, 1, 4), (1, 7, 8))),
)
def test_any_number_of_bars_equals_windows_end_to_end(rep, score_list, num_bars, pick_up):
    windows = dataclasses.replace(rep, bars=1, hop_bars=1)
    first, sequences = int(bool(pick_up)), []
    for score in score_list:
        meters = (*([pick_up] * first), (8, 4, 4))
        sequence = dataclasses.replace(score, meters=meters).to_sequence()
        # Long enough, with a note that every representation takes.
        sequence.notes.add(start_time=900.0, end_time=901.0, pitch=40)
        sequence.total_time = 901.0
        sequences.append(sequence)
    found = traced_roll(rep)(serialize(sequences), first + num_bars).numpy()
    assert found.shape == (len(sequences), first + num_bars, *rep.spec["piano_roll"].shape[1:])
    for sequence, roll in zip(sequences, found, strict=True):
        # Conversion leaves a pick-up out; here it is the end of the first bar.
        bars = [example["piano_roll"][0] for example in windows.encode(sequence)]
        assert np.array_equal(roll[first:], bars[:num_bars])


def test_what_is_decoded_comes_back_in_at_its_own_length():
    rep = REPS[3]
    rng = np.random.default_rng(12)
    rolls = rng.random((3, 5, *rep.spec["piano_roll"].shape[1:])) < 0.1
    num_bars = np.int32([5, 2, 3])
    for row, count in enumerate(num_bars):
        rolls[row, count - 1, -1, 0, :] = True  # The last step sounds in every voice.
    serialized = graph.to_note_sequences(rolls, rep, np.float32([71.3, 120, 240]), num_bars)
    assert traced_count(rep, 64)(serialized).numpy().tolist() == num_bars.tolist()
    found = traced_roll(rep)(serialized, 5).numpy()
    for row, count in enumerate(num_bars):
        assert np.array_equal(found[row, :count], rolls[row, :count])
        assert not found[row, count:].any()
