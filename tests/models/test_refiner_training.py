"""The refiner's stages in MuseGAN: what learns, what the critic sees, how the slope grows."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models.tiny import make_batch, make_model, moved, values
from tfmusicgan.models import noise, refining
from tfmusicgan.models.averages import weights_of

FIRST = 3  # steps without refiner


def _make(training="two_stage", refiner="deterministic", **changes):
    first = 0 if training == "end_to_end" else FIRST
    settings = {"refiner_training": training, "refiner": refiner, "first_stage_steps": first}
    settings |= {"refiner_filters": 2, "training_steps": 10, "ema_decay": None, **changes}
    model = make_model("musegan_composer_chorales", **settings)
    model.compile()
    return model


def _at(model, step):
    model.step.assign(step)
    model.begin_stage(step)
    return model


def _keys(rows, seed=0):
    return noise.key_from_seed(tf.range(seed, seed + rows, dtype=tf.int64))


def _latents(model, rows):
    return [
        tf.random.stateless_normal((rows, *shape), (7, index))
        for index, shape in enumerate(model.latent_shapes)
    ]


def _fakes(model, rows=3, seed=0):
    real = tf.zeros((rows, *model.representation.spec["piano_roll"].shape))
    keys = _keys(rows, seed)
    return model.fake_examples(_latents(model, rows), real, keys, update_statistics=False).numpy()


@pytest.mark.parametrize(
    ("training", "step", "learns"),
    [
        ("two_stage", 0, {"generator"}),
        ("two_stage", FIRST - 1, {"generator"}),
        ("two_stage", FIRST, {"refiner"}),
        ("joint", FIRST - 1, {"generator"}),
        ("joint", FIRST, {"generator", "refiner"}),
        ("end_to_end", 0, {"generator", "refiner"}),
    ],
)
def test_what_learns_in_which_stage(training, step, learns):
    model = _at(_make(training), step)
    networks = {"generator": model.generator, "refiner": model.refiner}
    before = {name: values(network.weights) for name, network in networks.items()}
    critic = values(model.critic.trainable_variables)
    model.train_step(make_batch(model))
    for name, network in networks.items():
        changed = moved(before[name], network.weights)
        if name in learns:
            kinds = {path.rsplit("/", 1)[-1] for path in changed}
            assert {"kernel", "gamma", "beta", "moving_mean", "moving_variance"} <= kinds
            kernels = {w.path for w in network.weights if w.path.endswith("kernel")}
            assert kernels <= changed
        else:
            assert changed == set(), name  # bit for bit, the moving statistics as well
    assert {p for p in critic if "kernel" in p} <= moved(critic, model.critic.trainable_variables)


def test_the_stage_follows_from_the_step():
    for training, starts in (("two_stage", (FIRST,)), ("joint", (FIRST,)), ("end_to_end", ())):
        model = _make(training)
        assert model.stage_starts == starts
        found = []
        for step in (0, FIRST - 1, FIRST, 9):
            model.begin_stage(step)
            found.append(model.refines)
        assert found == ([True] * 4 if not starts else [False, False, True, True])
    without = make_model("musegan_composer_chorales")
    assert without.stage_starts == () and not without.refines and without.trains_generator


def test_first_stage_fakes_are_those_without_a_refiner():
    model = _at(_make(), FIRST - 1)
    expected = np.tanh(model.generator(_latents(model, 3), None, training=True).numpy())
    np.testing.assert_allclose(_fakes(model), expected, rtol=1e-6)


@pytest.mark.parametrize(("training", "learns"), [("two_stage", False), ("joint", True)])
def test_second_stage_fakes_are_binary_and_of_the_refiner(training, learns):
    model = _at(_make(training), FIRST)
    # Moving statistics that are not the batch's: a frozen generator uses them.
    x = model.generator(_latents(model, 3), None, training=learns)
    logits = model.refiner(tf.sigmoid(2.0 * x), training=True).numpy()
    other = model.generator(_latents(model, 3), None, training=not learns)
    assert np.abs(model.refiner(tf.sigmoid(2.0 * other), training=True) - logits).max() > 1e-3
    fakes = _fakes(model)
    assert set(np.unique(fakes)) == {-1.0, 1.0}
    clear = np.abs(logits) > 1e-5
    np.testing.assert_array_equal(fakes[clear], np.where(logits > 0, 1.0, -1.0)[clear])


def test_stochastic_neurons_draw_for_every_row_and_update():
    model = _at(_make("joint", "stochastic"), FIRST)
    x = model.generator(_latents(model, 3), None, training=True)
    probability = tf.sigmoid(model.refiner(tf.sigmoid(2.0 * x), training=True)).numpy()
    draws = np.stack([_fakes(model, seed=10 * number) > 0 for number in range(40)])
    # Another key, another draw, with the probabilities as frequencies.
    assert len({draw.tobytes() for draw in draws}) == 40
    expected = probability.mean()
    assert abs(draws.mean() - expected) < 4 * np.sqrt(0.25 / draws.size) + 1e-4
    np.testing.assert_array_equal(_fakes(model), _fakes(model))
    seen = []
    neuron = refining.stochastic_neuron

    def remember(logits, slope, uniforms):
        seen.append(uniforms.numpy().tobytes())
        return neuron(logits, slope, uniforms)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refining, "stochastic_neuron", remember)
        model.train_step(make_batch(model))
    assert len(seen) == len(set(seen)) == 3  # two critic updates and the generator's


@pytest.mark.parametrize(("training", "first"), [("two_stage", FIRST), ("end_to_end", 0)])
def test_the_slope_grows_with_the_refiners_own_epochs(monkeypatch, training, first):
    slopes = []
    neuron = refining.deterministic_neuron

    def remember(logits, slope):
        slopes.append(float(slope))
        return neuron(logits, slope)

    monkeypatch.setattr(refining, "deterministic_neuron", remember)
    model = _make(training, slope_growth=1.5, slope_epoch_steps=2)
    for step in range(first, first + 6):
        _at(model, step)
        _fakes(model, rows=1)
    assert slopes == pytest.approx([1.0, 1.0, 1.5, 1.5, 2.25, 2.25])


@pytest.mark.parametrize(
    ("refiner", "step", "temperature"),
    [
        ("deterministic", FIRST, 0.0),
        ("stochastic", FIRST, 1.0),
        ("stochastic", FIRST - 1, 0.0),
        ("none", 0, 0.0),
    ],
)
def test_default_temperature_and_what_samples_are(refiner, step, temperature):
    if refiner == "none":
        model = make_model("musegan_composer_chorales")
    else:
        model = _at(_make(refiner=refiner), step)
    assert model.default_temperature == temperature
    signature = model.signatures()["generate"]
    assert signature.defaults["temperature"] == temperature
    seeds = tf.constant([5, 6, 7], tf.int64)
    keys = model.piece_keys(seeds)
    logits = model.sample(seeds)["logits"]
    expected = model.binarise(logits, 0.5, temperature, keys).numpy()
    rolls = model.sample_examples(seeds)["piano_roll"].numpy()
    np.testing.assert_array_equal(rolls, expected)
    assert (rolls != (logits.numpy() > 0)).any() == (temperature > 0)


def test_sampling_goes_through_the_refiner_in_the_second_stage_alone():
    model = _make()
    # A refiner that turns everything off.
    seeds = tf.constant([1, 2], tf.int64)
    for unit in model.refiner.units:
        unit.narrow.bias.assign(unit.narrow.bias - 10.0)
    first = _at(model, 0).sample(seeds)["logits"].numpy()
    second = _at(model, FIRST).sample(seeds)["logits"].numpy()
    assert first.min() < first.max() and np.abs(first).max() < 10
    assert second.max() < -10
    assert not model.sample_examples(seeds)["piano_roll"].numpy().any()


def test_averages_are_of_generator_and_refiner():
    model = _make("end_to_end", ema_decay=0.5)
    assert [network.name for network in model.sampled_networks] == ["generator", "refiner"]
    assert list(model.networks()) == ["generator", "refiner", "critic"]
    weights = [*model.generator.weights, *model.refiner.weights]
    before = [weight.numpy() for weight in weights]
    model.train_step(make_batch(model))
    after = [weight.numpy() for weight in weights]
    model.use_averaged_weights()
    for weight, old, new in zip(weights, before, after, strict=True):
        np.testing.assert_allclose(weight.numpy(), (old + new) / 2, rtol=1e-5, atol=1e-7)


def test_averages_of_a_frozen_generator_are_what_the_refiner_learns_with():
    model = _at(_make(ema_decay=0.5), FIRST - 1)
    model.train_step(make_batch(model))
    averaged = dict(
        zip(map(id, weights_of(model.sampled_networks)), model.ema_weights, strict=True)
    )

    def distance(network):
        pairs = [(weight.numpy(), averaged[id(weight)].numpy()) for weight in network.weights]
        return max(np.abs(one - other).max() for one, other in pairs)

    assert distance(model.generator) > 0 and distance(model.refiner) == 0  # still untrained
    _at(model, FIRST).train_step(make_batch(model))
    assert distance(model.generator) == 0 and distance(model.refiner) > 0


def test_a_given_track_is_not_refined():
    model = make_model(
        "musegan_hybrid_chorales_accompaniment",
        refiner="deterministic",
        refiner_training="end_to_end",
        refiner_filters=2,
    )
    kernels = [w for w in model.refiner.weights if w.path.endswith("kernel")]
    assert all(kernel.shape[0] == 3 for kernel in kernels)  # of four voices
    given = np.random.default_rng(0).random((2, 2, 8, 48)) < 0.1
    seeds = tf.constant([1, 2], tf.int64)
    rolls = model.sample_examples(seeds, tf.constant(given))["piano_roll"].numpy()
    np.testing.assert_array_equal(rolls[..., 0], given)
    real = np.where(np.random.default_rng(1).random((2, 2, 8, 48, 4)) < 0.1, 1.0, -1.0)
    real = tf.constant(real, tf.float32)
    fake = model.fake_examples(_latents(model, 2), real, _keys(2), False).numpy()
    np.testing.assert_array_equal(fake[..., 0], real[..., 0])
    assert set(np.unique(fake)) == {-1.0, 1.0}
