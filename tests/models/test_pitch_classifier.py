"""The pitch classifier: published sizes, input as librosa has it, losses by hand, what it hears."""

import dataclasses

import librosa
import numpy as np
import pytest
import tensorflow as tf

from tests.made_up_audio import tone
from tfmusicgan import recipes
from tfmusicgan.errors import ConfigError
from tfmusicgan.models.pitch_classifier import HEADS, PitchClassifier, loudness_image
from tfmusicgan.recipes.pitch_classifier import PitchClassifierConfig
from tfmusicgan.representations.note_audio import NoteAudio

TINY = recipes.get("pitch_classifier").preset("tiny")
REP = NoteAudio(**TINY.representation)


@pytest.fixture
def model():
    return PitchClassifier(TINY.config, REP, seed=3)


def _batch(rows, seed=0):
    random = np.random.default_rng(seed)
    pitch = random.integers(60, 65, rows).astype(np.int32)
    audio = [tone(p, REP.num_samples, REP.sample_rate, seed=n) for n, p in enumerate(pitch)]
    return {
        "audio": tf.constant((np.stack(audio) * 32767).astype(np.int16)),
        "pitch": tf.constant(pitch),
        "instrument_family": tf.constant(random.integers(0, 11, rows).astype(np.int32)),
        "instrument_source": tf.constant(random.integers(0, 3, rows).astype(np.int32)),
        "qualities": tf.constant(random.random((rows, 10)) < 0.3),
    }


def test_the_published_layers():
    config = PitchClassifierConfig()
    model = PitchClassifier(config, NoteAudio())
    kernels = [layer.kernel.shape for layer in model.network.convolutions]
    assert sum(int(np.prod(shape)) for shape in kernels) == 14_314_624
    assert kernels[0] == (5, 5, 1, 128) and kernels[8:] == [
        (4, 4, 512, 512),
        (1, 1, 512, 1024),
        (1, 1, 1024, 152),
    ]
    sizes, x = [], tf.zeros([1, 512, 256, 1])
    for layer in model.network.convolutions:
        x = layer(x)
        sizes.append(tuple(x.shape[1:3]))
    assert sizes == [
        *((256, 128), (128, 64), (64, 32), (32, 16), (16, 8), (8, 4), (4, 2), (2, 1)),
        *((1, 1), (1, 1), (1, 1)),
    ]
    # Beside the kernels an offset for each channel, and nothing else, is trained.
    trained = sum(int(np.prod(v.shape)) for v in model.network.trainable_variables)
    assert trained == 14_314_624 + sum(config.channels) + 152
    assert sum(HEADS.values()) == 152
    assert (config.learning_rate, config.adam_beta_1, config.batch_size) == (1e-4, 0.5, 16)


@pytest.mark.parametrize(
    ("config", "rate", "samples"),
    [(PitchClassifierConfig(), 16_000, 64_000), (TINY.config, 4_000, 288)],
)
def test_the_input_is_librosas_spectrogram(config, rate, samples):
    audio = np.stack([tone(50, samples, rate, seed=1), 0.01 * tone(63, samples, rate, seed=2)])
    image = loudness_image(tf.constant(audio), config).numpy()
    assert image.shape == (2, config.fft_size // 2, config.frames, 1)
    for row, wave in zip(image[..., 0], audio, strict=True):
        size = {"n_fft": config.fft_size, "hop_length": config.hop}
        spectra = librosa.stft(wave.astype(np.float64), **size, pad_mode="reflect")
        power = np.abs(spectra) ** 2
        decibels = librosa.power_to_db(power, ref=np.max, amin=1e-13, top_db=120.0)
        expected = (decibels / 120.0 + 1.0)[:-1]
        frames = expected.shape[1]
        assert frames == 1 + samples // config.hop
        loud = expected > 0.3  # below, float32 transforms have errors of their own
        np.testing.assert_allclose(row[:, :frames][loud], expected[loud], atol=2e-3)
        np.testing.assert_allclose(row[:, :frames], expected, atol=0.15)
        assert (row[:, frames:] == 0).all()
        assert row.max() == 1.0


def test_loudness_and_silence():
    audio = tone(62, 288, 4000)[np.newaxis]
    images = [loudness_image(tf.constant(audio * level), TINY.config) for level in (1.0, 0.03)]
    np.testing.assert_allclose(*images, atol=5e-3)
    silent = loudness_image(tf.zeros([1, 288]), TINY.config).numpy()
    assert (silent[:, :, :19] == 1.0).all() and np.isfinite(silent).all()


def _softmax(logits):
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def test_losses_by_hand(model):
    data = _batch(6)
    data["instrument_family"] = tf.constant([3, -1, 10, 0, -1, 2])
    outputs = model.classify(data["audio"], training=True)
    losses = {name: float(value) for name, value in model._head_losses(outputs, data).items()}
    for name in ("pitch", "instrument_family", "instrument_source"):
        labels = data[name].numpy()
        right = _softmax(outputs[name].numpy().astype(np.float64))[np.arange(6), labels]
        known = labels >= 0
        assert losses[f"{name}_loss"] == pytest.approx(-np.log(right[known]).sum() / 6, rel=1e-5)
    shares = 1 / (1 + np.exp(-outputs["qualities"].numpy().astype(np.float64)))
    right = np.where(data["qualities"].numpy(), shares, 1 - shares)
    assert losses["qualities_loss"] == pytest.approx(-np.log(right).mean(), rel=1e-5)


def test_normalisation_is_of_the_batch_in_training_and_of_all_before_otherwise(model):
    data = _batch(8)
    norm = model.network.norms[-1]
    norm.beta.assign(np.linspace(-1, 1, 152))
    logits = [model.classify(data["audio"], training=True)[name].numpy() for name in HEADS]
    together = np.concatenate(logits, axis=1)
    np.testing.assert_allclose(together.mean(axis=0), np.linspace(-1, 1, 152), atol=1e-5)
    assert 0.5 < np.median(together.std(axis=0)) <= 1.0
    assert np.abs(norm.moving_mean.numpy()).max() > 0  # a tenth of the batch's
    alone = model.classify(data["audio"][:1])
    among = model.classify(data["audio"])
    for name, value in alone.items():
        np.testing.assert_allclose(value[0], among[name][0], atol=1e-4)
    assert alone["features"].shape == (1, 5)


def test_logits_with_a_bias_in_the_place_of_normalisation():
    config = dataclasses.replace(TINY.config, normalise_logits=False)
    model = PitchClassifier(config, REP, seed=3)
    assert not any("logits_norm" in weight.path for weight in model.weights)
    bias = model.network.convolutions[-1].bias
    audio = _batch(2)["audio"]
    before = model.classify(audio)["pitch"].numpy()
    bias.assign(np.arange(152))
    np.testing.assert_allclose(model.classify(audio)["pitch"], before + np.arange(128), atol=1e-4)


def test_it_learns_to_hear_pitch():
    config = dataclasses.replace(TINY.config, channels=(8, 12, 16, 24), training_steps=80)
    model = PitchClassifier(config, REP, seed=1)
    model.compile()
    step = tf.function(model.train_step)
    for number in range(80):
        logs = step(_batch(16, seed=number))
    heard = np.argmax(model.classify((held := _batch(64, seed=1000))["audio"])["pitch"], axis=1)
    assert np.mean(heard == held["pitch"].numpy()) > 0.9
    assert int(model.step) == 80 and logs.keys() >= {"loss", "pitch_loss", "gradient_norm"}


def test_signatures_take_samples_and_waves(model):
    signatures = model.signatures()
    assert set(signatures) == {"serving_default", "classify", "classify_wav"}
    audio = tf.cast(_batch(3)["audio"], tf.float32) / 32768.0
    wav = tf.stack([tf.audio.encode_wav(row[:, tf.newaxis], 4000) for row in audio])
    by_audio = signatures["classify"].function(audio=audio)
    by_wav = signatures["classify_wav"].function(wav=wav)
    assert by_audio.keys() == by_wav.keys()
    assert by_audio["pitch_logits"].shape == (3, 128)
    for name, value in by_audio.items():
        np.testing.assert_allclose(by_wav[name], value, atol=1e-3, err_msg=name)
    np.testing.assert_array_equal(by_audio["pitch"], np.argmax(by_audio["pitch_logits"], axis=1))
    stereo = tf.stack([audio[0], audio[0]], axis=1)
    longer = tf.audio.encode_wav(tf.concat([stereo, stereo], axis=0), 4000)[tf.newaxis]
    shorter = tf.audio.encode_wav(audio[0, :200, tf.newaxis], 4000)[tf.newaxis]
    found = signatures["serving_default"].function(wav=tf.concat([longer, shorter], axis=0))
    np.testing.assert_allclose(found["pitch_logits"][0], by_audio["pitch_logits"][0], atol=1e-3)
    padded = tf.pad(audio[:1, :200], [[0, 0], [0, 88]])
    expected = signatures["classify"].function(audio=padded)["pitch_logits"][0]
    np.testing.assert_allclose(found["pitch_logits"][1], expected, atol=1e-3)
    other = tf.audio.encode_wav(audio[0][:, tf.newaxis], 8000)[tf.newaxis]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected WAV of 4000 Hz"):
        signatures["classify_wav"].function(wav=other)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"feature_layer": 11}, "feature_layer within 1-10, the layers. Received: 11"),
        ({"frames": 512}, "strides that leave 1 x 2 of 512 x 512. Change frequency_strides"),
        ({"hop": 0}, "Expected hop above 0"),
        ({"kernels": (4,)}, "tuples of one length"),
        ({"learning_rate_decay": "slow"}, "among none, linear. Received: 'slow'"),
    ],
)
def test_refused_configs(changes, message):
    with pytest.raises(ConfigError) as error:
        PitchClassifierConfig(**changes)
    assert message in str(error.value)


@pytest.mark.parametrize("samples", [65_536, 512])
def test_clips_that_do_not_fit(samples):
    config = dataclasses.replace(PitchClassifierConfig(), channels=(2,) * 10)
    with pytest.raises(ConfigError, match=r"at most 256 frames and more than 512 samples. Receiv"):
        PitchClassifier(config, NoteAudio(num_samples=samples))
