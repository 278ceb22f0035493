"""C-RNN-GAN: the cell, both networks, losses, the rule of freezing, and the phases."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import same_training
from tfmusicgan import recipes
from tfmusicgan.errors import CheckpointError, ConfigError
from tfmusicgan.models.c_rnn_gan import bounds, masks, objectives
from tfmusicgan.models.c_rnn_gan.lstm import StackedLSTM, run
from tfmusicgan.models.c_rnn_gan.model import CRNNGAN
from tfmusicgan.models.c_rnn_gan.networks import Discriminator, Generator
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.recipes.c_rnn_gan import CRNNGANConfig
from tfmusicgan.representations.note_events import NoteEvents

STEPS, ROWS, FEATURES, HIDDEN = 6, 3, 4, 5
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
    generator = Generator(CRNNGANConfig(), 4, seed=0, name="generator")
    assert generator.count_params() == 1_967_354
    assert np.std(generator.project.kernel) == pytest.approx(1.0, abs=0.05)
    discriminator = Discriminator(CRNNGANConfig(), 4, seed=0, name="discriminator")
    one_way = 4 * 350 * (4 + 350 + 1) + 4 * 350 * (350 + 350 + 1)
    assert discriminator.count_params() == 2 * one_way + 2 * 350 + 1


@pytest.mark.parametrize("dropped", [False, True])
def test_writing_is_saying_what_comes_after_ones_own_events(dropped):
    generator = Generator(CONFIG, FEATURES, seed=1, name="generator")
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
        generator = Generator(config, FEATURES, seed=1, name="generator")
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
    model = make(time_activation="rectified")
    times = model.sample(tf.range(20, dtype=tf.int64))["note_events"][..., 0].numpy()
    assert times.min() == 0
    said = model.generator.predict_next(tf.zeros([8, 4, 4]), tf.zeros([4, 4]), tf.ones([8, 4, 4]))
    assert said[..., 0].numpy().min() >= 0


def test_averages_follow_the_generator():
    model = at(make(ema_decay=0.75), 2)
    before = [weight.numpy() for weight in model.generator.weights]
    model.train_step(real(model))
    after = [weight.numpy() for weight in model.generator.weights]
    model.use_averaged_weights()
    for old, new, weight in zip(before, after, model.generator.weights, strict=True):
        assert (old != new).any()
        np.testing.assert_allclose(weight, 0.75 * old + 0.25 * new, atol=1e-6)
    with pytest.raises(CheckpointError, match="Expected averaged weights"):
        make(ema_decay=None).use_averaged_weights()


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


def make(**changes):
    model = CRNNGAN(dataclasses.replace(CONFIG, **changes), REP, seed=2)
    model.compile()
    return model


def real(model, seed=7):
    return {"note_events": tf.constant(numbers(4, 8, model.features, seed=seed))}


def at(model, step):
    model.step.assign(step)
    model.begin_stage(step)
    return model


def test_losses_by_hand():
    model = make(l2_weight=0.5)
    # Two steps; two real, then two generated, these twice.
    features, twice = numbers(2, 4, 3), [0, 1, 2, 3, 2, 3]
    scores = np.array([[2.0, -1.0, 0.5, 3.0], [0.0, 1.0, -2.0, 1.0]])
    p = (1 / (1 + np.exp(-scores))).mean(axis=0)
    scores = scores[:, twice]
    given = tf.constant(features[:, twice]), tf.constant(scores, tf.float32), 2
    found = {name: float(value) for name, value in model._find_losses(*given).items()}
    decisions = -np.log(p[:2]).mean() - np.log(1 - p[2:]).mean()
    assert found["decisions"] == pytest.approx(decisions, rel=1e-5)
    assert found["adversarial_loss"] == pytest.approx(-np.log(p[2:]).mean(), rel=1e-5)
    pairs = ((features[:, :2] - features[:, 2:]) ** 2).sum(axis=(0, 2)).mean()
    assert found["feature_matching"] == pytest.approx(pairs, rel=1e-5)
    for name, loss in (("generator", pairs), ("discriminator", decisions)):
        weights = model.networks()[name].trainable_variables
        kernels = [w.numpy() for w in weights if "kernel" in w.path]
        assert len(kernels) == {"generator": 6, "discriminator": 5}[name]
        penalty = 0.25 * sum((kernel**2).sum() for kernel in kernels)
        assert found[f"{name}_loss"] == pytest.approx(loss + penalty, rel=1e-5)
    weights = {"adversarial_weight": 0.5, "feature_matching_weight": 0.25}
    means = make(feature_matching="means", l2_weight=0.0, **weights)
    found = {name: float(value) for name, value in means._find_losses(*given).items()}
    matched = ((features[:, :2].mean(axis=1) - features[:, 2:].mean(axis=1)) ** 2).sum() / 2
    expected = 0.25 * matched - 0.5 * np.log(p[2:]).mean()
    assert found["generator_loss"] == pytest.approx(expected, rel=1e-5)


def test_a_generator_that_is_seen_through_still_learns():
    scores = tf.constant(np.linspace(-60.0, -40.0, 12).reshape(3, 4), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        loss = objectives._surprise(scores)
    wide = 1 / (1 + np.exp(-scores.numpy().astype(np.float64)))
    assert float(loss) == pytest.approx(-np.log(wide.mean(axis=0)).mean(), rel=1e-6)
    # All of a row's gradient together: -1 over the rows, as of a score far below 0.
    np.testing.assert_allclose(tf.reduce_sum(tape.gradient(loss, scores), axis=0), -0.25, rtol=1e-5)


@pytest.mark.parametrize(
    ("freezing", "generator", "discriminator", "frozen"),
    [
        ("decision", 0.69, 1.38, ""),  # both at chance
        ("decision", 1.0, 1.39, "discriminator"),
        ("decision", 0.48, 1.4, "generator"),
        ("decision", 0.5, 1.4, ""),
        ("sum", 0.69, 1.38, "generator"),
        ("sum", 1.0, 0.69, "discriminator"),
        ("sum", 1.0, 0.71, ""),
        ("none", 0.1, 9.0, ""),
    ],
)
def test_who_is_too_far_ahead_stands_still(freezing, generator, discriminator, frozen):
    model = make(freezing=freezing, freezing_share=0.7)
    losses = {"adversarial_loss": generator, "decisions": discriminator}
    found = model._frozen({name: tf.constant(value) for name, value in losses.items()})
    assert {name for name, value in found.items() if value} == ({frozen} if frozen else set())


def _state(optimizer):
    """How many updates there were, and the moments; the first moment is 0 without a mean."""
    velocities = getattr(optimizer, "_velocities", [])
    return [] if optimizer.name.endswith("sgd") else [optimizer.iterations, *velocities]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_frozen_network_keeps_its_weights_and_its_optimizer(optimizer, monkeypatch):
    model = at(make(optimizer=optimizer), 2)
    model.train_step(real(model))  # fills an optimizer's means
    for frozen in ("generator", "discriminator"):
        ahead = {name: tf.constant(float(name == frozen)) for name in model.networks()}
        monkeypatch.setattr(model, "_frozen", lambda _, ahead=ahead: ahead)
        optimizers = model.optimizers()
        kept = {
            name: [*network.weights, *_state(optimizers[f"{name}_optimizer"])]
            for name, network in model.networks().items()
        }
        before = {name: [value.numpy() for value in values] for name, values in kept.items()}
        model.train_step(real(model, seed=8))
        for name, values in kept.items():
            same = [
                (old == new.numpy()).all() for old, new in zip(before[name], values, strict=True)
            ]
            assert all(same) if name == frozen else not any(same), (name, frozen)


def test_what_is_read_twice_has_one_mask():
    model = at(make(dropout=0.5), 2)
    for mask in masks.of_discriminator(model, tf.constant(4)):
        real_part, learnt, led = np.split(mask.numpy(), 3, axis=-2)
        np.testing.assert_array_equal(learnt, led)
        assert set(np.unique(mask)) == {0.0, 2.0} and (real_part != learnt).any()


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_both_updates_are_of_one_pass(dropout):
    model, other = (at(make(dropout=dropout, l2_weight=0.01), 2) for _ in range(2))
    batch = real(model)
    model.train_step(batch)
    first, driven = other._noise(4)
    events = tf.transpose(batch["note_events"], [1, 0, 2])
    networks = other.networks()
    rows = tf.constant(4)
    dropped = masks.of_generator(other, rows), masks.of_discriminator(other, rows)
    gradients = {}
    for name, network in networks.items():  # each by itself, before either is updated
        with tf.GradientTape() as tape:
            fake = other.generator(driven, first, dropped[0])
            both = tf.concat([events, fake, fake], axis=1)
            loss = other._find_losses(*other.discriminator(both, dropped[1]), 4)[f"{name}_loss"]
        variables = [variable.value for variable in network.trainable_variables]
        gradients[name] = tape.gradient(loss, variables)
    for name, rate in (("generator", 0.1), ("discriminator", 0.05)):
        norm = float(tf.linalg.global_norm(gradients[name]))
        scale = rate * min(1.0, 5.0 / norm)
        trained = model.networks()[name].trainable_variables
        triples = zip(networks[name].trainable_variables, gradients[name], trained, strict=True)
        for before, gradient, after in triples:
            np.testing.assert_allclose(after, before - scale * gradient, atol=1e-5)


@pytest.mark.slow
def test_a_compiled_step_is_the_step():
    """XLA needs to know how long all lists of a loop and of its gradient become."""
    logs = []
    for jit_compile in (False, True):
        model = at(make(dropout=0.0), 1)  # another generator draws dropout there
        step = tf.function(model.train_step, autograph=False, jit_compile=jit_compile)
        logs.append({name: float(value) for name, value in step(real(model)).items()})
    assert logs[0] == pytest.approx(logs[1], rel=1e-4)


def test_pretraining_compares_the_next_event_with_the_true_one():
    model = make(dropout=0.0, l2_weight=0.0)
    assert (model.phase, model.num_events) == ("pretraining", 3)
    batch = real(model)
    first, driven = model._noise(4)
    events = tf.transpose(batch["note_events"], [1, 0, 2])[:3]
    said = model.generator.predict_next(driven, first, events)
    expected = float(np.mean((said - events) ** 2))
    before = [weight.numpy() for weight in model.discriminator.weights]
    logs = model.train_step(batch)
    assert float(logs["pretraining_loss"]) == pytest.approx(expected, rel=1e-5)
    for old, new in zip(before, model.discriminator.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    # Events after the stage's do not count.
    longer = batch["note_events"].numpy()
    longer[:, 3:] += 1
    again = make(dropout=0.0, l2_weight=0.0)
    assert again.train_step({"note_events": tf.constant(longer)}) == logs


def test_the_papers_phases_and_lengths():
    stages = list(CRNNGANConfig().stages(100))
    assert stages[0] == (0, "pretraining", 4)
    assert stages[5:7] == [(640, "pretraining", 24), (768, "adversarial", 28)]
    assert stages[-1] == (24 * 128, "adversarial", 100) and len(stages) == 25
    grown = list(CRNNGANConfig(curriculum_goes_on=False).stages(100))
    assert grown[5:] == [(640, "pretraining", 24), (768, "adversarial", 100)]
    assert list(CRNNGANConfig(curriculum_events=0, pretraining_epochs=0).stages(100)) == [
        (0, "adversarial", 100)
    ]
    baseline = list(recipes.get("c_rnn_gan_baseline").preset("paper").config.stages(100))
    assert {phase for _, phase, _ in baseline} == {"pretraining"} and len(baseline) == 16
    assert make(adversarial=False).networks().keys() == {"generator"}


def test_pieces_depend_on_their_own_seed():
    model = make()
    seeds = tf.constant([5, 9, 2**40], tf.int64)
    pieces = model.sample(seeds, length=20)["note_events"]
    assert pieces.shape == (3, 20, 4)
    np.testing.assert_allclose(
        model.sample_examples(seeds)["note_events"], pieces[:, :8], atol=1e-5
    )
    alone = model.sample(seeds[1:2], length=[20])["note_events"]
    np.testing.assert_allclose(alone[0], pieces[1], atol=1e-5)
    thinned = model.sample(seeds, length=20, dropout=[False, True, False])["note_events"]
    same = [np.allclose(a, b, atol=1e-5) for a, b in zip(pieces, thinned, strict=True)]
    assert same == [True, False, True]
    assert model.sample(seeds, length=10_000)["note_events"].shape == (3, 64, 4)
    # Going on with a piece's own beginning gives it again, and with another one something else.
    counts = tf.constant([3, 0, 7])
    for dropped in (False, True):
        begun = model.sample(seeds, 20, dropped)["note_events"]
        again = model.sample(seeds, 20, dropped, (begun[:, :9], counts))["note_events"]
        np.testing.assert_allclose(again, begun, atol=1e-5)
        moved = model.sample(seeds, 20, dropped, (begun[:, :9] + 1, counts))["note_events"]
        for row, count in enumerate(counts.numpy()):
            np.testing.assert_array_equal(moved[row, :count], begun[row, :count] + 1)
        np.testing.assert_allclose(moved[1], begun[1], atol=1e-5)
        assert (np.abs(moved[0] - begun[0])[3:] > 1e-3).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": 0}, "hidden_size above 0"),
        ({"l2_weight": -1.0}, "l2_weight of at least 0"),
        ({"dropout": 1.0}, r"dropout in \[0, 1\)"),
        ({"freezing": "half"}, "freezing among decision, sum, none"),
        ({"feature_matching": "all"}, "feature_matching among pairs, means, none"),
        ({"optimizer": "rmsprop"}, "optimizer among sgd, adam"),
        ({"time_activation": "relu"}, "time_activation among linear, rectified"),
        ({"feature_matching_weight": 0.0}, "feature_matching_weight above 0"),
        ({"ema_decay": 1.0}, r"ema_decay in \[0, 1\)"),
        ({"feature_matching": "none"}, "a loss of the generator"),
    ],
)
def test_refused_settings(changes, message):
    with pytest.raises(ConfigError, match=message):
        CRNNGANConfig(**changes)


@pytest.mark.parametrize("options", [{}, {"tones": 3}, {"features": "raw", "tones": 2}])
def test_what_a_warm_up_request_goes_on_with_sounds(options):
    model = CRNNGAN(CONFIG, NoteEvents(length=8, **options), seed=2)
    text = model.signatures()["continue"].defaults["note_sequence"]
    assert [note.pitch for note in NoteSequence.FromString(text).notes] == [60] * 4
