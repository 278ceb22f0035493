"""The counter-based noise: published vectors, distribution, independence of the batch."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from tensorflow_probability import distributions

from tfmusicgan.models import noise


@pytest.fixture(scope="module")
def table():
    return noise.quantile_table(distributions.Normal(np.float64(0), np.float64(1)))


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [  # Random123's known answers for threefry2x32, 20 rounds
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_known_answers(key, counter, expected):
    pair = [tf.constant(word, tf.uint32) for word in (*key, *counter)]
    words = noise.threefry_2x32((pair[0], pair[1]), (pair[2], pair[3]))
    assert tuple(int(word) for word in words) == expected


def test_threefry_in_a_graph_is_one_call_of_known_shape():
    @tf.function(input_signature=[tf.TensorSpec([3, 1], tf.uint32), tf.TensorSpec([], tf.uint32)])
    def words(column, scalar):
        left, right = noise.threefry_2x32((column, column), (scalar, tf.zeros([1, 5], tf.uint32)))
        assert left.shape == right.shape == (3, 5)
        return left

    operations = words.get_concrete_function().graph.get_operations()
    assert sum(operation.type.endswith("PartitionedCall") for operation in operations) == 1
    assert len(operations) < 10


def test_keys_split_a_seed_into_its_words():
    low, high = noise.key_from_seed(np.array([(5 << 32) + 7, -1], np.int64))
    assert low.numpy().tolist() == [7, 0xFFFFFFFF]
    assert high.numpy().tolist() == [5, 0xFFFFFFFF]


def test_a_row_depends_on_its_own_key_alone(table):
    draw = tf.function(lambda seeds: noise.draws(noise.key_from_seed(seeds), 37, table))
    whole = draw(tf.range(100, dtype=tf.int64)).numpy()
    for first, last in ((0, 1), (3, 16), (17, 64), (31, 100)):
        part = draw(tf.range(first, last, dtype=tf.int64)).numpy()
        assert np.array_equal(part, whole[first:last])


def test_training_rows_are_numbered_over_the_global_batch(table):
    step = tf.constant(12, tf.int64)
    whole = noise.row_keys(3, step, 1, tf.range(8, dtype=tf.int64))
    half = noise.row_keys(3, step, 1, tf.range(4, 8, dtype=tf.int64))
    assert np.array_equal(whole[0].numpy()[4:], half[0].numpy())
    values = {int(word) for word in whole[0]}
    for other in (
        noise.row_keys(4, step, 1, tf.range(8, dtype=tf.int64)),
        noise.row_keys(3, step + 1, 1, tf.range(8, dtype=tf.int64)),
        noise.row_keys(3, step, 2, tf.range(8, dtype=tf.int64)),
    ):
        assert values.isdisjoint(int(word) for word in other[0])


def test_keys_of_several_streams_are_those_of_each():
    step, rows = tf.constant(5, tf.int64), tf.range(3, dtype=tf.int64)
    both = noise.row_keys(7, step, np.array([2, 9]), rows)
    for number, stream in enumerate((2, 9)):
        alone = noise.row_keys(7, step, stream, rows)
        for part, expected in zip(both, alone, strict=True):
            assert part.shape == [2, 3]
            np.testing.assert_array_equal(part[number], expected)


def test_uniforms_are_uniform_and_inside_the_interval():
    values = noise.uniforms(noise.key_from_seed(tf.range(500, dtype=tf.int64)), 101).numpy()
    assert values.shape == (500, 101)
    assert values.min() > 0 and values.max() < 1
    assert scipy.stats.kstest(values.ravel(), "uniform").pvalue > 0.001
    # Neighbouring seeds and neighbouring positions are independent.
    assert abs(np.corrcoef(values[:-1].ravel(), values[1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(values[:, :-1].ravel(), values[:, 1:].ravel())[0, 1]) < 0.02


def test_extreme_words_give_uniforms_inside_the_interval(monkeypatch):
    words = np.array([[0, 0xFFFFFFFF, 0xFFFFFEFF, 0x80000000]], np.uint32)
    monkeypatch.setattr(noise, "_words", lambda keys, size: tf.constant(words))
    values = noise.uniforms(None, 4).numpy()[0]
    # A certain note, of probability 1, is drawn whatever the word.
    assert 0 < values[0] < 1e-7 and 1 - 1e-7 < values[1] < 1
    assert values[2] < 1 and values[3] == 0.5


def test_draws_follow_the_prior(table):
    values = noise.draws(noise.key_from_seed(tf.range(400, dtype=tf.int64)), 250, table).numpy()
    flat = values.ravel()
    assert scipy.stats.kstest(flat, "norm").pvalue > 0.001
    assert flat.mean() == pytest.approx(0, abs=0.01)
    assert flat.std() == pytest.approx(1, abs=0.01)
    assert scipy.stats.kurtosis(flat) == pytest.approx(0, abs=0.05)


def test_another_prior():
    uniform = noise.quantile_table(distributions.Uniform(np.float64(-2), np.float64(6)))
    assert uniform[0] == pytest.approx(-2, abs=1e-3) and uniform[-1] == pytest.approx(6, abs=1e-3)
    values = noise.draws(noise.key_from_seed(tf.range(100, dtype=tf.int64)), 99, uniform).numpy()
    assert scipy.stats.kstest(values.ravel(), "uniform", args=(-2, 8)).pvalue > 0.001


def test_split_keeps_rows_and_order():
    parts = noise.split(tf.reshape(tf.range(14), (2, 7)), [(1,), (2, 3)])
    assert parts[0].numpy().tolist() == [[0], [7]]
    assert parts[1].numpy().tolist() == [[[1, 2, 3], [4, 5, 6]], [[8, 9, 10], [11, 12, 13]]]


def test_permutations():
    key = noise.row_keys(3, tf.constant(5, tf.int64), 1, tf.zeros([1], tf.int64))
    other = noise.row_keys(3, tf.constant(6, tf.int64), 1, tf.zeros([1], tf.int64))
    for size in (1, 2, 501):
        order = noise.permutation(key, size).numpy()
        assert sorted(order) == list(range(size))
    assert (order != noise.permutation(other, 501).numpy()).mean() > 0.9
    assert abs(np.corrcoef(order, np.arange(501))[0, 1]) < 0.15
    compiled = tf.function(lambda: noise.permutation(key, 501), jit_compile=True)
    np.testing.assert_array_equal(compiled(), order)
