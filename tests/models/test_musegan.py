"""MuseGAN hybrid: published sizes, what the latents reach, sampling, the released variants."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan import recipes, representations
from tfmusicgan.errors import CheckpointError, ConfigError
from tfmusicgan.models import schedules, wasserstein
from tfmusicgan.models.musegan.model import MuseGANHybrid


def _representation(recipe="musegan_hybrid", preset="tiny"):
    chosen = recipes.get(recipe)
    cls = representations.get(chosen.representation)
    return cls.from_parameters(chosen.preset(preset).representation)


def _tiny(recipe="musegan_hybrid", seed=7, **changes):
    config = dataclasses.replace(recipes.get(recipe).preset("tiny").config, **changes)
    return MuseGANHybrid(config, _representation(recipe), seed=seed)


def _count(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_variables)


def test_paper_sizes():
    config = recipes.get("musegan_hybrid").preset("paper").config
    representation = _representation(preset="paper")
    assert representation.spec["piano_roll"].shape == (4, 96, 84, 5)
    model = MuseGANHybrid(config, representation)
    # Dong et al. (2018) as tabled layer by layer: five bar generators of 1,228,481 and six temporal
    # generators of 167,008; the phrase critic of the appendix.
    assert _count(model.generator.bar_generator) == 5 * 1_228_481
    assert _count(model.generator.shared_temporal) == 167_008
    assert _count(model.generator) == 7_144_453
    assert _count(model.critic) == 3_576_577
    shared = dataclasses.replace(config, share_temporal_generators=True)
    assert _count(MuseGANHybrid(shared, representation).generator) == 6_309_413


def test_each_latent_reaches_what_it_should():
    model = _tiny()
    latents = [tf.random.stateless_normal((1, *s), (1, 2)) for s in model.latent_shapes]

    def activations(changed=None, at=None):
        moved = list(latents)
        if changed is not None:
            delta = np.zeros(latents[changed].shape, np.float32)
            delta[at] = 3.0
            moved[changed] = latents[changed] + delta
        return model.generator(moved, training=False).numpy()[0]  # bar, time, pitch, track

    base = activations()
    differs = lambda other: np.abs(other - base).max(axis=(1, 2)) > 0  # noqa: E731 [bar, track]
    assert differs(activations(0, (0, 1))).all()  # z: every bar of every track
    assert differs(activations(1, (0, 1))).all()  # z_t
    for latent in (2, 3):  # z_i and z_it of track 3: that track alone
        changed = differs(activations(latent, (0, 3, 1)))
        assert changed[:, 3].all() and not changed[:, [0, 1, 2, 4]].any()


def test_bars_differ_through_the_temporal_latents_only():
    model = _tiny()
    shapes = model.latent_shapes
    fixed = [tf.ones((1, *shape)) for shape in shapes]
    bars = model.generator(fixed, training=False).numpy()[0]
    assert np.abs(bars[0] - bars[1]).max() > 0
    # Without them (ReLU of a shift of zero), all bars are the same.
    still = [fixed[0], tf.zeros((1, *shapes[1])), fixed[2], tf.zeros((1, *shapes[3]))]
    bars = model.generator(still, training=False).numpy()[0]
    np.testing.assert_array_equal(bars[0], bars[1])


def test_samples_are_a_function_of_their_own_seed():
    model = _tiny("musegan_hybrid_chorales")
    sample = tf.function(lambda seeds: model.sample(seeds)["logits"])
    seeds = tf.constant([5, 9, -3, 1 << 40], tf.int64)
    whole = sample(seeds).numpy()
    assert whole.shape == (4, 2, 8, 48, 4) and np.isfinite(whole).all()
    turned = sample(tf.reverse(seeds, [0])).numpy()
    # A row's place decides in which lane of the processor it is summed.
    np.testing.assert_allclose(turned[::-1], whole, rtol=1e-4, atol=1e-7)
    assert len({phrase.tobytes() for phrase in whole}) == 4


def test_threshold_is_per_row_and_monotone():
    model = _tiny()
    logits = model.sample(tf.range(4, dtype=tf.int64))["logits"]
    rolls = model.binarise(logits, tf.constant([0.0, 0.5, 1.0, 0.0])).numpy()
    assert rolls[0].all() and rolls[3].all() and not rolls[2].any()
    np.testing.assert_array_equal(rolls[1], logits[1].numpy() > 0)
    higher = model.binarise(logits, 0.55).numpy()
    np.testing.assert_array_equal(higher, 1 / (1 + np.exp(-logits.numpy())) > 0.55)


def test_released_monophonic_bass_keeps_one_pitch_of_the_bass_alone():
    logits = np.full((1, 2, 8, 48, 5), 0.5, np.float32)
    logits[0, :, :, 11] = 0.75
    free = _tiny().binarise(tf.constant(logits)).numpy()
    assert free.all()
    rolls = _tiny(monophonic_bass=True).binarise(tf.constant(logits)).numpy()
    assert rolls[..., 1:].all()  # drums, guitar, strings, piano
    assert (rolls[..., 0].sum(axis=3) == 1).all() and rolls[0, :, :, 11, 0].all()


def test_released_reshape_never_compares_bars():
    # v1 reshapes [phrases * 4 bars, 5 steps, 512] to [-1, 4, 128]: each "phrase" is one bar's
    # features at one step, cut in four.
    features = np.zeros((2 * 4, 5, 512))
    features += np.arange(8)[:, np.newaxis, np.newaxis]  # each value names its bar
    reshaped = features.reshape(-1, 4, 128)
    assert len(reshaped) == 40
    assert all(len(np.unique(item)) == 1 for item in reshaped)


def test_the_critic_compares_bars():
    model = _tiny()
    rng = np.random.default_rng(3)
    phrases = np.where(rng.random((1, 2, 8, 48, 5)) < 0.2, 1.0, -1.0).astype(np.float32)
    swapped = phrases[:, ::-1]
    scores = [float(model.critic(model.critic_view(x))[0]) for x in (phrases, swapped)]
    assert scores[0] != scores[1]


def test_released_bursts():
    steps = tf.range(20 * 25 + 475 + 3 * 519, dtype=tf.int64)
    turns = schedules.is_generator_turn(steps, 5).numpy()
    # Slow and obviously right: walk through generator updates.
    expected = []
    for generator_update in range(25 + 475 + 3 * 500):
        long = generator_update < 25 or generator_update % 500 == 0
        expected += [False] * (19 if long else 0) + [True]
    np.testing.assert_array_equal(turns, expected[: len(turns)])
    assert len(expected) == len(turns)


def test_bursts_leave_the_generator_alone_until_its_turn(monkeypatch):
    monkeypatch.setattr(wasserstein, "is_generator_turn", lambda step, updates: step % 3 == 1)
    model = _tiny(critic_bursts=True)
    model.compile()
    batch = {"piano_roll": tf.zeros((2, 2, 2, 8, 48, 5), tf.bool)}
    step = tf.function(model.train_step)
    moved = []
    for _ in range(4):
        before = [weight.numpy() for weight in model.generator.trainable_variables]
        critic = model.critic.score.kernel.numpy()
        step(batch)
        after = model.generator.trainable_variables
        moved.append(
            any(not np.array_equal(a, b.numpy()) for a, b in zip(before, after, strict=True))
        )
        assert not np.array_equal(critic, model.critic.score.kernel.numpy())
    assert moved == [False, True, False, False]


def test_reused_batches_are_the_first_of_each_step():
    batch = np.random.default_rng(1).random((4, 2, 2, 8, 48, 5)) < 0.1
    other = batch.copy()
    other[:, 1] = ~other[:, 1]
    for reuse in (True, False):
        losses = []
        for rolls in (batch, other):
            model = _tiny(reuse_critic_batch=reuse, initial_stddev=0.3)
            model.compile()
            losses.append(
                float(model.train_step({"piano_roll": tf.constant(rolls)})["critic_loss"])
            )
        assert (losses[0] == losses[1]) is reuse


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"critic_time_kernels": (9,)}, "critic_time_kernels that fit.* kernel 9 over 8. Change"),
        ({"critic_pitch_kernels": (12, 5)}, "critic_pitch_kernels that fit.* kernel 5 over 4"),
    ],
)
def test_critic_kernels_longer_than_what_is_left(changes, message):
    with pytest.raises(ConfigError, match=message):
        _tiny(**changes)


def test_averaged_weights_follow_and_replace():
    model = _tiny(ema_decay=0.75)
    model.compile()
    before = [weight.numpy() for weight in model.generator.weights]
    model.train_step({"piano_roll": tf.zeros((2, 2, 2, 8, 48, 5), tf.bool)})
    after = [weight.numpy() for weight in model.generator.weights]
    moved = {
        weight.name
        for old, new, weight in zip(before, after, model.generator.weights, strict=True)
        if (old != new).any()
    }
    assert {"kernel", "gamma", "moving_mean", "moving_variance"} <= moved
    model.use_averaged_weights()
    for old, new, weight in zip(before, after, model.generator.weights, strict=True):
        np.testing.assert_allclose(weight.numpy(), 0.75 * old + 0.25 * new, rtol=1e-5, atol=1e-8)
    with pytest.raises(CheckpointError, match="ema_decay=none"):
        _tiny(ema_decay=None).use_averaged_weights()


def test_weights_follow_from_the_seed():
    one, same, other = _tiny(seed=7), _tiny(seed=7), _tiny(seed=8)
    for a, b, c in zip(one.weights, same.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        if "kernel" in a.path:
            assert not np.array_equal(a.numpy(), c.numpy())
    kernels = [w.numpy().ravel()[:6].tobytes() for w in one.weights if "kernel" in w.path]
    assert len(set(kernels)) == len(kernels)  # no two layers start alike


def test_sizes_that_do_not_fit_the_records():
    with pytest.raises(ConfigError, match=r"16 steps per bar and 48 pitches.*Received: 8 steps"):
        _tiny(time_kernels=(2, 4))
