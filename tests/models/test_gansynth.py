"""GANSynth: published sizes, its schedule, its losses, its updates, its samples."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests.models.gansynth_at_full_size import FullSize, progress, shares
from tests.models.tiny import count, values
from tests.same_training import double_precision
from tfmusicgan import recipes, representations
from tfmusicgan.errors import ConfigError
from tfmusicgan.models import noise
from tfmusicgan.models.gansynth.discriminator import Discriminator
from tfmusicgan.models.gansynth.generator import Generator
from tfmusicgan.models.gansynth.model import GANSynth
from tfmusicgan.models.gansynth.normaliser import Normaliser
from tfmusicgan.recipes.gansynth import GANSynthConfig

# Blocks to the parameters of a generator with all its output layers, and of a discriminator.
PUBLISHED = {
    1: (3_187_714, 2_706_494),
    2: (4_368_388, 3_887_422),
    3: (5_549_062, 5_068_350),
    4: (6_729_736, 6_249_278),
    5: (7_172_618, 6_692_414),
    6: (7_283_468, 6_803_390),
    7: (7_311_246, 6_831_230),
}
ROWS = 4


def _size(layers):
    return sum(count(layer) for layer in layers)


@pytest.mark.parametrize("row", ["gansynth", "gansynth_mel_standard"])
def test_published_parameters(row):
    config = recipes.get(row).preset("paper").config
    generator, discriminator = Generator(config, 61, 0), Discriminator(config, 61, 0)
    heads = (discriminator.last, discriminator.score, discriminator.pitch)
    for blocks, expected in PUBLISHED.items():
        one = [generator.first, *itertools.chain(*generator.blocks[:blocks])]
        two = [*heads, *itertools.chain(*discriminator.blocks[:blocks])]
        found = (_size([*one, *generator.to_image[:blocks]]),)
        assert (*found, _size([*two, *discriminator.from_image[:blocks]])) == expected
    assert (count(generator), count(discriminator)) == PUBLISHED[7]
    assert count(discriminator.pitch) == 15_677
    for network, last in ((generator, 7_308_802), (discriminator, 6_827_582)):
        used = network.variables_of(7, fading=False)
        assert sum(int(np.prod(variable.shape)) for variable in used) == last


def test_parameters_of_the_released_smoke_test():
    sizes = {"filters_base": 512, "most_filters": 128, "first_frames": 4, "first_bins": 8}
    config = GANSynthConfig(frames=256, bins=512, **sizes)
    assert count(Generator(config, 61, 0)) == 1_889_646
    assert count(Discriminator(config, 61, 0)) == 1_125_142


def test_the_published_schedule():
    config = GANSynthConfig()
    assert [config.filters(b) for b in range(8)] == [256] * 5 + [128, 64, 32]
    stages = config.stages
    assert len(stages) == 13 and config.training_steps == 1_375_000
    assert [stage.blocks for stage in stages] == [k // 2 + 1 for k in range(1, 14)]
    assert [stage.num_steps for stage in stages] == [100_000] * 12 + [175_000]
    ends = [stage.first_image + stage.num_steps * stage.batch_size for stage in stages]
    assert ends == [800_000 * k for k in range(1, 13)] + [11_000_000]
    assert [config.size(b) for b in (1, 5, 7)] == [(2, 16), (32, 256), (128, 1024)]


def test_the_published_constants():
    config = recipes.get("gansynth").preset("paper").config
    weights = config.gradient_penalty_weight, config.drift_weight
    pitch_weights = config.discriminator_pitch_weight, config.generator_pitch_weight
    assert (*weights, *pitch_weights) == (10.0, 0.001, 10.0, 10.0)
    assert (config.learning_rate, config.adam_beta_1, config.adam_beta_2) == (8e-4, 0.0, 0.99)
    assert (config.ema_decay, config.batch_size, config.latent_size) == (0.999, 8, 256)
    assert (config.leaky_relu_slope, config.kernel, config.normaliser_margin) == (0.2, (3, 3), 0.8)


def test_batch_sizes_by_block():
    config = dataclasses.replace(GANSynthConfig(), batch_size=8, smaller_batch_sizes=(32, 16))
    assert [stage.batch_size for stage in config.stages] == [32] * 9 + [16] * 2 + [8] * 2
    # Steps over a stage's end are counted where they are made.
    odd = dataclasses.replace(config, stable_images=100, fade_images=70, total_images=2000)
    assert [stage.num_steps for stage in odd.stages[:3]] == [4, 2, 3]  # 128, 192 and 288 images
    assert [stage.first_image for stage in odd.stages[:3]] == [0, 128, 192]
    assert odd.stages[1].fade_start == 100
    alone = dataclasses.replace(GANSynthConfig(), progressive=False, total_images=4_000_000)
    (stage,) = alone.stages
    assert (stage.blocks, stage.fading, stage.num_steps) == (7, False, 500_000)


def _make(seed=3, **changes):
    """Three blocks, so that the second is not the full size; and what it is trained on."""
    recipe = recipes.get("gansynth")
    preset = recipe.preset("tiny")
    sizes = {"blocks": 3, "first_frames": 4, "first_bins": 8, "kind": "if"}
    schedule = {"stable_images": 8, "fade_images": 12, "total_images": 100}
    config = dataclasses.replace(preset.config, **{**sizes, **schedule, **changes})
    cls = representations.get(recipe.representation)
    model = GANSynth(config, cls.from_parameters(preset.representation), seed=seed)
    rng = np.random.default_rng(seed)
    shape = (16, model.representation.num_samples)
    audio = rng.normal(0, 3000, shape) * np.linspace(0.1, 1.0, 16)[:, np.newaxis]
    pitch = rng.choice([60, 61, 61, 63, 64], 16)
    data = {"audio": audio.astype(np.int16), "pitch": pitch.astype(np.int32)}
    model.prepare(data)
    model.compile()
    return model, {name: tf.constant(value[:ROWS]) for name, value in data.items()}


def _at(model, step):
    model.step.assign(step)
    model.begin_stage(step)
    model.start_stage(step)


def test_progress_is_a_function_of_the_step():
    model, _ = _make()
    config = model.model_config
    for step in range(config.training_steps):
        model.step.assign(step)
        model.begin_stage(step)
        images = step * ROWS
        fade, stage = model.fade(), model.current
        expected = [0.0] * config.blocks
        expected[stage.blocks - 1] = 1.0 if fade is None else float(fade)
        if fade is not None:
            expected[stage.blocks - 2] = 1.0 - float(fade)
        np.testing.assert_allclose(expected, shares(config, images), atol=1e-6)
        assert stage.blocks == np.ceil(progress(config, images)) + 1 or float(fade) == 0


# Steps of four images: the first block, and the second and the third faded in.
@pytest.mark.parametrize("step", [1, 3, 8])
def test_each_stage_trains_what_the_full_size_trains(step, monkeypatch):
    with double_precision():
        model, data = _make()
    taken = []

    def minimise(loss_fn, variables, optimizer):
        with tf.GradientTape() as tape:
            loss = loss_fn()
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        taken.append((loss, dict(zip(map(id, variables), gradients, strict=True))))
        return loss, tf.zeros([])

    monkeypatch.setattr(model, "minimise", minimise)
    _at(model, step)
    rng = np.random.default_rng(0)  # biases that count
    for network in (model.generator, model.discriminator):
        for weight in network.weights:
            if weight.path.endswith("bias"):
                weight.assign(rng.normal(0, 0.1, weight.shape))
    model.train_step(data)
    model.step.assign(step)
    full = FullSize(model, step * ROWS)
    draws = []
    for stream in (0, 1):
        keys = model.step_keys(ROWS, stream)
        latents = model.draw_latents(noise.fold(keys, np.int64(0)))
        draws += [tf.cast(latents, tf.float64), model.draw_classes(noise.fold(keys, np.int64(1)))]
    mixing = noise.uniforms(model.step_keys(ROWS, 2), 1)[:, 0]
    images = tf.cast(model.images_of(data["audio"]), tf.float64)
    losses = (
        lambda: full.generator_loss(*draws[:2]),
        lambda: full.discriminator_loss(images, data["pitch"] - 60, *draws[2:], mixing),
    )
    for (loss, gradients), network, loss_fn in zip(
        taken, (model.generator, model.discriminator), losses, strict=True
    ):
        variables = network.trainable_variables
        with tf.GradientTape() as tape:
            expected = loss_fn()
        # 1e-8 in the root of a norm of about a half.
        np.testing.assert_allclose(loss, expected, rtol=1e-5)
        slopes = tape.gradient(expected, [variable.value for variable in variables])
        compared = 0
        for variable, slope in zip(variables, slopes, strict=True):
            slope = np.zeros(variable.shape) if slope is None else slope.numpy()
            found = gradients.get(id(variable))
            if found is None:
                assert not slope.any(), variable.path
            else:
                limit = 1e-5 * np.abs(slope).max() + 1e-7
                np.testing.assert_allclose(found, slope, atol=limit, err_msg=variable.path)
                compared += bool(slope.any())
        assert compared >= 6


def test_a_step_updates_the_generator_then_the_discriminator_and_what_is_in_use():
    model, data = _make()
    _at(model, 1)
    order, minimise = [], model.minimise

    def noted(loss_fn, variables, optimizer):
        order.append(optimizer.name)
        return minimise(loss_fn, variables, optimizer)

    model.minimise = noted
    before = values(model.weights)
    averages = {v.path: v.numpy() for v in model.averaged.weights}
    model.train_step(data)
    assert order == ["generator_adam", "discriminator_adam"]
    used = {v.path for v in model.generator.variables_of(1, False)}
    used |= {v.path for v in model.discriminator.variables_of(1, False)}
    for variable in model.trainable_variables:
        moved = (variable.numpy() != before[variable.path]).any()
        assert moved == (variable.path in used), variable.path
    decay = model.model_config.ema_decay
    for average, weight in zip(model.averaged.weights, model.generator.weights, strict=True):
        expected = decay * averages[average.path] + (1 - decay) * weight.numpy()
        np.testing.assert_allclose(average.numpy(), expected, atol=1e-6)
        assert (average.numpy() != averages[average.path]).any() == (weight.path in used)


def test_without_growth_a_step_is_the_last_stages():
    """From its first step on; what the published option does in place of growing."""
    grown, data = _make()
    alone, _ = _make(progressive=False)
    last = grown.model_config.stages[-1].first_step
    before = values(alone.trainable_variables)
    for model in (grown, alone):
        _at(model, last)  # where the noise of both is the same
        model.train_step(data)
    used = {v.path for v in alone.generator.variables_of(3, False)}
    used |= {v.path for v in alone.discriminator.variables_of(3, False)}
    for one, other in zip(alone.weights, grown.weights, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-6, err_msg=one.path)
    for variable in alone.trainable_variables:
        moved = (variable.numpy() != before[variable.path]).any()
        assert moved == (variable.path in used), variable.path
    _at(alone, 0)
    assert alone.fade() is None and alone.current.blocks == 3 and alone.stage_starts == ()
    assert alone.real_images(data["audio"]).shape == (ROWS, *alone.format.shape)


def test_optimizers_start_afresh_with_a_stage_and_not_within_one():
    model, data = _make()
    starts = model.stage_starts
    assert starts == (2, 5, 7, 10)
    for step in (2, 3):
        _at(model, step)
        model.train_step(data)
        for optimizer in model.optimizers().values():
            assert int(optimizer.iterations) == step - 1
            size = [np.abs(v.numpy()).max() for v in optimizer._velocities]
            assert max(size) > 0
    _at(model, 4)
    assert all(int(o.iterations) == 2 for o in model.optimizers().values())
    _at(model, 5)
    for optimizer in model.optimizers().values():
        assert int(optimizer.iterations) == 0
        assert not any(v.numpy().any() for v in optimizer._velocities)
        assert float(optimizer.learning_rate) == pytest.approx(8e-4)
        assert optimizer.epsilon == 1e-8


def test_pitches_and_range_of_the_data():
    model, _ = _make()
    assert (np.diff(model.pitch_shares.numpy(), prepend=0) * 16).round().sum() == 16
    model.prepare({"pitch": np.array([60, 62, 62, 64]), "audio": np.zeros((1, 288), np.int16)})
    np.testing.assert_allclose(model.pitch_shares.numpy(), [0.25, 0.25, 0.75, 0.75, 1.0])
    drawn = model.pitches(tf.range(2000, dtype=tf.int64)).numpy()
    found = np.bincount(drawn - 60, minlength=5) / 2000
    np.testing.assert_allclose(found, [0.25, 0, 0.5, 0, 0.25], atol=0.04)
    assert found[1] == found[3] == 0


def test_constants_of_normalisation():
    published, measured = Normaliser(), Normaliser()
    ends = tf.constant([[np.log(1e-6), -1.0], [10.3766, 1.0], [20.0, 2.0]], tf.float32)
    np.testing.assert_allclose(published(ends), [[-0.8, -0.8], [0.8, 0.8], [1, 1]], atol=1e-4)
    measured.measure(np.array([np.log(1e-6), -1.0]), np.array([10.3766, 1.0]), 0.8)
    for name in ("scale", "offset"):
        one, two = (getattr(layer, name).numpy() for layer in (published, measured))
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-7)
    inside = ends[:2]
    np.testing.assert_allclose(published.invert(published(inside)), inside, rtol=1e-5)


def test_samples_follow_their_seed_alone_and_averaged_weights():
    model, _ = _make()
    _at(model, 11)
    seeds = tf.constant([5, -7, 2**40 + 1])
    one, turned = model.sample(seeds), model.sample(tf.reverse(seeds, [0]))
    assert one["image"].shape == (3, 16, 32, 2)
    for name in ("image", "pitch"):
        np.testing.assert_array_equal(one[name], turned[name][::-1])
    np.testing.assert_array_equal(one["pitch"], model.pitches(seeds))
    other = model.sample(seeds, pitch=62)
    assert other["pitch"].numpy().tolist() == [62, 62, 62]
    same = model.sample(tf.zeros(3, tf.int64), other["pitch"], model.latents(seeds))
    np.testing.assert_array_equal(other["image"], same["image"])
    assert model.sample(seeds, pitch=[0, 61, 99])["pitch"].numpy().tolist() == [60, 61, 64]
    for weight in model.generator.weights:
        weight.assign(weight + 1.0)
    np.testing.assert_array_equal(model.sample(seeds)["image"], one["image"])
    for weight in model.averaged.weights:
        weight.assign(weight + 1.0)
    assert (model.sample(seeds)["image"].numpy() != one["image"].numpy()).any()


def test_examples_are_of_the_representation():
    model, _ = _make()
    _at(model, 3)  # half the size, repeated
    seeds = tf.constant([1, 2], tf.int64)
    image = model.sample(seeds)["image"].numpy()
    np.testing.assert_array_equal(image[:, ::2], image[:, 1::2])
    found = model.sample_examples(seeds)
    for name, field in model.representation.spec.items():
        assert found[name].shape == (2, *field.shape) and found[name].dtype == field.dtype
    assert found["velocity"].numpy().tolist() == [-1, -1]
    audio = model.format.inverse(tf.constant(image)).numpy()
    np.testing.assert_allclose(found["audio"], np.clip(audio, -1, 1) * 32768, atol=1.0)
    assert np.abs(audio).max() > 0.01
    low = model.representation.min_pitch
    asked = model.sample_examples(seeds, tf.constant([low + 2, 0]))
    assert asked["pitch"].numpy().tolist() == [low + 2, low]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"blocks": 6}, r"blocks - 1 blocks, 64 x 512. Received: 128 x 1024"),
        ({"normaliser": "none"}, "normaliser among published, measured. Received: 'none'"),
        ({"kind": "if"}, r"published, .*Received: 'if'. Use --set=normaliser=measured"),
        ({"bins_kernel": 4}, "odd frames_kernel and bins_kernel. Received: 3 and 4"),
        ({"filters_base": 64}, r"at least 2\^7, one map in the last block. Received: 64"),
        ({"total_images": 9_600_000}, "total_images above 9600000, .*Received: 9600000"),
        ({"smaller_batch_sizes": (8,) * 7}, "smaller_batch_sizes of fewer than 7 blocks"),
        ({"ema_decay": 1.0}, r"ema_decay in \[0, 1\)"),
        ({"drift_weight": -1.0}, "drift_weight of at least 0"),
        ({"latent_size": 0}, "latent_size above 0"),
    ],
)
def test_settings_that_cannot_be(changes, message):
    with pytest.raises(ConfigError, match=message):
        GANSynthConfig(**changes)
