"""Spectrograms against published figures, recorded notes, and the slow procedure in double."""

import numpy as np
import pytest
import tensorflow as tf

from tests.audio.notes import decibels, golden_note, made_up_notes, recorded_notes
from tfmusicgan.audio import KINDS, SpectrogramFormat
from tfmusicgan.audio.mel_matrix import mel_matrix
from tfmusicgan.errors import ConfigError

SIZES = ((128, 1024), (256, 512))
SMALL = {"frames": 64, "bins": 256, "sample_rate": 8000, "num_samples": 8000}
GOLDEN = {
    128: {
        "frame": 64,
        "peak": 55,
        "log_magnitude": [1.912076, 4.251469, 5.478698, 5.237536, 3.112284],
        "if": 0.16,
        "phase": [0.1, -0.9, 0.1],
        "mel_peak": 73,
        "mel_log_power": [7.738473, 9.234526, 10.815283, 10.253494, 8.892509],
        "mel_if": [0.107012, 0.107008, 0.138805, 0.128201, 0.107001],
        "means": (-11.591830, 0.079176, -13.004209, 0.079719),
    },
    256: {
        "frame": 128,
        "peak": 27,
        "log_magnitude": [0.907899, 3.891032, 4.835493, 4.374148, 1.497753],
        "if": 0.08,
        "phase": [0.179999, -0.82, 0.18],
        "mel_peak": 36,
        "mel_log_power": [7.554959, 8.974822, 9.138805, 8.599085, 2.783997],
        "mel_if": [0.063747, 0.053675, 0.053667, 0.068911, 0.064751],
        "means": (-11.355382, 0.056434, -12.907192, 0.052519),
    },
}


def _forward(kind, frames, bins, audio):
    return SpectrogramFormat(kind, frames, bins).forward(tf.constant(audio)).numpy()


@pytest.mark.parametrize(("frames", "bins"), SIZES)
def test_golden_note(frames, bins):
    golden = GOLDEN[frames]
    frame, peak, mel_peak = golden["frame"], golden["peak"], golden["mel_peak"]
    phase, linear, mel = (_forward(k, frames, bins, golden_note())[0] for k in KINDS[:3])
    assert phase.shape == linear.shape == mel.shape == (frames, bins, 2)
    assert linear[frame, :, 0].argmax() == peak and mel[frame, :, 0].argmax() == mel_peak
    around, mel_around = slice(peak - 2, peak + 3), slice(mel_peak - 2, mel_peak + 3)
    np.testing.assert_allclose(linear[frame, around, 0], golden["log_magnitude"], atol=2e-6)
    np.testing.assert_array_equal(phase[..., 0], linear[..., 0])
    np.testing.assert_allclose(linear[frame, peak, 1], golden["if"], atol=1e-6)
    np.testing.assert_allclose(phase[frame, peak - 1 : peak + 2, 1], golden["phase"], atol=2e-6)
    np.testing.assert_allclose(mel[frame, mel_around, 0], golden["mel_log_power"], atol=2e-6)
    np.testing.assert_allclose(mel[frame, mel_around, 1], golden["mel_if"], atol=3e-6)
    means = [image[..., channel].mean(dtype=float) for image in (linear, mel) for channel in (0, 1)]
    # Far from the peak are magnitudes below a millionth of it and phases, that follow from how a
    # Fourier transform rounds: in double precision the means are -11.738, 0.136 and 0.137 (of 128
    # frames). The power alone, which 1e-6 is added to, does not depend on that.
    np.testing.assert_allclose(means, golden["means"], atol=0.03)
    np.testing.assert_allclose(means[2], golden["means"][2], atol=3e-6)


def _without_bin_0(audio, frames, bins):
    """Audio less what bin 0 holds, the mean of each windowed frame: [rows, samples]."""
    size, hop = 2 * bins, bins // 2
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    padding = (frames + 3) * hop - audio.shape[1]
    padded = np.pad(audio.astype(float), [[0, 0], [padding, 0]])
    rest = np.zeros_like(padded)
    for start in range(0, frames * hop, hop):
        framed = padded[:, start : start + size] * window
        framed -= framed.mean(axis=1, keepdims=True)
        rest[:, start : start + size] += framed * window / 1.5
    return rest[:, padding:]


@pytest.mark.parametrize(("frames", "bins"), SIZES)
@pytest.mark.parametrize("notes", ["nsynth", "recorded", "made_up"])
def test_linear_kinds_round_trip(notes, frames, bins, request):
    if notes == "made_up":
        audio = made_up_notes()
    else:
        step = {"nsynth": 8, "recorded": 26}[notes]
        audio = recorded_notes(request.getfixturevalue("test_data"), notes, step)
    kept = slice(0, 64000 - 3 * bins // 2)
    expected = _without_bin_0(audio, frames, bins)[:, kept]
    for kind, least in (("if", 80.0), ("phase", 100.0)):
        spectrogram = SpectrogramFormat(kind, frames, bins)
        found = spectrogram.inverse(spectrogram.forward(audio)).numpy()
        assert found.shape == audio.shape and found.dtype == np.float32
        assert decibels(expected, found[:, kept]).min() > least
    # Against the audio itself: notes whose bin 0 holds nothing to speak of.
    plain = decibels(audio[:, kept], found[:, kept])
    steady = decibels(audio[:, kept], expected) > 66
    assert steady.any() and plain[steady].min() > 60


@pytest.mark.parametrize(
    ("notes", "frames", "bins", "num_above", "least", "median"),
    [
        ("nsynth", 128, 1024, 46, 8.25, 75.5),
        ("nsynth", 256, 512, 42, 8.11, 68.8),
        ("recorded", 128, 1024, 103, 15.0, 59.9),
        ("recorded", 256, 512, 85, 15.0, 55.0),
    ],
)
def test_how_much_of_the_audio_itself_comes_back(
    notes, frames, bins, num_above, least, median, test_data
):
    audio = recorded_notes(test_data, notes)
    spectrogram = SpectrogramFormat("if", frames, bins)
    both = tf.function(lambda x: spectrogram.inverse(spectrogram.forward(x)), autograph=False)
    found = np.concatenate([both(audio[n : n + 10]) for n in range(0, len(audio), 10)])
    kept = slice(0, 64000 - 3 * bins // 2)
    plain = decibels(audio[:, kept], found[:, kept])
    assert abs((plain > 60).sum() - num_above) <= 2  # some are within 0.1 dB of it
    np.testing.assert_allclose([plain.min(), np.median(plain)], [least, median], atol=0.2)


@pytest.mark.parametrize(("frames", "bins"), SIZES)
def test_mel_keeps_magnitudes_but_not_the_waveform(frames, bins, test_data):
    audio = recorded_notes(test_data, "recorded", 30)
    mel, linear = SpectrogramFormat("if_mel", frames, bins), SpectrogramFormat("if", frames, bins)
    images = mel.forward(audio)
    heard = audio, mel.inverse(images), mel.inverse(images * [1.0, 0.0])
    original, found, still = (np.exp(linear.forward(x).numpy()[..., 0]) for x in heard)
    size, axes = np.linalg.norm(original, axis=(1, 2)), (1, 2)
    error = np.linalg.norm(original - found, axis=axes) / size
    assert error.max() < 0.6 and np.median(error) < 0.35
    # Without their phases the frames cancel each other out.
    assert (np.linalg.norm(original - still, axis=axes) / size > 1.1 * error).all()
    assert decibels(audio, heard[1].numpy()).max() < 20


def test_mel_is_the_published_procedure_in_double_precision():
    audio = made_up_notes(8576, 8000)[:, ::-1]  # no padding: the first frame hears something
    sizes = SMALL | {"num_samples": 8576}
    linear, mel = (SpectrogramFormat(kind, **sizes).forward(audio).numpy() for kind in KINDS[1:3])
    matrix = mel_matrix(256, 4000.0)
    power = np.exp(2.0 * linear[..., 0].astype(float)) @ matrix
    np.testing.assert_allclose(mel[..., 0], np.log(power + 1e-6), atol=2e-5)
    phases = np.unwrap(np.cumsum(np.pi * linear[..., 1].astype(float), axis=1) @ matrix, axis=1)
    frequency = np.concatenate([phases[:, :1], np.diff(phases, axis=1)], axis=1) / np.pi
    turns = (frequency - mel[..., 1]) / 2
    np.testing.assert_allclose(turns, np.round(turns), atol=2e-6)
    np.testing.assert_allclose(frequency[:, 0], mel[:, 0, :, 1], atol=2e-6)
    assert np.abs(frequency[:, 0]).max() > 1.1
    assert np.abs(mel[:, 1:, :, 1]).max() <= 1.0 + 1e-6


def test_waveform_is_the_samples_twice():
    paper = SpectrogramFormat("waveform", frames=65536, bins=1)
    audio = made_up_notes()
    images = paper.forward(audio)
    assert images.shape == (3, *paper.shape) == (3, 65536, 1, 2)
    np.testing.assert_array_equal(images[:, 768 : 768 + 64000, 0, 0], audio)
    np.testing.assert_array_equal(images[..., 0], images[..., 1])
    assert not images.numpy()[:, :768].any() and not images.numpy()[:, -768:].any()
    np.testing.assert_array_equal(paper.inverse(images), audio)


def _of_kind(kind):
    sizes = SMALL | ({"frames": 8192, "bins": 1} if kind == "waveform" else {})
    return SpectrogramFormat(kind, **sizes)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_do_not_depend_on_their_batch(kind):
    spectrogram = _of_kind(kind)
    audio = made_up_notes(8000, 8000)
    images = spectrogram.forward(audio).numpy()
    found = spectrogram.inverse(images).numpy()
    for row in range(3):
        alone = spectrogram.forward(audio[row : row + 1]).numpy()[0]
        np.testing.assert_allclose(alone, images[row], atol=1e-5)
        alone = spectrogram.inverse(images[row : row + 1]).numpy()[0]
        np.testing.assert_allclose(alone, found[row], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_silence_and_other_extremes_are_finite(kind):
    spectrogram = _of_kind(kind)
    audio = np.zeros((5, 8000), np.float32)
    audio[1] = 1.0
    audio[2] = np.where(np.arange(8000) % 2, -1.0, 1.0)  # all in the highest bin
    audio[3, 4000] = 1e-30
    audio[4] = 1e-38
    images = spectrogram.forward(audio).numpy()
    assert np.isfinite(images).all()
    if kind != "waveform":
        np.testing.assert_allclose(images[0, ..., 0], np.log(1e-6), rtol=1e-6)
        assert not images[0, ..., 1].any()
    found = spectrogram.inverse(images).numpy()
    assert np.isfinite(found).all() and np.abs(found[0]).max() < 1e-3


def test_an_exported_spectrogram(tmp_path):
    spectrogram = SpectrogramFormat(**SMALL)
    module = tf.Module()
    module.there = tf.function(
        spectrogram.forward, [tf.TensorSpec([None, None], tf.float32)], autograph=False
    )
    module.back = tf.function(
        spectrogram.inverse, [tf.TensorSpec([None, 64, 256, 2], tf.float32)], autograph=False
    )
    graph = module.back.get_concrete_function().graph.as_graph_def()
    ops = {node.op for node in graph.node}
    assert "IRFFT" in ops and all(op in tf.raw_ops.__dict__ or op[0] == "_" for op in ops)
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for rows in (0, 1, 3):
        audio = made_up_notes(8000, 8000)[:rows]
        images = loaded.there(tf.constant(audio))
        assert images.shape == (rows, 64, 256, 2)
        expected = spectrogram.inverse(spectrogram.forward(audio)).numpy()
        np.testing.assert_allclose(loaded.back(images), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "mel"}, "Unknown kind of spectrogram 'mel'. Known: if, if_mel, phase, waveform."),
        ({"bins": 1023}, "even bins for kind 'if_mel'. Received: 128 frames, 1023 bins"),
        ({"kind": "waveform", "bins": 2}, "one bin for kind 'waveform'. Received: 128 frames, 2"),
        ({"frames": 0}, "Expected numbers above 0, .* Received: 0 frames"),
        ({"frames": 120}, "Expected at most 62976 samples, .* Received: 64000. Use more frames"),
        ({"kind": "waveform", "bins": 1, "frames": 63999}, "Expected at most 63999 samples"),
    ],
)
def test_refused_formats(arguments, message):
    with pytest.raises(ConfigError, match=message):
        SpectrogramFormat(**arguments)


def test_refused_shapes():
    spectrogram = SpectrogramFormat(**SMALL)
    with pytest.raises(ConfigError, match=r"shape \[batch, 8000\]. Received: \(2, 7999\). Cut or"):
        spectrogram.forward(tf.zeros([2, 7999]))
    with pytest.raises(ConfigError, match=r"\[batch, 64, 256, 2\]. Received: \(2, 64, 255, 2\)"):
        spectrogram.inverse(tf.zeros([2, 64, 255, 2]))
