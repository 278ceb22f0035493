"""Dropout in the critic."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models.tiny import make_batch, make_model
from tfmusicgan import losses
from tfmusicgan.models import dropout, noise

RATE = 0.25


def _keys(rows):
    return noise.key_from_seed(tf.range(rows, dtype=tf.int64) * 7919)


def test_masks_leave_out_the_share_and_keep_the_mean():
    masks = dropout.masks(_keys(200), 301, RATE).numpy()
    assert set(np.unique(masks)) == {np.float32(0), np.float32(4 / 3)}
    left_out = (masks == 0).mean()
    assert abs(left_out - RATE) < 4 * np.sqrt(RATE * (1 - RATE) / masks.size)
    assert len(np.unique(masks, axis=0)) == 200


def test_every_view_pass_and_row_has_a_draw_of_its_own():
    masks = dropout.critic_masks(_keys(4), 3, (5, 6), 64, RATE).numpy()
    assert masks.shape == (3 * 2 * 4, 64) and len(np.unique(masks, axis=0)) == 24
    # Another pass alone gives the draws that it had beside others.
    alone = dropout.critic_masks(_keys(4), 3, (6,), 64, RATE).numpy()
    np.testing.assert_array_equal(alone.reshape(3, 4, 64), masks.reshape(3, 2, 4, 64)[:, 1])
    half = dropout.critic_masks(tuple(key[2:] for key in _keys(4)), 3, (6,), 64, RATE).numpy()
    np.testing.assert_array_equal(half.reshape(3, 2, 64), alone.reshape(3, 4, 64)[:, 2:])


@pytest.mark.parametrize("recipe", ["musegan_jamming_chorales", "binary_musegan_chorales"])
def test_a_mask_is_another_last_layer(recipe):
    """Multiplying a feature is the same as multiplying its weights in the layer that scores."""
    model = make_model(recipe)
    critic, views = model.critic, model.critic_views
    rolls = make_batch(model, 1)["piano_roll"][:, 0]
    phrases = model.critic_view(tf.cast(rolls, tf.float32))
    keep = np.random.default_rng(3).choice([0.0, 1.5], (views, critic.features))
    masked = critic(phrases, keep=tf.constant(keep, tf.float32)).numpy()
    kernel = critic.score.kernel.numpy()
    critic.score.kernel.assign(kernel * keep.reshape(*kernel.shape[:-1], 1))
    np.testing.assert_allclose(masked, critic(phrases).numpy(), rtol=1e-5, atol=1e-6)
    critic.score.kernel.assign(kernel)
    assert not np.allclose(masked, critic(phrases).numpy(), rtol=1e-3)


def test_a_training_step_draws_for_every_pass(monkeypatch):
    model = make_model("musegan_jamming_chorales", critic_dropout=RATE, critic_dense_units=64)
    model.compile()
    seen, scored = [], model.critic.call

    def remember(views, keep=None):
        seen.append(keep.numpy())
        return scored(views, keep=keep)

    monkeypatch.setattr(model.critic, "call", remember)
    model.train_step(make_batch(model, rows=3))
    # Two critic updates of real and generated beside each other, then between; the generator's.
    assert [len(keep) for keep in seen] == [4 * 6, 4 * 3, 4 * 6, 4 * 3, 4 * 3]
    together = np.concatenate(seen)
    assert together.shape[1] == model.critic.features
    assert len(np.unique(together, axis=0)) == len(together)


def test_the_penalty_is_that_of_the_critic_with_dropout():
    model = make_model("musegan_composer_chorales", critic_dropout=RATE, critic_updates=1)
    model.compile()
    batch = make_batch(model)
    real = model.real_examples(batch)[:, 0]
    (latents,) = model._training_latents(4, 2)[:1]
    fake = model.fake_examples(latents, real, None, update_statistics=False)
    mixing = noise.uniforms(model.step_keys(4, 1), 1)[:, 0]
    masks = dropout.critic_masks(model.step_keys(4, -1), 1, (0, 1, 2), model.critic.features, RATE)
    of_real, of_fake, of_between = tf.split(masks, 3)

    def score(phrases, keep):
        return model.critic(phrases, keep=keep)

    views = model.critic_view(real), model.critic_view(fake)
    gap = np.mean(score(views[0], of_real)) - np.mean(score(views[1], of_fake))
    penalty = losses.gradient_penalty(lambda x: score(x, of_between), *views, mixing)
    logs = model.train_step(batch)
    np.testing.assert_allclose(float(logs["critic_gap"]), gap, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(float(logs["gradient_penalty"]), float(penalty), rtol=1e-4)


def test_masks_of_a_batch_are_shares_of_one_draw():
    step = tf.constant(3, tf.int64)

    def draw(rows, step=step, stream=2, seed=4):
        return dropout.batch_masks(seed, step, stream, 8, tf.constant(rows), 501, RATE).numpy()

    masks = draw(range(8))
    assert set(np.unique(masks)) == {np.float32(0), np.float32(4 / 3)}
    left_out = (masks == 0).mean()
    assert abs(left_out - RATE) < 4 * np.sqrt(RATE * (1 - RATE) / masks.size)
    assert len(np.unique(masks, axis=0)) == 8
    np.testing.assert_array_equal(draw([6, 1]), masks[[6, 1]])
    for other in ({"step": step + 1}, {"stream": 3}, {"seed": 5}):
        assert (draw(range(8), **other) != masks).any(axis=1).all()
