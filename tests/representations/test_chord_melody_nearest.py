"""The word that stands for one that a vocabulary lacks: by hand, and against a slow version."""

import functools

import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, Phase, given, settings

from tests.representations.slow_chord_melody import slow_nearest
from tfmusicgan.representations import chord_melody_nearest as nearest
from tfmusicgan.representations import chord_melody_nearest_graph as graph
from tfmusicgan.representations.chord_melody_words import ChordMelodyWords

# C4, D4 and G4 of a quarter note, D4 of an eighth, G5 of a half, a rest; C major of four quarters,
# G of two, F3-A3-C4 (whose octaves are, from C on, 4 3 3) of four; chords alone of two.
C_CHORD, G_CHORD, F_CHORD = (96, 333, 145), (48, 323, 2180), (96, 433, 545)
WORDS = (
    (24, 4, 3, 0, 0, 0),
    (24, 4, 1, *C_CHORD),
    (24, 4, 1, *F_CHORD),
    (12, 4, 3, *G_CHORD),
    (48, 5, 8, 0, 0, 0),
    (24, 0, 0, 0, 0, 0),
    (0, 0, 0, *G_CHORD),
    (24, 4, 8, *C_CHORD),
    (24, 4, 8, 48, 333, 145),
    (0, 0, 0, 48, 433, 545),
)
REP = ChordMelodyWords(length=1, words=WORDS)


@functools.lru_cache(1)
def finder(rep):
    """The graph half for the vocabulary that was used last, traced once."""
    return tf.function(
        lambda words: graph.nearest(graph.features(words), nearest.known_features(rep)),
        [tf.TensorSpec([None, 6], tf.int64)],
        autograph=False,
    )


def found(rep, words):
    """The nearest words by both halves, which are the same."""
    words = np.array(words, np.int64).reshape(-1, 6)
    np.testing.assert_array_equal(graph.features(tf.constant(words)), nearest.features(words))
    places = nearest.nearest(nearest.features(words), nearest.known_features(rep))
    assert places.dtype == np.int64
    np.testing.assert_array_equal(finder(rep)(words), places)
    return [rep.words[place] for place in places]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        # The note and its duration before the chord, which is another or none.
        ((24, 4, 1, 0, 0, 0), (24, 4, 1, *C_CHORD)),
        ((24, 4, 3, *C_CHORD), (24, 4, 3, 0, 0, 0)),
        ((24, 4, 3, *G_CHORD), (24, 4, 3, 0, 0, 0)),
        # The note's duration before the chord; where two are as near, the chord counts.
        ((17, 4, 3, 0, 0, 0), (12, 4, 3, *G_CHORD)),
        ((18, 4, 3, 0, 0, 0), (24, 4, 3, 0, 0, 0)),
        ((18, 4, 3, *G_CHORD), (12, 4, 3, *G_CHORD)),
        # Another octave before another pitch class, the nearer one first.
        ((24, 6, 8, 0, 0, 0), (48, 5, 8, 0, 0, 0)),
        ((24, 3, 8, 48, 333, 145), (24, 4, 8, 48, 333, 145)),
        ((24, 3, 3, 0, 0, 0), (24, 4, 3, 0, 0, 0)),
        # No word has A or B: A4 (69) is nearest to G4 (67), and so is B4 to it, not to G5.
        ((24, 4, 10, *C_CHORD), (24, 4, 8, *C_CHORD)),
        ((48, 4, 12, 0, 0, 0), (24, 4, 8, 48, 333, 145)),
        ((48, 5, 5, 0, 0, 0), (48, 5, 8, 0, 0, 0)),
        # A chord's duration before its notes, and these before its bass.
        ((24, 4, 8, 54, *F_CHORD[1:]), (24, 4, 8, 48, 333, 145)),
        ((24, 4, 1, 96, 343, 145), (24, 4, 1, *C_CHORD)),
        # A minor, which shares two notes with C and with F: over C3; over E3, a semitone below F3;
        # over A3, 4 above F3 and 9 above C3.
        ((24, 4, 1, 96, 333, 529), (24, 4, 1, *C_CHORD)),
        ((24, 4, 1, 96, 433, 529), (24, 4, 1, *F_CHORD)),
        ((24, 4, 1, 96, 443, 529), (24, 4, 1, *F_CHORD)),
        # A rest stays one, whatever its duration; so does what begins with a chord alone.
        ((96, 0, 0, *C_CHORD), (24, 0, 0, 0, 0, 0)),
        ((0, 0, 0, *C_CHORD), (0, 0, 0, *G_CHORD)),
        ((0, 0, 0, 48, 3333, 145 + 1024), (0, 0, 0, *G_CHORD)),
        # What no vocabulary has a number for.
        ((10_000, 4, 8, 0, 0, 0), (24, 4, 8, 48, 333, 145)),
        ((24, 4, 1, 2**30, 3_333_333, 127), (24, 4, 1, *C_CHORD)),
    ],
)
def test_nearest_by_hand(word, expected):
    assert word not in WORDS
    assert found(REP, [word]) == [expected]
    assert slow_nearest(word, WORDS) == expected


def test_of_equally_near_words_the_first_counts():
    word, near = (24, 4, 1, 0, 0, 0), ((18, 4, 1, 0, 0, 0), (30, 4, 1, 0, 0, 0))
    for words in (near, near[::-1]):
        assert found(ChordMelodyWords(length=1, words=words), [word]) == [words[0]]


def test_notes_rests_and_chords_alone_stand_for_each_other_last():
    note, rest, chord = (18, 4, 1, 12, 3, 1), (12, 0, 0, 0, 0, 0), (0, 0, 0, 12, 3, 1)
    wanted = [(12, 5, 5, 12, 3, 1), (99, 0, 0, 12, 3, 1), (0, 0, 0, 24, 3, 1)]
    for known, expected in (
        ((rest, chord, note), [note, rest, chord]),
        ((chord, rest), [rest, rest, chord]),
        ((chord, note), [note, chord, chord]),
        ((note, rest), [note, rest, rest]),
    ):
        assert found(ChordMelodyWords(length=1, words=known), wanted) == expected


@st.composite
def words(draw):
    """Words that a vocabulary can have, few enough to be near each other."""
    steps, chord_steps = (draw(st.sampled_from(sizes)) for sizes in ((0, 6, 12, 24), (0, 24, 96)))
    octave, pitch = draw(st.sampled_from(((0, 0), (3, 12), (4, 1), (4, 5), (5, 1), (9, 8))))
    chord = draw(
        st.sampled_from(((0, 0), (3, 1), (333, 145), (343, 145), (12, 2049), (3323, 2468)))
    )
    if not steps and not chord_steps:
        steps = 1
    word = (steps, *((octave, pitch) if steps else (0, 0)), chord_steps)
    return (*word, *(chord if chord_steps else (0, 0)))


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # every example traces a graph
)
@given(
    st.lists(words(), min_size=1, max_size=30, unique=True), st.lists(words(), max_size=20), words()
)
def test_both_halves_equal_the_slow_version(known, wanted, last):
    rep = ChordMelodyWords(length=1, words=tuple(known))
    wanted = [*wanted, last, (5_000, 4, 5, 4_096, 10**11 + 1, 4095), last]
    assert found(rep, wanted) == [slow_nearest(word, known) for word in wanted]


def test_many_words_at_once_and_none():
    # More than are compared at a time, each several times; alone each is what it is among others.
    some = [(steps, 4, pitch, 0, 0, 0) for steps in range(1, 14) for pitch in range(1, 13)]
    together = found(REP, some * 2)
    assert len(some) == 156 and together == [slow_nearest(word, WORDS) for word in some * 2]
    assert [found(REP, [word])[0] for word in some[::17]] == together[:156:17]
    assert found(REP, []) == []


def test_known_words_stay_and_others_are_the_nearest():
    known = np.array([WORDS[4], WORDS[0]], np.int64)
    assert nearest.find_nearest_tokens(known, REP).tolist() == [6, 2]
    mixed = np.array([WORDS[4], (24, 4, 1, 0, 0, 0), WORDS[9]], np.int64)
    tokens = nearest.find_nearest_tokens(mixed, REP)
    assert tokens.tolist() == [6, 3, 11] and tokens.dtype == np.int32
    assert REP.find_tokens(mixed).tolist() == [6, 1, 11]  # records keep what is unknown
    assert nearest.find_nearest_tokens(known[:0], REP).tolist() == []
    assert nearest.find_nearest_tokens(known, ChordMelodyWords(length=1)).tolist() == [1, 1]
