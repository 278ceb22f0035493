"""The likelihood of held-out tokens."""

import math
import types

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.training.likelihood import Likelihood

# Tokens 0 and 1 are never drawn.
DRAWABLE = np.array([False, False, True, True])


def _model(drawable):
    """Token k costs k nats; the mean of a row is over the tokens that are drawn."""

    def mean(tokens):
        counted = tf.cast(tf.gather(tf.constant(drawable), tokens), tf.float32)
        costs = tf.cast(tokens, tf.float32) * counted
        return tf.reduce_sum(costs, axis=1) / tf.maximum(tf.reduce_sum(counted, axis=1), 1.0)

    representation = types.SimpleNamespace(drawable=drawable)
    return types.SimpleNamespace(negative_log_likelihood=mean, representation=representation)


def test_every_token_that_can_be_drawn_counts_once():
    tokens = np.int32([[2, 2, 3, 2], [1, 3, 1, 1], [1, 1, 1, 1]])
    assert Likelihood(_model(DRAWABLE), tokens).nll() == pytest.approx((2 + 2 + 3 + 2 + 3) / 5)
    # More than are measured at a time, the last batch cut short.
    many = np.concatenate([np.repeat(tokens[:1], 64, axis=0), tokens])
    assert Likelihood(_model(DRAWABLE), many).nll() == pytest.approx((65 * 9 + 3) / (65 * 4 + 1))


def test_without_such_tokens_it_is_the_mean():
    model = _model(np.ones(4, bool))
    del model.representation.drawable
    tokens = np.int32([[0, 1, 3], [2, 2, 2]])
    assert Likelihood(model, tokens).nll() == pytest.approx(10 / 6)


def test_where_nothing_counts_nothing_is_said():
    assert math.isnan(Likelihood(_model(DRAWABLE), np.int32([[1, 0]])).nll())
