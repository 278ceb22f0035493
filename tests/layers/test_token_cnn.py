"""The discriminator of tokens against Keras's layers, and its size against the paper's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.errors import ConfigError
from tfmusicgan.layers.token_cnn import TokenCNN

TOKENS, LENGTH, EMBEDDING = 9, 6, 4
WINDOWS, FILTERS = (1, 3, 3, 6), (5, 2, 7, 3)
# Table 5 of the paper, sequences of 20.
PAPER = {1: 100, 2: 200, 3: 200, 4: 200, 5: 200, 6: 100, 7: 100, 8: 100, 9: 100, 10: 100}
PAPER |= {15: 160, 20: 160}


@pytest.fixture
def cnn():
    cnn = TokenCNN(
        TOKENS, LENGTH, EMBEDDING, WINDOWS, FILTERS, seed=2, bias=0.1, name="discriminator"
    )
    rng = np.random.default_rng(0)
    for weight in cnn.weights:  # biases that are told apart
        weight.assign(rng.normal(size=weight.shape))
    return cnn


def _keras_scores(cnn, tokens, keep):
    """The same with Keras's convolutions, pooling and dense layers, ReLU before the maximum."""
    embedded = cnn.embedding.numpy()[tokens]
    pooled = []
    for window, number, kernel, bias in zip(WINDOWS, FILTERS, cnn.kernels, cnn.biases, strict=True):
        layer = keras.layers.Conv1D(number, window, activation="relu")
        layer.build(embedded.shape)
        layer.set_weights([kernel.numpy().reshape(window, EMBEDDING, number), bias.numpy()])
        pooled.append(keras.layers.GlobalMaxPooling1D()(layer(embedded)).numpy())
    x = np.concatenate(pooled, axis=-1)
    gate = 1 / (1 + np.exp(-(x @ cnn.gate.numpy() + cnn.gate_bias.numpy())))
    transformed = np.maximum(x @ cnn.transform.numpy() + cnn.transform_bias.numpy(), 0)
    x = (gate * transformed + (1 - gate) * x) * keep
    return x @ cnn.score.numpy()[:, 0] + cnn.score_bias.numpy()


def test_scores_are_those_of_keras(cnn):
    rng = np.random.default_rng(1)
    tokens = rng.integers(0, TOKENS, (8, LENGTH)).astype(np.int32)
    keep = rng.random((8, sum(FILTERS))).astype(np.float32)
    np.testing.assert_allclose(cnn(tokens), _keras_scores(cnn, tokens, 1.0), rtol=1e-4, atol=1e-4)
    scores = cnn(tokens, keep=keep)
    np.testing.assert_allclose(scores, _keras_scores(cnn, tokens, keep), rtol=1e-4, atol=1e-4)
    assert np.std(scores) > 0.1


def test_completions_are_scored_like_any_sequence(cnn):
    rng = np.random.default_rng(4)
    sequences = rng.integers(0, TOKENS, (3, LENGTH)).astype(np.int32)
    completed = rng.integers(0, TOKENS, (LENGTH - 1, 3, 2, LENGTH)).astype(np.int32)
    for kept in range(1, LENGTH):
        completed[kept - 1, ..., :kept] = sequences[:, np.newaxis, :kept]
    scores = cnn.score_completions(sequences, completed).numpy()
    for place in np.ndindex(scores.shape):
        alone = cnn(completed[place][np.newaxis]).numpy()[0]
        assert scores[place] == pytest.approx(alone, rel=1e-4, abs=1e-4)
    assert np.std(scores) > 0.1


def test_every_weight_learns(cnn):
    tokens = tf.constant(np.random.default_rng(3).integers(0, TOKENS, (30, LENGTH)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(cnn(tokens)))
    gradients = tape.gradient(loss, [weight.value for weight in cnn.weights])
    for weight, gradient in zip(cnn.weights, gradients, strict=True):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, weight.path


def test_sizes_of_the_paper():
    cnn = TokenCNN(5000, 20, 64, tuple(PAPER), tuple(PAPER.values()), seed=0)
    # The released code has 7,045,402 with a second output of 1,720 weights and a bias.
    assert cnn.features == 1720 and cnn.count_params() == 7_045_402 - 1721
    assert np.abs(cnn.embedding.numpy()).max() <= 1 and np.std(cnn.embedding) > 0.5
    assert {float(bias) for each in cnn.biases for bias in each.numpy()} == {np.float32(0.1)}


@pytest.mark.parametrize(
    ("windows", "filters", "message"),
    [((1, 2), (3,), "as many windows"), ((1, 7), (3, 3), "at most 6 tokens")],
)
def test_refused_sizes(windows, filters, message):
    with pytest.raises(ConfigError, match=message):
        TokenCNN(TOKENS, LENGTH, EMBEDDING, windows, filters, seed=0)
