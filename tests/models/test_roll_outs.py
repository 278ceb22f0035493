"""Sampling and roll-outs against a slow version that draws one token of one row at a time."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.layers.token_lstm import TokenLSTM
from tfmusicgan.models import noise, roll_outs

TOKENS, LENGTH, ROWS, REPEATS = 7, 5, 3, 4


@pytest.fixture
def lstm():
    return TokenLSTM(TOKENS, 3, 6, start_token=2, seed=1, stddev=1.5, name="generator")


def _keys(rows, step=0):
    return noise.row_keys(5, tf.constant(step, tf.int64), 0, tf.range(rows, dtype=tf.int64))


def _next_token(lstm, prefix, uniform):
    """The token after a prefix by inversion: the whole prefix is read again for it."""
    tokens = np.array([[*prefix, 0]], np.int32)
    logits = lstm(tokens).numpy()[0, -1].astype(np.float64)
    ends = np.cumsum(np.exp(logits - logits.max()))
    return int(np.searchsorted(ends, uniform * ends[-1], side="right"))


def _continue(lstm, prefix, uniforms):
    tokens = list(prefix)
    for position in range(len(prefix), LENGTH):
        tokens.append(_next_token(lstm, tokens, uniforms[position]))
    return tokens


def test_samples_are_those_of_single_tokens(lstm):
    keys = _keys(ROWS)
    uniforms = noise.uniforms(keys, LENGTH).numpy()
    found = roll_outs.sample(lstm, keys, LENGTH).numpy()
    assert found.tolist() == [_continue(lstm, [], row) for row in uniforms]
    assert len({tuple(row) for row in found}) == ROWS


def test_rows_depend_on_their_own_keys(lstm):
    keys = _keys(9)
    whole = roll_outs.sample(lstm, keys, LENGTH).numpy()
    part = roll_outs.sample(lstm, tuple(key[4:8] for key in keys), LENGTH).numpy()
    np.testing.assert_array_equal(whole[4:8], part)


def test_completions_are_those_of_single_tokens(lstm):
    keys = _keys(ROWS, step=3)
    sequences = np.array([[1, 0, 6, 3, 3], [2, 2, 5, 0, 1], [4, 6, 0, 0, 2]], np.int32)
    found = roll_outs.complete(lstm, tf.constant(sequences), keys, REPEATS).numpy()
    assert found.shape == (LENGTH - 1, ROWS, REPEATS, LENGTH)
    uniforms = roll_outs.uniforms(keys, LENGTH, REPEATS).numpy()
    assert len(np.unique(uniforms)) > 0.99 * uniforms.size  # no number is used twice
    for prefix in range(LENGTH - 1):  # the first keeps one token, the last all but one
        for row in range(ROWS):
            for repeat in range(REPEATS):
                kept = sequences[row, : prefix + 1]
                expected = _continue(lstm, kept, uniforms[prefix, row, repeat])
                assert found[prefix, row, repeat].tolist() == expected
    assert len({tuple(tokens) for tokens in found[0, 0]}) > 1


def test_chunks_change_nothing(lstm, monkeypatch):
    sequences = roll_outs.sample(lstm, _keys(ROWS), LENGTH)
    whole = roll_outs.complete(lstm, sequences, _keys(ROWS), REPEATS).numpy()
    monkeypatch.setattr(roll_outs, "_ROWS_AT_A_TIME", 5)
    chunks = roll_outs.complete(lstm, sequences, _keys(ROWS), REPEATS).numpy()
    np.testing.assert_array_equal(whole, chunks)


def test_in_a_graph_with_unknown_rows(lstm):
    spec = tf.TensorSpec([None, LENGTH], tf.int32)
    function = tf.function(
        lambda tokens: roll_outs.complete(lstm, tokens, _keys(tf.shape(tokens)[0]), REPEATS),
        input_signature=[spec],
    )
    sequences = roll_outs.sample(lstm, _keys(ROWS), LENGTH)
    expected = roll_outs.complete(lstm, sequences, _keys(ROWS), REPEATS)
    np.testing.assert_array_equal(function(sequences), expected)
