"""What an evaluation measures of melodies in bars beside the recipe's metrics."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfmusicgan.evaluation.estimated_rows import estimated_rows
from tfmusicgan.evaluation.report import HELD_OUT, TRAINED, UNTRAINED, Rows
from tfmusicgan.metrics.bar_metrics import nearest_bar_distance
from tfmusicgan.metrics.token_metrics import token_similarity
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.recipes.base import Recipe
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.melody_bars import MelodyBars


def measure(
    recipe: Recipe,
    phrases: Mapping[str, np.ndarray],
    models: Mapping[str, MusicGAN],
    train: RecordSet,
) -> dict[str, Any]:
    """The fields of an `Evaluation` that are measured of melodies in bars.

    Args:
      recipe: Names the metrics.
      phrases: Row name to int32 [n, bars, columns].
      models: The untrained and the trained model.
      train: The training split.
    """
    del models
    return {
        **estimated_rows(recipe, phrases, train.representation),
        "memorisation": _memorisation(phrases, train),
        "notes": (
            "nearest_training_bar: share of a bar's steps that differ from the most similar bar of "
            "all training data, bars moved to begin with one pitch; copied_bars: share of bars "
            "that are such a bar. Of training data they are 0 and 1.",
        ),
    }


def _memorisation(phrases: Mapping[str, np.ndarray], train: RecordSet) -> Rows:
    """How new held-out and generated bars are, and how alike the phrases of a row."""
    rep = train.representation
    steps = rep.steps_per_bar
    known = _in_one_key(train.spread(train.num_examples)[rep.name], rep)
    rows: Rows = {}
    for row in (HELD_OUT, UNTRAINED, TRAINED):
        if row not in phrases:
            continue
        bars = phrases[row]
        nearest = nearest_bar_distance(_in_one_key(bars, rep), known)
        rows[row] = {
            "nearest_training_bar": float(nearest.mean()),
            "copied_bars": float((nearest == 0).mean()),
            "self_similarity": token_similarity(bars[..., :steps].reshape(len(bars), -1)),
        }
    return rows


def _in_one_key(bars: np.ndarray, representation: MelodyBars) -> np.ndarray:
    """Bars moved to begin with the same pitch: int [all bars, steps], -1 outside the range.

    A bar and its transposed copy are one: models learn from bars in all keys, which turn over at
    the ends of the range. No training bar has what is outside.
    """
    rep, steps = representation, representation.steps_per_bar
    pitch = bars[..., :steps].reshape(-1, steps) - rep.lowest_pitch
    inside = (pitch >= 0) & (pitch < rep.num_pitches)
    return np.where(inside, (pitch - pitch[:, :1]) % rep.num_pitches, -1)
