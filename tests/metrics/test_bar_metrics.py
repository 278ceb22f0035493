"""Measures of melodies in bars by hand, and beside the decoded music."""

import numpy as np
import pytest

from tfmusicgan import metrics
from tfmusicgan.metrics import bar_metrics
from tfmusicgan.representations.melody_bars import MelodyBars

REP = MelodyBars(bars=3)


def bar(chord, *runs):
    return [pitch for pitch, count in runs for _ in range(count)] + [chord]


# C major, C major again, then A minor.
PHRASE = [
    bar(1, (60, 8), (62, 4), (64, 4)),
    bar(1, (60, 8), (62, 4), (67, 4)),
    bar(22, (69, 4), (60, 2), (59, 2), (84, 8)),
]
# No chord, F sharp major, no chord: the same pitch throughout, below the range at the end.
OTHER = [bar(0, (66, 16)), bar(7, (66, 16)), bar(0, (66, 12), (59, 4))]
BARS = np.array([PHRASE, OTHER], np.int32)


def value(name, bars=BARS, representation=REP, **references):
    return metrics.evaluate([name], bars, representation, references)


def test_chord_tones_by_hand():
    found = value("chord_tones_in_bar")
    # 12 + 12 + 4 + 2 + 8 of 48 (B is not in A minor, C6 is), and 16 of 16.
    assert found["chord_tones_in_bar/melody"] == pytest.approx((38 + 16) / 64)
    # Over A minor, A minor and C major: C and E 12; C 8; C 2 and 8. OTHER has one chord alone.
    assert found["chord_tones_in_bar/next_chord"] == pytest.approx((12 + 8 + 10) / 48)


def test_the_next_other_chord():
    chords = np.array([[1, 1, 5, 0, 9], [4, 4, 4, 4, 4], [0, 0, 3, 0, 7]])
    expected = [[5, 5, 9, 0, 1], [0] * 5, [0, 0, 7, 0, 3]]
    assert bar_metrics.next_chords(chords).tolist() == expected


def test_range_repeats_and_similarity_by_hand():
    assert value("pitches_in_range") == {"pitches_in_range/melody": (48 - 10 + 44) / 96}
    assert value("bar_repeats") == {"bar_repeats/melody": 1 / 4}
    # 12 and 2 of 16, 16 and 12 of 16.
    assert value("bar_similarity") == {"bar_similarity/melody": (12 + 2 + 16 + 12) / 64}


def test_pitches_and_onsets_by_hand():
    assert value("bar_pitches") == {"bar_pitches/melody": (3 + 3 + 4 + 1 + 1 + 2) / 6}
    assert value("bar_onsets") == {"bar_onsets/melody": (3 + 3 + 4 + 1 + 1 + 2) / 6}
    held = MelodyBars(bars=3, onsets=True)
    onsets = np.zeros((2, 3, 16), np.int32)
    onsets[0, 0, [0, 4]] = 1
    bars = np.concatenate([BARS, onsets], axis=2)
    # A repeated C4 more; of OTHER's F sharp the first alone begins, then B.
    found = value("bar_onsets", bars, held)
    assert found == {"bar_onsets/melody": pytest.approx((4 + 3 + 4 + 1 + 0 + 1) / 6)}
    notes = held.decode({"melody_bars": bars[0]}).notes
    assert len(notes) == 4 + 3 + 4


def test_overlaps_by_hand():
    one = np.array([[bar(1, (60, 16))] * 3], np.int32)
    # C over C, and D over D: the same class above the root; over A minor C is another.
    same = np.array([[bar(3, (62, 16))] * 3], np.int32)
    other = np.array([[bar(22, (60, 16))] * 3], np.int32)
    assert value("bar_pitch_classes", one, training=same)["bar_pitch_classes/melody"] == 1.0
    assert value("bar_pitch_classes", one, training=other)["bar_pitch_classes/melody"] == 0.0
    # Repeated notes are intervals of 0; OTHER has two of these and -7, PHRASE 0 once in nine.
    found = value("bar_intervals", BARS[1:], training=BARS[:1])["bar_intervals/melody"]
    intervals = np.diff([60, 62, 64, 60, 62, 67, 69, 60, 59, 84]).tolist()
    assert 0 not in intervals and found == 0.0
    lengths = value("bar_note_steps", BARS[1:], training=BARS[:1])["bar_note_steps/melody"]
    # 16, 16, 12, 4 beside 8 4 4, 8 4 4, 4 2 2 8.
    assert lengths == pytest.approx(1 / 4)


def test_nearest_bars_by_hand():
    known = np.array([[1, 2, 3, 4], [1, 2, 3, 4], [5, 5, 5, 5]])
    bars = np.array([[5, 5, 5, 5], [1, 2, 9, 4], [5, 2, 5, 4], [9, 9, 9, 9], [1, 2, 9, 4]])
    found = bar_metrics.nearest_bar_distance(bars, known)
    assert found.tolist() == [0.0, 0.25, 0.5, 1.0, 0.25]
