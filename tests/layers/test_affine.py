"""Product, bias and leaky ReLU with gradients of their own, against those TensorFlow derives."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.layers.affine import affine, leaky_relu, map_affine
from tfmusicgan.layers.convolutions import AxisConvolution

RNG = np.random.default_rng(6)


def _normal(*shape):
    return tf.constant(RNG.normal(size=shape), tf.float32)


def _plain_affine(x, kernel, bias, slope):
    y = tf.matmul(x, kernel) + bias[..., tf.newaxis, :]
    return y if slope is None else tf.maximum(y, 0) + slope * tf.minimum(y, 0)


def _gradients(apply, x, weights):
    """Of a penalty on the slope by x of what two layers of `apply` make, and of their scores."""
    with tf.GradientTape() as outer:
        outer.watch([x, *weights])
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = apply(x, *weights[:2])
            scores = tf.reduce_sum(apply(y, *weights[2:]), axis=-1)
        penalty = tf.reduce_mean(tf.square(inner.gradient(scores, x)))
        total = penalty + tf.reduce_mean(scores)
    return outer.gradient(total, [x, *weights])


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("sets", [(), (3,)])
@pytest.mark.parametrize("slope", [None, 0.2, 0.0])
def test_gradients_of_both_orders_are_those_of_tensorflow(slope, sets, graph):
    x = _normal(*sets, 7, 4)
    weights = [_normal(*sets, 4, 5), _normal(*sets, 5), _normal(*sets, 5, 6), _normal(*sets, 6)]
    compute = tf.function(_gradients) if graph else _gradients
    got = compute(lambda *args: affine(*args, slope), x, weights)
    expected = compute(lambda *args: _plain_affine(*args, slope), x, weights)
    for one, other in zip(got, expected, strict=True):
        assert np.abs(other.numpy()).max() > 0
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("graph", [False, True])
def test_maps_have_the_gradients_of_their_rows(graph):
    maps = _normal(2, 3, 5, 4)
    weights = [_normal(4, 5), _normal(5), _normal(5, 6), _normal(6)]
    compute = tf.function(_gradients) if graph else _gradients
    got = compute(lambda *args: map_affine(*args, 0.2), maps, weights)
    rows = tf.reshape(maps, [-1, 4])
    expected = compute(lambda *args: _plain_affine(*args, 0.2), rows, weights)
    np.testing.assert_allclose(tf.reshape(got[0], [-1, 4]), expected[0], rtol=1e-4, atol=1e-5)
    for one, other in zip(got[1:], expected[1:], strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="only on a CPU")
@pytest.mark.parametrize(("sizes", "expected"), [((15, 17), False), ((16, 16), True)])
def test_large_maps_run_as_convolutions(sizes, expected):
    layer = AxisConvolution(4, 5, axis=2, kernel=1, stride=1, seed=1, slope=0.2)
    graph = tf.function(layer).get_concrete_function(tf.zeros((2, *sizes, 4))).graph
    assert ("Conv2D" in {node.type for node in graph.get_operations()}) is expected


def test_leaky_relu_by_hand():
    x = tf.constant([-2.0, -1.0, 0.0, 3.0])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = leaky_relu(x, 0.25)
            total = tf.reduce_sum(tf.square(y))
        slope = inner.gradient(total, x)  # 2 m**2 x with m = 0.25 below 0
        second = tf.reduce_sum(slope)
    np.testing.assert_allclose(y, [-0.5, -0.25, 0.0, 3.0])
    np.testing.assert_allclose(slope, [-0.25, -0.125, 0.0, 6.0])
    np.testing.assert_allclose(outer.gradient(second, x), [0.125, 0.125, 0.125, 2.0])


def test_product_bias_and_relu_are_one_kernel():
    """The mask from the output leaves nothing else to read what lies between."""
    names = set()

    def step(x, kernel, bias):
        with tf.GradientTape() as tape:
            tape.watch(x)
            scores = affine(x, kernel, bias, 0.2)
        slope = tape.gradient(scores, x)
        return scores, slope

    graph = tf.function(step).get_concrete_function(_normal(7, 4), _normal(4, 5), _normal(5)).graph
    for node in graph.get_operations():
        if node.type == "BiasAdd":
            names |= {consumer.type for output in node.outputs for consumer in output.consumers()}
    assert names == {"LeakyRelu"}
