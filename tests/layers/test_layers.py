"""The matrix-product layers against Keras's own convolutions with the same weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.layers import convolutions, track_layers

RNG = np.random.default_rng(5)


def _randomise(layer):
    for weight in layer.weights:
        weight.assign(RNG.normal(size=weight.shape))


def test_bar_convolution_is_a_3d_convolution_over_bars():
    layer = convolutions.BarConvolution(4, 3, 5, kernel=2, seed=0, name="bars")
    _randomise(layer)
    x = RNG.normal(size=(2, 4, 6, 7, 3)).astype(np.float32)  # bar, time, pitch, channels
    reference = keras.layers.Conv3D(5, (2, 1, 1))
    reference.build((None, 4, 6, 7, 3))
    kernel = np.reshape(layer.kernel.numpy(), (2, 1, 1, 3, 5))
    reference.set_weights([kernel, layer.bias.numpy()])
    inner = np.transpose(x, (0, 2, 3, 1, 4)).reshape(2, 6, 7, 12)
    got = layer(inner).numpy().reshape(2, 6, 7, 3, 5)
    expected = np.transpose(reference(x).numpy(), (0, 2, 3, 1, 4))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("axis", "size", "kernel", "stride"),
    [
        (2, 12, 4, 4),
        (2, 13, 4, 4),
        (1, 12, 3, 3),
        (1, 11, 4, 2),
        (1, 5, 3, 2),
        (2, 9, 3, 1),
        (2, 8, 1, 2),
    ],
)
def test_axis_convolution_is_a_2d_convolution(axis, size, kernel, stride):
    layer = convolutions.AxisConvolution(3, 5, axis, kernel, stride, seed=0, name="axis")
    _randomise(layer)
    shape = [2, 6, 7, 3]
    shape[axis] = size
    x = RNG.normal(size=shape).astype(np.float32)
    taps, strides = [1, 1], [1, 1]
    taps[axis - 1], strides[axis - 1] = kernel, stride
    reference = keras.layers.Conv2D(5, tuple(taps), tuple(strides))
    reference.build((None, *shape[1:]))
    weights = np.reshape(layer.kernel.numpy(), (*taps, 3, 5))
    reference.set_weights([weights, layer.bias.numpy()])
    np.testing.assert_allclose(layer(x).numpy(), reference(x).numpy(), rtol=1e-4, atol=1e-5)


def test_axis_convolution_along_time_of_one_pitch():
    layer = convolutions.AxisConvolution(2, 3, 1, 2, 2, seed=0, name="time")
    _randomise(layer)
    x = RNG.normal(size=(2, 8, 1, 2)).astype(np.float32)
    expected = np.einsum("btki,kio->bto", x.reshape(2, 4, 2, 2), layer.kernel.numpy())
    expected = expected[:, :, np.newaxis] + layer.bias.numpy()
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("axis", "pitch"), [(2, 1), (2, 3), (3, 3)])
def test_track_upsampling_is_a_transposed_convolution_per_track(axis, pitch):
    layer = track_layers.TrackUpsampling(2, 3, 5, axis, kernel=4, seed=0, name="up")
    _randomise(layer)
    x = RNG.normal(size=(2, 3, 6, pitch, 3)).astype(np.float32)
    taps = (4, 1) if axis == 2 else (1, 4)
    got = layer(x).numpy()
    for track in range(2):
        reference = keras.layers.Conv2DTranspose(5, taps, taps)
        reference.build((None, 6, pitch, 3))
        kernel = layer.kernel.numpy()[track].reshape(3, 4, 5)  # channels, tap, filters
        kernel = np.transpose(kernel, (1, 2, 0)).reshape(*taps, 5, 3)
        reference.set_weights([kernel, layer.bias.numpy()[track]])
        expected = reference(x[track]).numpy()
        np.testing.assert_allclose(got[track], expected, rtol=1e-4, atol=1e-5)


def test_track_transposed_convolution_overlaps():
    layer = track_layers.TrackTransposedConvolution(2, 3, 4, kernel=3, seed=0, name="join")
    _randomise(layer)
    x = RNG.normal(size=(2, 5, 2, 1, 3)).astype(np.float32)
    got = layer(x).numpy()
    assert got.shape == (2, 5, 4, 1, 4)
    for track in range(2):
        reference = keras.layers.Conv1DTranspose(4, 3, 1)
        reference.build((None, 2, 3))
        kernel = layer.kernel.numpy()[track].reshape(3, 3, 4)  # tap, channels, filters
        reference.set_weights([np.transpose(kernel, (0, 2, 1)), layer.bias.numpy()[track]])
        expected = reference(x[track, :, :, 0]).numpy()
        np.testing.assert_allclose(got[track, :, :, 0], expected, rtol=1e-4, atol=1e-5)


def test_batch_normalisation_by_track_and_channel():
    layer = track_layers.TrackBatchNormalization(2, 3, decay=0.75, epsilon=1e-3, name="norm")
    layer.gamma.assign(RNG.normal(size=(2, 3)))
    layer.beta.assign(RNG.normal(size=(2, 3)))
    x = (RNG.normal(size=(2, 4, 5, 1, 3)) * 3 + 100).astype(np.float32)
    mean, variance = x.mean(axis=(1, 2, 3)), x.var(axis=(1, 2, 3))

    def expected(mean, variance):
        scale = layer.gamma.numpy() / np.sqrt(variance + 1e-3)
        wide = (x - mean[:, None, None, None]) * scale[:, None, None, None]
        return wide + layer.beta.numpy()[:, None, None, None]

    got = layer(x, training=True, update_statistics=False).numpy()
    np.testing.assert_allclose(got, expected(mean, variance), rtol=1e-3, atol=1e-3)
    assert not layer.moving_mean.numpy().any()  # untouched
    layer(x, training=True, update_statistics=True)
    np.testing.assert_allclose(layer.moving_mean.numpy(), mean * 0.25, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.75 + variance * 0.25, rtol=1e-4)
    moved = layer(x, training=False).numpy()
    np.testing.assert_allclose(
        moved, expected(mean * 0.25, 0.75 + variance * 0.25), rtol=1e-3, atol=1e-3
    )


def test_second_order_gradients_reach_the_kernel():
    layer = convolutions.AxisConvolution(2, 3, 1, 3, 2, seed=0, name="twice")
    x = tf.constant(RNG.normal(size=(2, 7, 1, 2)), tf.float32)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(x)
            score = tf.reduce_sum(tf.nn.leaky_relu(layer(x), 0.2))
        norm = tf.reduce_sum(tf.square(inner.gradient(score, x)))
    gradient = outer.gradient(norm, layer.kernel.value)
    assert np.abs(gradient.numpy()).max() > 0
