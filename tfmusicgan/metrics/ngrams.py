"""N-grams of token sequences as integers: equal n-grams have equal numbers.

All sequences lie in one row, each with an end mark behind it. The runs of 1, 2, 4, ... tokens at
all positions are numbered in dictionary order by sorting pairs of numbers of half the length
(Manber and Myers 1993, Suffix arrays: a new method for on-line string searches); an n-gram of
another length is a pair of runs that overlap. Sorting is all the work: no pair of sequences is ever
compared.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfmusicgan.errors import ConfigError

# int [sequences, length], or int [length] of each sequence where lengths differ.
Sequences = np.ndarray | Sequence[np.ndarray]


class Tokens(NamedTuple):
    """Sequences end to end.

    Attributes:
      tokens: int64 [all tokens].
      lengths: int64 [sequences], in tokens.
    """

    tokens: np.ndarray
    lengths: np.ndarray


def flatten(what: str, sequences: Sequences) -> Tokens:
    """Lays sequences end to end.

    Args:
      what: Their name in messages, e.g. `"references"`.
      sequences: int [sequences, length] or a list of int [length]; none, and empty ones, are fine.

    Returns:
      Their tokens and lengths.

    Raises:
      ConfigError: If the tokens are not integers, or the axes are others.
    """
    if isinstance(sequences, np.ndarray):
        _check(what, sequences, 2)
        lengths = np.full(len(sequences), sequences.shape[1], np.int64)
        return Tokens(sequences.ravel().astype(np.int64), lengths)
    rows = [np.asarray(sequence) for sequence in sequences]
    for row in rows:
        _check(what, row, 1)
    lengths = np.array([len(row) for row in rows], np.int64)
    return Tokens(np.concatenate([np.zeros(0), *rows]).astype(np.int64), lengths)


def _check(what: str, array: np.ndarray, axes: int) -> None:
    # An empty list has NumPy's default type, which is no integer.
    integers = array.dtype.kind in "iu" and np.can_cast(array.dtype, np.int64)
    if array.ndim != axes or (array.size and not integers):
        raise ConfigError(
            f"Expected {what} of int [sequences, length], or a list of int [length]. "
            f"Received: {array.dtype} {list(array.shape)}."
        )


class NGrams:
    """The n-grams of one or several sets of sequences, numbered together.

    Attributes:
      lengths: int64 [sequences], of all sets in order, in tokens.
      sequence: int64 [positions], the number of the sequence that a position belongs to; a
        sequence has one position more than it has tokens, its end mark.
      left: int64 [positions], tokens from a position to the end of its sequence: 0 at the mark.
    """

    def __init__(self, *sets: Tokens):
        tokens = np.concatenate([one.tokens for one in sets])
        self.lengths = np.concatenate([one.lengths for one in sets])
        positions = self.lengths + 1
        self.sequence = np.repeat(np.arange(len(positions)), positions)
        marks = np.cumsum(positions) - 1
        self.left = np.repeat(marks, positions) - np.arange(len(self.sequence))
        numbers = np.zeros(len(self.sequence), np.int64)
        numbers[self.left > 0] = np.unique(tokens, return_inverse=True)[1] + 1
        self._runs = [numbers]

    def runs(self, level: int) -> np.ndarray:
        """Numbers the runs of 2**level tokens in dictionary order.

        Marks come before all tokens. Runs that reach beyond a mark are ordered by what follows it,
        too, so that equal ends of sequences may differ: compare no more than `left` tokens.

        Returns:
          int64 [positions].
        """
        while len(self._runs) <= level:
            self._runs.append(_pairs(self._runs[-1], 1 << (len(self._runs) - 1)))
        return self._runs[level]

    def of_length(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """All n-grams, sequence by sequence.

        Args:
          n: Tokens in one.

        Returns:
          Two int64 [n-grams]: the n-gram's number, at least 0, and the number of its sequence.

        Raises:
          ConfigError: If n is below 1.
        """
        if n < 1:
            raise ConfigError(f"Expected n-grams of at least one token. Received: n={n}.")
        inside = np.flatnonzero(self.left >= n)
        if not len(inside):
            return inside, inside
        level = n.bit_length() - 1
        numbers, more = self.runs(level), n - (1 << level)
        return (_pairs(numbers, more) if more else numbers)[inside], self.sequence[inside]

    def counts(self, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How often each sequence has each of its n-grams.

        Returns:
          Three int64 [different n-grams of all sequences], in order of the first two: the n-gram's
          number, the sequence's number, the count.

        Raises:
          ConfigError: If n is below 1.
        """
        grams, owners = self.of_length(n)
        keys, counts = np.unique(grams * len(self.lengths) + owners, return_counts=True)
        return *np.divmod(keys, max(1, len(self.lengths))), counts


def _pairs(numbers: np.ndarray, distance: int) -> np.ndarray:
    """Numbers, in order, of the pairs of a position's number and that `distance` behind it."""
    behind = np.zeros_like(numbers)
    behind[: max(0, len(numbers) - distance)] = numbers[distance:]
    # Numbers are smaller than the row is long: their pairs are exact up to 3e9 positions.
    return np.unique(numbers * (len(numbers) + 1) + behind, return_inverse=True)[1]
