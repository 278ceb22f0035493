"""The WGAN-GP step against the same step written out plainly, and on two devices."""

import dataclasses
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

from tests.devices import mirrored
from tfmusicgan import losses, recipes, representations
from tfmusicgan.models import noise
from tfmusicgan.models.musegan.model import MuseGANHybrid

ROWS = 4


def _model(**changes):
    recipe = recipes.get("musegan_hybrid_chorales")
    preset = recipe.preset("tiny")
    # Weights large enough that every gradient is well above rounding.
    config = dataclasses.replace(preset.config, initial_stddev=0.2, **changes)
    cls = representations.get(recipe.representation)
    return MuseGANHybrid(config, cls.from_parameters(preset.representation), seed=11)


def _batch(step):
    rng = np.random.default_rng(step)
    return rng.random((ROWS, 2, 2, 8, 48, 4)) < 0.05


class _PlainAdam:
    """Adam (Kingma and Ba 2015, algorithm 1) in NumPy."""

    def __init__(self, config, count):
        self.config, self.step = config, 0
        self.first, self.second = [0.0] * count, [0.0] * count

    def update(self, weights, gradients):
        config = self.config
        self.step += 1
        for index, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
            g = gradient.numpy().astype(np.float64)
            b1, b2 = config.adam_beta_1, config.adam_beta_2
            self.first[index] = b1 * self.first[index] + (1 - b1) * g
            self.second[index] = b2 * self.second[index] + (1 - b2) * g * g
            first = self.first[index] / (1 - b1**self.step)
            second = self.second[index] / (1 - b2**self.step)
            weight.assign(weight.numpy() - config.learning_rate * first / (np.sqrt(second) + 1e-8))


def _plain_training(model, steps):
    """The paper's loop: five (here two) critic updates, each by itself, then the generator's."""
    config = model.model_config
    adam_g = _PlainAdam(config, len(model.generator.trainable_variables))
    adam_c = _PlainAdam(config, len(model.critic.trainable_variables))
    sizes = [int(np.prod(shape)) for shape in model.latent_shapes]

    def latents(step, index):
        keys = noise.row_keys(11, tf.constant(step, tf.int64), 0, tf.range(ROWS, dtype=tf.int64))
        values = noise.draws(keys, 3 * sum(sizes), model.latent_table)
        part = values[:, index * sum(sizes) : (index + 1) * sum(sizes)]
        return noise.split(part, model.latent_shapes)

    def score(phrases):
        return model.critic(model.critic_view(phrases))

    for step in range(steps):
        real = tf.where(tf.constant(_batch(step)), 1.0, -1.0)
        keys = noise.row_keys(11, tf.constant(step, tf.int64), 1, tf.range(ROWS, dtype=tf.int64))
        mixing = noise.uniforms(keys, 2)
        for update in range(2):
            fake = tf.tanh(model.generator(latents(step, update), training=True))
            weights = model.critic.trainable_variables
            with tf.GradientTape() as tape:
                distance = tf.reduce_mean(score(fake)) - tf.reduce_mean(score(real[:, update]))
                penalty = losses.gradient_penalty(score, real[:, update], fake, mixing[:, update])
                loss = distance + 10.0 * penalty
            adam_c.update(weights, tape.gradient(loss, [w.value for w in weights]))
        weights = model.generator.trainable_variables
        with tf.GradientTape() as tape:
            fake = tf.tanh(model.generator(latents(step, 2), training=True, update_statistics=True))
            loss = -tf.reduce_mean(score(fake))
        adam_g.update(weights, tape.gradient(loss, [w.value for w in weights]))


def _train(model, steps):
    """Steps as written; the laws of the generators compare them with traced ones."""
    model.compile()
    for number in range(steps):
        logs = model.train_step({"piano_roll": tf.constant(_batch(number))})
    return logs


def _rounding_alone(path):
    """Biases whose gradient cancels: batch normalisation, or real minus fake, takes them out."""
    *_, layer, name = path.split("/")
    normalised = ("upsampling_0", "upsampling_1", "upsampling_2", "project")
    return name == "bias" and (layer.endswith(("spread", "join", "score", "hidden", *normalised)))


def _compare(one, two, tolerance):
    """Compares what training changed: the norm of the difference against that of the update.

    Adam's first steps follow the gradient's sign: where a gradient nearly cancels rounding decides,
    so a tenth is as near as two float32 sums in another order come; a wrong term moves far more.
    """
    compared = 0
    untrained = _model(ema_decay=None)
    for a, b, start in zip(one.weights, two.weights, untrained.weights, strict=True):
        assert a.path == b.path == start.path
        if _rounding_alone(a.path):
            continue
        compared += 1
        a, b, start = (weight.numpy().astype(np.float64) for weight in (a, b, start))
        assert np.linalg.norm(a - b) <= tolerance * np.linalg.norm(a - start)
    assert compared > 30


def test_two_steps_equal_the_loop_written_out():
    model, plain = _model(ema_decay=None), _model(ema_decay=None)
    _train(model, 2)
    _plain_training(plain, 2)
    plain.step.assign(2)
    _compare(model, plain, 0.1)


def test_a_step_traces_the_critics_update_once():
    model = _model(critic_updates=5)
    model.compile()
    rolls = np.random.default_rng(0).random((ROWS, 5, 2, 8, 48, 4)) < 0.05
    with mock.patch.object(model, "fake_examples", wraps=model.fake_examples) as generate:
        tf.function(model.train_step, autograph=False)({"piano_roll": tf.constant(rolls)})
    assert generate.call_count == 2  # the critic's and the generator's
    assert int(model.critic_optimizer.iterations.numpy()) == 5


def test_tracked_values():
    model = _model()
    logs = {name: float(value) for name, value in _train(model, 1).items()}
    assert logs["critic_loss"] == pytest.approx(
        -logs["critic_gap"] + 10 * logs["gradient_penalty"], rel=1e-4
    )
    assert logs["critic_gradient_norm"] > 0 and logs["generator_gradient_norm"] > 0
    assert int(model.step.numpy()) == 1


def test_two_devices_train_like_one():
    strategy = mirrored()
    one = _model(ema_decay=None)
    _train(one, 3)
    with strategy.scope():
        two = _model(ema_decay=None)
        two.compile()

    @tf.function
    def step(batch):
        return strategy.run(two.train_step, args=(batch,))

    for number in range(3):
        batch = _batch(number)

        def rows(context, batch=batch):
            first = context.replica_id_in_sync_group * ROWS // 2
            return {"piano_roll": tf.constant(batch[first : first + ROWS // 2])}

        step(strategy.experimental_distribute_values_from_function(rows))
    _compare(one, two, 0.1)
