"""Losses against values by hand and analytic gradients."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan import losses


def test_wasserstein_losses_by_hand():
    real, fake = tf.constant([1.0, 2.0, 6.0]), tf.constant([-1.0, 2.0])
    assert losses.wasserstein_critic_loss(real, fake).numpy() == pytest.approx(0.5 - 3.0)
    assert losses.wasserstein_generator_loss(fake).numpy() == pytest.approx(-0.5)


def test_least_squares_loss_by_hand():
    real, fake = tf.constant([1.0, 2.0, -1.0]), tf.constant([0.5, 0.0, 3.0])
    loss = losses.least_squares_discriminator_loss(real, fake)  # 0, 1, 4 and 0.25, 0, 9
    assert loss.numpy() == pytest.approx(14.25 / 6)


def test_gradient_penalty_of_a_linear_critic():
    # D(x) = w . x has gradient w everywhere: ||w|| = 5, so the penalty is 16.
    weights = tf.constant([[3.0, 0.0], [0.0, 4.0]])
    real, fake = tf.zeros((3, 2, 2)), tf.ones((3, 2, 2))
    penalty = losses.gradient_penalty(
        lambda x: tf.reduce_sum(x * weights, axis=[1, 2]), real, fake, tf.constant([0.1, 0.5, 0.9])
    )
    assert penalty.numpy() == pytest.approx(16.0, rel=1e-6)


def test_gradient_penalty_mixes_per_example_towards_the_fake():
    # D(x) = sum x^2 / 2 has gradient x, so the norm is that of the mixed point itself.
    real = tf.constant([[0.0, 0.0], [0.0, 0.0]])
    fake = tf.constant([[3.0, 4.0], [6.0, 8.0]])
    mixing = tf.constant([0.2, 0.9])
    penalty = losses.gradient_penalty(
        lambda x: tf.reduce_sum(tf.square(x), axis=1) / 2, real, fake, mixing
    )
    expected = np.mean([(5 * 0.2 - 1) ** 2, (10 * 0.9 - 1) ** 2])
    assert penalty.numpy() == pytest.approx(expected, rel=1e-5)


def test_gradient_penalty_trains_the_critic_as_by_hand():
    # D(x) = w x1 + 2 w x2 has norm sqrt(5) w: dP/dw = 2 sqrt(5) (sqrt(5) w - 1)
    weight = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        penalty = losses.gradient_penalty(
            lambda x: weight * tf.linalg.matvec(x, [1.0, 2.0]), tf.ones((3, 2)), tf.zeros((3, 2)),
            tf.constant([0.1, 0.5, 0.9]),
        )  # fmt: skip
    expected = 2 * 5**0.5 * (3 * 5**0.5 - 1)
    assert tape.gradient(penalty, weight).numpy() == pytest.approx(expected, rel=1e-6)


def test_gradient_penalty_has_a_finite_gradient_at_zero_slope():
    weight = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        penalty = losses.gradient_penalty(
            lambda x: weight * tf.reduce_sum(x, axis=1), tf.ones((2, 3)), tf.zeros((2, 3)),
            tf.constant([0.5, 0.5]), target=0.0,
        )  # fmt: skip
    assert np.isfinite(tape.gradient(penalty, weight).numpy())
