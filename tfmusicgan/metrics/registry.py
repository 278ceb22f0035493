"""The table of metrics: decorators fill it, `estimates` and `evaluate` read it."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from tfmusicgan.errors import ConfigError, unknown_name
from tfmusicgan.metrics.estimates import Estimate
from tfmusicgan.representations.base import Representation

Evaluator = Callable[..., dict[str, Estimate]]
# What metrics may compare with: name to the training data's or held-out examples, the oracle, or
# the training data's as a classifier hears them.
TRAINING, HELD_OUT, ORACLE, CLASSIFIED = "training", "held_out", "oracle", "classified"
References = Mapping[str, Any]
NOTHING: References = MappingProxyType({})


@dataclasses.dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
      name: What it is asked for by, and the part of its keys before `/`.
      scale: The difference that counts as one whole when rows are compared, the width of the
        metric's range.
      evaluator: (examples, representation) -> estimate by track, by pair of tracks, or by whatever
        it tells apart; those that compare take the reference too.
      compares: What it compares the examples with: `TRAINING`, `HELD_OUT`, `ORACLE` or
        `CLASSIFIED`; `""` for those that do not.
      field: The representation's field that it measures.
      whole_set: Whether it is of the set as such, so that sets of other sizes cannot be compared.
    """

    name: str
    scale: float
    evaluator: Evaluator
    compares: str = ""
    field: str = "piano_roll"
    whole_set: bool = False


_METRICS: dict[str, Metric] = {}


def metric(
    name: str,
    scale: float,
    compares: str = "",
    field: str = "piano_roll",
    whole_set: bool = False,
) -> Callable[[Evaluator], Evaluator]:
    """Decorator that enters an evaluator into the table."""

    def enter(evaluator: Evaluator) -> Evaluator:
        _METRICS[name] = Metric(name, scale, evaluator, compares, field, whole_set)
        return evaluator

    return enter


def names(field: str | None = None) -> tuple[str, ...]:
    """The metrics' names, those of one field or all, in the order of definition."""
    return tuple(n for n, entry in _METRICS.items() if field in (None, entry.field))


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


def estimates(
    metric_names: Iterable[str],
    examples: Any,
    representation: Representation,
    references: References = NOTHING,
) -> dict[str, Estimate]:
    """Measures a set of phrases.

    Args:
      metric_names: Names in the table, all of metrics of one field.
      examples: That field of the phrases, [phrases, *shape], or for metrics of `audio` a
        `note_metrics.Notes`; not changed.
      representation: Says what the axes mean.
      references: For the metrics that compare: `"training"` and `"held_out"`, any number of
        examples; `"oracle"`, a `TokenOracle`; and `"classified"`, training notes with a
        classifier's outputs, which the examples then have as well. Metrics whose reference is not
        among them are left out. Examples that are themselves the reference are compared with each
        other.

    Returns:
      `"metric/track"`, `"metric/track-track"` or whatever a metric tells apart to estimate; metrics
      in the order asked for.

    Raises:
      ConfigError: If a name is unknown, or examples are not the representation's.
    """
    found = {}
    for name in metric_names:
        entry = get(name)
        if entry.compares and references.get(entry.compares) is None:
            continue
        others = (references[entry.compares],) if entry.compares else ()
        for array in (examples, *others):
            if isinstance(array, np.ndarray):
                _check(array, representation, entry.field)
        for suffix, estimate in entry.evaluator(examples, representation, *others).items():
            found[f"{name}/{suffix}"] = estimate
    return found


def evaluate(
    metric_names: Iterable[str],
    examples: Any,
    representation: Representation,
    references: References = NOTHING,
) -> dict[str, float]:
    """The values of `estimates`, NaN where undefined."""
    found = estimates(metric_names, examples, representation, references)
    return {key: float(estimate.value()) for key, estimate in found.items()}


def _check(examples: np.ndarray, representation: Representation, field: str) -> None:
    if field not in representation.spec:
        raise ConfigError(
            f"Expected metrics of {', '.join(representation.spec)}. Received: one of {field}."
        )
    spec = representation.spec[field]
    if examples.shape[1:] != spec.shape or examples.dtype != spec.dtype:
        raise ConfigError(
            f"Expected {field} of {spec.dtype} [phrases, {', '.join(map(str, spec.shape))}]. "
            f"Received: {examples.dtype} {list(examples.shape)}."
        )
