"""Weight clipping and RMSProp against the step written out, and the rates of both optimizers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models.tiny import make_batch, make_model, moved, values

CLIP = 0.05


def _clipping(name="composer", **changes):
    settings = {"critic_constraint": "weight_clipping", "optimizer": "rmsprop", "clip_value": CLIP}
    settings |= {"learning_rate": 0.01, "critic_updates": 1, "ema_decay": None, **changes}
    return make_model(f"musegan_{name}_chorales", **settings)


def _remember_fakes(model):
    """Collects what the critic and then the generator were trained with."""
    seen = []
    original = model.fake_examples

    def remember(*args, **kwargs):
        fake = original(*args, **kwargs)
        seen.append(fake)
        return fake

    model.fake_examples = remember
    return seen


@pytest.mark.parametrize("name", ["composer", "jamming"])
def test_weight_clipping_is_the_first_wasserstein_gan(name):
    model = _clipping(name)
    model.compile()
    before = values(model.critic.trainable_variables)
    assert max(np.abs(value).max() for value in before.values()) > 2 * CLIP
    batch, seen = make_batch(model), _remember_fakes(model)
    logs = {key: float(value) for key, value in model.train_step(batch).items()}
    assert logs["gradient_penalty"] == 0.0
    assert logs["critic_loss"] == pytest.approx(-logs["critic_gap"], rel=1e-5)

    # Arjovsky et al. 2017, algorithm 1, lines 5-7, in NumPy; from the same weights.
    after = values(model.critic.trainable_variables)
    weights = model.critic.trainable_variables
    for weight in weights:
        weight.assign(before[weight.path])
    real = tf.where(batch["piano_roll"], 1.0, -1.0)  # [rows, ...]: one update per step
    with tf.GradientTape() as tape:
        scores = [model.critic(model.critic_view(x)) for x in (real, seen[0])]
        distance = tf.reduce_mean(scores[1]) - tf.reduce_mean(scores[0])
    gradients = tape.gradient(distance, [weight.value for weight in weights])
    assert logs["critic_loss"] == pytest.approx(float(distance), rel=1e-4, abs=1e-5)
    compared = 0
    for weight, gradient in zip(weights, gradients, strict=True):
        g = gradient.numpy().astype(np.float64)
        mean_square = 0.1 * g * g
        expected = before[weight.path] - 0.01 * g / np.sqrt(mean_square + 1e-8)
        # RMSProp's first step is the gradient's sign: where it is rounding alone, so is the step.
        clear = np.abs(g) > 1e-3
        compared += clear.sum()
        expected = np.clip(expected, -CLIP, CLIP)[clear]
        np.testing.assert_allclose(after[weight.path][clear], expected, atol=1e-4)
    assert compared > 500


def test_weights_stay_within_the_bound_and_only_the_critics():
    model = _clipping(critic_updates=3)
    model.compile()
    for number in range(3):
        model.train_step(make_batch(model, seed=number))
        for weight in model.critic.trainable_variables:
            assert np.abs(weight.numpy()).max() <= np.float32(CLIP)
    assert max(np.abs(w.numpy()).max() for w in model.generator.trainable_variables) > 2 * CLIP


def test_without_clipping_nothing_is_clipped():
    model = make_model("musegan_composer_chorales", optimizer="rmsprop", clip_value=CLIP)
    model.compile()
    logs = model.train_step(make_batch(model))
    assert float(logs["gradient_penalty"]) > 0
    assert max(np.abs(w.numpy()).max() for w in model.critic.trainable_variables) > 2 * CLIP


def test_linear_decay_of_both_optimizers_by_the_models_own_step():
    model = make_model(
        "musegan_composer_chorales",
        learning_rate_decay="linear",
        learning_rate=0.5,
        training_steps=4,
        critic_updates=3,
    )
    model.compile()
    rates = []
    for step in (0, 1, 3, 4, 6):
        model.step.assign(step)
        rates.append([float(o.learning_rate) for o in model.optimizers().values()])
    assert rates == [[0.5, 0.5], [0.375, 0.375], [0.125, 0.125], [0.0, 0.0], [0.0, 0.0]]


def test_linear_decay_is_what_trains():
    # The same gradients in both runs: a quarter of the way from the end, the step is a quarter.
    lengths = {}
    for decay, at in (("none", 3), ("linear", 3), ("linear", 4)):
        model = make_model(
            "musegan_composer_chorales", learning_rate_decay=decay, learning_rate=1e-6
        )
        model.compile()
        model.step.assign(at)  # of four; the noise follows from it too
        before = values(model.trainable_variables)
        model.train_step(make_batch(model))
        if decay == "linear" and at == 4:
            assert moved(before, model.trainable_variables) == set()
            continue
        kernel = model.critic.hidden.kernel
        lengths[decay] = np.abs(kernel.numpy() - before[kernel.path]).max()
        assert int(model.critic_optimizer.iterations) == 2
        assert int(model.generator_optimizer.iterations) == 1
    assert lengths["linear"] == pytest.approx(lengths["none"] / 4, rel=0.05)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_optimizers_by_name(optimizer):
    model = make_model("musegan_composer_chorales", optimizer=optimizer)
    model.compile()
    for name, built in model.optimizers().items():
        assert built.name == f"{name.removesuffix('_optimizer')}_{optimizer}"
        keras_classes = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}
        assert isinstance(built, keras_classes[optimizer])
