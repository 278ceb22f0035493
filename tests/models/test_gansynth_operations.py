"""GANSynth's operations and layers against slow, plain ones."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.devices import mirrored
from tfmusicgan.models.gansynth import operations
from tfmusicgan.models.gansynth.layers import (
    FirstConvolution,
    ScaledConvolution,
    ScaledDense,
    he_scale,
)


def _normal(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


def _boxes(x, factors):
    """Means of boxes, one after the other."""
    rows, frames, bins, channels = x.shape
    tall, wide = factors
    found = np.zeros((rows, frames // tall, bins // wide, channels))
    for frame in range(frames // tall):
        for box in range(bins // wide):
            part = x[:, frame * tall : (frame + 1) * tall, box * wide : (box + 1) * wide]
            found[:, frame, box] = part.mean(axis=(1, 2))
    return found


def test_box_scaling_and_its_gradients():
    x = _normal(2, 4, 6, 3)
    for factors in ((2, 3), (4, 1), (1, 1)):
        np.testing.assert_allclose(
            operations.box_downscale(x, factors), _boxes(x.numpy(), factors), atol=1e-12
        )
        wide = np.repeat(np.repeat(x.numpy(), factors[0], axis=1), factors[1], axis=2)
        np.testing.assert_array_equal(operations.box_upscale(x, factors), wide)
        # One is the other's transpose, but for the number of cells.
        y = _normal(*operations.box_downscale(x, factors).shape, seed=1)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, y])
            down = tf.reduce_sum(operations.box_downscale(x, factors) * y)
            up = tf.reduce_sum(operations.box_upscale(y, factors) * x)
        cells = factors[0] * factors[1]
        repeated = np.repeat(np.repeat(y.numpy(), factors[0], axis=1), factors[1], axis=2)
        np.testing.assert_allclose(tape.gradient(down, x), repeated / cells, atol=1e-12)
        sums = cells * _boxes(x.numpy(), factors)
        np.testing.assert_allclose(tape.gradient(up, y), sums, atol=1e-12)


def _second_order(function, inputs, watched):
    """Gradients of a squared input gradient, as a penalty has them."""
    with tf.GradientTape() as outer:
        outer.watch(inputs)
        with tf.GradientTape() as inner:
            inner.watch(inputs[0])
            y = function(*inputs)
            total = tf.reduce_sum(tf.sin(y))
        loss = tf.reduce_sum(tf.square(inner.gradient(total, inputs[0])))
    return [y, *outer.gradient(loss, watched)]


def test_convolutions_and_their_second_derivatives():
    inputs = [_normal(2, 5, 4, 3), _normal(3, 3, 3, 2, seed=1), _normal(2, seed=2)]

    def plain(x, kernel, bias):
        return tf.nn.leaky_relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias, 0.2)

    def ours(x, kernel, bias):
        return operations.convolve(x, kernel, bias, 0.2)

    for one, two in zip(
        _second_order(ours, inputs, inputs), _second_order(plain, inputs, inputs), strict=True
    ):
        np.testing.assert_allclose(one, two, atol=1e-10)


@pytest.mark.parametrize(("growth", "taps"), [((2, 2), (3, 3)), ((4, 1), (9, 1)), ((1, 3), (1, 5))])
def test_a_convolution_of_the_upscaled_map(growth, taps):
    x, bias = _normal(2, 3, 5, 3), _normal(2, seed=2)
    kernel = _normal(*taps, 3, 2, seed=1)
    wide = tf.constant(np.repeat(np.repeat(x.numpy(), growth[0], axis=1), growth[1], axis=2))
    expected = tf.nn.conv2d(wide, kernel, 1, "SAME") + bias
    found = operations.convolve_upscaled(x, kernel, bias, growth)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_pixel_norm():
    x = _normal(1, 1, 2, 4)
    values = x.numpy()
    expected = values / np.sqrt((values**2).mean(axis=-1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(operations.pixel_norm(x), expected, atol=1e-12)
    theory, numbers = tf.test.compute_gradient(operations.pixel_norm, [x])
    np.testing.assert_allclose(theory[0], numbers[0], atol=1e-5)
    # By hand: three and four, whose mean square is 12.5.
    found = operations.pixel_norm(tf.constant([[3.0, 4.0]]))
    np.testing.assert_allclose(found, [[3 / math.sqrt(12.5), 4 / math.sqrt(12.5)]], rtol=1e-6)


def test_the_deviation_of_each_batch():
    x = _normal(6, 2, 3, 4)
    found = operations.batch_deviation(x, passes=2).numpy()
    np.testing.assert_array_equal(found[..., :4], x)
    for batch in (slice(0, 3), slice(3, 6)):
        deviation = np.sqrt(x.numpy()[batch].var(axis=0) + 1e-6).mean()
        np.testing.assert_allclose(found[batch, ..., 4], deviation, rtol=1e-12)
    assert found[0, 0, 0, 4] != found[3, 0, 0, 4]


def test_the_deviation_of_two_devices_is_that_of_the_whole_batch():
    strategy, x = mirrored(), _normal(4, 2, 2, 3)
    weights = _normal(4, 2, 2, 4, seed=1)

    def gradient(x, weights):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(operations.batch_deviation(x)) * weights)
        return tape.gradient(loss, x)

    def of_replica(x, weights):
        first = 2 * tf.distribute.get_replica_context().replica_id_in_sync_group
        return gradient(x[first : first + 2], weights[first : first + 2])

    found = strategy.run(tf.function(of_replica, autograph=False), args=(x, weights))
    found = tf.concat(strategy.experimental_local_results(found), axis=0)
    np.testing.assert_allclose(found, gradient(x, weights), atol=1e-12)
    # It is not that of each half.
    assert np.abs(found[:2] - gradient(x[:2], weights[:2])).max() > 1e-3


def test_scales():
    assert he_scale(9 * 256, 0.0) == pytest.approx(math.sqrt(2 / 2304))
    assert he_scale(256, 1.0) == pytest.approx(1 / 16)
    first = FirstConvolution(317, 256, (2, 16), 0.2, seed=0, name="first")
    assert first.scale == pytest.approx(math.sqrt(2 / 10144))
    layer = ScaledConvolution(32, 64, (3, 3), 0.2, seed=0, name="layer")
    assert layer.kernel.numpy().std() == pytest.approx(1.0, abs=0.02)
    assert layer.scale == pytest.approx(math.sqrt(2 / 288))
    dense = ScaledDense(4, 2, None, seed=0, name="dense")
    x = _normal(3, 4).numpy().astype(np.float32)
    np.testing.assert_allclose(dense(x), x @ dense.kernel.numpy() / 2, rtol=1e-5)


def test_the_first_convolution_is_one_of_a_padded_pixel():
    layer = FirstConvolution(5, 3, (2, 4), 0.2, seed=1, name="first")
    layer.bias.assign([0.1, -0.2, 0.3])
    x = tf.cast(_normal(2, 5), tf.float32)
    pixel = tf.pad(x[:, tf.newaxis, tf.newaxis], [[0, 0], [1, 1], [3, 3], [0, 0]])
    # The kernel in the order of a convolution: its taps are those of the outputs, flipped.
    kernel = tf.transpose(layer.kernel.value, [1, 2, 0, 3])[::-1, ::-1]
    y = tf.nn.conv2d(pixel, kernel * math.sqrt(2 / 40), 1, "VALID") + layer.bias.value
    y = tf.nn.leaky_relu(y, 0.2).numpy()
    expected = y / np.sqrt((y**2).mean(axis=-1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)
