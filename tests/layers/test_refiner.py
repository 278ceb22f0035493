"""Plane convolutions, strided transposed convolutions and the refiner against Keras's layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.layers import plane_convolutions
from tfmusicgan.layers.refiner import Refiner
from tfmusicgan.layers.track_strided_convolution import TrackStridedTransposedConvolution

RNG = np.random.default_rng(8)


def _randomise(layer):
    for weight in layer.weights:
        weight.assign(RNG.normal(size=weight.shape))


def _count(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_variables)


@pytest.mark.parametrize(
    ("rows", "columns", "kernel", "strides"),
    [
        (7, 16, (3, 4), (2, 4)),
        (6, 9, (3, 2), (2, 2)),
        (3, 4, (3, 4), (3, 4)),
        (5, 6, (2, 3), (1, 1)),
    ],
)
def test_plane_convolution_is_a_2d_convolution(rows, columns, kernel, strides):
    layer = plane_convolutions.PlaneConvolution(3, 5, kernel, strides, seed=0, name="plane")
    _randomise(layer)
    x = RNG.normal(size=(2, rows, columns, 3)).astype(np.float32)
    reference = keras.layers.Conv2D(5, kernel, strides)
    reference.build(x.shape)
    reference.set_weights([layer.kernel.numpy(), layer.bias.numpy()])
    np.testing.assert_allclose(layer(x).numpy(), reference(x).numpy(), rtol=1e-4, atol=1e-5)


def _with_slopes(layer, x):
    """A layer's output, and the slopes of a function of it by input, kernel and bias."""
    variables = [layer.kernel.value, layer.bias.value]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        loss = tf.reduce_sum(y * y + y)
    return [y.numpy(), *(slope.numpy() for slope in tape.gradient(loss, [x, *variables]))]


# One block of pitches, several, and one that reaches beyond the last pitch.
@pytest.mark.parametrize("pitch", [14, 24, 36, 7, 1])
@pytest.mark.parametrize(
    ("channels", "filters", "kernel"),
    [(1, 4, (3, 12)), (4, 1, (3, 12)), (2, 3, (2, 5)), (3, 2, (4, 5)), (2, 1, (1, 1))],
)
def test_track_plane_convolution_is_keras_convolution(channels, filters, kernel, pitch):
    layer = plane_convolutions.TrackPlaneConvolution(3, channels, filters, kernel, 0, name="same")
    _randomise(layer)
    x = tf.constant(RNG.normal(size=(3, 2, 5, pitch, channels)).astype(np.float32))
    found = _with_slopes(layer, x)
    for track in range(3):
        reference = keras.layers.Conv2D(filters, kernel, padding="same")
        reference.build(x.shape[1:])
        reference.set_weights([layer.kernel.numpy()[track], layer.bias.numpy()[track]])
        for one, other in zip(found, _with_slopes(reference, x[track]), strict=True):
            np.testing.assert_allclose(one[track], other, rtol=1e-4, atol=1e-5 * abs(other).max())


def test_even_kernels_see_one_more_pitch_above_than_below():
    layer = plane_convolutions.TrackPlaneConvolution(1, 1, 1, (3, 12), 0, name="even")
    kernel = np.zeros((1, 3, 12, 1, 1), np.float32)
    kernel[0, 1, 0], kernel[0, 1, 11], kernel[0, 2, 5] = 1, 10, 100
    layer.kernel.assign(kernel)
    x = np.zeros((1, 1, 4, 20, 1), np.float32)
    x[0, 0, 2, 8] = 1
    expected = np.zeros((4, 20))
    expected[2, 13], expected[2, 2], expected[1, 8] = 1, 10, 100
    np.testing.assert_array_equal(layer(x).numpy()[0, 0, ..., 0], expected)


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (3, 3), (4, 1), (5, 2), (2, 2)])
def test_strided_transposed_convolution(axis, kernel, stride):
    layer = TrackStridedTransposedConvolution(2, 3, 4, axis, kernel, stride, seed=0, name="up")
    _randomise(layer)
    x = RNG.normal(size=(2, 2, 3, 4, 3)).astype(np.float32)
    taps, strides = ((kernel, 1), (stride, 1)) if axis == 2 else ((1, kernel), (1, stride))
    got = layer(x).numpy()
    for track in range(2):
        reference = keras.layers.Conv2DTranspose(4, taps, strides)
        reference.build(x.shape[1:])
        weights = layer.kernel.numpy()[track].reshape(3, kernel, 4)  # channels, tap, filters
        weights = np.transpose(weights, (1, 2, 0)).reshape(*taps, 4, 3)
        reference.set_weights([weights, layer.bias.numpy()[track]])
        np.testing.assert_allclose(got[track], reference(x[track]).numpy(), rtol=1e-4, atol=1e-5)


def _refiner(tracks=2, filters=3, **changes):
    values = {"decay": 0.75, "epsilon": 1e-3, "seed": 3, "name": "refiner", **changes}
    return Refiner(tracks, 2, filters, (3, 12), **values)


def test_parameters_of_the_paper():
    # A unit: BN of one channel 2; 3 x 12 taps to 64 channels 36 * 64 + 64; BN 128; back to one
    # channel 36 * 64 + 1.
    unit = 2 + 2_368 + 128 + 2_305
    assert 2 * unit == 9_606
    refiner = Refiner(8, 2, 64, (3, 12), decay=0.99, epsilon=1e-3, seed=0)
    assert _count(refiner) == 8 * 9_606


def _keras_unit(unit, track):
    """One residual unit of one track, of Keras layers with the same weights."""
    inputs = keras.Input((8, 14, 1))
    x = inputs
    for norm, convolution in ((unit.widen_norm, unit.widen), (unit.narrow_norm, unit.narrow)):
        normalise = keras.layers.BatchNormalization(momentum=0.75, epsilon=1e-3)
        filters = convolution.kernel.shape[-1]
        convolve = keras.layers.Conv2D(filters, (3, 12), padding="same")
        x = convolve(keras.ops.relu(normalise(x)))
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        normalise.set_weights([getattr(norm, name).numpy()[track] for name in names])
        convolve.set_weights([convolution.kernel.numpy()[track], convolution.bias.numpy()[track]])
    return keras.Model(inputs, x + inputs)


@pytest.mark.parametrize("training", [False, True])
def test_refines_as_keras_layers_do(training):
    refiner = _refiner()
    for weight in refiner.weights:
        value = RNG.normal(size=weight.shape)
        weight.assign(np.abs(value) + 0.1 if "moving_variance" in weight.path else value)
    x = RNG.random(size=(3, 2, 8, 14, 2)).astype(np.float32)  # batch, bar, time, pitch, track
    references = [[_keras_unit(unit, track) for unit in refiner.units] for track in range(2)]
    got = refiner(x, training=training, update_statistics=False).numpy()
    assert got.shape == x.shape and got.dtype == np.float32
    for track, units in enumerate(references):
        y = x[..., track].reshape(6, 8, 14, 1)
        for unit in units:
            y = unit(y, training=training)
        expected = np.reshape(y, (3, 2, 8, 14))
        np.testing.assert_allclose(got[..., track], expected, rtol=1e-3, atol=1e-3)


def test_statistics_follow_only_when_told():
    refiner = _refiner()
    moving = [weight for weight in refiner.weights if "moving" in weight.path]
    before = [weight.numpy() for weight in moving]
    x = RNG.random(size=(2, 2, 8, 14, 2)).astype(np.float32)
    refiner(x, training=True, update_statistics=False)
    assert all((a == b.numpy()).all() for a, b in zip(before, moving, strict=True))
    refiner(x, training=True, update_statistics=True)
    assert not any((a == b.numpy()).all() for a, b in zip(before, moving, strict=True))


def test_a_track_is_refined_by_its_own_weights_alone():
    refiner = _refiner(tracks=3)
    x = RNG.random(size=(1, 2, 8, 14, 3)).astype(np.float32)
    other = x.copy()
    other[..., 1] = 1 - other[..., 1]
    changed = np.abs(refiner(x).numpy() - refiner(other).numpy()).max(axis=(0, 1, 2, 3)) > 0
    assert changed.tolist() == [False, True, False]
    kernels = refiner.units[0].widen.kernel.numpy()
    assert not np.array_equal(kernels[0], kernels[1])


def test_every_weight_and_the_input_take_a_gradient():
    refiner = _refiner()
    for weight in refiner.trainable_variables:
        weight.assign(weight + 0.1 * RNG.normal(size=weight.shape))
    x = tf.constant(RNG.random(size=(2, 2, 8, 14, 2)), tf.float32)
    target = tf.constant(RNG.normal(size=x.shape), tf.float32)
    weights = [weight.value for weight in refiner.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(target * refiner(x, training=True))
    for gradient in tape.gradient(y, [x, *weights]):
        assert np.isfinite(gradient.numpy()).all() and np.abs(gradient.numpy()).max() > 0


def test_mixed_precision_keeps_what_the_input_tells_apart():
    # Numbers around 0.5 that are one and the same in bfloat16, and a few in float16.
    x = (0.5 + 5e-4 * RNG.normal(size=(2, 2, 8, 14, 2))).astype(np.float32)
    expected = _refiner(stddev=0.3)(x, training=True)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        got = _refiner(stddev=0.3)(x, training=True)
    finally:
        keras.config.set_dtype_policy("float32")
    assert got.dtype == tf.float32
    assert np.abs(got - expected).max() < 0.1 * np.std(expected)
