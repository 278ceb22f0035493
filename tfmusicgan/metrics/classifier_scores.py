"""Scores of generated notes by a pitch classifier: how sure, how various, how right it is.

Source: Engel et al. (2019), "GANSynth", section 4, https://arxiv.org/abs/1902.08710; the inception
score is Salimans et al.'s (2016), https://arxiv.org/abs/1606.03498. Figures of different
classifiers cannot be compared.
"""

import dataclasses
from typing import Any

import numpy as np


def entropies(probabilities: np.ndarray) -> np.ndarray:
    """Entropy of each distribution, in nats: 0 for a certain one, ln(classes) for a uniform one.

    Args:
      probabilities: [..., classes], sums of 1.

    Returns:
      float64 [...].
    """
    probabilities = np.asarray(probabilities, np.float64)
    safe = np.where(probabilities > 0, probabilities, 1.0)
    return -np.sum(probabilities * np.log(safe), axis=-1)


def inception_score(probabilities: np.ndarray) -> float:
    """exp(E_x KL(p(y|x) || p(y))), the marginal p(y) over all samples, in one split.

    Args:
      probabilities: [samples, classes].

    Returns:
      From 1 to the number of classes; NaN for no samples.
    """
    return float(InceptionScore(probabilities).value())


def correct(predicted: np.ndarray, pitch: np.ndarray, semitones: int = 0) -> np.ndarray:
    """Which predictions are right.

    Args:
      predicted: int [notes], MIDI pitches.
      pitch: int [notes], what they should be.
      semitones: How far a prediction may be off. GANSynth's evaluation code counts 1 as right.

    Returns:
      bool [notes].
    """
    return np.abs(np.asarray(predicted, np.int64) - np.asarray(pitch, np.int64)) <= semitones


@dataclasses.dataclass(frozen=True)
class InceptionScore:
    """The inception score as an estimate.

    The mean KL divergence is the marginal's entropy less the mean entropy.

    Attributes:
      probabilities: float [samples, classes].
    """

    probabilities: np.ndarray

    def value(self, weights: np.ndarray | None = None) -> Any:
        """A number, or float64 [resamples]; NaN for no samples."""
        if weights is None:
            return self.value(np.ones((1, len(self.probabilities))))[0]
        totals = weights.sum(axis=1)
        known = np.maximum(totals, 1.0)
        marginal = weights @ self.probabilities.astype(np.float64) / known[:, np.newaxis]
        mean = weights @ entropies(self.probabilities) / known
        return np.where(totals > 0, np.exp(np.maximum(entropies(marginal) - mean, 0.0)), np.nan)

    def spread(self, half: np.ndarray) -> float:
        """Absolute difference between the scores of two halves."""
        first, second = self.value(np.stack([half, ~half]).astype(np.float64))
        return float(abs(first - second))
