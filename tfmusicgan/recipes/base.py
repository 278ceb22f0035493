"""What a recipe is: a model, a representation, a dataset, presets. Imports no TensorFlow."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from tfmusicgan.errors import ConfigError

KINDS = ("generator", "oracle", "baseline", "classifier")


@dataclasses.dataclass(frozen=True)
class Preset:
    """One size of a recipe.

    Attributes:
      representation: The representation's constructor arguments, JSON-able.
      config: The model's frozen config dataclass.
      filters: Rules for whole pieces that the data are chosen by, JSON-able: fields of
        `tfmusicgan.records.filters.PieceFilters`, e.g. `{"time_signatures": ["4/4"]}`.
    """

    representation: Mapping[str, Any]
    config: Any
    filters: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One published experiment: a row that joins model, representation and dataset by name.

    Attributes:
      name: The recipe's name on command lines.
      kind: One of `KINDS`; it decides which conformance laws hold.
      summary: One line on what comes out.
      paper: Authors, year, title, link.
      model: Name in `tfmusicgan.models`.
      representation: Name in `tfmusicgan.representations`.
      dataset: Name in `tfmusicgan.datasets`, the default source of its records.
      presets: `"paper"`, `"small"` and `"tiny"`.
      metrics: Names in `tfmusicgan.metrics` that the evaluation table shows.
      collapse: Metric to the value at or above which the samples count as collapsed and training
        stops. A name alone (`"empty_bars"`) is the mean of its tracks.
      collapse_below: The same of metrics that fall then: the value at or below which they do.
      published: The paper's figures: row name to metric key (`"empty_bars/piano"`) to value. The
        evaluation shows them where the run has all of their tracks.
      published_notes: What to know about them, a sentence each.
    """

    name: str
    kind: str
    summary: str
    paper: str
    model: str
    representation: str
    dataset: str
    presets: Mapping[str, Preset]
    metrics: tuple[str, ...] = ()
    collapse: Mapping[str, float] = dataclasses.field(default_factory=dict)
    collapse_below: Mapping[str, float] = dataclasses.field(default_factory=dict)
    published: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)
    published_notes: tuple[str, ...] = ()

    def __post_init__(self):
        """Checks the kind.

        Raises:
          ConfigError: If the kind is none of `KINDS`.
        """
        if self.kind not in KINDS:
            raise ConfigError(f"Expected a kind among {', '.join(KINDS)}. Received: {self.kind!r}.")

    def preset(self, name: str) -> Preset:
        """Looks a preset up.

        Raises:
          ConfigError: If the recipe has no such preset.
        """
        if name not in self.presets:
            raise ConfigError(
                f"Recipe {self.name!r} has no preset {name!r}. Known: {', '.join(self.presets)}."
            )
        return self.presets[name]


def override(config: Any, assignments: Sequence[str]) -> Any:
    """Returns a config with `name=value` assignments applied.

    Args:
      config: A frozen dataclass of numbers, booleans, texts, and tuples of whole numbers.
      assignments: Texts such as `"batch_size=32"` or `"time_strides=2,2,4"`.

    Returns:
      A new config; its own `__post_init__` checks the ranges.

    Raises:
      ConfigError: If a name is unknown, or a value does not parse as the field's type.
    """
    hints = typing.get_type_hints(type(config))
    changes = {}
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        if not separator:
            raise ConfigError(f"Expected --set=name=value. Received: {assignment!r}.")
        if name not in hints:
            close = difflib.get_close_matches(name, hints, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ConfigError(
                f"Unknown hyperparameter {name!r}.{hint} Known: {', '.join(sorted(hints))}."
            )
        changes[name] = _parse(name, text, hints[name])
    return dataclasses.replace(config, **changes)


def rebuild(config_class: type, values: Mapping[str, Any]) -> Any:
    """Builds a config from saved values.

    Args:
      config_class: The frozen config dataclass.
      values: Field name to value.

    Returns:
      The config; fields that are not saved take their defaults.

    Raises:
      ConfigError: If a name is unknown to this release.
    """
    known = {field.name for field in dataclasses.fields(config_class)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ConfigError(
            f"Unknown hyperparameters in the saved config: {', '.join(unknown)}. Known: "
            f"{', '.join(sorted(known))}. Use the release that saved it."
        )
    return config_class(**values)


def _parse(name: str, text: str, hint: Any) -> Any:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if type(None) in options and text.lower() == "none":
        return None
    kind = next(option for option in options if option is not type(None))
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if typing.get_origin(kind) is tuple:
            return tuple(int(part) for part in text.split(",") if part)
        return kind(text)
    except (ValueError, KeyError):
        expected = getattr(kind, "__name__", str(kind))
        raise ConfigError(
            f"Hyperparameter {name!r}: expected a value of type {expected}. Received: {text!r}."
        ) from None
