"""Writing and roll-outs against a slow version that draws one token of one row at a time."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.layers.token_lstm import TokenLSTM
from tfmusicgan.models import noise, roll_outs
from tfmusicgan.models.token_draws import Limits

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


def _continue(lstm, prefix, uniforms, length=LENGTH):
    tokens = list(prefix)
    for position in range(len(prefix), length):
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


def test_written_to_lengths_and_after_beginnings(lstm):
    keys, lengths, most = _keys(5), [2, 7, 4, 1, 7], 9
    beginnings = [[], [4, 4, 0], [6], [], [1, 5, 5, 2, 0]]
    given = np.full((5, 6), 3, np.int32)  # what is beyond a row's own does not count
    for row, beginning in enumerate(beginnings):
        given[row, : len(beginning)] = beginning
    counts = tf.constant([len(beginning) for beginning in beginnings])
    found = roll_outs.write(lstm, keys, tf.constant(lengths), most, begin=(given, counts)).numpy()
    uniforms = noise.uniforms(keys, most).numpy()
    assert found.shape == (5, 7)
    for row, length in enumerate(lengths):
        expected = _continue(lstm, beginnings[row], uniforms[row], length)
        assert found[row].tolist() == expected + [0] * (7 - length)


def test_without_more_what_is_written_is_a_sample(lstm):
    lengths = tf.fill([9], LENGTH)
    no_limits = Limits(tf.ones([9]), tf.zeros([9], tf.int32), tf.ones([9]))
    expected = roll_outs.sample(lstm, _keys(9), LENGTH).numpy()
    for limits in (None, no_limits):
        found = roll_outs.write(lstm, _keys(9), lengths, 12, limits)
        np.testing.assert_array_equal(found, expected)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.uint32)] * 2)
    def write(*keys):
        return roll_outs.write(lstm, keys, lengths, 12)

    np.testing.assert_array_equal(write(*_keys(9)), expected)
    assert roll_outs.write(lstm, _keys(0), lengths[:0], 12).shape == (0, 1)


def test_rows_of_all_parts_have_limits_of_their_own(lstm, monkeypatch):
    limits = Limits(
        tf.constant([1.0, 0.0, 0.5, 1.0, 0.0]), tf.constant([0, 0, 2, 1, 0]), tf.ones([5])
    )
    lengths = tf.fill([5], 8)
    whole = roll_outs.write(lstm, _keys(5), lengths, 8, limits).numpy()
    monkeypatch.setattr(roll_outs, "_ROWS_AT_A_TIME", 2)
    np.testing.assert_array_equal(roll_outs.write(lstm, _keys(5), lengths, 8, limits), whole)
    assert len({tuple(row) for row in whole[[1, 3, 4]]}) == 1 and len(np.unique(whole, axis=0)) == 3


def test_xla_draws_the_same(lstm, monkeypatch):
    monkeypatch.setattr(roll_outs, "_ROWS_AT_A_TIME", 5)
    keys = _keys(ROWS)

    def both():
        sequences = roll_outs.sample(lstm, keys, LENGTH)
        return sequences, roll_outs.complete(lstm, sequences, keys, REPEATS)

    for found, expected in zip(tf.function(both, jit_compile=True)(), both(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_tokens_that_are_no_music_are_never_drawn(lstm):
    lstm.drawable = np.arange(TOKENS) != 2
    keys = _keys(40)
    sequences = roll_outs.sample(lstm, keys, LENGTH)
    drawn = np.unique(roll_outs.complete(lstm, sequences, keys, REPEATS))
    assert drawn.tolist() == [0, 1, 3, 4, 5, 6]
