"""C-RNN-GAN's statistics: by hand, against slow counts, and the coded ones by measured values."""

import itertools

import numpy as np
import pytest

from tests import made_up
from tfmusicgan import metrics
from tfmusicgan.metrics import event_statistics as statistics
from tfmusicgan.representations.note_events import NoteEvents


def share(pair):
    return pair[0] / pair[1]


def test_polyphony():
    onsets = np.array([0, 0, 0, 96, 192, 192, 500, 600])
    assert statistics.polyphony(onsets) == (2, 5)
    # Tones: 5 first and 3 later ones. Finished ticks: 2 polyphonic, 2 not.
    assert statistics.polyphony_as_published(onsets) == (5, 12)
    assert statistics.polyphony(np.zeros(0, int)) == (0, 0)
    assert statistics.polyphony_as_published(np.zeros(0, int)) == (0, 0)


@pytest.mark.parametrize(("tones", "measured"), [(2, 0.667), (3, 0.750), (4, 0.800)])
def test_polyphony_of_chords_as_measured(tones, measured):
    onsets = np.repeat(np.arange(5_000), tones)
    assert share(statistics.polyphony_as_published(onsets)) == pytest.approx(measured, abs=1e-3)
    assert share(statistics.polyphony(onsets)) == 1.0


def test_polyphony_of_notes_and_pairs_as_measured():
    onsets = np.repeat(np.arange(6_000), np.tile([1, 2], 3_000))
    assert share(statistics.polyphony_as_published(onsets)) == pytest.approx(0.40, abs=1e-3)
    assert share(statistics.polyphony(onsets)) == 0.5


def test_scale_consistency_as_measured():
    major = np.array([0, 2, 4, 5, 7, 9, 11])
    found = {}
    for root in range(12):
        pitch = (major + root) % 12 + 60
        assert statistics.scale_fit(pitch) == 7
        found[root] = statistics.scale_fit_as_published(pitch) / 7
    assert {root for root, value in found.items() if value == 1} == {0, 3, 4}  # C, E flat, E
    others = [value for value in found.values() if value < 1]
    assert others == [pytest.approx(0.857, abs=1e-3)] * 9
    rng = np.random.default_rng(0)
    random = rng.integers(0, 128, (300, 400))
    mean = np.mean([statistics.scale_fit_as_published(row) for row in random]) / 400
    assert mean == pytest.approx(0.60, abs=0.02)


def test_scales_are_of_all_roots_and_three_kinds():
    harmonic = np.array([9, 11, 12, 14, 16, 17, 20, 20, 20])  # A minor with G sharp
    assert statistics.scale_fit(harmonic + 40) == 9
    assert statistics.scale_fit(np.append(harmonic, [10, 13]) + 40) == 9
    assert statistics.scale_fit(np.arange(12)) == 7
    assert statistics.scale_fit(np.zeros(0, int)) == 0


def test_repetitions():
    rng = np.random.default_rng(1)
    for length in (0, 1, 4, 5, 18, 40):
        pitch = rng.integers(60, 62, length)
        for tones in statistics.REPETITION_LENGTHS:
            equal = [
                (i, j)
                for i, j in itertools.product(range(length - tones + 1), repeat=2)
                if j >= i + tones and (pitch[i : i + tones] == pitch[j : j + tones]).all()
            ]
            assert statistics.repetitions(pitch, tones) == len(equal)
            coded = [(i, j) for i, j in equal if i < length - 2 * tones and j < length - tones]
            known = tones < min(length // 2, 10)
            expected = len(coded) if known else 0
            assert statistics.repetitions_as_published(pitch, tones) == expected
    assert statistics.repetitions(np.array([1, 2, 3, 1, 2, 3]), 3) == 1
    assert statistics.repetitions(np.array([1, 1, 1, 1]), 2) == 1


def test_the_table():
    rep = NoteEvents(length=5)
    music = [made_up.performance(number, bars=4) for number in range(3)]
    events = np.stack([rep.encode(piece)[0]["note_events"] for piece in music])
    events[2] = np.array([0, 0, 0, -3], np.float32)  # silence
    names = metrics.names("note_events")
    found = metrics.evaluate(names, events, rep, {"training": events})
    spans, tones, velocities = [], [], []
    for phrase in events[:2]:
        notes = rep.decode({"note_events": phrase}).notes
        pitch = [note.pitch for note in notes]
        spans.append(max(pitch) - min(pitch))
        tones.append(len(set(pitch)))
        velocity = [note.velocity for note in notes]
        velocities.append(max(velocity) - min(velocity))
    assert found["event_tone_span/piece"] == np.mean(spans)
    assert found["event_unique_tones/piece"] == np.mean(tones)
    assert found["event_intensity_span/piece"] == np.mean(velocities)
    assert found["event_pitch_classes/piece"] == pytest.approx(1.0)
    assert 0 < found["event_polyphony/piece"] < 1
    assert {key for key in found if key.startswith("event_repetitions/")} == {
        f"event_repetitions/{tones}" for tones in range(2, 10)
    }
    alone = metrics.evaluate(names[:1], events[2:], rep)
    assert np.isnan(alone["event_polyphony/piece"])
