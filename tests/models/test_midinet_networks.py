"""MidiNet's whole networks beside plain convolutions, as the released code has them."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models.test_midinet import build

ROWS, STEPS, PITCHES, CHORD = 5, 16, 128, 13


def value(variable):
    return tf.convert_to_tensor(variable)


def normalised(norm, x):
    mean, variance = tf.nn.moments(x, list(range(x.shape.rank - 1)))
    return tf.nn.batch_normalization(x, mean, variance, value(norm.beta), value(norm.gamma), 1e-5)


def with_chord(x, chord):
    """The chord's numbers behind the channels, at every place."""
    if chord is None:
        return x
    for _ in range(x.shape.rank - 2):
        chord = chord[:, tf.newaxis]
    return tf.concat([x, tf.broadcast_to(chord, [*x.shape[:-1], CHORD])], axis=-1)


def conditioner(network, previous):
    """The maps, of most steps first: convolutions of 1 x 128, then of 2 x 1 with stride 2."""
    x, maps = previous[..., tf.newaxis], []
    for number, (product, norm) in enumerate(zip(network.products, network.norms, strict=True)):
        filters = product.kernel.shape[1]
        shape = [2, 1, filters, filters] if number else [1, PITCHES, 1, filters]
        strides = [2, 2] if number else [1, 2]
        x = tf.nn.conv2d(x, tf.reshape(value(product.kernel), shape), strides, "VALID")
        x = tf.nn.leaky_relu(normalised(norm, x + value(product.bias)), 0.2)
        maps.append(x)
    return maps


def generator(network, latents, chord, maps):
    """The released order of channels: own, chord, conditioner; the smallest map comes first."""
    x = latents
    dense = ((network.project, network.project_norm), (network.spread, network.spread_norm))
    for product, norm in dense:
        x = with_chord(x, chord) @ value(product.kernel) + value(product.bias)
        x = tf.nn.relu(normalised(norm, x))
    x = tf.reshape(x, [ROWS, 2, 1, -1])
    for place, (layer, norm) in enumerate(zip(network.upsamplings, network.norms, strict=True)):
        x = with_chord(x, chord)
        if len(maps) == 4:
            x = tf.concat([x, maps[3 - place]], axis=-1)
        kernel = tf.transpose(value(layer.kernel), [1, 2, 0])[:, tf.newaxis]
        size = [ROWS, 2 * x.shape[1], 1, kernel.shape[2]]
        x = tf.nn.conv2d_transpose(x, kernel, size, [2, 1], "VALID") + value(layer.bias)
        x = tf.nn.relu(normalised(norm, x))
    x = tf.concat([with_chord(x, chord), maps[0]], axis=-1)
    kernel = tf.transpose(value(network.kernel))[tf.newaxis, :, tf.newaxis]
    x = tf.nn.conv2d_transpose(x, kernel, [ROWS, STEPS, PITCHES, 1], [1, 1], "VALID")
    return (x + value(network.bias))[..., 0]


def discriminator(network, bar, chord):
    """Scores, and what the first convolution finds, which is not normalised."""
    x = with_chord(bar[..., tf.newaxis], chord)
    x = tf.nn.conv2d(x, value(network.kernel), [2, 2], "VALID")
    features = tf.nn.leaky_relu(x + value(network.bias), 0.2)
    x = with_chord(features, chord)
    weights = {v.path.rsplit("/", 1)[1]: value(v) for v in network.merge.weights}
    kernel = tf.reshape(weights["kernel"], [4, 1, x.shape[-1], -1])
    x = tf.nn.conv2d(x, kernel, [2, 2], "VALID") + weights["bias"]
    x = tf.reshape(tf.nn.leaky_relu(normalised(network.merge_norm, x), 0.2), [ROWS, -1])
    x = with_chord(x, chord) @ value(network.dense.kernel) + value(network.dense.bias)
    x = with_chord(tf.nn.leaky_relu(normalised(network.dense_norm, x), 0.2), chord)
    return (x @ value(network.score.kernel) + value(network.score.bias))[:, 0], features[:, :, 0]


@pytest.mark.parametrize("name", ["midinet_melody", "midinet_stable", "midinet_creative"])
def test_networks_are_plain_convolutions(name):
    model, rng = build(name), np.random.default_rng(0)
    for variable in model.trainable_variables:  # large and lopsided, so that every part counts
        noise = 0.2 * rng.standard_normal(variable.shape)
        variable.assign(variable.numpy() + noise.astype(np.float32))
    chord = None
    if model.model_config.chord_condition:
        chord = tf.constant(rng.random((ROWS, CHORD), dtype=np.float32))
    previous = tf.one_hot(rng.integers(0, PITCHES, (ROWS, STEPS)), PITCHES)
    size = (ROWS, model.model_config.latent_size)
    latents = tf.constant(rng.standard_normal(size).astype(np.float32))
    maps = conditioner(model.conditioner, previous)
    expected = generator(model.generator, latents, chord, maps)
    found = model.bar_logits(latents, previous, chord, training=True)
    assert np.std(expected) > 0.1
    np.testing.assert_allclose(found, expected, atol=2e-4)
    bar = tf.sigmoid(expected)
    scores, features = discriminator(model.discriminator, bar, chord)
    found, of_bar = model.discriminator(bar, chord)
    assert np.std(scores) > 0.1
    np.testing.assert_allclose(of_bar, features, atol=2e-4)
    np.testing.assert_allclose(found, scores, atol=1e-3)
