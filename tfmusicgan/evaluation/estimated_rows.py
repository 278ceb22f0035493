"""The part of an evaluation that is a recipe's metrics of whole phrases."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfmusicgan import metrics
from tfmusicgan.evaluation.report import TRAINED, TRAINING
from tfmusicgan.metrics.movement import intervals, spreads
from tfmusicgan.recipes.base import Recipe
from tfmusicgan.representations.base import Representation


def estimated_rows(
    recipe: Recipe,
    phrases: Mapping[str, np.ndarray | Sequence[Any]],
    representation: Representation,
    known: Sequence[Any] | None = None,
) -> dict[str, Any]:
    """Measures the recipe's metrics of each row.

    Args:
      recipe: Names the metrics.
      phrases: Row name to what the metrics take, [n, ...] each. `report.TRAINING` and
        `report.TRAINED` are there.
      representation: What the axes mean.
      known: What the rows are compared with; by default that of the training data.

    Returns:
      The fields `rows`, `spread` and `intervals` of an `Evaluation`.
    """
    compared = {"training": phrases[TRAINING] if known is None else known}
    found = {
        row: metrics.estimates(recipe.metrics, values, representation, compared)
        for row, values in phrases.items()
    }
    return {
        "rows": {
            row: {key: float(estimate.value()) for key, estimate in estimates.items()}
            for row, estimates in found.items()
        },
        "spread": spreads(found[TRAINING], len(phrases[TRAINING])),
        "intervals": intervals(found[TRAINED], len(phrases[TRAINED])),
    }
