"""Inception score, accuracy and entropy against values by hand and SciPy's entropy."""

import numpy as np
import pytest
import scipy.stats

from tfmusicgan.metrics.classifier_scores import (
    InceptionScore,
    correct,
    entropies,
    inception_score,
)


def test_certain_and_uniform_predictions_score_the_number_of_classes():
    assert inception_score(np.eye(61)) == pytest.approx(61.0)
    assert inception_score(np.tile(np.eye(7)[2], (5, 1))) == pytest.approx(1.0)  # one pitch alone
    assert inception_score(np.full((5, 7), 1 / 7)) == pytest.approx(1.0)  # no idea


def test_certain_predictions_of_a_histogram_score_its_entropy():
    counts = np.array([5, 1, 2])
    probabilities = np.repeat(np.eye(3), counts, axis=0)
    assert inception_score(probabilities) == pytest.approx(np.exp(scipy.stats.entropy(counts)))


def test_the_score_as_it_is_written():
    logits = np.random.default_rng(3).normal(size=(40, 6)) * 2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    marginal = p.mean(axis=0)
    expected = np.exp(np.mean([scipy.stats.entropy(row, marginal) for row in p]))
    assert inception_score(p) == pytest.approx(expected)
    weights = np.array([[1.0] * 40, [0.0] * 39 + [3.0], [2.0] * 10 + [0.0] * 30])
    values = InceptionScore(p).value(weights)
    assert values == pytest.approx([expected, 1.0, inception_score(p[:10])])
    half = np.arange(40) % 3 == 0
    spread = abs(inception_score(p[half]) - inception_score(p[~half]))
    assert InceptionScore(p).spread(half) == pytest.approx(spread)
    assert np.isnan(inception_score(np.zeros((0, 6))))


def test_entropies_in_nats():
    rows = np.array([[1.0, 0, 0, 0], [0.25] * 4, [0.5, 0.25, 0.25, 0]])
    np.testing.assert_allclose(entropies(rows), [0.0, np.log(4), 1.5 * np.log(2)], atol=1e-12)
    np.testing.assert_allclose(entropies(rows), scipy.stats.entropy(rows, axis=1), atol=1e-12)


def test_right_exactly_and_within_a_semitone():
    predicted, pitch = np.uint8([60, 61, 59, 62, 48]), np.array([60, 60, 60, 60, 60])
    assert correct(predicted, pitch).tolist() == [True, False, False, False, False]
    assert correct(predicted, pitch, 1).tolist() == [True, True, True, False, False]
