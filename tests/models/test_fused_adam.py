"""Adam of one operation against Keras's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.devices import mirrored
from tfmusicgan.models.fused_adam import FusedAdam

SHAPES = [(3, 4), (5,), ()]


def _trained(optimizer_class, dtype, steps=5, rate=0.1):
    rng = np.random.default_rng(0)
    variables = [
        keras.Variable(rng.normal(size=shape), dtype=dtype, name=f"weight_{len(shape)}")
        for shape in SHAPES
    ]
    optimizer = optimizer_class(rate, beta_1=0.5, beta_2=0.9, epsilon=1e-3, name="adam")
    optimizer.build(variables)

    @tf.function
    def step(gradients):
        optimizer.apply(gradients, variables)

    for _ in range(steps):
        step([tf.constant(rng.normal(size=shape) ** 3, dtype) for shape in SHAPES])
    return [*variables, *optimizer.variables]


def test_weights_and_moments_are_those_of_keras():
    expected, found = (_trained(cls, "float32") for cls in (keras.optimizers.Adam, FusedAdam))
    assert [variable.path for variable in found[3:]] == [variable.path for variable in expected[3:]]
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-6)


def _by_hand(weight, gradients, rate=0.125, beta_1=0.5, beta_2=0.9, epsilon=1e-3):
    """Kingma and Ba, algorithm 1, with the epsilon of the arrangement before section 2.1."""
    moment = velocity = np.zeros_like(weight)
    for step, gradient in enumerate(gradients, start=1):
        moment = beta_1 * moment + (1 - beta_1) * gradient
        velocity = beta_2 * velocity + (1 - beta_2) * gradient**2
        pace = rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        weight = weight - pace * moment / (np.sqrt(velocity) + epsilon)
    return weight


def test_double_precision_is_kept():
    # Where Keras's is not: it rounds powers of the betas to float32.
    weights, *_ = _trained(FusedAdam, "float64", rate=0.125)
    rng = np.random.default_rng(0)
    start, *_ = [rng.normal(size=shape) for shape in SHAPES]
    drawn = [[rng.normal(size=shape) ** 3 for shape in SHAPES] for _ in range(5)]
    expected = _by_hand(start, [gradients[0] for gradients in drawn])
    np.testing.assert_allclose(weights, expected, rtol=1e-12)


def test_the_learning_rate_may_change():
    class Halving(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1 * tf.pow(0.5, tf.cast(step, tf.float32))

    expected = _trained(keras.optimizers.Adam, "float32", rate=Halving())
    found = _trained(FusedAdam, "float32", rate=Halving())
    still = _trained(FusedAdam, "float32")
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-6)
    assert np.abs(found[0].numpy() - still[0].numpy()).max() > 1e-3


def test_what_all_weights_share_is_worked_out_once_an_update():
    variables = [keras.Variable(np.ones(size)) for size in (2, 3, 5)]
    optimizer = FusedAdam(0.125)
    optimizer.build(variables)

    @tf.function
    def step():
        for _ in range(2):
            optimizer.apply([tf.ones(v.shape) for v in variables], variables)

    names = [operation.type for operation in step.get_concrete_function().graph.get_operations()]
    assert (names.count("ResourceApplyAdam"), names.count("Pow")) == (6, 4)  # two betas


def test_weights_of_several_precisions():
    variables = [keras.Variable(np.ones(2), dtype=dtype) for dtype in ("float32", "float64") * 2]
    optimizer = FusedAdam(0.125, 0.5, 0.9, epsilon=1e-3)
    optimizer.build(variables)
    gradient = np.array([1.0, -2.0])
    optimizer.apply([tf.constant(gradient, v.dtype) for v in variables], variables)
    expected = _by_hand(np.ones(2), [gradient])
    for variable, precision in zip(variables, (1e-6, 1e-12) * 2, strict=True):
        np.testing.assert_allclose(variable, expected, rtol=precision)


@pytest.mark.parametrize("devices", [2, 4])
def test_several_devices_sum_gradients(devices):
    strategy = mirrored(devices)
    with strategy.scope():
        variable = keras.Variable(np.ones(3), dtype="float64")
        optimizer = FusedAdam(0.125, epsilon=1.0)  # follows sizes, not signs alone
        optimizer.build([variable])

    def step():
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        own = tf.cast(replica, tf.float64) + 1
        optimizer.apply([own * tf.constant([1.0, -2.0, 3.0], tf.float64)], [variable])

    strategy.run(step)
    total = np.array([1.0, -2.0, 3.0]) * devices * (devices + 1) / 2
    alone = _by_hand(np.ones(3), [total], rate=0.125, beta_1=0.9, beta_2=0.999, epsilon=1.0)
    for copy in strategy.experimental_local_results(variable.value):
        np.testing.assert_allclose(copy, alone, rtol=1e-12)


@pytest.mark.parametrize("devices", [1, 2, 4])
@pytest.mark.parametrize("scaled", [False, True])
def test_what_stands_still_is_as_if_the_step_had_not_been(devices, scaled):
    strategy = mirrored(devices)
    with strategy.scope():
        variable = keras.Variable(np.ones(3), dtype="float64")
        adam = FusedAdam(0.125, 0.5, 0.9, epsilon=1e-3)
        optimizer = keras.optimizers.LossScaleOptimizer(adam, 4.0) if scaled else adam
        optimizer.build([variable])

    @tf.function
    def step(gradient, frozen):
        def of_replica():
            with adam.standing_still(frozen):
                optimizer.apply([gradient / devices], [variable])

        strategy.run(of_replica)

    drawn = np.random.default_rng(0).normal(size=(5, 3))
    still = [0.0, 1.0, 1.0, 0.0, 1.0]
    for gradient, frozen in zip(drawn, still, strict=True):
        scale = 4.0 if scaled else 1.0
        step(tf.constant(scale * gradient), tf.constant(frozen))
    expected = _by_hand(np.ones(3), [drawn[0], drawn[3]])
    for copy in strategy.experimental_local_results(variable.value):
        np.testing.assert_allclose(copy, expected, rtol=1e-10)
    assert int(adam.iterations.numpy()) == 2
