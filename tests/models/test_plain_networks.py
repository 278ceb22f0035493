"""MuseGAN's networks against the same ones of Keras's Conv3D and Conv3DTranspose, same weights."""

import dataclasses
import importlib.util
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan import models, recipes, representations

PATH = pathlib.Path(__file__).parents[2] / "scripts/benchmarks/plain_networks.py"
ROWS = 3


def _load():
    spec = importlib.util.spec_from_file_location("plain_networks", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _model(recipe, preset):
    recipe = recipes.get(recipe)
    preset = recipe.preset(preset)
    changes = {"critic_updates": 1, "batch_size": ROWS, "ema_decay": None}
    config = dataclasses.replace(preset.config, **changes)
    representation = representations.get(recipe.representation)
    representation = representation.from_parameters(preset.representation)
    return models.get(recipe.model)(config, representation, seed=3)


def _gradients(model, rolls):
    """Names and gradients of the critic's and the generator's losses, as a training step has them.

    The model's own `train_step`, whose updates are noted instead of made.
    """
    noted = []

    def note(loss_fn, variables, optimizer):
        with tf.GradientTape() as tape:
            loss = loss_fn()
        noted.append((loss, tape.gradient(loss, [variable.value for variable in variables])))
        return loss, tf.zeros([])

    model.minimise = note
    model.generator_optimizer = model.critic_optimizer = None

    # One operation at a time, which is sooner done than tracing a single step.
    model.train_step({"piano_roll": tf.constant(rolls)})
    (critic_loss, critic), (generator_loss, generator) = noted
    gradients = {}
    for variable, value in zip(model.critic.trainable_variables, critic, strict=True):
        gradients[id(variable)] = value.numpy()
    for variable, value in zip(model.generator.trainable_variables, generator, strict=True):
        gradients[id(variable)] = value.numpy()
    return (float(critic_loss), float(generator_loss)), gradients


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["musegan_hybrid", "musegan_jamming", "musegan_composer"])
def test_outputs_losses_and_gradients_are_those_of_plain_layers(recipe):
    ours, plain = _model(recipe, "small"), _model(recipe, "small")
    rng = np.random.default_rng(8)
    for variable in (*ours.generator.trainable_variables, *ours.critic.trainable_variables):
        if len(variable.shape) < 3:  # biases, scales and shifts, which start at 0 and 1
            variable.assign(variable + 0.1 * rng.normal(size=variable.shape))
    copies = _load().make_plain(plain, ours)
    latents = [tf.constant(rng.normal(size=(ROWS, *s)), tf.float32) for s in ours.latent_shapes]
    mode = {"training": True, "update_statistics": False}
    outputs = ours.generator(latents, None, **mode)
    np.testing.assert_allclose(
        outputs, plain.generator(latents, None, **mode), rtol=1e-4, atol=1e-4
    )
    phrases = tf.tanh(outputs)
    scores = [model.critic(model.critic_view(phrases)) for model in (ours, plain)]
    np.testing.assert_allclose(*scores, rtol=1e-4, atol=1e-5)

    rep = ours.representation
    shape = (ROWS, rep.bars, rep.steps_per_bar, rep.num_pitches, rep.num_tracks)
    rolls = rng.random(shape) < 0.05
    losses, gradients = _gradients(ours, rolls)
    plain_losses, plain_gradients = _gradients(plain, rolls)
    np.testing.assert_allclose(losses, plain_losses, rtol=1e-5)
    compared = set()
    for variable, source, arrange in copies.pairs:
        if not source.trainable:
            continue
        compared.add(id(source))
        expected = plain_gradients[id(variable)]
        scale = np.abs(gradients[id(source)]).max() + 1e-3
        got = arrange(gradients[id(source)])
        np.testing.assert_allclose(got / scale, expected / scale, atol=1e-3, err_msg=source.path)
    assert compared == set(gradients)
