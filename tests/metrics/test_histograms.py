"""Histograms of notes: by hand and against slow loops."""

import numpy as np
import pytest

from tests.metrics.test_musical import lopsided
from tfmusicgan import metrics
from tfmusicgan.metrics import bars
from tfmusicgan.metrics.histograms import (
    histograms,
    onset_position_histograms,
    pitch_class_histograms,
)
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import parse_tracks


def rep(tracks, **changes):
    return MultitrackPianoRoll(
        tracks=parse_tracks(tracks),
        **{"bars": 2, "steps_per_beat": 1, "lowest_pitch": 57, "num_pitches": 6, **changes},
    )


def song():
    """One phrase of two bars of four steps: MIDI 57 (A) to 62 (D), piano and drums."""
    roll = np.zeros((1, 2, 4, 6, 2), bool)
    roll[0, 0, 1:4, 0, 0] = roll[0, 1, :2, 0, 0] = True  # an A over the bar line
    roll[0, 0, 1, 3, 0] = roll[0, 0, 3, 3, 0] = roll[0, 1, 3, 3, 0] = True  # three Cs
    roll[0, 1, 2, 5, 0] = True  # a D
    roll[0, 0, 0:3, 2, 1] = roll[0, 1, 2, 4, 1] = True  # three drum hits on end, and one
    return roll


def test_by_hand():
    found = histograms(song(), rep("piano,drums"))
    assert list(found) == ["pitch_class", "onset_position"]
    assert list(found["pitch_class"]) == ["piano"]
    expected = np.zeros(12)
    expected[[9, 0, 2]] = np.array([1, 3, 1]) / 5
    assert found["pitch_class"]["piano"].tolist() == pytest.approx(expected.tolist())
    # A and C at step 1, C at 3; D at 2, C at 3.
    assert found["onset_position"]["piano"].tolist() == [0, 2 / 5, 1 / 5, 2 / 5]
    assert found["onset_position"]["drums"].tolist() == [1 / 4, 1 / 4, 2 / 4, 0]


def test_drums_that_are_held_count_once():
    found = histograms(song(), rep("piano,drums", drum_onsets_only=False))
    assert found["onset_position"]["drums"].tolist() == [1 / 2, 0, 1 / 2, 0]


def test_silent_tracks_are_undefined():
    roll = song()
    roll[..., 0] = False
    found = histograms(roll, rep("piano,drums"))
    assert np.isnan(found["pitch_class"]["piano"]).all()
    assert np.isnan(found["onset_position"]["piano"]).all()
    values = metrics.evaluate(
        ["onset_position_overlap"], roll, rep("piano,drums"), {"training": song()}
    )
    assert np.isnan(values["onset_position_overlap/piano"])
    assert values["onset_position_overlap/drums"] == 1.0


def test_overlap_with_the_data():
    other = np.zeros_like(song())
    other[0, 0, 1, 3, 0] = other[0, 0, 2, 4, 0] = True  # C at step 1, C# at step 2
    names = ["pitch_class_overlap", "onset_position_overlap"]
    values = metrics.evaluate(names, other, rep("piano,drums"), {"training": song()})
    assert values["pitch_class_overlap/piano"] == pytest.approx(1 / 2)
    assert values["onset_position_overlap/piano"] == pytest.approx(2 / 5 + 1 / 5)
    assert np.isnan(values["onset_position_overlap/drums"])
    assert set(values) == {
        *("pitch_class_overlap/piano", "onset_position_overlap/piano"),
        "onset_position_overlap/drums",
    }


@pytest.mark.parametrize("chunk", [1 << 24, 1300])
def test_equals_a_slow_version(chunk, monkeypatch):
    monkeypatch.setattr(bars, "_CHUNK_CELLS", chunk)
    rolls, lowest, hits = lopsided(7), 31, (False, True, False)
    classes = np.zeros((7, 12, 3), np.int64)
    positions = np.zeros((7, 16, 3), np.int64)
    for phrase, bar, step, pitch, track in np.argwhere(rolls).tolist():
        place = bar * 16 + step
        before = place > 0 and rolls[phrase, (place - 1) // 16, (place - 1) % 16, pitch, track]
        if hits[track] or not before:
            classes[phrase, (lowest + pitch) % 12, track] += 1
            positions[phrase, step, track] += 1
    assert np.array_equal(pitch_class_histograms(rolls, lowest, hits), classes)
    assert np.array_equal(onset_position_histograms(rolls, hits), positions)
    assert classes.sum() > positions[..., 0].sum() > 0
    assert pitch_class_histograms(rolls[:0], lowest, hits).shape == (0, 12, 3)
    assert onset_position_histograms(rolls[:0], hits).shape == (0, 16, 3)
