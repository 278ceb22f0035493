"""Checks of representations' parameters that several of them share."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

from tfmusicgan.errors import ConfigError, unknown_name
from tfmusicgan.representations.base import Representation


class PlainParameters:
    """Of representations whose fields are JSON-able as they are."""

    def to_parameters(self) -> dict[str, Any]:
        """The fields as JSON-able values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """The inverse of `to_parameters`.

        Raises:
          ConfigError: If a parameter is unknown or out of range.
        """
        check_names(cls, parameters)
        return cls(**parameters)


def check_whole_numbers(
    representation: Representation, ranges: Mapping[str, tuple[int, int]]
) -> None:
    """Checks that fields are whole numbers within their ranges.

    Args:
      representation: Has the fields.
      ranges: Field name to (lowest, highest).

    Raises:
      ConfigError: If one is not.
    """
    for name, (low, high) in ranges.items():
        value = getattr(representation, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(
                f"{name}: expected a whole number within {low}-{high}. Received: {value!r}."
            )


def check_part_names(representation: Representation, names: Sequence[str]) -> None:
    """Checks that fields can be looked for in instruments' names, by both halves.

    Args:
      representation: Has the fields.
      names: Of the fields.

    Raises:
      ConfigError: If one is not lower-case ASCII text.
    """
    for name in names:
        text = getattr(representation, name)
        plain = isinstance(text, str) and text.isascii() and text.isprintable()
        if not plain or text != text.lower():
            raise ConfigError(
                f"{name}: expected lower-case ASCII text, or none. Received: {text!r}."
            )


def check_pitches(lowest_pitch: int, num_pitches: int) -> None:
    """Checks that the pitches are MIDI's.

    Raises:
      ConfigError: If the highest is above 127.
    """
    if lowest_pitch + num_pitches > 128:
        raise ConfigError(
            f"Expected lowest_pitch + num_pitches <= 128. Received: {lowest_pitch} + {num_pitches}."
        )


def check_names(cls: type[Representation], parameters: Mapping[str, Any]) -> None:
    """Checks that parameters are a representation's fields.

    Raises:
      ConfigError: If one is unknown.
    """
    known = [field.name for field in dataclasses.fields(cls)]
    for name in parameters:
        if name not in known:
            raise unknown_name(f"parameter of {cls.name}", name, known)
