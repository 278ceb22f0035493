"""Measures of tunes with chords by hand, and beside the decoded music."""

import numpy as np
import pytest

from tfmusicgan import metrics
from tfmusicgan.errors import ConfigError
from tfmusicgan.metrics import word_metrics
from tfmusicgan.representations.chord_melody_words import ChordMelodyWords

# Notes C, D, E and a rest, of 1, 1/2, 1/4 and 1 quarters; C-E-G and D-F chords, and their rest.
C, D, E, REST = (4, 4, 1), (2, 4, 3), (1, 5, 5), (4, 0, 0)
C_CHORD, D_CHORD, NO_CHORD = (8, 333, 0b10010001), (6, 33, 0b100100), (4, 0, 0)
WORDS = (
    (*C, *C_CHORD),  # token 2
    (*D, 0, 0, 0),
    (*E, *D_CHORD),
    (*REST, 0, 0, 0),
    (0, 0, 0, *C_CHORD),
    (*C, *NO_CHORD),  # token 7
    (*D, *D_CHORD),
)
REP = ChordMelodyWords(steps_per_quarter=4, length=5, words=WORDS)


def values(names, tokens):
    return metrics.evaluate(names, np.int32(tokens), REP)


def test_onsets_and_lengths_by_hand():
    found = values(["onsets", "quarters"], [[2, 3, 6, 3, 3], [5, 5, 5, 8, 0]])
    # Of ten words: the sixth and the start symbol begin no note; chords begin in 2, 6 and 8.
    assert found["onsets/melody"] == pytest.approx(8 / 10)
    assert found["onsets/chords"] == pytest.approx(3 / 10)
    # Melodies of 4 + 3 * 2 and 3 * 4 + 2 steps, chords of 16 and 6, in ten words.
    assert found["quarters/melody"] == pytest.approx(100 * (24 / 4) / 10)
    assert found["quarters/chords"] == pytest.approx(100 * (22 / 4) / 10)


def test_chord_tones_by_hand():
    # C over C, D at 4 over C, E at 6 over D, D at 7 and 9 over D.
    # The chords after each other: C from 0 to 8, D from 8 to 14. So E at 6 is over C still.
    found = values(["chord_tones"], [[2, 3, 4, 3, 3]])
    # C yes, D at 4 no, E at 6 yes, D at 7 no (C until 8), D at 9 yes.
    assert found["chord_tones/melody"] == pytest.approx(3 / 5)
    # With D-F for C-E-G and the other way round: no, yes, no, yes, no.
    assert found["chord_tones/next_chord"] == pytest.approx(2 / 5)


def test_notes_without_a_chord_do_not_count():
    # D alone, then C over a rest; nothing else. And a melody without any chord.
    assert np.isnan(values(["chord_tones"], [[3, 7, 5, 5, 5]])["chord_tones/melody"])
    assert np.isnan(values(["chord_tones"], [[3, 3, 3, 3, 3]])["chord_tones/melody"])
    # After the chords' end as well: C over C until 8, then rests to 16, D at 16 is over nothing.
    found = values(["chord_tones"], [[2, 5, 5, 5, 3]])
    assert found["chord_tones/melody"] == 1.0


def test_times_are_those_of_decoded_music():
    tokens = np.random.default_rng(3).integers(0, REP.num_tokens, (40, 9))
    words = REP.table[tokens]
    starts = word_metrics._starts(words[..., [0, 3]])
    assert starts.shape == (40, 9, 2) and len(np.unique(starts[:, 0], axis=0)) > 3
    for row, own in zip(tokens, starts, strict=True):
        sequence = REP.decode({"tokens": row}, qpm=15.0)  # a step is a second
        for part in (0, 1):
            notes = sorted(n.start_time for n in sequence.notes if n.instrument == part)
            word = REP.table[row]
            sounding = [max(bin(w[5]).count("1"), 0) if part else int(w[2] > 0) for w in word]
            expected = np.repeat(own[:, part], sounding)
            assert notes == pytest.approx(sorted(expected.tolist()))


def test_resamples_and_halves():
    tokens = np.int32([[2, 3, 4, 3, 3], [2, 5, 5, 5, 3]])
    estimate = metrics.estimates(["chord_tones"], tokens, REP)["chord_tones/melody"]
    assert estimate.value(np.array([[1, 0], [0, 2]])) == pytest.approx([3 / 5, 1.0])
    assert estimate.spread(np.array([True, False])) == pytest.approx(2 / 5)


def test_another_length_is_refused():
    with pytest.raises(ConfigError, match=r"tokens of int32 \[phrases, 5\]. Received: int32 \[1, "):
        values(["onsets"], [[2, 3]])
