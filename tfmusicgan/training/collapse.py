"""Whether a recipe's metrics say that a model plays nothing, or one thing."""

from collections.abc import Mapping

import numpy as np

from tfmusicgan.recipes.base import Recipe


def limited_metrics(recipe: Recipe) -> list[str]:
    """The metrics that a recipe's limits are about, which tell it whether a model has collapsed."""
    return sorted({name.split("/")[0] for name in (*recipe.collapse, *recipe.collapse_below)})


def broken_limit(recipe: Recipe, row: Mapping[str, float]) -> str | None:
    """The first of the recipe's limits that samples break.

    Args:
      recipe: Its `collapse` and `collapse_below` are the limits.
      row: Metrics of the samples, such as `"empty_bars/piano"`. A limit is of one of them, or of
        the mean of all of one name.

    Returns:
      Metric, value and limit in words; None where all are kept. A value that is NaN breaks its
      limit.
    """
    for name, limit in recipe.collapse.items():
        value = _mean(row, name)
        if not value < limit:
            return f"{name} {value:.3f}, at or above {limit}"
    for name, limit in recipe.collapse_below.items():
        value = _mean(row, name)
        if not value > limit:
            return f"{name} {value:.3f}, at or below {limit}"
    return None


def _mean(row: Mapping[str, float], name: str) -> float:
    return float(np.mean([v for key, v in row.items() if name in (key, key.split("/")[0])]))
