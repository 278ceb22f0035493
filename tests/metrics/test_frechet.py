"""The Frechet distance against closed forms and SciPy's root of a matrix."""

import numpy as np
import pytest
import scipy.linalg

from tfmusicgan.errors import ConfigError
from tfmusicgan.metrics.frechet import frechet_distance

RANDOM = np.random.default_rng(7)


def _with_moments(mean, covariance, count=200):
    """Samples whose mean and covariance are exactly these."""
    size = len(mean)
    rows = RANDOM.normal(size=(count, size))
    rows -= rows.mean(axis=0)
    root = np.linalg.cholesky(np.cov(rows, rowvar=False))
    return rows @ np.linalg.inv(root).T @ np.linalg.cholesky(covariance).T + mean


def test_scaled_and_moved_unit_normals():
    # N(0, I) and N(m, s^2 I): |m|^2 + d (1 - s)^2
    mean = np.array([1.0, -2.0, 0.5, 0.0, 3.0])
    first = _with_moments(np.zeros(5), np.eye(5))
    second = _with_moments(mean, 9.0 * np.eye(5))
    assert frechet_distance(first, second) == pytest.approx(mean @ mean + 5 * (1 - 3) ** 2)


def test_covariances_that_do_not_commute():
    parts = RANDOM.normal(size=(2, 6, 6))
    covariances = [part @ part.T + 0.1 * np.eye(6) for part in parts]
    assert not np.allclose(covariances[0] @ covariances[1], covariances[1] @ covariances[0])
    first, second = (_with_moments(np.arange(6) * k, c) for k, c in enumerate(covariances))
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = 55 + np.trace(sum(covariances) - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-8)


def test_a_set_with_itself_also_with_fewer_samples_than_features():
    for count, size in ((50, 4), (10, 64), (3, 1)):
        some = RANDOM.normal(size=(count, size)).astype(np.float32)
        assert frechet_distance(some, some) == pytest.approx(0.0, abs=1e-6)


def test_what_is_undefined_or_wrong():
    some = RANDOM.normal(size=(5, 4))
    assert np.isnan(frechet_distance(some[:1], some))
    with pytest.raises(ConfigError, match=r"as many features.*Received: \[5, 4\] and \[5, 3\]"):
        frechet_distance(some, some[:, :3])
