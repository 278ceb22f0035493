"""Limits that samples of a collapsed model break."""

import dataclasses
import functools

import numpy as np
import pytest

from tests.metrics import jazz_lines
from tfmusicgan import metrics, recipes, representations
from tfmusicgan.representations.jazz_phrases import JazzPhrases
from tfmusicgan.training.collapse import broken_limit, limited_metrics

RECIPE = dataclasses.replace(
    recipes.get("jazzgan"),
    collapse={"high": 0.5, "other": 2.0},
    collapse_below={"low": 0.1, "some/piece": 0.5},
)
SOUND = {
    "high/2": 0.9,
    "high/3": 0.0,
    "higher/2": 7.0,
    "other/piece": 1.0,
    "low/melody": 0.3,
    "some/piece": 0.6,
    "some/other": 0.1,
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"high/3": 0.1}, "high 0.500, at or above 0.5"),
        ({"other/piece": float("nan")}, "other nan, at or above 2.0"),
        ({"low/melody": 0.1}, "low 0.100, at or below 0.1"),
        ({"low/melody": float("nan")}, "low nan, at or below 0.1"),
        ({"some/piece": 0.5, "some/other": 0.9}, "some/piece 0.500, at or below 0.5"),
        ({"low/melody": 0.0, "other/piece": 3.0}, "other 3.000, at or above 2.0"),
    ],
)
def test_limits_are_of_the_mean_of_a_metrics_values(change, expected):
    assert broken_limit(RECIPE, {**SOUND, **change}) == expected


@pytest.mark.parametrize("of_data", [0.05, float("nan")])
def test_a_limit_that_the_data_break_says_nothing(of_data):
    row = {**SOUND, "low/melody": 0.0}
    assert broken_limit(RECIPE, row, SOUND) == "low 0.000, at or below 0.1"
    assert broken_limit(RECIPE, row, {**SOUND, "low/melody": of_data}) is None
    worse = {**row, "other/piece": 3.0}
    assert broken_limit(RECIPE, worse, {**SOUND, "low/melody": of_data}).startswith("other 3.000")


CHORDS = (("Dm7", 48), ("G7", 48))
MUSIC = [(62, 6), (65, 6), (69, 6), (72, 6), (71, 12), (None, 6), (67, 6), (65, 3), (64, 3)]


@pytest.mark.parametrize("name", ["jazzgan", "jazzgan_duration", "jazzgan_time_step"])
@pytest.mark.parametrize(
    ("played", "expected"),
    [
        (MUSIC, None),
        ([(60, 6)] * 16, "jazz_repetitions 1.000, at or above 0.5"),
        ([(60, 6), (62, 6)] * 8, "jazz_pitch_variations/melody 0.125, at or below 0.25"),
        ([(60, 6), (62, 6), (64, 3)] * 5, "jazz_pitch_variations/melody 0.200, at or below 0.25"),
        ([(60, 48)], "jazz_length/entries 1.000, at or below 2.0"),
    ],
)
def test_jazz_lines_of_few_pitches_are_collapse(name, played, expected):
    recipe = recipes.get(name)
    primer = [(59, 3), (57, 3), (55, 3), (53, 3)]
    lines = [jazz_lines.line([*primer, *played], CHORDS, primer=4)] * 3
    rep = JazzPhrases.from_parameters(recipe.preset("small").representation)
    row = metrics.evaluate(limited_metrics(recipe), lines, rep)
    assert broken_limit(recipe, row) == expected


@pytest.mark.parametrize("name", ["seqgan_nottingham", "polyphonic_seqgan", "seqgan_oracle"])
def test_sequences_that_repeat_one_turn_anywhere_are_collapse(name):
    recipe = recipes.get(name)
    rep = representations.get(recipe.representation)
    rep = rep.from_parameters(recipe.preset("tiny").representation)
    tokens = np.random.default_rng(3).integers(3, 11, (128, rep.length), np.int32)
    evaluate = functools.partial(metrics.evaluate, limited_metrics(recipe), representation=rep)
    assert broken_limit(recipe, evaluate(tokens)) is None
    # A turn of five tokens that begins anywhere: five 4-grams in all.
    places = np.arange(rep.length) + np.arange(128)[:, np.newaxis]
    turn = np.array([4, 9, 5, 7, 6], np.int32)[places % 5]
    expected = f"distinct_ngrams/4 {5 / (128 * (rep.length - 3)):.3f}, at or below 0.05"
    assert broken_limit(recipe, evaluate(turn)) == expected
