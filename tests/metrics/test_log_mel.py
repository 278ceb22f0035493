"""Log-mel spectra against tones whose level and place are known, and against librosa's filters."""

import librosa
import numpy as np
import pytest

from tfmusicgan.metrics.log_mel import FLOOR_DB, frame_samples, log_mel, mel_triangles, to_float


def _tone(hz, level, rate=8000, seconds=1.0):
    return level * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)


def test_a_tone_has_its_level_in_its_band():
    audio = np.stack([_tone(1000.0, 1.0), _tone(437.5, 0.1), np.zeros(8000)])
    spectra = log_mel(audio, 8000)
    assert spectra.shape == (3, 1 + 8000 // 128, 64) and spectra.dtype == np.float32
    middle = spectra[:, 30]
    # A Hann window spreads a tone at a bin's middle over three bins: 1 + 2 / 4 of its power.
    matrix = mel_triangles(8000, 512, 64)
    for row, hz, level in ((0, 1000.0, 0.0), (1, 437.5, -20.0)):
        bin_number = round(hz / 8000 * 512)
        power = matrix[bin_number] + 0.25 * (matrix[bin_number - 1] + matrix[bin_number + 1])
        expected = np.maximum(level + 10 * np.log10(np.maximum(power, 1e-9)), FLOOR_DB)
        near = power > 0.01
        np.testing.assert_allclose(middle[row][near], expected[near], atol=0.05)
    assert (spectra[2] == FLOOR_DB).all()


def test_the_beginning_is_the_beginning():
    audio = np.zeros((1, 8000))
    audio[0, :2000] = _tone(500.0, 0.5)[:2000]
    loudest = log_mel(audio, 8000)[0].max(axis=1)
    assert loudest[:14].min() > -11 and (loudest[18:] == FLOOR_DB).all()


def test_triangles_are_librosas_htk_ones():
    expected = librosa.filters.mel(sr=16000, n_fft=1024, n_mels=64, htk=True, norm=None)
    # librosa's mel is 2595 log10(1 + f / 700), ours 1127 ln: 1.3e-5 apart.
    np.testing.assert_allclose(mel_triangles(16000, 1024, 64), expected.T, atol=2e-3)


@pytest.mark.parametrize(("rate", "bands"), [(8000, 128), (16000, 256)])
def test_no_band_is_empty_however_narrow(rate, bands):
    assert (mel_triangles(rate, frame_samples(rate), bands).sum(axis=0) > 0).all()


def test_samples_of_both_kinds():
    whole = np.array([[0, 16384, -32768]], np.int16)
    np.testing.assert_array_equal(to_float(whole), np.float32([[0.0, 0.5, -1.0]]))
    loud = (_tone(300.0, 0.4)[np.newaxis] * 32768).round().astype(np.int16)
    np.testing.assert_allclose(log_mel(loud, 8000), log_mel(loud / 32768, 8000), atol=1e-3)
    assert log_mel(np.zeros((0, 8000), np.int16), 8000).shape == (0, 63, 64)
