"""C-RNN-GAN's cell and networks: values and gradients beside slow ones and other libraries'."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import same_training
from tfmusicgan import recipes
from tfmusicgan.models.c_rnn_gan import bounds
from tfmusicgan.models.c_rnn_gan.lstm import StackedLSTM, run
from tfmusicgan.models.c_rnn_gan.model import CRNNGAN
from tfmusicgan.models.c_rnn_gan.networks import Discriminator, Generator
from tfmusicgan.recipes.c_rnn_gan import CRNNGANConfig
from tfmusicgan.representations.note_events import NoteEvents

STEPS, ROWS, FEATURES, TIMES, HIDDEN = 6, 3, 4, (0,), 5
CONFIG = dataclasses.replace(
    recipes.get("c_rnn_gan").preset("tiny").config, hidden_size=HIDDEN, dense_stddev=1.0
)
REP = NoteEvents(length=8)


def numbers(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def test_layers_side_by_side_are_those_of_keras():
    layer = StackedLSTM(2, FEATURES, HIDDEN, seed=3, name="lower")
    layer.bias.assign(layer.bias + numbers(2, 4 * HIDDEN, seed=5))
    inputs = tf.constant(numbers(2, STEPS, ROWS, FEATURES))
    factor = tf.constant(numbers(2, STEPS, ROWS, HIDDEN, seed=1))
    weights = [layer.kernel.value, layer.recurrent_kernel.value, layer.bias.value]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        hidden = layer(inputs)
        loss = tf.reduce_sum(hidden * factor)
    found = tape.gradient(loss, [inputs, *weights])
    for number in range(2):
        cell = keras.layers.LSTM(HIDDEN, return_sequences=True)
        cell.build((ROWS, STEPS, FEATURES))
        cell.set_weights([weight[number].numpy() for weight in weights])
        read = tf.transpose(inputs[number], [1, 0, 2])
        with tf.GradientTape() as tape:
            tape.watch(read)
            expected = tf.transpose(cell(read), [1, 0, 2])
            loss = tf.reduce_sum(expected * factor[number])
        np.testing.assert_allclose(hidden[number], expected, atol=1e-6)
        variables = [variable.value for variable in cell.trainable_variables]
        by_inputs, *by_weights = tape.gradient(loss, [read, *variables])
        np.testing.assert_allclose(found[0][number], tf.transpose(by_inputs, [1, 0, 2]), atol=1e-5)
        for gradient, other in zip(found[1:], by_weights, strict=True):
            np.testing.assert_allclose(gradient[number], other, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 4])
def test_gradients_of_a_run_by_finite_differences(steps):
    inputs = numbers(steps, 2, FEATURES, dtype=np.float64)
    shapes = ((FEATURES, 4 * HIDDEN), (HIDDEN, 4 * HIDDEN), (4 * HIDDEN,))
    weights = [numbers(*shape, seed=1, dtype=np.float64) for shape in shapes]
    factor = numbers(steps, 2, HIDDEN, seed=2, dtype=np.float64)

    @tf.function
    def loss(*given):
        return tf.reduce_sum(run(*given) * factor)

    with tf.GradientTape() as tape:
        given = [tf.constant(inputs), *map(tf.constant, weights)]
        tape.watch(given)
        value = loss(*given)
    for place, gradient in enumerate(tape.gradient(value, given)):
        for seed in range(3):
            step = 1e-5 * np.random.default_rng(seed).normal(size=given[place].shape)
            both = [[*given], [*given]]
            both[0][place], both[1][place] = given[place] + step, given[place] - step
            found = float(loss(*both[0]) - loss(*both[1])) / 2
            assert found == pytest.approx(
                float(tf.reduce_sum(gradient * step)), rel=1e-6, abs=1e-12
            )


def test_layers_begin_as_documented():
    layer = StackedLSTM(2, 300, 200, seed=3, name="lower")
    limit = np.sqrt(6 / (300 + 800))
    for kernel in layer.kernel.numpy():
        assert 0.99 * limit < np.abs(kernel).max() <= limit
    assert (layer.kernel[0] != layer.kernel[1]).numpy().mean() > 0.99
    expected = np.repeat([0, 1, 0, 0], 200)
    np.testing.assert_array_equal(layer.bias, [expected, expected])


def test_the_papers_sizes():
    generator = Generator(CRNNGANConfig(), 4, (0,), seed=0, name="generator")
    assert generator.count_params() == 1_967_354
    assert np.std(generator.project.kernel) == pytest.approx(1.0, abs=0.05)
    discriminator = Discriminator(CRNNGANConfig(), 4, seed=0, name="discriminator")
    one_way = 4 * 350 * (4 + 350 + 1) + 4 * 350 * (350 + 350 + 1)
    assert discriminator.count_params() == 2 * one_way + 2 * 350 + 1


@pytest.mark.parametrize("dropped", [False, True])
def test_writing_is_saying_what_comes_after_ones_own_events(dropped):
    generator = Generator(CONFIG, FEATURES, TIMES, seed=1, name="generator")
    driven = tf.constant(np.abs(numbers(STEPS, ROWS, FEATURES)))
    first = tf.constant(numbers(ROWS, FEATURES, seed=1))
    masks = None
    if dropped:
        mask = 2.0 * (numbers(2, STEPS, ROWS, HIDDEN, seed=2) > 0)
        masks = (tf.constant(mask[0], tf.float32), tf.constant(mask[1], tf.float32))
    written = generator(driven, first, masks)
    assert written.shape == (STEPS, ROWS, FEATURES)
    np.testing.assert_array_equal(generator(driven, first, masks, training=True), written)
    said = generator.predict_next(driven, first, written, masks)
    np.testing.assert_allclose(written, said, atol=1e-5)
    # The first step by hand.
    read = np.concatenate([driven[0], first], axis=1)
    x = np.maximum(read @ generator.project.kernel.numpy(), 0)
    for number, layer in enumerate((generator.lower, generator.upper)):
        gates = x @ layer.kernel[0].numpy() + layer.bias[0].numpy()
        inward, _, candidate, outward = np.split(gates, 4, axis=1)
        sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
        x = sigmoid(outward) * np.tanh(sigmoid(inward) * np.tanh(candidate))
        if masks:
            x = x * masks[number][0].numpy()
    np.testing.assert_allclose(written[0], x @ generator.write.kernel.numpy(), atol=1e-5)


@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("activation", ["linear", "rectified"])
def test_gradients_of_writing_are_those_of_tensorflow(dropped, activation, monkeypatch):
    config = dataclasses.replace(CONFIG, time_activation=activation)
    with same_training.double_precision():
        generator = Generator(config, FEATURES, TIMES, seed=1, name="generator")
    # TensorFlow's own gradient of a maximum has no way back from below the bound.
    monkeypatch.setattr(
        bounds,
        "way_back",
        lambda upstream, found, least: tf.where(found > least, upstream, 0.0),
    )
    driven = tf.constant(np.abs(numbers(4, 2, FEATURES, dtype=np.float64)))
    first = tf.constant(numbers(2, FEATURES, seed=1, dtype=np.float64))
    masks = None
    if dropped:
        masks = tuple(tf.constant(2.0 * (numbers(2, 4, 2, HIDDEN, seed=2) > 0), tf.float64))

    @tf.function
    def learn(training):
        with tf.GradientTape() as tape:
            tape.watch(first)
            events = generator(driven, first, masks, training=training)
            loss = tf.reduce_sum(tf.square(events))
        weights = [variable.value for variable in generator.trainable_variables]
        return loss, tape.gradient(loss, [first, *weights])

    loss, found = learn(True)
    other, expected = learn(False)  # without a gradient of its own
    assert float(loss) == float(other) and len(found) == 11
    times = generator(driven, first, masks)[..., 0].numpy()
    assert (times < 0).any() if activation == "linear" else (0 < (times == 0).mean() < 1)
    for gradient, slow in zip(found, expected, strict=True):
        np.testing.assert_allclose(gradient, slow, rtol=1e-9, atol=1e-12)
        assert np.abs(slow).max() > 1e-3


def test_times_are_exactly_0_and_come_back_from_there():
    least = tf.constant([0.0, -np.inf])
    events = tf.constant([[0.5, -3.0], [-0.5, 2.0], [-0.5, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(events)
        found = bounds.bounded(events, least)
        loss = tf.reduce_sum(found * [[1.0, 2.0], [3.0, 4.0], [-5.0, 6.0]])
    np.testing.assert_array_equal(found, [[0.5, -3], [0, 2], [0, 2]])
    # Down it does not go, up it does.
    np.testing.assert_array_equal(tape.gradient(loss, events), [[1, 2], [0, 4], [-5, 6]])
    config = dataclasses.replace(CONFIG, time_activation="rectified")
    model = CRNNGAN(config, REP, seed=2)
    times = model.sample(tf.range(20, dtype=tf.int64))["note_events"][..., 0].numpy()
    assert times.min() == 0
    said = model.generator.predict_next(tf.zeros([8, 4, 4]), tf.zeros([4, 4]), tf.ones([8, 4, 4]))
    assert said[..., 0].numpy().min() >= 0


def test_the_discriminators_directions_meet_at_the_top_alone():
    discriminator = Discriminator(CONFIG, FEATURES, seed=1, name="discriminator")
    events = numbers(STEPS, ROWS, FEATURES)
    changed = events.copy()
    changed[3] += 1
    (one, scores), (other, _) = (discriminator(tf.constant(x)) for x in (events, changed))
    moved = (np.abs(one - other) > 1e-7).any(axis=1)  # [steps, features]
    forward, backward = moved[:, :HIDDEN].any(axis=1), moved[:, HIDDEN:].any(axis=1)
    assert forward.tolist() == [False] * 3 + [True] * 3
    assert backward.tolist() == [True] * 4 + [False] * 2
    kernel = discriminator.score.kernel.numpy()
    np.testing.assert_allclose(scores, (one.numpy() @ kernel)[..., 0], atol=1e-5)
