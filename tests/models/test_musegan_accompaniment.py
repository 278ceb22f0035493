"""The given track: where it goes, what it reaches, which critic sees it, what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models.tiny import make_batch, make_model, make_rolls
from tfmusicgan.errors import ConfigError

NAMES = ["jamming", "composer", "hybrid"]


def _make(name, track="alto", bars=2, **changes):
    """A chorale model given the second of four voices, so that its place matters."""
    recipe = f"musegan_{name}_chorales_accompaniment"
    return make_model(recipe, grid={"bars": bars}, condition_track=track, **changes)


def _given(model, rows=2, seed=0):
    return make_rolls(model.representation, rows, seed=seed)[..., model.condition_track]


def _latents(model, rows=2):
    return [
        tf.random.stateless_normal((rows, *shape), (7, index))
        for index, shape in enumerate(model.latent_shapes)
    ]


@pytest.mark.parametrize("bars", [1, 4])
@pytest.mark.parametrize("name", NAMES)
def test_the_given_track_comes_out_bit_for_bit(name, bars):
    model = _make(name, bars=bars)
    given = _given(model, 3)
    seeds = tf.constant([1, 2, 3], tf.int64)
    logits = model.sample(seeds, tf.constant(given))["logits"].numpy()
    assert logits.shape == (3, bars, 8, 48, 4)
    for threshold, temperature in ((0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (0.5, 1.0), (0.9, 10.0)):
        rolls = model.binarise(
            tf.constant(logits), threshold, temperature, model.piece_keys(seeds)
        ).numpy()
        np.testing.assert_array_equal(rolls[..., 1], given)
    rolls = model.sample_examples(seeds, tf.constant(given))["piano_roll"].numpy()
    np.testing.assert_array_equal(rolls[..., 1], given)
    np.testing.assert_array_equal(rolls, logits > 0)


@pytest.mark.parametrize("track", ["soprano", "tenor", "bass"])
@pytest.mark.parametrize("name", NAMES)
def test_generated_tracks_keep_their_places(name, track):
    model = _make(name, track)
    at = ["soprano", "alto", "tenor", "bass"].index(track)
    assert model.condition_track == at
    given, latents = _given(model), _latents(model)
    real = make_rolls(model.representation, 2, seed=5)
    real[..., at] = given
    real = tf.where(real, 1.0, -1.0)
    keys = (tf.zeros(2, tf.uint32), tf.zeros(2, tf.uint32))
    fake = model.fake_examples(latents, real, keys, update_statistics=False).numpy()
    own = np.tanh(model.generator(latents, real[..., at], training=True).numpy())
    assert own.shape[-1] == 3
    np.testing.assert_array_equal(fake[..., at], np.where(given, 1.0, -1.0))
    np.testing.assert_allclose(np.delete(fake, at, axis=-1), own, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_given_track_reaches_every_track_and_its_own_bar_alone(name):
    model = _make(name, bars=3)
    latents = _latents(model, 1)
    given = _given(model, 1)
    base = model.generator(latents, tf.where(given, 1.0, -1.0), training=False).numpy()[0]
    for bar in range(3):
        other = given.copy()
        other[0, bar, 2:4, 30] = True
        changed = model.generator(latents, tf.where(other, 1.0, -1.0), training=False).numpy()[0]
        differs = np.abs(changed - base).max(axis=(1, 2)) > 0  # [bar, track]
        assert differs[bar].all() and not np.delete(differs, bar, axis=0).any()


def test_every_map_of_the_encoder_is_used():
    model = _make("hybrid", initial_stddev=0.3)
    encoder = model.generator.encoder
    latents, given = _latents(model), tf.where(_given(model), 1.0, -1.0)
    maps = encoder(tf.reshape(given, [4, 8, 48]), training=False)
    # As the bar generator goes: 2, 4, 8 steps of one pitch, then 8 steps of 4 pitches.
    assert [tuple(m.shape[1:]) for m in maps] == [(2, 1, 4), (4, 1, 4), (8, 1, 4), (8, 4, 4)]
    base = model.generator(latents, given, training=False).numpy()
    for layer in model.generator.bar_generator.steps:
        kernel = layer.kernel.numpy()  # the maps' channels are the last of each layer's input
        layer.kernel.assign(np.concatenate([kernel[:, :-4], 0 * kernel[:, -4:]], axis=1))
        without = model.generator(latents, given, training=False).numpy()
        assert np.abs(without - base).max() > 1e-4
        layer.kernel.assign(kernel)


@pytest.mark.parametrize("name", NAMES)
def test_the_generators_update_reaches_the_encoder(name):
    model = _make(name)
    model.compile()
    encoder = model.generator.encoder
    before = [weight.numpy() for weight in encoder.weights]
    model.train_step(make_batch(model))
    for weight, old in zip(encoder.weights, before, strict=True):
        assert not np.array_equal(weight.numpy(), old), weight.path


@pytest.mark.parametrize("name", ["composer", "hybrid"])
def test_a_joint_critic_sees_the_given_track(name):
    model = _make(name)
    phrases = tf.where(make_rolls(model.representation, 2), 1.0, -1.0).numpy()
    other = phrases.copy()
    other[..., 1] *= -1
    scores = [model.critic(model.critic_view(x)).numpy() for x in (other, phrases)]
    assert (scores[0] != scores[1]).all()


@pytest.mark.parametrize("bars", [1, 4])
def test_private_critics_see_their_own_track_alone(bars):
    model = make_model("musegan_jamming_chorales", grid={"bars": bars})
    phrases = tf.where(make_rolls(model.representation, 3), 1.0, -1.0).numpy()
    base = _scores(model, phrases)
    assert base.shape == (4, 3)
    for track in range(4):
        other = phrases.copy()
        other[1, ..., track] *= -1
        changed = _scores(model, other) != base
        assert changed[track, 1] and changed.sum() == 1


def _scores(model, phrases):
    """[critics, rows]."""
    views = model.critic_view(tf.constant(phrases))
    return model.critic(views).numpy().reshape(model.num_generated, len(phrases))


@pytest.mark.parametrize("bars", [1, 4])
def test_private_critics_see_the_given_track_beside_their_own(bars):
    model = _make("jamming", bars=bars)
    phrases = tf.where(make_rolls(model.representation, 3), 1.0, -1.0).numpy()
    views = model.critic_view(tf.constant(phrases)).numpy()
    assert views.shape == (9, 8, 48, bars * 2)
    views = views.reshape(9, 8, 48, bars, 2).transpose(0, 3, 1, 2, 4)
    for critic, track in enumerate((0, 2, 3)):  # all but the alto, three rows each
        rows = views[3 * critic : 3 * critic + 3]
        np.testing.assert_array_equal(rows[..., 0], phrases[..., track])
        np.testing.assert_array_equal(rows[..., 1], phrases[..., 1])
    base = _scores(model, phrases)
    for track in range(4):
        other = phrases.copy()
        other[2, ..., track] *= -1
        changed = _scores(model, other) != base
        assert not changed[:, :2].any()
        seen = [True] * 3 if track == 1 else [track == own for own in (0, 2, 3)]
        assert changed[:, 2].tolist() == seen


def test_private_critics_have_weights_of_their_own():
    model = make_model("musegan_jamming_chorales")
    same = np.repeat(make_rolls(model.representation, 1)[..., :1], 4, axis=-1)
    scores = _scores(model, np.where(same, 1.0, -1.0).astype(np.float32))
    assert len(set(scores.ravel().tolist())) == 4


def test_losses_of_private_critics_are_the_means_over_them():
    model = _make("jamming", initial_stddev=0.3, gradient_penalty_weight=0.0, critic_updates=1)
    model.compile()
    batch = make_batch(model)
    real = tf.where(batch["piano_roll"], 1.0, -1.0)
    seen = {}
    original = model.fake_examples

    def remember(latents, real, keys, update_statistics):
        fake = original(latents, real, keys, update_statistics)
        seen.setdefault("fake", fake)
        return fake

    model.fake_examples = remember
    before = {w.path: w.numpy() for w in model.critic.weights}
    loss = float(model.train_step(batch)["critic_loss"])
    for weight in model.critic.weights:
        weight.assign(before[weight.path])
    means = [_scores(model, x.numpy()).mean() for x in (real, seen["fake"])]
    assert loss == pytest.approx(means[1] - means[0], rel=1e-4)


def test_the_given_track_of_training_is_the_real_phrases():
    model = _make("hybrid", critic_updates=2)
    model.compile()
    batch = make_batch(model, rows=2)
    seen = []
    original = model.generator.call

    def remember(latents, given=None, **mode):
        seen.append(given.numpy())
        return original(latents, given, **mode)

    model.generator.call = remember
    model.train_step(batch)
    real = np.where(batch["piano_roll"], 1.0, -1.0)[..., 1]
    # One real phrase for each critic update; the generator's update takes the first one's.
    assert len(seen) == 3
    for came, update in zip(seen, (0, 1, 0), strict=True):
        np.testing.assert_array_equal(came, real[:, update])


def test_tracks_that_cannot_be_given():
    with pytest.raises(
        ConfigError, match=r"condition_track among .*soprano, alto, tenor, bass. Received: 'piano'"
    ):
        _make("hybrid", track="piano")
    alone = {"tracks": [{"name": "piano", "program": 0, "programs": [0]}], "min_piece_tracks": 1}
    with pytest.raises(ConfigError, match=r"another track beside .* 'piano' alone. Convert with"):
        make_model("musegan_hybrid_accompaniment", grid=alone)


@pytest.mark.parametrize(
    ("name", "bars", "kinds"), [("hybrid", 2, 4), ("hybrid", 1, 2), ("jamming", 2, 2)]
)
def test_latents_that_cannot_be_shared_out(name, bars, kinds):
    message = f"latent_size to divide by {kinds}, the kinds of latents. Received: 17. Change it"
    with pytest.raises(ConfigError, match=message):
        make_model(f"musegan_{name}", grid={"bars": bars}, latent_size=17)
