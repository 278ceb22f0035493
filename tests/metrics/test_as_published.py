"""The papers' code, counted by slow loops written from its description, on MuseGAN's grid."""

import math

import numpy as np
import pytest

from tfmusicgan import metrics
from tfmusicgan.metrics import as_published
from tfmusicgan.metrics.tonal_distance import tonal_matrix
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import parse_tracks

REP = MultitrackPianoRoll(tracks=parse_tracks("bass,drums,piano"), bars=2)
BAND = {"_as_published": 7, "_as_published_ismir": 8}
TOLERANCE = {"_as_published": 0.3, "_as_published_ismir": 0.1}


def rolls(seed=0, phrases=3):
    """Notes of one to nine steps, some bars silent, drums single hits and short runs."""
    rng = np.random.default_rng(seed)
    made = np.zeros((phrases, 2, 96, 84, 3), bool)
    for phrase, bar, track in np.ndindex(phrases, 2, 3):
        for _ in range(0 if (phrase, bar, track) == (0, 1, 2) else 40):
            step, pitch = rng.integers(0, 96), rng.integers(10 * track, 40 + 14 * track)
            length = rng.integers(1, 3 if track == 1 else 10)
            made[phrase, bar, step : step + length, pitch, track] = True
    return made


def mean(values):
    return sum(values) / len(values)


def sounding_bars(made, track):
    every = made.reshape(-1, *made.shape[2:])[..., track]
    return [bar for bar in every if bar.any()]


def chroma(bar, band):
    """[steps, 12] as reshaping 84 (or 96, padded) pitches to 12 rows of `band` gives it."""
    padded = np.pad(bar.astype(int), ((0, 0), (0, 12 * band - 84)))
    return padded.reshape(len(bar), 12, band).sum(axis=2)


@pytest.mark.parametrize("suffix", BAND)
@pytest.mark.parametrize(("track", "name"), [(0, "bass"), (2, "piano")])
def test_banded_classes_and_scale(suffix, track, name):
    made = rolls()
    values = metrics.evaluate([f"used_pitch_classes{suffix}", f"notes_in_scale{suffix}"], made, REP)
    folded = [chroma(bar, BAND[suffix]).sum(axis=0) for bar in sounding_bars(made, track)]
    used = mean([np.count_nonzero(one) for one in folded])
    inside = mean([one[[0, 2, 4, 5, 7, 9, 11]].sum() / one.sum() for one in folded])
    assert values[f"used_pitch_classes{suffix}/{name}"] == pytest.approx(used)
    assert values[f"notes_in_scale{suffix}/{name}"] == pytest.approx(inside)


@pytest.mark.parametrize("suffix", BAND)
def test_banded_tonal_distance(suffix):
    made = rolls(1)
    made[..., 0:96:24, 3, 0] = made[..., 12:96:24, 70, 2] = True  # no beat is silent
    made[1, 1, 24:48, :, 0] = False  # but one: its bar does not count
    distances = []
    for index, bar in enumerate(made.reshape(-1, 96, 84, 3)):
        if index == 3:
            continue
        for beat in bar.reshape(4, 24, 84, 3):
            points = [chroma(beat[..., track], BAND[suffix]).sum(axis=0) for track in (0, 2)]
            points = [tonal_matrix() @ (counts / counts.sum()) for counts in points]
            distances.append(math.dist(*points))
    values = metrics.evaluate([f"tonal_distance{suffix}"], made, REP)
    assert values == {f"tonal_distance{suffix}/bass-piano": pytest.approx(mean(distances))}


def test_notes_of_two_steps_and_two_pitches():
    made = rolls(2)
    names = ("qualified_notes_as_published", "polyphonicity_as_published")
    values = metrics.evaluate(names, made, REP)
    for track, name in ((0, "bass"), (2, "piano")):
        rates, shares = [], []
        for bar in sounding_bars(made, track):
            runs = ["".join("x" if cell else " " for cell in column).split() for column in bar.T]
            lengths = [len(run) for column in runs for run in column]
            rates.append(sum(length >= 2 for length in lengths) / len(lengths))
            shares.append(sum(sum(row) >= 2 for row in bar.tolist()) / 96)
        assert values[f"qualified_notes_as_published/{name}"] == pytest.approx(mean(rates))
        assert values[f"polyphonicity_as_published/{name}"] == pytest.approx(mean(shares))
    table = metrics.evaluate([f"{name}_ismir" for name in names], made, REP)
    for name in names:
        of_tracks = [values[f"{name}/{track}"] for track in ("bass", "piano")]
        assert table[f"{name}_ismir/pitched_tracks"] == pytest.approx(mean(of_tracks))
    made[..., 0] = False  # a silent track is no zero
    table = metrics.evaluate([f"{names[0]}_ismir"], made, REP)
    key = f"{names[0]}_ismir/pitched_tracks"
    assert table[key] == pytest.approx(values["qualified_notes_as_published/piano"])


def test_notes_that_qualify_are_undefined_where_every_note_would():
    """Two steps of 24 are a twelfth of a beat, as long as a step at 12 a beat."""
    thresholds = [as_published.qualified_steps(steps) for steps in (1, 4, 12, 13, 24, 25, 48)]
    assert thresholds == [None, None, None, 2, 2, 3, 4]
    coarse = MultitrackPianoRoll(tracks=REP.tracks, bars=2, steps_per_beat=12)
    names = ("qualified_notes_as_published", "qualified_notes_as_published_ismir")
    values = metrics.evaluate(names, rolls()[:, :, ::2], coarse)
    assert len(values) == 3 and all(map(math.isnan, values.values()))
    plain = metrics.evaluate(["qualified_notes"], rolls()[:, :, ::2], coarse)
    assert all(0 < value < 1 for value in plain.values())


@pytest.mark.parametrize("suffix", TOLERANCE)
def test_drum_pattern_takes_onsets_tolerance_and_the_best_shift(suffix):
    made = rolls(3)
    scores = []
    for bar in sounding_bars(made, 1):
        hits = [
            step
            for step, pitch in np.argwhere(bar).tolist()
            if step == 0 or not bar[step - 1, pitch]
        ]
        weight = {0: 1.0, 1: TOLERANCE[suffix], 5: TOLERANCE[suffix]}
        shifted = [[weight.get((step - k) % 6, 0.0) for step in hits] for k in range(6)]
        scores.append(max(sum(one) for one in shifted) / len(hits))
    values = metrics.evaluate([f"drum_pattern{suffix}"], made, REP)
    assert values == {f"drum_pattern{suffix}/drums": pytest.approx(mean(scores))}


def test_figures_do_not_depend_on_the_representations_range():
    made = rolls(4)
    names = [name for name in metrics.names("piano_roll") if "_as_published" in name]
    wide = MultitrackPianoRoll(tracks=REP.tracks, bars=2, lowest_pitch=0, num_pitches=128)
    padded = np.pad(made, ((0, 0), (0, 0), (0, 0), (24, 20), (0, 0)))
    assert metrics.evaluate(names, padded, wide) == pytest.approx(
        metrics.evaluate(names, made, REP)
    )
