"""What the metrics of single bars share: bounded memory, and means over bars that count."""

from collections.abc import Iterator

import numpy as np

# Cells of boolean piano-roll looked at in one go; intermediate arrays have a few times its size.
_CHUNK_CELLS = 1 << 24


def bar_chunks(piano_rolls: np.ndarray) -> Iterator[np.ndarray]:
    """Goes over the bars of all phrases, some at a time.

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].

    Yields:
      bool [n, steps, pitches, tracks], in order.
    """
    cells = max(1, int(np.prod(piano_rolls.shape[1:])))
    phrases = max(1, _CHUNK_CELLS // cells)
    for first in range(0, len(piano_rolls), phrases):
        chunk = piano_rolls[first : first + phrases]
        yield chunk.reshape(-1, *chunk.shape[2:])


class Mean:
    """Mean over entries that count, in several columns, added up chunk by chunk."""

    def __init__(self, shape: tuple[int, ...]):
        self._total = np.zeros(shape)
        self._count = np.zeros(shape, np.int64)

    def add(self, values: np.ndarray, counts: np.ndarray) -> None:
        """Adds entries.

        Args:
          values: float [n, *shape]; read only where `counts`.
          counts: bool [n, *shape].
        """
        self._total += np.where(counts, values, 0.0).sum(axis=0)
        self._count += counts.sum(axis=0)

    def result(self) -> np.ndarray:
        """float64 [*shape]; NaN where nothing counted."""
        known = self._count > 0
        return np.where(known, self._total / np.maximum(self._count, 1), np.nan)


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient, 0 where the denominator is 0 (for entries that do not count)."""
    return numerator / np.maximum(denominator, 1)


def count_cells(bars: np.ndarray) -> np.ndarray:
    """Number of ones of each track: bool [n, steps, pitches, tracks] to int64 [n, tracks].

    Reducing one axis after the other is 16 times faster than NumPy's reduction of both.
    """
    return bars.view(np.uint8).sum(axis=1, dtype=np.uint16).sum(axis=1, dtype=np.int64)


def count_pitches(bars: np.ndarray) -> np.ndarray:
    """Pitches at each step: bool [n, steps, pitches, tracks] to uint8 [n, steps, tracks].

    Adds halves of the pitch axis: the short last axis makes NumPy's reduction 10 times slower.
    """
    counts = bars.view(np.uint8)
    while counts.shape[2] > 1:
        half = counts.shape[2] // 2
        halves = counts[:, :, :half] + counts[:, :, half : 2 * half]
        if counts.shape[2] % 2:
            halves[:, :, 0] += counts[:, :, -1]
        counts = halves
    return counts[:, :, 0]


def fold_pitches(counts: np.ndarray, lowest_pitch: int, band: int | None = None) -> np.ndarray:
    """Sums a pitch axis into pitch classes.

    Args:
      counts: [..., pitches, tracks].
      lowest_pitch: MIDI number of the first pitch.
      band: None folds octaves: class 0 is C. A width makes classes of that many neighbouring
        pitches instead, counted from the first pitch, as published figures have it: 7 in MuseGAN's
        first release, 8 in BinaryMuseGAN's code.

    Returns:
      [..., classes, tracks]: twelve classes, or as many as bands.
    """
    pitches = np.arange(counts.shape[-2])
    classes = (lowest_pitch + pitches) % 12 if band is None else pitches // band
    num_classes = 12 if band is None else int(classes.max()) + 1
    folded = np.zeros((*counts.shape[:-2], num_classes, counts.shape[-1]), counts.dtype)
    for index in range(num_classes):
        folded[..., index, :] = counts[..., classes == index, :].sum(axis=-2)
    return folded
