"""C-RNN-GAN's training: losses, the rule of freezing, phases and averages; its signatures."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests import made_up
from tests.models.test_c_rnn_gan_networks import CONFIG, REP, numbers
from tfmusicgan import recipes
from tfmusicgan.errors import CheckpointError, ConfigError
from tfmusicgan.models.c_rnn_gan import masks, objectives
from tfmusicgan.models.c_rnn_gan.model import CRNNGAN
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.recipes.c_rnn_gan import CRNNGANConfig
from tfmusicgan.representations.note_events import NoteEvents


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
    saturating = make(
        feature_matching="none", l2_weight=0.0, adversarial_weight=0.5, saturating=True
    )
    found = {name: float(value) for name, value in saturating._find_losses(*given).items()}
    assert found["generator_loss"] == pytest.approx(0.5 * np.log(1 - p[2:]).mean(), rel=1e-5)
    # What freezing goes by stays.
    assert found["adversarial_loss"] == pytest.approx(-np.log(p[2:]).mean(), rel=1e-5)


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


@pytest.mark.parametrize("tone_times", [False, True])
def test_pretraining_as_in_the_papers_commit(tone_times):
    """The generator reads itself; the two errors of times weigh most."""
    config = dataclasses.replace(
        CONFIG,
        dropout=0.0,
        l2_weight=0.0,
        pretraining_input="own_events",
        pretraining_weights=(100, 90, 1, 4),
    )
    rep = dataclasses.replace(REP, tones=2, tone_times=tone_times)
    model = CRNNGAN(config, rep, seed=2)
    model.compile()
    batch = real(model)
    first, driven = model._noise(4)
    written = model.generator(driven, first).numpy()
    squares = (written - batch["note_events"].numpy().transpose(1, 0, 2)[:3]) ** 2
    weights = [100, 90, 1, 4, 100, 90, 1, 4] if tone_times else [100, 90, 1, 4, 90, 1, 4]
    total = (squares * weights).sum()
    logs = model.train_step(batch)
    expected = total / (3 * 4 * len(weights))
    assert float(logs["pretraining_loss"]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("options", [{"tones": 3}, {"tones": 3, "tone_times": True}])
def test_pieces_go_on_after_given_music(options):
    rep = NoteEvents(length=8, **options)
    model = CRNNGAN(CONFIG, rep, seed=2)
    music = [made_up.performance(number, bars=2) for number in range(3)]
    texts = [*(piece.SerializeToString() for piece in music), b"", b"\xff"]
    answers = model.signatures()["continue"].function(
        seed=tf.range(5, dtype=tf.int64),
        note_sequence=tf.constant(texts),
        length=tf.constant([0, 60, 0, 0, 9]),
        dropout=tf.fill([5], False),
    )
    for row, packed in enumerate(answers["note_events"].numpy()):
        events = np.frombuffer(packed, "<f4").reshape(-1, rep.num_features)
        decoded = rep.decode(
            {"note_events": events}, qpm=120 if row > 2 else music[row].tempos[0].qpm
        )
        text = answers["note_sequence"].numpy()[row]
        assert NoteSequence.FromString(text).notes == decoded.notes
        if row < 3:
            begun = len(rep.find_events(music[row]).time)
            known = dataclasses.replace(rep, length=begun).encode(music[row])[0]["note_events"]
            kept = min(begun, model.max_length - model.length)
            np.testing.assert_array_equal(events[:kept][1:], known[-kept:][1:])
            assert len(events) > kept


def test_no_time_is_below_zero():
    config = dataclasses.replace(CONFIG, time_activation="rectified", dense_stddev=20.0)
    rep = dataclasses.replace(REP, tones=2, tone_times=True)
    events = CRNNGAN(config, rep, seed=2).sample(tf.range(30, dtype=tf.int64))["note_events"]
    below = (events.numpy() < 0).any(axis=(0, 1))
    assert below.tolist() == [False, True, True, True] * 2
    assert (events.numpy()[..., [0, 4]] == 0).any() and (events.numpy()[..., [0, 4]] > 0).any()


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
        ({"pretraining_input": "none"}, "pretraining_input among true_events, own_events"),
        ({"pretraining_weights": (1, 2, 3)}, "four pretraining_weights"),
        ({"pretraining_weights": (0, 0, 0, 0)}, "four pretraining_weights"),
    ],
)
def test_refused_settings(changes, message):
    with pytest.raises(ConfigError, match=message):
        CRNNGANConfig(**changes)


@pytest.mark.parametrize(
    "options", [{}, {"tones": 3}, {"features": "raw", "tones": 2}, {"tones": 2, "tone_times": True}]
)
def test_what_a_warm_up_request_goes_on_with_sounds(options):
    model = CRNNGAN(CONFIG, NoteEvents(length=8, **options), seed=2)
    text = model.signatures()["continue"].defaults["note_sequence"]
    assert [note.pitch for note in NoteSequence.FromString(text).notes] == [60] * 4
