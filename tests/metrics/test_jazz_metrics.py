"""JazzGAN's measures of lines by hand, as they are meant and as they are coded."""

import numpy as np
import pytest

from tests.metrics.jazz_lines import CHORDS, EMPTY, LINE, OFF, line
from tfmusicgan.metrics import jazz_metrics as meant
from tfmusicgan.metrics import jazz_metrics_as_published as coded


def test_qualified_rhythm():
    # 21 is none; 27 is a half note and a sixteenth, 5 and 7 a triplet and one more.
    assert meant.qualified_rhythm(LINE) == (10, 11)
    assert len(meant.QUALIFIED) == 42 and 96 in meant.QUALIFIED and 23 not in meant.QUALIFIED
    # Of the code's durations 21, 23 and 41 are none.
    ran = line([(60, 6), (61, 22), (60, 24), (60, 14), (60, 42), (60, 12)])
    assert meant.qualified_rhythm(ran) == (5, 6)
    short = coded.durations_as_scored(ran, "duration")
    assert short.durations.tolist() == [5, 21, 23, 13, 41, 11]
    assert meant.qualified_rhythm(short) == (3, 6)
    assert coded.durations_as_scored(ran, "beat_position") is ran


def test_repetitions():
    # D, B, CC, E, C#, GG, Bb, B; the rest is one more of the coded.
    assert meant.pitch_repetitions(LINE) == (2, 8)
    assert meant.pitch_repetitions(LINE, 3) == (0, 8)
    assert coded.pitch_repetitions_as_published(LINE) == (2, 9)
    assert meant.long_repetitions(LINE) == (0, 8)
    assert meant.long_repetitions(LINE, 8) == (2, 8)
    assert coded.long_repetitions_as_published(LINE, 8) == (2, 9)
    # CC of 24 steps; two rests, which the code counts as a repetition.
    assert meant.pitch_repetitions(OFF) == (1, 4)
    assert coded.pitch_repetitions_as_published(OFF) == (2, 5)
    assert meant.long_repetitions(OFF) == (1, 4)
    assert meant.long_repetitions(OFF, 25) == (0, 4)
    assert coded.long_repetitions_as_published(OFF, 6) == (2, 5)


def test_tone_spans():
    assert meant.tone_spans(LINE) == (1, 8)
    assert coded.tone_spans_as_published(LINE) == (1, 10)
    assert meant.tone_spans(LINE, 2) == (4, 8)
    # C5 and C6 are apart by a rest; C6 to F4 is a leap.
    assert meant.tone_spans(OFF) == (1, 3)
    assert coded.tone_spans_as_published(OFF) == (1, 6)
    # An octave is none, and a rest, 73, is no distance from 0.
    assert meant.tone_spans(line([(36, 6), (48, 6), (None, 6), (36, 6)])) == (0, 1)


def test_off_beat_recovery():
    assert meant.off_beat_recovery(LINE) == (1, 1)  # 9, then 12
    # 7, 17, 31, 35, 37, 43, 48: the last entry is on it.
    assert meant.off_beat_recovery(OFF) == (1, 1)
    never = line([(60, 6), (62, 12), (60, 6)], first_step=7)
    assert meant.off_beat_recovery(never) == (0, 1)
    assert coded.off_beat_recovery_as_published(never) == (1, 1)
    odd = line([(60, 5), (62, 13)], first_step=7)
    assert meant.off_beat_recovery(odd) == (1, 1)
    assert coded.off_beat_recovery_as_published(odd) == (0, 1)
    late = line([(60, 5)] * 99 + [(62, 6)])
    assert coded.off_beat_recovery_as_published(late) == (0, 1)
    # On it all the time, or off it at the last entry alone: nothing to get back from.
    assert meant.off_beat_recovery(line([(60, 6), (62, 3)])) == (0, 0)
    assert meant.off_beat_recovery(line([(60, 6), (62, 3), (60, 3)])) == (0, 0)


def test_variations():
    assert meant.pitch_variations(LINE) == (7, 10)
    assert coded.pitch_variations_as_published(LINE) == (8, 11)
    assert meant.rhythm_variations(LINE) == (8, 11)
    assert meant.pitch_variations(OFF) == (4, 5)
    assert coded.pitch_variations_as_published(OFF) == (5, 7)
    assert meant.rhythm_variations(OFF) == (7, 7)


@pytest.mark.parametrize("name", ["tone_spans", "pitch_variations", "pitch_repetitions"])
def test_lines_without_entries(name):
    assert getattr(meant, name)(EMPTY) == (0, 0)
    assert getattr(coded, f"{name}_as_published")(EMPTY) == (0, 0)
    assert meant.off_beat_recovery(EMPTY) == meant.qualified_rhythm(EMPTY) == (0, 0)


def melodies(*rows):
    return [line([(60 + pitch, steps) for pitch, steps in row]) for row in rows]


def test_rote_memorisation():
    known = melodies([(2, 6), (3, 6), (4, 6), (9, 3)], [(1, 6), (2, 3), (7, 6)])
    made = melodies([(1, 6), (2, 6), (3, 6), (4, 6), (0, 3)], [(9, 3), (1, 6)], [(1, 6)])

    def count(length, **options):
        return [found.tolist() for found in meant.rote_memorisation(made, known, length, **options)]

    # 12 and 23 and 34 are known; 91 goes over the end of a line.
    assert count(2) == [[3, 0, 0], [4, 1, 0]]
    assert count(3) == [[1, 0, 0], [3, 0, 0]]
    # Of 12 the known 2 is shorter.
    assert count(2, with_durations=True) == [[2, 0, 0], [4, 1, 0]]
    # A step up of a tone or so: 12, 23, 34; -4 and -8 are none.
    assert count(2, any_key=True) == [[3, 0, 0], [4, 1, 0]]
    assert count(3, any_key=True) == [[2, 0, 0], [3, 0, 0]]
    assert count(3, any_key=True, with_durations=True) == [[2, 0, 0], [3, 0, 0]]
    assert count(9) == [[0, 0, 0], [0, 0, 0]]


def test_rests_are_entries_of_what_is_copied():
    known = [line([(60, 6), (None, 6), (62, 6)])]
    made = [line([(65, 6), (None, 6), (67, 6)]), line([(60, 6), (62, 6), (None, 6)])]
    hits, totals = meant.rote_memorisation(made, known, 3, any_key=True)
    assert (hits.tolist(), totals.tolist()) == ([1, 0], [1, 1])
    hits, _ = meant.rote_memorisation(made, known, 3)
    assert hits.tolist() == [0, 0]


def test_a_corpus_is_compared_with_its_other_lines():
    lines = melodies([(1, 6), (2, 6), (1, 6), (2, 6)], [(5, 6), (2, 6), (1, 6)], [(1, 6), (1, 6)])
    hits, totals = meant.rote_memorisation(lines, lines, 2, own=[0, 1, 2])
    # 12 comes twice in the first line alone.
    assert (hits.tolist(), totals.tolist()) == ([1, 1, 0], [3, 2, 1])
    hits, _ = meant.rote_memorisation(lines, lines, 2)
    assert hits.tolist() == [3, 2, 1]
    # Parts of the second line, and of none.
    hits, _ = meant.rote_memorisation(lines[:2], lines, 2, own=[1, -1])
    assert hits.tolist() == [3, 2]
    # The first line knows all of itself; the second 21 alone.
    hits, _ = meant.rote_memorisation(lines[:1], lines[:2], 2, own=[1])
    assert hits.tolist() == [3]
    hits, _ = meant.rote_memorisation(lines[:1], lines[1:], 2, own=[1])
    assert hits.tolist() == [1]
    assert [found.tolist() for found in meant.rote_memorisation([], [], 2)] == [[], []]


def test_the_primer_is_left_out():
    rest = line(
        [(74, 6), (71, 3), (72, 3), (72, 5), (None, 7), (76, 12)],
        CHORDS,
        first_step=40,
        primer=4,
    ).modelled()
    assert (rest.pitches.tolist(), rest.durations.tolist()) == ([73, 40], [7, 12])
    assert (rest.first_step, rest.primer, len(rest.chord_roots)) == (9, 0, 79)
    roots, tones = rest.chords_at(rest.starts)
    assert roots.tolist() == [2, 7]
    assert np.flatnonzero(tones[1]).tolist() == [0, 4, 7, 10]
