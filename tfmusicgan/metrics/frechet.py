"""Distance of two sets of features, taken as samples of normal distributions.

Source: Heusel et al. (2017), "GANs Trained by a Two Time-Scale Update Rule", equation 6,
https://arxiv.org/abs/1706.08500. It depends on the features and on the number of samples: say both.
"""

import numpy as np

from tfmusicgan.errors import ConfigError


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """|m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2)), of means m and covariances C.

    The trace of the root is the sum of the roots of the eigenvalues of C1^(1/2) C2 C1^(1/2), which
    is symmetric: no root of a matrix that is not, no imaginary parts, also where there are fewer
    samples than features.

    Args:
      first: [samples, features].
      second: [samples, features].

    Returns:
      0 or more; NaN where one of them has fewer than two samples.

    Raises:
      ConfigError: If the numbers of features differ.
    """
    if first.shape[1:] != second.shape[1:] or first.ndim != 2:
        raise ConfigError(
            "Expected two sets of as many features, [samples, features]. Received: "
            f"{list(first.shape)} and {list(second.shape)}."
        )
    if min(len(first), len(second)) < 2:
        return float("nan")
    (mean_1, covariance_1), (mean_2, covariance_2) = (_moments(some) for some in (first, second))
    values, vectors = np.linalg.eigh(covariance_1)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    middle = root @ covariance_2 @ root
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh((middle + middle.T) / 2.0), 0.0))
    distance = np.sum((mean_1 - mean_2) ** 2)
    distance += np.trace(covariance_1) + np.trace(covariance_2) - 2.0 * roots.sum()
    return float(max(distance, 0.0))


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    features = np.asarray(features, np.float64)
    return features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False))
