"""NDB: cells, the test of proportions, and the divergence, by hand and against SciPy."""

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats

from tfmusicgan.metrics.different_bins import (
    DifferentBins,
    fit_bins,
    jensen_shannon,
    num_different_bins,
)

RANDOM = np.random.default_rng(5)
PLACES = np.array([[0.0, 0.0, 0.0], [100.0, 0.0, 5.0], [0.0, 90.0, 0.0], [50.0, 50.0, 80.0]])


def _clusters(*counts):
    rows = [place + RANDOM.normal(size=(n, 3)) for place, n in zip(PLACES, counts, strict=True)]
    return np.concatenate(rows)


def test_cells_are_the_clusters_and_their_counts():
    bins = fit_bins(_clusters(7, 30, 15, 60), num_bins=4)
    assert sorted(bins.counts.tolist()) == [7, 15, 30, 60]
    order = bins.assign(PLACES)
    assert bins.counts[order].tolist() == [7, 30, 15, 60]
    np.testing.assert_allclose(bins.centres[order], PLACES, atol=1.5)
    distances = scipy.spatial.distance.cdist(rows := RANDOM.normal(size=(40, 3)) * 60, bins.centres)
    np.testing.assert_array_equal(bins.assign(rows), distances.argmin(axis=1))


def test_no_more_cells_than_examples():
    rows = RANDOM.normal(size=(6, 3))
    assert len(fit_bins(rows).counts) == 6 and fit_bins(rows).counts.sum() == 6
    assert sorted(fit_bins(rows[[0, 1, 1, 1]]).counts) == [1, 3]


def test_the_two_proportion_test_by_hand():
    # 10 of 100 and 20 of 100: p = 0.15, z = 0.1 / sqrt(0.15 * 0.85 * 0.02) = 1.980; 19: 1.798.
    assert num_different_bins(np.array([10, 90]), np.array([20, 80])) == 2
    assert num_different_bins(np.array([10, 90]), np.array([19, 81])) == 0
    assert num_different_bins(np.array([10, 90]), np.array([20, 80]), significance=0.01) == 0
    # Sets of different sizes, a cell that neither fills, and one that differs alone.
    first, second = np.array([30, 400, 570, 0]), np.array([1, 45, 54, 0])
    assert num_different_bins(first, second) == 0
    assert num_different_bins(first, np.array([12, 34, 54, 0])) == 1


def test_the_test_is_that_of_a_contingency_table():
    # z^2 is the chi-square statistic of the 2 x 2 table.
    for _ in range(20):
        first, second = RANDOM.multinomial(150, [0.2, 0.8]), RANDOM.multinomial(70, [0.3, 0.7])
        p_value = scipy.stats.chi2_contingency([first, second], correction=False)[1]
        assert num_different_bins(first, second) == 2 * (p_value < 0.05)


def test_equal_distributions_differ_by_chance_alone():
    shares = RANDOM.dirichlet(np.full(50, 5.0))
    found = [
        num_different_bins(RANDOM.multinomial(2000, shares), RANDOM.multinomial(1000, shares))
        for _ in range(200)
    ]
    assert np.mean(found) == pytest.approx(0.05 * 50, abs=0.5)


def test_divergence_is_scipys():
    first, second = np.array([5, 0, 20, 1]), np.array([1, 4, 6, 0])
    expected = scipy.spatial.distance.jensenshannon(first / 26, second / 11) ** 2
    assert jensen_shannon(first, second) == pytest.approx(expected)
    assert jensen_shannon(np.array([3, 0]), np.array([0, 8])) == pytest.approx(np.log(2))


def test_the_estimate_of_samples_and_its_spread():
    training = _clusters(50, 50, 50, 50)
    bins = fit_bins(training, num_bins=4)
    samples = bins.assign(_clusters(50, 50, 0, 100))
    assert DifferentBins(samples, bins).value() == 2.0  # one is empty, one twice as full
    expected = jensen_shannon(np.array([1, 1, 1, 1]), np.array([1, 1, 0, 2]))
    assert DifferentBins(samples, bins, divergence=True).value() == pytest.approx(expected)
    assert np.isnan(DifferentBins(samples, bins).value(np.ones((2, 200)))).all()
    half = np.arange(200) < 100  # the first two clusters against the last
    assert DifferentBins(samples, bins).spread(half) == 3.0
    assert np.isnan(DifferentBins(samples, bins).spread(half & False))
