"""What every representation is: typed arrays of one example, both ways, with a version."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from tfmusicgan.note_sequences.proto import NoteSequence

Example = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class FieldSpec:
    """One array of an example, declared once for writer, reader, model and server.

    Attributes:
      shape: Axis sizes of one example, without the batch axis.
      dtype: NumPy dtype name; `"bool"` fields are stored as packed bits.
      meaning: The axes and numbers in words.
    """

    shape: tuple[int, ...]
    dtype: str
    meaning: str


class Encoded(NamedTuple):
    """A piece's examples, and what is not in them.

    Attributes:
      examples: As `encode` gives them.
      left_out: Reason -> windows left out.
      lost: What -> how many of the piece no window could hold, such as notes out of range.
    """

    examples: list[Example]
    left_out: dict[str, int]
    lost: Mapping[str, int] = MappingProxyType({})


class Representation(Protocol):
    """NoteSequence <-> arrays, NumPy only. Implementations are frozen dataclasses.

    One may also have `encode_counted`, which gives an `Encoded`, and `needs_vocabulary` with
    `with_vocabulary` (see `tfmusicgan.records.vocabulary`). One with `reads_audio` encodes a
    `RecordedNote`, a note with its audio, in place of a NoteSequence.

    Class attributes:
      name: The name in the registry.
      version: Raised whenever the same parameters give other arrays than before.
    """

    name: str
    version: int

    @property
    def spec(self) -> Mapping[str, FieldSpec]:
        """The arrays of one example by name."""

    def encode(self, sequence: NoteSequence) -> list[Example]:
        """Cuts a sequence into examples; never changes its argument.

        Raises:
          ConversionError: If the sequence cannot be encoded.
        """

    def decode(self, example: Example, qpm: float = 120.0) -> NoteSequence:
        """Builds a valid NoteSequence (the design's contract) from one example."""

    def to_parameters(self) -> dict[str, Any]:
        """The constructor's arguments as JSON-able values."""

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """The inverse of `to_parameters`.

        Raises:
          ConfigError: If a parameter is unknown or out of range.
        """
