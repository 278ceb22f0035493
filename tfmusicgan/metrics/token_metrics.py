"""Measures of sets of token sequences for the table of metrics.

Tokens are int32 [sequences, length], the representation's field of that name.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from tfmusicgan.metrics import text
from tfmusicgan.metrics.estimates import Estimate, HistogramOverlap, PhraseMeans
from tfmusicgan.metrics.registry import HELD_OUT, ORACLE, TRAINING, metric
from tfmusicgan.representations.base import Representation
from tfmusicgan.token_oracle import TokenOracle

_FIELD = "tokens"
_ORDERS = (2, 3, 4)
# Nats that the paper's figures span: 11.4 for uniform tokens, 5.7 for the oracle's own.
_NLL_SCALE = 6.0
# Squared difference of keys ten semitones apart.
_MSE_SCALE = 100.0
# Intervals of more semitones count as this many: a histogram's last bin on either side.
_WIDEST_INTERVAL = 24


@dataclasses.dataclass(frozen=True)
class WholeSet:
    """A figure of a set of sequences that is no mean over them, such as its variety.

    Attributes:
      function: Sequences [n, length] to the figure.
      tokens: int32 [sequences, length].
    """

    function: Callable[[np.ndarray], float]
    tokens: np.ndarray

    def value(self, weights: np.ndarray | None = None) -> Any:
        """The figure; NaN for resamples, whose repeats are no lack of variety."""
        return self.function(self.tokens) if weights is None else np.full(len(weights), np.nan)

    def spread(self, half: np.ndarray) -> float:
        """Absolute difference between two halves."""
        return abs(self.function(self.tokens[half]) - self.function(self.tokens[~half]))


def token_similarity(tokens: np.ndarray) -> float:
    """Mean share of equal tokens at equal places, over all pairs of different sequences.

    Args:
      tokens: int [sequences, length].

    Returns:
      Within 0-1: 1 if all are the same; NaN for fewer than two.
    """
    count, length = tokens.shape
    if count < 2:
        return float("nan")
    pairs = 0
    for column in tokens.T:
        same = np.unique(column, return_counts=True)[1]
        pairs += int((same * (same - 1)).sum())
    return pairs / (count * (count - 1) * length)


@metric("oracle_nll", scale=_NLL_SCALE, compares=ORACLE, field=_FIELD)
def _oracle_nll(
    tokens: np.ndarray, representation: Representation, oracle: TokenOracle
) -> dict[str, Estimate]:
    """NLL_oracle a token (SeqGAN, equation 9, over the length)."""
    found = oracle.negative_log_likelihood(tokens)
    return {"token": PhraseMeans(found.sum(axis=1), np.full(len(tokens), tokens.shape[1]))}


def _bleu(tokens: np.ndarray, references: np.ndarray, smoothing: str) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for order in _ORDERS:
        weights = (1.0 / order,) * order
        if references is tokens:
            values = text.bleu_of_others(tokens, weights, smoothing)
        else:
            values = text.sentence_bleu(tokens, references, weights, smoothing)
        found[str(order)] = PhraseMeans(values, np.ones(len(values), np.int64))
    return found


@metric("bleu", scale=1.0, compares=HELD_OUT, field=_FIELD)
def _plain_bleu(
    tokens: np.ndarray, representation: Representation, held_out: np.ndarray
) -> dict[str, Estimate]:
    """Mean BLEU, all held-out sequences the references (SeqGAN, section "Music Composition")."""
    return _bleu(tokens, held_out, "none")


@metric("smoothed_bleu", scale=1.0, compares=HELD_OUT, field=_FIELD)
def _smoothed_bleu(
    tokens: np.ndarray, representation: Representation, held_out: np.ndarray
) -> dict[str, Estimate]:
    """As `bleu`, smoothed by NLTK's method 4 (polyphonic SeqGAN, released code)."""
    return _bleu(tokens, held_out, "method4")


@metric("self_bleu", scale=1.0, field=_FIELD, whole_set=True)
def _self_bleu(tokens: np.ndarray, representation: Representation) -> dict[str, Estimate]:
    """BLEU of each sequence with all others as references (Zhu et al. 2018)."""
    return {
        str(n): WholeSet(lambda some, n=n: text.self_bleu(some, (1.0 / n,) * n, "none"), tokens)
        for n in _ORDERS
    }


@metric("distinct_ngrams", scale=1.0, field=_FIELD, whole_set=True)
def _distinct_ngrams(tokens: np.ndarray, representation: Representation) -> dict[str, Estimate]:
    """Share of different n-grams (Li et al. 2016)."""
    orders = (1, *_ORDERS)
    return {
        str(n): WholeSet(lambda some, n=n: text.distinct_ngrams(some, n), tokens) for n in orders
    }


@metric("nearest_mse", scale=_MSE_SCALE, compares=HELD_OUT, field=_FIELD)
def _nearest_mse(
    tokens: np.ndarray, representation: Representation, held_out: np.ndarray
) -> dict[str, Estimate]:
    """Mean squared difference of tokens from the nearest held-out sequence, of `melody_tokens`.

    SeqGAN gives an MSE and not what it compares: this one is ours, and its figure another. Silence,
    token 0, is as far from a key as the key's number: a rest in place of middle C costs 40 squared.
    """
    wide = held_out.astype(np.float64)
    found = np.empty(len(tokens))
    for number, row in enumerate(tokens.astype(np.float64)):
        distances = ((wide - row) ** 2).mean(axis=1)
        if held_out is tokens:
            distances[number] = np.inf
        found[number] = distances.min(initial=np.inf)
    known = np.isfinite(found)
    return {"melody": PhraseMeans(np.where(known, found, 0.0), known.astype(np.int64))}


@metric("rests", scale=1.0, field=_FIELD)
def _rests(tokens: np.ndarray, representation: Representation) -> dict[str, Estimate]:
    """Share of tokens that are silence, token 0, of `melody_tokens`."""
    length = np.full(len(tokens), tokens.shape[1])
    return {"melody": PhraseMeans((tokens == 0).sum(axis=1).astype(np.float64), length)}


@metric("notes_per_token", scale=1.0, field=_FIELD)
def _notes_per_token(tokens: np.ndarray, representation: Representation) -> dict[str, Estimate]:
    """Notes that begin, a token, of `melody_tokens`."""
    length = np.full(len(tokens), tokens.shape[1])
    return {"melody": PhraseMeans(_begins(tokens).sum(axis=1).astype(np.float64), length)}


@metric("pitch_class_histogram", scale=1.0, compares=TRAINING, field=_FIELD)
def _pitch_class_histogram(
    tokens: np.ndarray, representation: Representation, training: np.ndarray
) -> dict[str, Estimate]:
    """Overlap of the pitch classes of all sounding tokens with the training data's."""
    lowest = representation.lowest_pitch

    def count(some: np.ndarray) -> np.ndarray:
        return _count((some - 1 + lowest) % 12, some > 0, 12)

    return {"melody": HistogramOverlap(count(tokens), count(training).sum(axis=0))}


@metric("interval_histogram", scale=1.0, compares=TRAINING, field=_FIELD)
def _interval_histogram(
    tokens: np.ndarray, representation: Representation, training: np.ndarray
) -> dict[str, Estimate]:
    """Overlap of the intervals from one note to the next, in semitones, rests left out."""
    return {"melody": HistogramOverlap(_intervals(tokens), _intervals(training).sum(axis=0))}


def _begins(tokens: np.ndarray) -> np.ndarray:
    """Where a note begins: bool [sequences, length]."""
    before = np.pad(tokens[:, :-1], ((0, 0), (1, 0)), constant_values=-1)
    return (tokens > 0) & (tokens != before)


def _intervals(tokens: np.ndarray) -> np.ndarray:
    """Counts of intervals from -24 to 24 semitones, [sequences, 49]."""
    row, place = np.nonzero(_begins(tokens))
    pitch = tokens[row, place]
    steps = np.diff(pitch).clip(-_WIDEST_INTERVAL, _WIDEST_INTERVAL) + _WIDEST_INTERVAL
    within = row[1:] == row[:-1]
    bins = 2 * _WIDEST_INTERVAL + 1
    flat = np.bincount(row[1:][within] * bins + steps[within], minlength=len(tokens) * bins)
    return flat.reshape(len(tokens), bins)


def _count(values: np.ndarray, counted: np.ndarray, bins: int) -> np.ndarray:
    """Histogram of each row's values where they are counted: int64 [rows, bins]."""
    rows = np.broadcast_to(np.arange(len(values))[:, np.newaxis], values.shape)
    flat = np.bincount((rows * bins + values)[counted], minlength=len(values) * bins)
    return flat.reshape(len(values), bins)
