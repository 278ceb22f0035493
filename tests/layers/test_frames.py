"""Frames against NumPy's sliding windows, and what their gradients are made of."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.layers.frames import frames


def _expected(x, axis, taps, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, taps, axis=axis)  # the tap last
    windows = np.take(windows, range(0, windows.shape[axis], stride), axis=axis)
    windows = np.moveaxis(windows, -1, -2)  # [..., tap, channel]
    return windows.reshape(*windows.shape[:-2], -1)


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize(("taps", "stride"), [(1, 1), (2, 1), (3, 1), (1, 2), (4, 2), (3, 3)])
def test_frames_are_sliding_windows(axis, taps, stride):
    x = np.random.default_rng(1).normal(size=(2, 7, 8, 3)).astype(np.float32)
    found = frames(tf.constant(x), axis, taps, stride)
    np.testing.assert_array_equal(found, _expected(x, axis, taps, stride))


def test_a_gradient_adds_up_what_overlaps():
    x = tf.constant(np.arange(5, dtype=np.float32).reshape(1, 5, 1, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(frames(x, 1, 3, 1))
    np.testing.assert_array_equal(tf.reshape(tape.gradient(total, x), [-1]), [1, 2, 3, 2, 1])


@pytest.mark.parametrize("taps", [1, 3])
def test_neighbouring_frames_need_no_strided_slice(taps):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(tf.square(frames(x, 1, taps, 1)))
        return tape.gradient(total, x)

    graph = tf.function(gradient).get_concrete_function(tf.zeros([2, 5, 4, 3])).graph
    types = {node.type for node in graph.get_operations()}
    assert "StridedSliceGrad" not in types and ("Slice" in types) == (taps == 3)


@pytest.mark.parametrize(("taps", "stride"), [(3, 1), (4, 2)])
def test_gradients_of_gradients_are_the_same_under_xla(taps, stride):
    weight = tf.constant(np.random.default_rng(2).normal(size=(taps * 3,)), tf.float32)

    def penalty_gradient(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                scores = tf.reduce_sum(tf.linalg.matvec(frames(x, 1, taps, stride), weight) ** 3)
            penalty = tf.reduce_sum(tf.square(inner.gradient(scores, x)))
        return outer.gradient(penalty, x)

    x = tf.constant(np.random.default_rng(3).normal(size=(2, 9, 4, 3)), tf.float32)
    expected = penalty_gradient(x)
    found = tf.function(penalty_gradient, jit_compile=True)(x)
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
