"""Scheduled sampling against a slow version, one row and one token at a time."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.layers.token_lstm import TokenLSTM
from tfmusicgan.models import noise, roll_outs, scheduled_sampling

ROWS, LENGTH, TOKENS = 5, 4, 7


@pytest.fixture(scope="module")
def generator():
    return TokenLSTM(TOKENS, 3, 4, start_token=0, seed=2, stddev=1.5)


def _keys(rows=ROWS):
    return noise.key_from_seed(tf.range(rows, dtype=tf.int64) + 11)


def _true():
    return np.random.default_rng(0).integers(0, TOKENS, (ROWS, LENGTH)).astype(np.int32)


def test_truth_fades_by_epochs():
    share = [
        float(scheduled_sampling.truth_share(tf.constant(s, tf.int64), 10, 0.3))
        for s in (0, 9, 10, 39, 40, 900)
    ]
    assert share == pytest.approx([1.0, 1.0, 0.7, 0.1, 0.0, 0.0])


def test_all_true_and_none_true(generator):
    tokens = _true()
    everything = scheduled_sampling.mix(generator, tokens, tf.constant(1.0), _keys())
    np.testing.assert_array_equal(everything, tokens)
    nothing = scheduled_sampling.mix(generator, tokens, tf.constant(0.0), _keys()).numpy()
    assert (nothing != tokens).any(axis=1).all()


def test_against_one_token_at_a_time(generator):
    tokens, share = _true(), 0.5
    mixed = scheduled_sampling.mix(generator, tokens, tf.constant(share), _keys()).numpy()
    numbers = noise.uniforms(_keys(), 2 * LENGTH).numpy()
    draw, seen = roll_outs.drawer(generator), set()
    for row in range(ROWS):
        for place in range(LENGTH):
            given = np.zeros((1, LENGTH), np.int32)
            given[0, :place] = mixed[row, :place]  # what the model has read so far
            hidden, _ = generator.read(tf.constant(given))
            own = draw(hidden[:, place], tf.constant(numbers[row : row + 1, LENGTH + place]))
            is_true = numbers[row, place] < share
            assert mixed[row, place] == (tokens[row, place] if is_true else own.numpy()[0])
            seen.add(bool(is_true))
    assert seen == {True, False}


def test_no_gradient_through_draws(generator):
    with tf.GradientTape() as tape:
        mixed = scheduled_sampling.mix(generator, _true(), tf.constant(0.0), _keys())
        total = tf.reduce_sum(tf.cast(mixed, tf.float32))
    assert all(g is None for g in tape.gradient(total, [w.value for w in generator.weights]))
