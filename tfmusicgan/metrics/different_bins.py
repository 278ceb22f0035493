"""NDB: how many cells of the training data samples fill more or less than the data does.

Source: Richardson and Weiss (2018), "On GANs and GMMs", section 2, https://arxiv.org/abs/1805.12462.
GANSynth has 50 cells of log-spectrograms; here they are of whatever vectors are given, for notes of
`note_spectra`.
"""

import dataclasses
import warnings
from typing import Any

import numpy as np
from scipy.cluster.vq import kmeans2
from scipy.special import ndtri

NUM_BINS = 50
SIGNIFICANCE = 0.05
_ITERATIONS = 100


@dataclasses.dataclass(frozen=True)
class Bins:
    """Cells of the data: the nearest of some centres.

    Attributes:
      centres: float64 [bins, features].
      counts: int64 [bins], how many examples of the data are in each.
    """

    centres: np.ndarray
    counts: np.ndarray

    def assign(self, examples: np.ndarray) -> np.ndarray:
        """The nearest centre of each example: int64 [examples]."""
        middle = self.centres.mean(axis=0)  # smaller numbers keep more digits of differences
        centres, examples = self.centres - middle, np.asarray(examples, np.float64) - middle
        # |x - c|^2 without |x|^2, which all centres share.
        return np.argmin((centres**2).sum(axis=1) - 2.0 * examples @ centres.T, axis=1)


def fit_bins(training: np.ndarray, num_bins: int = NUM_BINS, seed: int = 0) -> Bins:
    """k-means of the training examples (k-means++ at first, then 100 rounds).

    Args:
      training: [examples, features].
      num_bins: Cells; no more than there are different examples.
      seed: Of the first centres.

    Returns:
      The cells.
    """
    training = np.asarray(training, np.float64)
    num_bins = min(num_bins, len(np.unique(training, axis=0)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of cells that no example is nearest to
        centres, _ = kmeans2(
            training, num_bins, _ITERATIONS, minit="++", seed=np.random.default_rng(seed)
        )
    bins = Bins(centres, np.zeros(num_bins, np.int64))
    counts = np.bincount(bins.assign(training), minlength=num_bins)
    return dataclasses.replace(bins, counts=counts)


def num_different_bins(
    first: np.ndarray, second: np.ndarray, significance: float = SIGNIFICANCE
) -> int:
    """In how many cells the shares of two sets differ: the two-proportion test, two-sided.

    z = (p1 - p2) / sqrt(p (1 - p) (1/n1 + 1/n2)), p of both sets together. Two sets of one
    distribution differ in about `significance` of the cells by chance.

    Args:
      first: int [bins], counts.
      second: int [bins], counts.
      significance: Level of each test.
    """
    number_1, number_2 = first.sum(), second.sum()
    together = (first + second) / (number_1 + number_2)
    error = np.sqrt(together * (1.0 - together) * (1.0 / number_1 + 1.0 / number_2))
    difference = np.abs(first / number_1 - second / number_2)
    return int(np.sum(difference > ndtri(1.0 - significance / 2.0) * error))


def jensen_shannon(first: np.ndarray, second: np.ndarray) -> float:
    """Jensen-Shannon divergence of two sets' shares of the cells, in nats, 0 to ln 2."""
    shares = [np.asarray(counts, np.float64) / np.sum(counts) for counts in (first, second)]
    middle = (shares[0] + shares[1]) / 2.0
    total = 0.0
    for share in shares:
        used = share > 0
        total += 0.5 * float(np.sum(share[used] * np.log(share[used] / middle[used])))
    return total


@dataclasses.dataclass(frozen=True)
class DifferentBins:
    """NDB, or the divergence, as an estimate.

    Attributes:
      assigned: int64 [samples], each sample's cell.
      bins: The data's.
      divergence: Give the Jensen-Shannon divergence.
    """

    assigned: np.ndarray
    bins: Bins
    divergence: bool = False

    def value(self, weights: np.ndarray | None = None) -> Any:
        """The figure; NaN for resamples, whose repeats would count as differences."""
        if weights is not None:
            return np.full(len(weights), np.nan)
        return self._compare(self._count(self.assigned), self.bins.counts)

    def spread(self, half: np.ndarray) -> float:
        """The figure of one half of the samples against the other."""
        return self._compare(*(self._count(self.assigned[kept]) for kept in (half, ~half)))

    def _count(self, assigned: np.ndarray) -> np.ndarray:
        return np.bincount(assigned, minlength=len(self.bins.counts))

    def _compare(self, first: np.ndarray, second: np.ndarray) -> float:
        if not first.sum() or not second.sum():
            return float("nan")
        compare = jensen_shannon if self.divergence else num_different_bins
        return float(compare(first, second))
