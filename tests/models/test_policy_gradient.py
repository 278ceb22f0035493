"""Action values and losses against slow versions and finite differences, on a toy vocabulary."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.layers.token_lstm import TokenLSTM
from tfmusicgan.models import noise, policy_gradient, roll_outs

TOKENS, LENGTH, ROWS = 5, 4, 3


@pytest.fixture
def lstm():
    return TokenLSTM(TOKENS, 3, 4, start_token=1, seed=6, stddev=1.0, name="generator")


def _keys(rows):
    return noise.row_keys(1, tf.constant(2, tf.int64), 0, tf.range(rows, dtype=tf.int64))


def _reward(tokens):
    """Of a sequence: early tokens count more, and every pair of neighbours differently."""
    tokens = tf.cast(tokens, tf.float32)
    weights = tf.constant([8.0, 4.0, 2.0, 1.0])
    pairs = tf.reduce_sum(tokens[:, 1:] * tokens[:, :-1] ** 2, axis=1)
    return tf.sigmoid(tf.reduce_sum(tokens * weights, axis=1) / 20 - pairs / 30)


def _values(lstm, sequences, keys, repeats):
    completed = roll_outs.complete(lstm, sequences, keys, repeats)
    rewards = tf.reshape(_reward(tf.reshape(completed, [-1, LENGTH])), completed.shape[:-1])
    return policy_gradient.action_values(rewards, _reward(sequences))


def test_values_are_means_over_completions(lstm):
    keys, repeats = _keys(ROWS), 6
    sequences = roll_outs.sample(lstm, keys, LENGTH)
    values = _values(lstm, sequences, keys, repeats).numpy()
    completed = roll_outs.complete(lstm, sequences, keys, repeats).numpy()
    for row in range(ROWS):
        for position in range(LENGTH - 1):
            rewards = [
                float(_reward(completed[position, row, repeat][np.newaxis])[0])
                for repeat in range(repeats)
            ]
            assert values[row, position] == pytest.approx(np.mean(rewards), abs=1e-6)
        own = float(_reward(sequences[row : row + 1])[0])
        assert values[row, -1] == pytest.approx(own, abs=1e-6)
    assert len(np.unique(values.round(6))) == values.size


def _expected_value(lstm, prefix):
    """The mean reward of all completions of a prefix, each by its probability."""
    if len(prefix) == LENGTH:
        return float(_reward(np.array([prefix]))[0])
    logits = lstm(np.array([[*prefix, 0]], np.int32)).numpy()[0, -1].astype(np.float64)
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    return sum(
        share * _expected_value(lstm, [*prefix, token]) for token, share in enumerate(shares)
    )


def test_many_completions_come_to_the_expected_reward(lstm):
    sequences = np.array([[3, 0, 4, 1], [0, 2, 2, 2]], np.int32)
    values = _values(lstm, tf.constant(sequences), _keys(2), 20_000)
    for row, sequence in enumerate(sequences.tolist()):
        for position in range(LENGTH):
            expected = _expected_value(lstm, sequence[: position + 1])
            # Rewards lie within 1: five standard errors of 20,000 are below 0.018.
            assert float(values[row, position]) == pytest.approx(expected, abs=0.018)


def test_losses_by_hand():
    # Two tokens, so that p = sigmoid of the difference of logits.
    logits = np.array([[[0.0, 1.0], [2.0, -1.0]], [[0.5, 0.5], [0.0, 100.0]]], np.float32)
    tokens = np.array([[1, 1], [0, 0]])
    chances = np.log([[1 / (1 + np.exp(-1.0)), 1 / (1 + np.exp(3.0))], [0.5, 1e-20]])
    found = policy_gradient.log_probabilities(logits, tokens)
    np.testing.assert_allclose(found, chances, rtol=1e-5)
    loss = policy_gradient.likelihood_loss(logits, tokens)
    assert float(loss) == pytest.approx(-chances.mean(), rel=1e-5)
    values = np.array([[0.2, 0.7], [0.1, 0.4]], np.float32)
    loss = policy_gradient.policy_loss(logits, tokens, values)
    assert float(loss) == pytest.approx(-(chances * values).sum(), rel=1e-5)


def test_entropies_and_means_by_hand():
    logits = np.log([[[0.5, 0.25, 0.25], [1.0, 1e-30, 1e-30]]]).astype(np.float32)
    found = policy_gradient.entropies(logits)
    np.testing.assert_allclose(found, [[1.5 * np.log(2), 0]], atol=1e-6)
    values = np.float32([[1, 5], [2, 5], [6, 2]])
    found = policy_gradient.without_batch_mean(values)
    np.testing.assert_allclose(found, [[-2, 1], [-1, 1], [3, -2]], atol=1e-6)
    loss = policy_gradient.policy_loss(logits, [[0, 0]], np.zeros((1, 2), np.float32), 2.0)
    assert float(loss) == pytest.approx(-2 * 1.5 * np.log(2))


@pytest.mark.parametrize(("entropy_bonus", "baseline"), [(0.0, False), (0.7, False), (0.0, True)])
def test_gradient_of_the_policys_loss_against_differences(lstm, entropy_bonus, baseline):
    keys = _keys(ROWS)
    sequences = roll_outs.sample(lstm, keys, LENGTH)
    values = _values(lstm, sequences, keys, 2)
    if baseline:
        values = 100 * policy_gradient.without_batch_mean(values)  # rewards are much alike
    weight = lstm.recurrent_kernel

    def loss():
        return policy_gradient.policy_loss(lstm(sequences), sequences, values, entropy_bonus)

    with tf.GradientTape() as tape:
        value = loss()
    gradient = tape.gradient(value, weight.value).numpy()
    start = weight.numpy()
    for place in [(0, 0), (1, 5), (3, 15)]:
        either = []
        for sign in (1, -1):
            moved = start.copy()
            moved[place] += sign * 1e-2
            weight.assign(moved)
            either.append(float(loss()))
        weight.assign(start)
        difference = (either[0] - either[1]) / 2e-2
        assert difference == pytest.approx(gradient[place], rel=0.02, abs=2e-3), place
    assert np.abs(gradient).max() > 0.01
