"""Training steps under mixed precision, with overflowing loss scales, on one and two devices."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.devices import mirrored
from tests.models.tiny import make_batch, make_model, moved, values
from tfmusicgan import recipes, representations
from tfmusicgan.models.musegan.model import MuseGANHybrid

ROWS = 4


@pytest.fixture
def policy():
    """Sets the global precision, and float32 again afterwards."""
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def two_devices():
    return mirrored()


def _model(**changes):
    recipe = recipes.get("musegan_hybrid_chorales")
    preset = recipe.preset("tiny")
    config = dataclasses.replace(preset.config, **changes)
    cls = representations.get(recipe.representation)
    model = MuseGANHybrid(config, cls.from_parameters(preset.representation), seed=11)
    model.compile()
    return model


def _batch():
    return np.random.default_rng(0).random((ROWS, 2, 2, 8, 48, 4)) < 0.05


def _step(model, strategy=None):
    """One training step on one device, or with the rows shared out among a strategy's.

    Not traced: that takes longer than all steps of these tests; `test_wasserstein` does it.
    """
    batch = _batch()
    if strategy is None:
        return model.train_step({"piano_roll": tf.constant(batch)})
    share = ROWS // strategy.num_replicas_in_sync

    def rows(context):
        first = context.replica_id_in_sync_group * share
        return {"piano_roll": tf.constant(batch[first : first + share])}

    values = strategy.experimental_distribute_values_from_function(rows)
    return strategy.run(model.train_step, args=(values,))


def _lower_scale(model):
    """From the 2**15 that training starts with and comes down from: no update is skipped."""
    for optimizer in model.optimizers().values():
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            optimizer.dynamic_scale.assign(2.0**8)


def _critic(model):
    return [weight.numpy() for weight in model.critic.trainable_variables]


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_follows_float32(policy, precision):
    expected = _step(_model())
    policy(precision)
    model = _model()
    _lower_scale(model)
    before = _critic(model)
    logs = _step(model)
    for name in ("critic_loss", "gradient_penalty", "critic_gradient_norm"):
        assert float(logs[name]) == pytest.approx(float(expected[name]), rel=0.03), name
    # Loss and norm are those without the loss scale, and the kernels (three axes) have moved.
    assert all((a != b).any() for a, b in zip(before, _critic(model), strict=True) if a.ndim > 2)


@pytest.mark.parametrize(
    ("recipe", "changes"),
    [
        ("musegan_jamming_chorales_accompaniment", {}),
        (
            "musegan_composer_chorales_accompaniment",
            {"critic_constraint": "weight_clipping", "clip_value": 0.2},
        ),
        ("musegan_hybrid_chorales", {"refiner": "stochastic", "refiner_training": "end_to_end"}),
        ("binary_musegan_chorales", {"refiner_training": "end_to_end", "first_stage_steps": 0}),
    ],
)
def test_all_parts_run_in_mixed_precision(policy, recipe, changes):
    policy("mixed_float16")
    model = make_model(recipe, learning_rate_decay="linear", **changes)
    model.compile()
    _lower_scale(model)
    before = values(model.trainable_variables)
    logs = {name: float(value) for name, value in model.train_step(make_batch(model)).items()}
    assert np.isfinite(list(logs.values())).all()
    assert logs["critic_gradient_norm"] > 0 and logs["generator_gradient_norm"] > 0
    kernels = {path for path in before if path.endswith("kernel")}
    assert kernels <= moved(before, model.trainable_variables)
    sampled = model.sample(tf.constant([1, 2], tf.int64))["logits"]
    assert sampled.dtype == tf.float32 and np.isfinite(sampled.numpy()).all()


def test_an_overflow_skips_the_update_and_nothing_else(policy):
    policy("mixed_float16")
    model = _model()
    before = _critic(model)
    model.critic_optimizer.dynamic_scale.assign(1e30)
    logs = {name: float(value) for name, value in _step(model).items()}
    assert all((a == b).all() for a, b in zip(before, _critic(model), strict=True))
    assert float(model.critic_optimizer.dynamic_scale.numpy()) == pytest.approx(1e30 / 4)
    # No NaN and no infinity, which would end the run; the generator has learnt.
    assert logs["critic_gradient_norm"] == 0.0
    assert np.isfinite(list(logs.values())).all() and logs["generator_gradient_norm"] > 0


def test_an_overflow_on_one_device_skips_the_update_on_both(policy, two_devices, monkeypatch):
    policy("mixed_float16")
    with two_devices.scope():
        model = _model()
    minimise = MuseGANHybrid.minimise

    def on_the_second_device(self, loss_fn, variables, optimizer):
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        factor = tf.where(replica == 1, np.float32(1e36), 1.0)
        return minimise(self, lambda: loss_fn() * factor, variables, optimizer)

    monkeypatch.setattr(MuseGANHybrid, "minimise", on_the_second_device)
    before = _critic(model)
    _step(model, two_devices)
    after = _critic(model)
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


def test_two_devices_have_the_gradients_of_one(two_devices):
    # With next to no learning rate the weights stand still, so that rounding is not amplified:
    # Adam's moments are then the gradients' own, and the moving statistics those of the batch.
    one = _model(learning_rate=1e-12)
    with two_devices.scope():
        two = _model(learning_rate=1e-12)
    _step(one)
    _step(two, two_devices)
    compared = 0
    for name in ("critic_optimizer", "generator_optimizer"):
        first, second = one.optimizers()[name], two.optimizers()[name]
        for a, b in zip(first.variables, second.variables, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6, err_msg=a.path)
            compared += 1
    for a, b in zip(one.weights, two.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6, err_msg=a.path)
    assert compared > 60


def test_one_critic_update_per_step():
    model = _model(critic_updates=1)
    logs = model.train_step({"piano_roll": tf.constant(_batch()[:, 0])})  # as the reader gives it
    assert int(model.critic_optimizer.iterations.numpy()) == 1
    assert np.isfinite(float(logs["critic_loss"]))
