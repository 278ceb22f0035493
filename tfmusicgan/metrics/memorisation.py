"""Whether a model copies: distance to the nearest training phrase, and likeness among phrases.

Common cells of all pairs are one matrix product, taken a stretch of cells at a time: every cell is
turned into a number once, and cells that no phrase uses, most of a piano-roll, are left out.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tfmusicgan.errors import ConfigError, unknown_name

MEASURES = ("jaccard", "hamming")

# Float32 numbers of both operands of a matrix product (64 MiB), and rows of each: their product has
# as many numbers at most.
_CHUNK_NUMBERS = 1 << 24
_CHUNK_ROWS = 1 << 12


def nearest_distance(
    phrases: np.ndarray, training: np.ndarray, measure: str = "jaccard"
) -> np.ndarray:
    """Distance of each phrase to the most similar training phrase.

    Compare the distances of generated phrases with those of held-out ones: a model that composes is
    about as far from its training phrases as music it has never seen.

    Args:
      phrases: bool [phrases, ...], any shape of phrase.
      training: bool [training phrases, ...] of the same shape.
      measure: `"jaccard"`: 1 - |a and b| / |a or b|, the share of cells that only one of the two
        has among those that either has (two silent phrases: 0); `"hamming"`: |a xor b| / cells.

    Returns:
      float64 [phrases], within 0-1; NaN where there are no training phrases.

    Raises:
      ConfigError: If the shapes differ or the measure is unknown.
    """
    _check(phrases, training, measure)
    nearest = np.full(len(phrases), np.nan)
    for rows, flat in _chunks(phrases):
        for _, other in _chunks(training):
            distance = _distances(flat, other, measure).min(axis=1)
            nearest[rows] = np.fmin(nearest[rows], distance)
    return nearest


def transposed(piano_rolls: np.ndarray, semitones: int, is_drum: Sequence[bool]) -> np.ndarray:
    """Phrases in another key; those of which a note would leave the piano-roll are left out.

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks], pitches a semitone apart.
      semitones: Up, or down where it is negative.
      is_drum: Whether each track is drums, which stay as they are.

    Returns:
      bool [phrases that fit, bars, steps, pitches, tracks].
    """
    if not semitones:
        return piano_rolls
    drums = np.asarray(is_drum, bool)
    leaving = slice(-semitones, None) if semitones > 0 else slice(None, -semitones)
    leaves = piano_rolls[:, :, :, leaving][..., ~drums].any(axis=(1, 2, 3, 4))
    fitting = piano_rolls[~leaves]
    moved = np.zeros_like(fitting)
    begin, end = max(0, semitones), min(0, semitones)
    moved[:, :, :, begin : end or None] = fitting[:, :, :, -end : -begin or None]
    moved[..., drums] = fitting[..., drums]
    return moved


def self_similarity(phrases: np.ndarray, measure: str = "jaccard") -> float:
    """Mean similarity, 1 - distance, of all pairs of different phrases.

    Args:
      phrases: bool [phrases, ...].
      measure: See `nearest_distance`.

    Returns:
      Within 0-1: 1 if all are the same; NaN for fewer than two phrases.

    Raises:
      ConfigError: If the measure is unknown.
    """
    _check(phrases, phrases, measure)
    if len(phrases) < 2:
        return float("nan")
    total = 0.0
    for rows, flat in _chunks(phrases):
        for columns, other in _chunks(phrases):
            # One array with itself is a symmetric product, of half the work.
            other = flat if rows == columns else other
            total += float(np.sum(1.0 - _distances(flat, other, measure)))
    # Every phrase met itself once, at similarity 1.
    pairs = len(phrases) * (len(phrases) - 1)
    return (total - len(phrases)) / pairs


def _check(phrases: np.ndarray, training: np.ndarray, measure: str) -> None:
    if measure not in MEASURES:
        raise unknown_name("measure", measure, MEASURES)
    if phrases.shape[1:] != training.shape[1:]:
        raise ConfigError(
            "Expected phrases and training phrases of one shape. "
            f"Received: {list(phrases.shape[1:])} and {list(training.shape[1:])}."
        )


def _chunks(phrases: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows and their cells as bool [n, cells]."""
    cells = int(np.prod(phrases.shape[1:], dtype=np.int64))
    for first in range(0, len(phrases), _CHUNK_ROWS):
        rows = slice(first, first + _CHUNK_ROWS)
        yield rows, phrases[rows].reshape(-1, cells)


def _common_cells(phrases: np.ndarray, others: np.ndarray) -> np.ndarray:
    """|a and b| of all pairs, float32 [phrases, others]: exact up to 16,777,216 cells."""
    common = np.zeros((len(phrases), len(others)), np.float32)
    size = max(1, _CHUNK_NUMBERS // (len(phrases) + len(others)))
    for first in range(0, phrases.shape[1], size):
        left, right = (flat[:, first : first + size] for flat in (phrases, others))
        used = left.any(axis=0) & right.any(axis=0)
        left_numbers = left[:, used].astype(np.float32)
        right_numbers = left_numbers if others is phrases else right[:, used].astype(np.float32)
        common += left_numbers @ right_numbers.T
    return common


def _distances(phrases: np.ndarray, others: np.ndarray, measure: str) -> np.ndarray:
    """float64 [phrases, others] from bool [n, cells]."""
    both = _common_cells(phrases, others).astype(np.float64)
    sizes = np.count_nonzero(phrases, axis=1)[:, np.newaxis]
    differ = sizes + np.count_nonzero(others, axis=1) - 2.0 * both
    if measure == "hamming":
        return differ / max(1, phrases.shape[1])
    return differ / np.maximum(differ + both, 1.0)
