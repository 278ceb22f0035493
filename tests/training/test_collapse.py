"""Limits that samples of a collapsed model break."""

import dataclasses

import pytest

from tfmusicgan import recipes
from tfmusicgan.training.collapse import broken_limit

RECIPE = dataclasses.replace(
    recipes.get("jazzgan"), collapse={"high": 0.5, "other": 2.0}, collapse_below={"low": 0.1}
)
SOUND = {"high/2": 0.9, "high/3": 0.0, "higher/2": 7.0, "other/piece": 1.0, "low/melody": 0.3}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"high/3": 0.1}, "high 0.500, at or above 0.5"),
        ({"other/piece": float("nan")}, "other nan, at or above 2.0"),
        ({"low/melody": 0.1}, "low 0.100, at or below 0.1"),
        ({"low/melody": float("nan")}, "low nan, at or below 0.1"),
        ({"low/melody": 0.0, "other/piece": 3.0}, "other 3.000, at or above 2.0"),
    ],
)
def test_limits_are_of_the_mean_of_a_metrics_values(change, expected):
    assert broken_limit(RECIPE, {**SOUND, **change}) == expected


@pytest.mark.parametrize("name", ["jazzgan", "jazzgan_duration", "jazzgan_time_step"])
def test_a_line_of_few_pitches_is_collapse(name):
    recipe = recipes.get(name)
    line = {"jazz_repetitions/2": 0.2, "jazz_repetitions/3": 0.1}
    assert broken_limit(recipe, {**line, "jazz_pitch_variations/melody": 0.5}) is None
    few = broken_limit(recipe, {**line, "jazz_pitch_variations/melody": 0.09})
    assert few == "jazz_pitch_variations 0.090, at or below 0.1"
