import math

import librosa
import numpy as np
import pytest

from tests.metrics.test_musical import lopsided
from tfmusicgan.metrics import bars
from tfmusicgan.metrics.tonal_distance import MAX_DISTANCE, tonal_distance, tonal_matrix

C, D, E, F_SHARP, G, B = 60, 62, 64, 66, 67, 71


def test_the_tonal_matrix_is_librosas():
    chroma = np.random.default_rng(0).random((12, 7)) ** 3
    chroma[:, 2] = np.eye(12)[5]
    theirs = librosa.feature.tonnetz(chroma=chroma)  # an octave of C to B, normalised by its sum
    np.testing.assert_allclose(tonal_matrix() @ (chroma / chroma.sum(axis=0)), theirs, atol=1e-12)


def slow_point(beat, lowest_pitch):
    """Tonal centroid of one beat [steps, pitches], None if it is silent."""
    chroma = [0] * 12
    for _, pitch in np.argwhere(beat).tolist():
        chroma[(lowest_pitch + pitch) % 12] += 1
    if not sum(chroma):
        return None
    point = [0.0] * 6
    for note, count in enumerate(chroma):
        for axis, (radius, angle) in enumerate(((1, 7 / 6), (1, 3 / 2), (0.5, 2 / 3))):
            part = radius * count / sum(chroma)
            point[2 * axis] += part * math.sin(angle * math.pi * note)
            point[2 * axis + 1] += part * math.cos(angle * math.pi * note)
    return point


def slow_distance(rolls, a, b, steps_per_beat, lowest_pitch):
    values = []
    for bar in rolls.reshape(-1, *rolls.shape[2:]):
        distances = []
        for first in range(0, len(bar), steps_per_beat):
            beat = bar[first : first + steps_per_beat]
            points = [slow_point(beat[..., track], lowest_pitch) for track in (a, b)]
            distances.append(math.nan if None in points else math.dist(*points))
        if not any(math.isnan(distance) for distance in distances):
            values.append(sum(distances) / len(distances))
    return sum(values) / len(values) if values else math.nan


@pytest.mark.parametrize("lowest_pitch", [24, 31])
@pytest.mark.parametrize(("steps_per_beat", "chunk"), [(16, 1 << 24), (8, 300), (4, 5000)])
def test_equals_the_slow_version(lowest_pitch, steps_per_beat, chunk, monkeypatch):
    monkeypatch.setattr(bars, "_CHUNK_CELLS", chunk)
    rolls = lopsided(2)
    before = rolls.copy()
    found = tonal_distance(rolls, steps_per_beat, lowest_pitch).value()
    assert np.array_equal(rolls, before)
    for a, b in ((0, 1), (0, 2), (1, 2), (1, 1)):
        expected = slow_distance(rolls, a, b, steps_per_beat, lowest_pitch)
        assert found[a, b] == found[b, a] == pytest.approx(expected, nan_ok=True)
    assert not math.isnan(found[0, 2])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((C,), (C + 12, C - 12), 0.0),
        ((C,), (G,), 1.737),
        ((C,), (F_SHARP,), 2.828),
        ((C,), (C, E, G), 1.029),
        ((C, E, G), (G, B, D), 1.213),
    ],
)
def test_values_of_the_reference(first, second, expected):
    rolls = np.zeros((1, 1, 96, 84, 2), bool)
    for track, pitches in enumerate((first, second)):
        for pitch in pitches:
            rolls[..., pitch - 24, track] = True
    found = tonal_distance(rolls, 24, 24).value()
    assert found[0, 1] == pytest.approx(expected, abs=5e-4)
    assert found[0, 0] == pytest.approx(0.0, abs=1e-9)


def test_the_largest_distance_of_single_classes_is_a_tritone():
    points = tonal_matrix().T
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    assert distances.max() == pytest.approx(MAX_DISTANCE)
    assert distances[0].argmax() == 6


def test_a_bar_with_a_silent_beat_is_left_out():
    rolls = np.zeros((1, 2, 4, 12, 2), bool)
    rolls[:, 0, :, 0, :] = True  # Bar 0: both on C throughout.
    rolls[:, 1, :, 0, 0] = True
    rolls[:, 1, :2, 7, 1] = True  # Bar 1: G in the first beat only.
    assert tonal_distance(rolls, 2, 60).value()[0, 1] == pytest.approx(0.0)
    rolls[:, 1, 2:, 7, 1] = True
    assert tonal_distance(rolls, 2, 60).value()[0, 1] == pytest.approx(1.737 / 2, abs=5e-4)


def test_undefined_without_common_bars():
    rolls = np.zeros((1, 2, 4, 12, 2), bool)
    rolls[0, 0, ..., 0], rolls[0, 1, ..., 1] = True, True
    found = tonal_distance(rolls, 2, 60).value()
    assert math.isnan(found[0, 1])
    assert found[1, 1] == 0.0


def test_bands_as_published():
    rolls = np.zeros((1, 1, 24, 84, 2), bool)
    rolls[..., 0, 0] = rolls[..., 5, 1] = True  # Different classes, one band of seven.
    assert tonal_distance(rolls, 24, 24).value()[0, 1] > 1.0
    assert tonal_distance(rolls, 24, 24, band=7).value()[0, 1] == pytest.approx(0.0)
