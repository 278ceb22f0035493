"""Measures of token sequences: BLEU, self-BLEU, distinct n-grams, and what is copied.

BLEU says how much of a sequence is made of n-grams that real ones have, too. It does not see
whether a model copies them (`longest_copied_run`, `copied_ngram_share`) or says the same thing
again and again (`self_bleu`, `distinct_ngrams`): give them side by side.

Sequences are int [sequences, length], or a list of int [length] where lengths differ.
"""

import numpy as np

from tfmusicgan.errors import ConfigError, unknown_name
from tfmusicgan.metrics.ngrams import NGrams, Sequences, flatten

SMOOTHINGS = ("none", "method4")
BLEU_4 = (0.25, 0.25, 0.25, 0.25)

_K = 5.0  # Chen and Cherry 2014, smoothing 4; NLTK's default
_WEIGHTS_TOLERANCE = 1e-6


def sentence_bleu(
    hypotheses: Sequences,
    references: Sequences,
    weights: tuple[float, ...] = BLEU_4,
    smoothing: str = "none",
) -> np.ndarray:
    """BLEU of each sequence, all references taken together (Papineni et al. 2002, section 2).

    exp(sum of w_n log p_n) min(1, exp(1 - r / c)). p_n is the share of the sequence's n-grams that
    match; one n-gram matches as often as the reference that has it most often has it. c is the
    sequence's length, r that of the reference nearest in length, the shorter of two as near. Where
    the sequence has fewer than n tokens, p_n is 0 of 1.

    `"method4"` smooths as NLTK's `SmoothingFunction().method4` does since release 3.6: the j-th of
    the orders without a match (j = 1, 2, ...) counts ln(c) / (5 * 2^j) matches. Chen and Cherry
    (2014), its source, count (ln(c) / 5)^j. NLTK 3.2.2 to 3.4.5, the releases of the years of
    polyphonic SeqGAN, took p_n = 1 / (n - 1 + 5 / ln(c)), far more. As in NLTK, a sequence without
    a matching token is 0, and one of a single token leaves the higher orders out.

    Args:
      hypotheses: int [sequences, length] or a list of int [length].
      references: The same; lengths may differ from the hypotheses'.
      weights: Of the n-grams of 1, 2, ... tokens, sum 1. (1/3, 1/3, 1/3) is BLEU-3.
      smoothing: `"method4"`, or `"none"`: 0 where an order that has a weight has no match (NLTK
        takes 2e-308 for its p_n).

    Returns:
      float64 [sequences], within 0-1: 0 for an empty sequence; NaN where there are no references.

    Raises:
      ConfigError: If tokens are not integers, the weights are negative or do not sum to 1, or the
        smoothing is unknown.
    """
    _check(weights, smoothing)
    made, known = flatten("hypotheses", hypotheses), flatten("references", references)
    if not len(known.lengths):
        return np.full(len(made.lengths), np.nan)
    ngrams = NGrams(made, known)
    matches = [_matches(ngrams, n + 1, len(made.lengths)) for n in range(len(weights))]
    lengths = np.sort(known.lengths)
    above = np.searchsorted(lengths, made.lengths).clip(max=len(lengths) - 1)
    nearest = _nearer(made.lengths, lengths[(above - 1).clip(min=0)], lengths[above])
    return _bleu(np.array(matches), made.lengths, nearest, weights, smoothing)


def self_bleu(
    sequences: Sequences, weights: tuple[float, ...] = BLEU_4, smoothing: str = "none"
) -> float:
    """Mean of `bleu_of_others` (Zhu et al. 2018, Texygen).

    Args:
      sequences: int [sequences, length] or a list of int [length].
      weights: See `sentence_bleu`.
      smoothing: See `sentence_bleu`.

    Returns:
      Within 0-1: 1 if all are the same; NaN for fewer than two sequences.

    Raises:
      ConfigError: As `sentence_bleu`.
    """
    found = bleu_of_others(sequences, weights, smoothing)
    return float(found.mean()) if len(found) > 1 else float("nan")


def bleu_of_others(
    sequences: Sequences, weights: tuple[float, ...] = BLEU_4, smoothing: str = "none"
) -> np.ndarray:
    """BLEU of each sequence, all others its references.

    Args:
      sequences: int [sequences, length] or a list of int [length].
      weights: See `sentence_bleu`.
      smoothing: See `sentence_bleu`.

    Returns:
      float64 [sequences], within 0-1; NaN where there is only one.

    Raises:
      ConfigError: As `sentence_bleu`.
    """
    _check(weights, smoothing)
    flat = flatten("sequences", sequences)
    if len(flat.lengths) < 2:
        return np.full(len(flat.lengths), np.nan)
    ngrams = NGrams(flat)
    matches = [_matches_of_others(ngrams, n + 1) for n in range(len(weights))]
    # In order of length, the nearest of the others is a neighbour.
    order = np.argsort(flat.lengths, kind="stable")
    lengths = flat.lengths[order]
    shorter, longer = np.append(lengths[1], lengths[:-1]), np.append(lengths[1:], lengths[-2])
    nearest = np.empty_like(lengths)
    nearest[order] = _nearer(lengths, shorter, longer)
    return _bleu(np.array(matches), flat.lengths, nearest, weights, smoothing)


def distinct_ngrams(sequences: Sequences, n: int) -> float:
    """Number of different n-grams / number of n-grams (Li et al. 2016, distinct-n).

    Args:
      sequences: int [sequences, length] or a list of int [length].
      n: Tokens in an n-gram.

    Returns:
      Within 0-1: 1 if none occurs twice; NaN if no sequence has n tokens.

    Raises:
      ConfigError: If tokens are not integers or n is below 1.
    """
    grams, _ = NGrams(flatten("sequences", sequences)).of_length(n)
    return len(np.unique(grams)) / len(grams) if len(grams) else float("nan")


def copied_ngram_share(sequences: Sequences, training: Sequences, n: int = 10) -> float:
    """Share of the n-grams that some training sequence has, too.

    Args:
      sequences: int [sequences, length] or a list of int [length].
      training: The same; lengths may differ.
      n: Tokens in an n-gram.

    Returns:
      Within 0-1: 0 without training sequences of n tokens; NaN if no sequence has n tokens.

    Raises:
      ConfigError: If tokens are not integers or n is below 1.
    """
    made, known = flatten("sequences", sequences), flatten("training sequences", training)
    grams, owners = NGrams(made, known).of_length(n)
    ours = owners < len(made.lengths)
    if not ours.any():
        return float("nan")
    copied = np.zeros(grams.max() + 1, bool)
    copied[grams[~ours]] = True
    return float(copied[grams[ours]].mean())


def longest_copied_run(sequences: Sequences, training: Sequences) -> np.ndarray:
    """Length of each sequence's longest run of tokens that some training sequence has, too.

    Args:
      sequences: int [sequences, length] or a list of int [length].
      training: The same; lengths may differ.

    Returns:
      int64 [sequences], in tokens: 0 if no token occurs in training, or there is no training.

    Raises:
      ConfigError: If tokens are not integers.
    """
    made, known = flatten("sequences", sequences), flatten("training sequences", training)
    longest = min(made.lengths.max(initial=0), known.lengths.max(initial=0))
    if not longest:
        return np.zeros(len(made.lengths), np.int64)
    ngrams = NGrams(made, known)
    levels = int(longest).bit_length()
    # Of all training runs, those next in the dictionary, before or behind, have most in common.
    order = np.argsort(ngrams.runs(levels), kind="stable")
    known_there = ngrams.sequence[order] >= len(made.lengths)
    (entries,) = np.nonzero(known_there)
    wanted = np.flatnonzero(~known_there)
    behind = np.searchsorted(entries, wanted)
    common = np.zeros(len(order), np.int64)
    for neighbour in (behind - 1, behind):
        positions = order[entries[neighbour.clip(0, len(entries) - 1)]]
        found = _common(ngrams, levels, order[wanted], positions)
        common[order[wanted]] = np.maximum(common[order[wanted]], found)
    starts = np.cumsum(made.lengths + 1) - (made.lengths + 1)
    return np.maximum.reduceat(common[: len(wanted)], starts)


def _check(weights: tuple[float, ...], smoothing: str) -> None:
    if smoothing not in SMOOTHINGS:
        raise unknown_name("smoothing", smoothing, SMOOTHINGS)
    good = all(weight >= 0.0 for weight in weights)
    if not good or not abs(sum(weights) - 1.0) <= _WEIGHTS_TOLERANCE:
        raise ConfigError(
            f"Expected weights of at least 0 that sum to 1. Received: {tuple(weights)}."
        )


def _matches(ngrams: NGrams, n: int, num_hypotheses: int) -> np.ndarray:
    """Matching n-grams of the first sequences with all that follow, float64 [hypotheses]."""
    grams, owners, counts = ngrams.counts(n)
    ours = owners < num_hypotheses
    limits = np.zeros(grams.max(initial=0) + 1, np.int64)
    np.maximum.at(limits, grams[~ours], counts[~ours])
    clipped = np.minimum(counts[ours], limits[grams[ours]])
    return np.bincount(owners[ours], clipped, num_hypotheses)


def _matches_of_others(ngrams: NGrams, n: int) -> np.ndarray:
    """Matching n-grams of each sequence with all others, float64 [sequences]."""
    grams, owners, counts = ngrams.counts(n)
    order = np.lexsort((counts, grams))
    grams, owners, counts = grams[order], owners[order], counts[order]
    # The largest count is limited by the second largest, all others by the largest.
    first = np.flatnonzero(np.diff(grams, prepend=-1))
    sizes = np.diff(first, append=len(grams))
    last = first + sizes - 1
    limits = np.repeat(counts[last], sizes)
    limits[last] = np.where(sizes > 1, counts[last - 1], 0)
    return np.bincount(owners, np.minimum(counts, limits), len(ngrams.lengths))


def _nearer(lengths: np.ndarray, shorter: np.ndarray, longer: np.ndarray) -> np.ndarray:
    """The nearer of two lengths, the shorter if both are as near."""
    return np.where(abs(lengths - shorter) <= abs(longer - lengths), shorter, longer)


def _bleu(
    matches: np.ndarray,
    lengths: np.ndarray,
    nearest: np.ndarray,
    weights: tuple[float, ...],
    smoothing: str,
) -> np.ndarray:
    """float64 [sequences] from matches [orders, sequences], own and nearest lengths."""
    weights = np.array(weights)
    sizes = np.maximum(lengths, 1)  # of an empty sequence, nothing matches
    totals = np.maximum(1, lengths - np.arange(len(weights))[:, np.newaxis])
    counts = matches
    if smoothing == "method4":
        number = np.cumsum(matches == 0, axis=0)
        counts = np.where(matches == 0, np.log(sizes) / (_K * 2.0**number), matches)
        counts = np.where(counts == 0.0, totals, counts)  # leaves the order out
    used = weights > 0.0
    with np.errstate(divide="ignore"):
        logs = weights[used] @ np.log(counts[used] / totals[used])
    logs += np.minimum(0.0, 1.0 - nearest / sizes)
    return np.where(matches[0] == 0, 0.0, np.exp(logs))


def _common(ngrams: NGrams, levels: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Tokens that the sequences have in common from two positions on, int64 [positions]."""
    common = np.zeros(len(first), np.int64)
    last = len(ngrams.left) - 1  # a mark: whoever is cut off there has met one before
    for level in reversed(range(levels)):
        runs = ngrams.runs(level)
        same = runs[np.minimum(first + common, last)] == runs[np.minimum(second + common, last)]
        common += same.astype(np.int64) << level
    return np.minimum(common, np.minimum(ngrams.left[first], ngrams.left[second]))
