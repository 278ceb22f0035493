"""Splits that depend on nothing but a piece's name."""

import hashlib
from collections.abc import Sequence


def split_by_name(name: str, fractions: Sequence[float]) -> str:
    """The split of a piece, from the SHA-256 of its name alone.

    Args:
      name: Name of the piece, or of its group.
      fractions: For train, validation and test; they sum to 1.
    """
    digest = hashlib.sha256(name.encode("utf-8")).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < fractions[0]:
        return "train"
    return "validation" if place < fractions[0] + fractions[1] else "test"
