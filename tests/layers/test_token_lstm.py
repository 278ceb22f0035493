"""The token LSTM against `keras.layers.LSTM`, read at once and step by step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.layers.token_lstm import TokenLSTM

TOKENS, EMBEDDING, HIDDEN, START = 11, 3, 5, 7


@pytest.fixture
def lstm():
    return TokenLSTM(TOKENS, EMBEDDING, HIDDEN, START, seed=4, stddev=1.0, name="generator")


def _keras_logits(lstm, tokens):
    """The same with Keras's layers."""
    cell = keras.layers.LSTM(HIDDEN, return_sequences=True)
    inputs = np.concatenate([np.full((len(tokens), 1), START), tokens[:, :-1]], axis=1)
    embedded = lstm.embedding.numpy()[inputs]
    cell.build(embedded.shape)
    cell.set_weights([lstm.kernel.numpy(), lstm.recurrent_kernel.numpy(), lstm.bias.numpy()])
    hidden = cell(embedded).numpy()
    return hidden @ lstm.output_kernel.numpy() + lstm.output_bias.numpy()


def test_logits_are_those_of_keras(lstm):
    tokens = np.random.default_rng(0).integers(0, TOKENS, (4, 6))
    np.testing.assert_allclose(lstm(tokens), _keras_logits(lstm, tokens), atol=1e-5)


def test_steps_are_a_reading(lstm):
    tokens = np.random.default_rng(1).integers(0, TOKENS, (3, 5)).astype(np.int32)
    hidden, cell = lstm.read(tf.constant(tokens))
    state, table = lstm.zero_state(3), lstm.gate_table()
    before = np.concatenate([np.full((3, 1), START), tokens[:, :-1]], axis=1)
    for position in range(5):
        state = lstm.step(before[:, position], state, table)
        np.testing.assert_allclose(state[0], hidden[:, position], atol=1e-6)
        np.testing.assert_allclose(state[1], cell[:, position], atol=1e-6)
    np.testing.assert_allclose(lstm.logits(state[0]), lstm(tokens)[:, -1], atol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_tokens_that_are_never_drawn_have_no_probability(policy):
    drawable = np.arange(TOKENS) % 3 > 0
    sizes = (TOKENS, EMBEDDING, HIDDEN, START)
    lstm, other = (
        TokenLSTM(*sizes, 4, 1.0, mask, name="generator", dtype=policy) for mask in (drawable, None)
    )
    tokens = np.random.default_rng(0).integers(0, TOKENS, (4, 6))
    logits, free = lstm(tokens).numpy(), other(tokens).numpy()
    np.testing.assert_array_equal(logits[..., drawable], free[..., drawable])
    shares = tf.nn.softmax(logits).numpy()
    assert (shares[..., ~drawable] == 0).all()
    np.testing.assert_allclose(shares[..., drawable], tf.nn.softmax(free[..., drawable]), rtol=1e-6)
    weights = [lstm.output_bias.value, lstm.output_kernel.value]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.nn.log_softmax(lstm(tokens))[..., 1])
    for gradient in tape.gradient(loss, weights):
        assert (gradient.numpy()[..., ~drawable] == 0).all() and gradient.numpy().any()


def _paper(seed):
    return TokenLSTM(5000, 32, 32, 0, seed, name="generator")


def test_sizes_and_initial_weights_of_the_paper():
    lstm = _paper(seed=0)
    assert lstm.count_params() == 333_320
    for weight in lstm.weights:
        values = weight.numpy()
        assert np.std(values) == pytest.approx(0.1, rel=0.2), weight.path
        if values.size > 1000:
            assert np.abs(values).max() > 0.25  # not truncated
    again, other = (_paper(seed).weights for seed in (0, 1))
    for one, same, different in zip(lstm.weights, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert (one.numpy() != different.numpy()).any()
