"""Everything that decides the bytes of a record set, apart from its sources."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Self

from tfmusicgan import representations
from tfmusicgan.errors import ConfigError
from tfmusicgan.records.filters import PieceFilters
from tfmusicgan.records.selection import PieceList
from tfmusicgan.representations.base import Representation

# A shard of about so many pieces is a fair unit of work, of resuming and of shuffling.
PIECES_PER_SHARD = 64
_MAX_AUTOMATIC_SHARDS = 1024
_MAX_SHARDS = 99_999
_NO_FILTERS = PieceFilters()


@dataclasses.dataclass(frozen=True)
class ConvertOptions:
    """How pieces become examples, and examples shards.

    Attributes:
      representation: What pieces are encoded into.
      filters: What happens to whole pieces before.
      split: Fractions of the pieces for train, validation and test; they sum to 1.
      num_shards: Shards of the training split; the other splits get as many in proportion. 0 is
        one for every 64 pieces. Never a function of the number of workers.
      max_phrases: Most phrases of one piece, evenly spread over it; 0 keeps all.
      best_match: Whether one file of each song is kept, where a dataset tells which is best.
      only: The pieces to keep; None for all.
    """

    representation: Representation
    filters: PieceFilters = _NO_FILTERS
    split: tuple[float, float, float] = (0.8, 0.1, 0.1)
    num_shards: int = 0
    max_phrases: int = 0
    best_match: bool = False
    only: PieceList | None = None

    def __post_init__(self):
        """Checks the ranges.

        Raises:
          ConfigError: If the fractions are no partition, a number is out of range, or recordings
            are to be transposed.
        """
        fractions = self.split
        valid = len(fractions) == 3 and all(0 <= f <= 1 for f in fractions)
        if not valid or not math.isclose(sum(fractions), 1, abs_tol=1e-6) or not fractions[0] > 0:
            raise ConfigError(
                "Expected three split fractions (train, validation, test) that sum to 1, the first "
                f"above 0. Received: {', '.join(map(str, fractions))}."
            )
        if not 0 <= self.num_shards <= _MAX_SHARDS:
            raise ConfigError(f"Expected 0-{_MAX_SHARDS} shards. Received: {self.num_shards}.")
        if self.max_phrases < 0:
            raise ConfigError(f"Expected max_phrases >= 0. Received: {self.max_phrases}.")
        if self.filters.transpose and getattr(self.representation, "reads_audio", False):
            raise ConfigError(
                "Expected no transposition: a recording keeps its pitch. Received: "
                f"transpose={self.filters.transpose!r} with {self.representation.name}."
            )

    def shards_for(self, num_pieces: int, num_training_pieces: int) -> int:
        """Number of shards of a split.

        Args:
          num_pieces: Pieces in the split.
          num_training_pieces: Pieces in the training split.
        """
        if num_pieces == 0:
            return 0
        if self.num_shards and num_training_pieces:
            wanted = math.ceil(self.num_shards * num_pieces / num_training_pieces)
        else:
            wanted = min(math.ceil(num_pieces / PIECES_PER_SHARD), _MAX_AUTOMATIC_SHARDS)
        return max(1, min(wanted, num_pieces))

    def to_json(self) -> dict[str, Any]:
        """JSON-able values from which a worker process builds the options again."""
        return {
            "representation": representations.to_manifest(self.representation),
            "filters": self.filters.to_options(),
            "split": list(self.split),
            "num_shards": self.num_shards,
            "max_phrases": self.max_phrases,
            "best_match": self.best_match,
            # The list itself stays with who plans: workers get pieces that are in it.
            "only": self.only.digest if self.only else "",
        }

    @classmethod
    def from_json(cls, options: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`, but for the list of pieces."""
        return cls(
            representation=representations.from_manifest(options["representation"]),
            filters=PieceFilters.from_options(options["filters"]),
            split=tuple(options["split"]),
            num_shards=options["num_shards"],
            max_phrases=options["max_phrases"],
            best_match=options["best_match"],
        )
