"""Whether a model copies: distance to the nearest training phrase, and likeness among phrases."""

from collections.abc import Iterator

import numpy as np

from tfmusicgan.errors import ConfigError, unknown_name

MEASURES = ("jaccard", "hamming")

# Float32 numbers of one operand of a matrix product: 64 MiB.
_CHUNK_NUMBERS = 1 << 24


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
    for _, flat in _chunks(phrases):
        for _, other in _chunks(phrases):
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
    """Rows and their cells as float32 [n, cells], in bounded memory."""
    cells = int(np.prod(phrases.shape[1:], dtype=np.int64))
    size = max(1, _CHUNK_NUMBERS // max(1, cells))
    for first in range(0, len(phrases), size):
        rows = slice(first, first + size)
        yield rows, phrases[rows].reshape(-1, cells).astype(np.float32)


def _distances(phrases: np.ndarray, others: np.ndarray, measure: str) -> np.ndarray:
    """float64 [phrases, others]; counts of up to 16,777,216 cells are exact in float32."""
    both = (phrases @ others.T).astype(np.float64)
    sizes = phrases.sum(axis=1, dtype=np.float64)[:, np.newaxis]
    differ = sizes + others.sum(axis=1, dtype=np.float64) - 2.0 * both
    if measure == "hamming":
        return differ / max(1, phrases.shape[1])
    return differ / np.maximum(differ + both, 1.0)
