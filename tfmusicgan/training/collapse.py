"""Whether a recipe's metrics say that a model plays nothing, or one thing."""

from collections.abc import Callable, Mapping

import numpy as np

from tfmusicgan.recipes.base import Recipe


def limited_metrics(recipe: Recipe) -> list[str]:
    """The metrics that a recipe's limits are about, which tell it whether a model has collapsed."""
    return sorted({name.split("/")[0] for name in (*recipe.collapse, *recipe.collapse_below)})


def broken_limit(
    recipe: Recipe, row: Mapping[str, float], of_data: Mapping[str, float] | None = None
) -> str | None:
    """The first of the recipe's limits that samples break.

    A limit that the data break as well says nothing of them: of a vocabulary of three tokens, no
    sequences have many different n-grams.

    Args:
      recipe: Its `collapse` and `collapse_below` are the limits.
      row: Metrics of the samples, such as `"empty_bars/piano"`. A limit is of one of them, or of
        the mean of all of one name.
      of_data: The same metrics of as many examples of the data; by default no limit is theirs.

    Returns:
      Metric, value and limit in words; None where all are kept. A value that is NaN breaks its
      limit.
    """

    def kept(name: str, keeps: Callable[[float], bool]) -> bool:
        broken_by_data = of_data is not None and not keeps(_mean(of_data, name))
        return broken_by_data or keeps(_mean(row, name))

    for name, limit in recipe.collapse.items():
        if not kept(name, lambda value, limit=limit: value < limit):
            return f"{name} {_mean(row, name):.3f}, at or above {limit}"
    for name, limit in recipe.collapse_below.items():
        if not kept(name, lambda value, limit=limit: value > limit):
            return f"{name} {_mean(row, name):.3f}, at or below {limit}"
    return None


def _mean(row: Mapping[str, float], name: str) -> float:
    return float(np.mean([v for key, v in row.items() if name in (key, key.split("/")[0])]))
