"""MidiNet: its published sizes, triples, losses and steps by hand."""

import dataclasses
import re
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

from tests.eagerly import eagerly
from tfmusicgan import losses, models, recipes, representations
from tfmusicgan.errors import CheckpointError, ConfigError
from tfmusicgan.models import noise
from tfmusicgan.models.midinet import triples
from tfmusicgan.models.midinet.layers import BatchNormalization, Upsampling
from tfmusicgan.representations.melody_bars import MelodyBars

# Biases that batch normalisation takes out again: their gradients are rounding, scaled up by Adam.
NORMALISED = re.compile(r"(project|spread|merge|dense|upsampling_.|encoding_.)/bias$")


def build(name, preset="tiny", rep=None, **changes):
    recipe = recipes.get(name)
    chosen = recipe.preset(preset)
    representation = representations.get(recipe.representation)
    representation = rep or representation.from_parameters(chosen.representation)
    config = dataclasses.replace(chosen.config, **changes)
    return models.get(recipe.model)(config, representation, seed=3)


def windows(rows, rep, seed=0):
    rng = np.random.default_rng(seed)
    found = np.zeros((rows, rep.bars, rep.num_columns), np.int32)
    found[..., : rep.steps_per_bar] = rng.integers(60, 84, found[..., : rep.steps_per_bar].shape)
    found[..., rep.chord_column] = rng.integers(1, 25, found.shape[:2])
    return found


def counts(model):
    return {
        name: sum(int(np.prod(weight.shape)) for weight in network.trainable_variables)
        for name, network in model.networks().items()
    }


def norm(channels):
    return 2 * channels


def test_the_published_sizes():
    assert counts(build("midinet_creative", "paper")) == {
        "conditioner": 3_776,
        "generator": 526_849,
        "discriminator": 312_703,
    }
    # Model 2 is given the previous bar in the last transposed convolution alone.
    upsampling = 2 * (128 + 13) * 128 + 128 + norm(128)
    assert counts(build("midinet_stable", "paper")) == {
        "conditioner": 128 * 16 + 16 + norm(16),
        "generator": (113 * 1024 + 1024 + norm(1024))
        + (1037 * 256 + 256 + norm(256))
        + 3 * upsampling
        + ((128 + 13 + 16) * 128 + 1),
        "discriminator": 312_703,
    }
    # Model 1: 256 filters, 512 units, no chord.
    assert counts(build("midinet_melody", "paper")) == {
        "conditioner": (128 * 256 + 256 + norm(256)) + 3 * (2 * 256 * 256 + 256 + norm(256)),
        "generator": (100 * 1024 + 1024 + norm(1024))
        + (1024 * 512 + 512 + norm(512))
        + 3 * (2 * 512 * 256 + 256 + norm(256))
        + (512 * 128 + 1),
        "discriminator": (2 * 128 * 14 + 14)
        + (4 * 14 * 77 + 77 + norm(77))
        + (231 * 1024 + 1024 + norm(1024))
        + (1024 + 1),
    }


def test_maps_of_half_as_many_steps_each():
    model = build("midinet_creative")
    maps = model.conditioner(tf.zeros([2, 16, 128]))
    assert [tuple(one.shape) for one in maps] == [(2, 16, 4), (2, 8, 4), (2, 4, 4), (2, 2, 4)]
    score, features = model.discriminator(tf.zeros([2, 16, 128]), tf.zeros([2, 13]))
    assert score.shape == (2,) and features.shape == (2, 8, 6)


def test_the_first_convolution_is_that_of_chord_maps():
    network = build("midinet_creative").discriminator
    rng = np.random.default_rng(1)
    bar = rng.random((3, 16, 128), dtype=np.float32)
    chord = rng.random((3, 13), dtype=np.float32)
    maps = np.broadcast_to(chord[:, None, None], (3, 16, 128, 13))
    stacked = tf.constant(np.concatenate([bar[..., None], maps], axis=-1))
    plain = tf.nn.conv2d(stacked, tf.convert_to_tensor(network.kernel), 2, "VALID")[:, :, 0]
    expected = tf.nn.leaky_relu(plain + tf.convert_to_tensor(network.bias), 0.2)
    np.testing.assert_allclose(network.features(bar, tf.constant(chord)), expected, atol=2e-4)


def test_upsampling_is_a_transposed_convolution():
    layer = Upsampling(3, 2, seed=0, stddev=1.0)
    x = np.random.default_rng(0).random((2, 4, 3), dtype=np.float32)
    kernel = tf.transpose(tf.convert_to_tensor(layer.kernel), [1, 2, 0])[:, tf.newaxis]
    expected = tf.nn.conv2d_transpose(x[:, :, None], kernel, [2, 8, 1, 2], [2, 1], "VALID")
    np.testing.assert_allclose(layer(x), expected[:, :, 0], rtol=1e-5)


def test_batch_normalisation_by_hand():
    layer = BatchNormalization(1, decay=0.9, epsilon=0.0)
    x = tf.constant([[[1.0], [2.0]], [[3.0], [6.0]]])  # mean 3, variance 3.5
    y = layer(x, training=True, update_statistics=True)
    np.testing.assert_allclose(y[1, 1, 0], 3 / np.sqrt(3.5), rtol=1e-6)
    np.testing.assert_allclose([layer.moving_mean[0], layer.moving_variance[0]], [0.3, 1.25])
    np.testing.assert_allclose(layer(x, training=False)[0, 0, 0], 0.7 / np.sqrt(1.25), rtol=1e-6)


def test_losses_by_hand():
    real, fake = tf.constant([2.0, 0.0]), tf.constant([-1.0, 3.0])
    p, q = (1 / (1 + np.exp(-np.array(x))) for x in (real, fake))
    by_hand = -np.mean(0.9 * np.log(p) + 0.1 * np.log(1 - p)) - np.mean(np.log(1 - q))
    found = losses.non_saturating_discriminator_loss(real, fake, 0.9)
    np.testing.assert_allclose(found, by_hand, rtol=1e-6)
    found = losses.non_saturating_generator_loss(fake)
    np.testing.assert_allclose(found, -np.mean(np.log(q)), rtol=1e-6)
    # Means (1, 5) and (3, 4): half the sum of 4 and 1.
    matched = losses.feature_matching_loss(
        tf.constant([[0.0, 4.0], [2.0, 6.0]]), tf.constant([[3.0, 3.0], [3.0, 5.0]])
    )
    assert float(matched) == 2.5


def test_chords_are_the_published_numbers():
    rows = triples.chord_numbers(tf.constant([0, 1, 12, 13 + 9, 13 + 4])).numpy()
    assert not rows[0].any()
    # C, B, A minor beside C, E minor beside G.
    assert [np.flatnonzero(row).tolist() for row in rows[1:]] == [[0], [11], [0, 12], [7, 12]]


def test_melody_and_chord_are_moved_together_and_turn_over():
    rep = MelodyBars()
    bars = np.array([[60, 83, 71] + [60] * 13 + [12], [60] * 16 + [24], [82] * 16 + [0]], np.int32)
    moved = triples.transpose(tf.constant(bars), tf.constant([1, 3, 5]), rep).numpy()
    assert moved[0, :3].tolist() == [61, 60, 72] and moved[0, 16] == 1  # B to C
    assert moved[1, 16] == 13 + 2  # B minor to D minor
    assert moved[2, 0] == 63 and moved[2, 16] == 0


def test_triples_are_bars_with_the_bar_before():
    rep = MelodyBars(bars=4, onsets=True, velocities=True)
    given = windows(64, rep)
    given[..., 0] = 60 + np.arange(4)  # tells which bar it is
    given[..., rep.onset_column] = 1
    given[..., rep.velocity_column :] = 127
    keys = noise.row_keys(1, tf.constant(5, tf.int64), 0, tf.range(64, dtype=tf.int64))
    found = triples.draw_triples(tf.constant(given), keys, rep, transpose_keys=1)
    bar, previous = found.bar.numpy(), found.previous.numpy()
    assert bar.shape == (64, 16, 130) and (bar[:, :, :128].sum(axis=2) == 1).all()
    number = bar[:, 0, :128].argmax(axis=1) - 60
    assert np.bincount(number, minlength=4).min() > 5
    for row in range(64):
        expected = given[row, number[row], :16]
        assert bar[row, :, :128].argmax(axis=1).tolist() == expected.tolist()
        if number[row] == 0:
            assert not previous[row].any()
        else:
            before = given[row, number[row] - 1, :16]
            assert previous[row, :, :128].argmax(axis=1).tolist() == before.tolist()
    assert bar[:, 0, 128].all() and not bar[:, 1:, 128].any() and (bar[:, :, 129] == 1).all()
    keys_moved = triples.draw_triples(tf.constant(given), keys, rep, transpose_keys=12)
    shifts = (keys_moved.bar.numpy()[:, 0, :128].argmax(axis=1) - 60 - number) % 24
    assert set(shifts.tolist()) == set(range(12))


def plain_losses(model, latents, found, real_features=None):
    """A step's losses as the reference writes them, of whole batches."""
    fake = tf.sigmoid(model.bar_logits(latents, found.previous, found.chord, training=True))
    scores, features = model.discriminator(fake, found.chord)
    real_scores, real = model.discriminator(found.bar, found.chord)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits
    critic = tf.reduce_mean(entropy(0.9 * tf.ones_like(scores), real_scores)) + tf.reduce_mean(
        entropy(tf.zeros_like(scores), scores)
    )
    bars = tf.nn.l2_loss(tf.reduce_mean(fake, axis=0) - tf.reduce_mean(found.bar, axis=0))
    matched = tf.nn.l2_loss(tf.reduce_mean(features, axis=0) - tf.reduce_mean(real, axis=0))
    adversarial = tf.reduce_mean(entropy(tf.ones_like(scores), scores))
    return critic, adversarial + 0.01 * bars + 0.1 * matched


def test_a_step_is_one_update_of_the_discriminator_and_two_of_the_generator():
    model, twin = build("midinet_creative", ema_decay=None), build("midinet_creative")
    model.compile()
    twin.compile()
    data = tf.constant(windows(6, model.representation))
    keys = model.step_keys(6, 1)
    found = triples.draw_triples(data, keys, model.representation, 12)
    latents = noise.draws(model.step_keys(6, 0), 8, model.latent_table)
    with eagerly():
        model.train_step({"melody_bars": data})
        for which in ("discriminator", "generator", "generator"):
            with tf.GradientTape() as tape:
                loss = plain_losses(twin, latents, found)[which == "generator"]
            trained = twin.discriminator.trainable_variables
            trained = trained if which == "discriminator" else twin.generator_variables
            gradients = tape.gradient(loss, [variable.value for variable in trained])
            twin.optimizers()[f"{which}_optimizer"].apply(gradients, trained)
    for one, other in zip(model.trainable_variables, twin.trainable_variables, strict=True):
        if NORMALISED.search(one.path):
            continue
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=2e-4, err_msg=one.path)
    assert int(model.step.numpy()) == 1
    assert float(model.logs()["generator_loss"]) > float(model.logs()["adversarial_loss"])


def test_a_step_traces_the_generators_update_once():
    model = build("midinet_creative", generator_updates=4)
    model.compile()
    data = tf.constant(windows(6, model.representation))
    with mock.patch.object(model, "bar_logits", wraps=model.bar_logits) as generate:
        tf.function(model.train_step, autograph=False)({"melody_bars": data})
    assert generate.call_count == 2  # the discriminator's and the generator's
    optimizers = model.optimizers()
    assert int(optimizers["generator_optimizer"].iterations.numpy()) == 4


def test_refusals():
    with pytest.raises(ConfigError, match=r"multiple of 8 steps. Received: 12"):
        build("midinet_creative", rep=MelodyBars(steps_per_beat=3))
    with pytest.raises(ConfigError, match="Expected records with chords"):
        build("midinet_creative", rep=MelodyBars(chords="none"))
    with pytest.raises(ConfigError, match="first_units to divide by 2"):
        build("midinet_creative", first_units=7)
    with pytest.raises(ConfigError, match=r"previous_bar_layers within 0-4. Received: 5"):
        build("midinet_creative", previous_bar_layers=5)
    model, seeds = build("midinet_melody"), tf.constant([1, 2], tf.int64)
    with pytest.raises(ConfigError, match=r"Expected no chords: .* chord_condition is false"):
        model.sample(seeds, chords=tf.ones([2, 3], tf.int32))
    with pytest.raises(CheckpointError, match="Expected averaged weights"):
        build("midinet_creative", ema_decay=None).use_averaged_weights()
