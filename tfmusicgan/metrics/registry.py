"""The table of metrics: a decorator fills it, `evaluate` reads it."""

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np

from tfmusicgan.errors import ConfigError, unknown_name
from tfmusicgan.representations.base import Representation

Evaluator = Callable[[np.ndarray, Representation], dict[str, float]]


@dataclasses.dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
      name: What it is asked for by, and the part of its keys before `/`.
      scale: The difference that counts as one whole when rows are compared, the width of the
        metric's range.
      evaluator: (piano-rolls, representation) -> value by track, or by pair of tracks.
    """

    name: str
    scale: float
    evaluator: Evaluator


_METRICS: dict[str, Metric] = {}


def metric(name: str, scale: float) -> Callable[[Evaluator], Evaluator]:
    """Decorator that enters an evaluator into the table."""

    def enter(evaluator: Evaluator) -> Evaluator:
        _METRICS[name] = Metric(name, scale, evaluator)
        return evaluator

    return enter


def names() -> tuple[str, ...]:
    """The metrics' names, in the order of definition."""
    return tuple(_METRICS)


def get(name: str) -> Metric:
    """Looks a metric up.

    Raises:
      ConfigError: If there is no metric of that name.
    """
    if name not in _METRICS:
        raise unknown_name("metric", name, _METRICS)
    return _METRICS[name]


def scale(key: str) -> float:
    """Scale of the metric that a key of `evaluate`, e.g. `"empty_bars/piano"`, belongs to.

    Raises:
      ConfigError: If there is no metric of that name.
    """
    return get(key.partition("/")[0]).scale


def evaluate(
    metric_names: Iterable[str], piano_rolls: np.ndarray, representation: Representation
) -> dict[str, float]:
    """Computes metrics of a set of phrases.

    Args:
      metric_names: Names in the table.
      piano_rolls: bool [phrases, bars, steps_per_bar, num_pitches, tracks]; not changed.
      representation: The multi-track piano-roll that says what the axes mean.

    Returns:
      `"metric/track"` or `"metric/track-track"` to value, NaN where undefined; metrics in the order
      asked for.

    Raises:
      ConfigError: If a name is unknown, or the piano-rolls are not the representation's.
    """
    shape = representation.spec["piano_roll"].shape
    if piano_rolls.shape[1:] != shape or piano_rolls.dtype != bool:
        raise ConfigError(
            f"Expected piano-rolls of bool [phrases, {', '.join(map(str, shape))}]. "
            f"Received: {piano_rolls.dtype} {list(piano_rolls.shape)}."
        )
    values = {}
    for name in metric_names:
        for suffix, value in get(name).evaluator(piano_rolls, representation).items():
            values[f"{name}/{suffix}"] = value
    return values
