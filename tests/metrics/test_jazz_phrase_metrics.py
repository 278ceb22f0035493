"""The measures of lines in the table of metrics: what is pooled, and what a mean of phrases."""

import dataclasses

import numpy as np
import pytest

from tests.metrics.jazz_lines import EMPTY, LINE, OFF, line
from tfmusicgan import metrics
from tfmusicgan.metrics.registry import estimates
from tfmusicgan.representations.jazz_phrases import JazzPhrases

REP = JazzPhrases()
LINES = [LINE, OFF, EMPTY]


def value(name, lines=LINES, representation=REP, **references):
    return metrics.evaluate([name], lines, representation, references)


def test_by_hand():
    assert value("jazz_qualified_rhythm") == {"jazz_qualified_rhythm/melody": (10 + 7) / 18}
    found = value("jazz_repetitions")
    assert found == {"jazz_repetitions/2": 3 / 12, "jazz_repetitions/3": 0.0}
    assert value("jazz_repetitions_as_published")["jazz_repetitions_as_published/2"] == 4 / 14
    assert value("jazz_long_repetitions") == {"jazz_long_repetitions/24": 1 / 12}
    assert value("jazz_tone_spans") == {"jazz_tone_spans/12": 2 / 11}
    assert value("jazz_tone_spans_as_published")["jazz_tone_spans_as_published/12"] == 2 / 16
    assert value("jazz_off_beat_recovery")["jazz_off_beat_recovery/melody"] == 1.0
    # Means of the two phrases that have notes.
    varied = value("jazz_pitch_variations")["jazz_pitch_variations/melody"]
    assert varied == pytest.approx((7 / 10 + 4 / 5) / 2)
    found = value("jazz_length")
    assert found["jazz_length/entries"] == pytest.approx(18 / 3)
    assert found["jazz_length/quarters"] == pytest.approx((96 + 42) / 12 / 3)


def test_harmony_by_hand():
    found = value("jazz_harmony")
    assert found["jazz_harmony/chord_tone"] == pytest.approx(10 / 14)
    assert found["jazz_harmony/approach"] == pytest.approx(2 / 14)
    assert found["jazz_harmony/neither"] == pytest.approx(2 / 14)
    assert found["jazz_harmony/own_chord"] == pytest.approx(6 / 10)
    assert found["jazz_harmony/next_chord"] == pytest.approx(5 / 10)
    found = value("jazz_note_colours")
    assert found["jazz_note_colours/black"] == pytest.approx(10 / 14)
    assert sum(found.values()) == pytest.approx(1.0)


def test_codes_durations_are_those_of_its_encoding():
    name = "jazz_qualified_rhythm_as_published"
    lines = [line([(60, 6), (61, 22), (60, 24), (60, 14), (60, 42), (60, 12)])]
    assert value(name, lines)[f"{name}/melody"] == 5 / 6
    assert value(name, lines, JazzPhrases(encoding="duration"))[f"{name}/melody"] == 3 / 6
    plain = "jazz_qualified_rhythm"
    assert value(plain, lines, JazzPhrases(encoding="duration"))[f"{plain}/melody"] == 5 / 6


def test_what_a_model_was_given_does_not_count():
    given = [line([(60, 6), (60, 6), (62, 6), (64, 6), (64, 6), (65, 6)], primer=2)]
    assert value("jazz_repetitions", given)["jazz_repetitions/2"] == 1 / 3
    known = [line([(62, 6), (64, 6), (64, 6)], primer=1), line([(60, 6), (60, 6), (62, 3)])]
    found = value("jazz_memorisation", given, training=known)
    # Of the training data primers count: 62 64 64; 64 64 65 is new.
    assert found["jazz_memorisation/3"] == 1 / 2
    found = value("jazz_memorisation", known, training=known)
    assert found["jazz_memorisation/3"] == 0.0


def test_training_phrases_are_compared_with_the_whole_others():
    # 1 2 3 in the first primer, and behind those of the second and of the third.
    known = [
        line([(61, 6), (62, 6), (63, 6), (70, 6), (71, 6), (75, 6)], primer=3),
        line([(80, 6), (61, 6), (62, 6), (63, 6), (70, 6), (81, 6)], primer=1),
        line([(61, 6), (61, 6), (62, 6), (90, 6)], primer=1),
    ]
    # 70 71 75; of 1 2 3, 2 3 70 and 3 70 81 two; 1 2 90.
    assert value("jazz_memorisation", known, training=known)["jazz_memorisation/3"] == 2 / 5
    # Some of them, compared with all.
    some = value("jazz_memorisation", known[1:], training=known)
    assert some["jazz_memorisation/3"] == 2 / 4
    # Copies are no training phrases.
    copies = [dataclasses.replace(one) for one in known]
    assert value("jazz_memorisation", copies, training=known)["jazz_memorisation/3"] == 1.0


def test_overlaps():
    lines = [line([(60, 6), (62, 6), (None, 6), (60, 3)], (("C", 24),))]
    other = [line([(65, 6), (67, 6), (66, 6), (90, 99)], (("F", 24),))]
    assert value("jazz_intervals", lines, training=other)["jazz_intervals/melody"] == 1 / 3
    assert value("jazz_durations", lines, training=other)["jazz_durations/melody"] == 3 / 4
    # C twice and D over C; F, G, F sharp and, two octaves up and a half step, F sharp over F.
    found = value("jazz_chord_degrees", lines, training=other)["jazz_chord_degrees/melody"]
    assert found == pytest.approx(1 / 4 + 1 / 4)
    assert value("jazz_intervals", lines, training=lines)["jazz_intervals/melody"] == 1.0


def test_all_have_halves_and_resamples():
    names = metrics.names("jazz_phrases")
    assert len(names) == 22
    found = estimates(names, LINES, REP, {"training": LINES})
    half, weights = np.array([True, False, True]), np.array([[1, 1, 1], [0, 2, 1]])
    for key, estimate in found.items():
        assert np.ndim(estimate.spread(half)) == 0, key
        assert estimate.value(weights).shape == (2,)
        assert estimate.value(weights)[0] == pytest.approx(estimate.value(), nan_ok=True)
    assert found["jazz_length/entries"].value(weights)[1] == pytest.approx(7 * 2 / 3)
