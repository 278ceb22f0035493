"""Resampling against sines, whose samples at any rate are known."""

import numpy as np
import pytest

from tfmusicgan.representations import resampling


def _sine(frequency, rate, seconds=0.5, phase=0.4):
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate + phase)


def _decibels(error, signal):
    return 10 * np.log10(np.mean(error**2) / np.mean(signal**2))


@pytest.mark.parametrize(
    ("rate_in", "rate_out", "frequency"),
    [
        (16000, 8000, 440.0),
        (16000, 8000, 3400.0),  # 0.85 of the new Nyquist frequency
        (44100, 16000, 1234.5),
        (8000, 16000, 3000.0),
        (32000, 16000, 261.6),
    ],
)
def test_a_sine_stays_the_same_sine(rate_in, rate_out, frequency):
    got = resampling.resample(_sine(frequency, rate_in), rate_in, rate_out)
    expected = _sine(frequency, rate_out)
    assert got.dtype == np.float32 and abs(len(got) - len(expected)) <= 1
    inner = slice(200, len(expected) - 200)  # the filter's ends
    assert _decibels(got[inner] - expected[inner], expected[inner]) < -60


def test_a_ratio_that_is_rounded():
    """Off by less than a millionth, which over half a second is little."""
    got = resampling.resample(_sine(500.0, 44101), 44101, 16000)
    expected = _sine(500.0, 16000)
    assert _decibels(got[200:7800] - expected[200:7800], expected) < -45


@pytest.mark.parametrize("frequency", [4050.0, 5000.0, 7900.0])
def test_nothing_is_folded_back(frequency):
    """Above 4 kHz there is nothing at 8 kHz: a naive choice of every second sample keeps it all."""
    wave = _sine(frequency, 16000)
    got = resampling.resample(wave, 16000, 8000)[100:-100]
    assert _decibels(got, wave) < -70
    assert abs(_decibels(wave[::2], wave)) < 0.1


def test_the_number_of_samples_and_equal_rates():
    assert len(resampling.resample(np.zeros(1001), 16000, 8000)) == 501
    wave = np.array([0.5, -0.25], np.float32)
    assert resampling.resample(wave, 8000, 8000).tolist() == [0.5, -0.25]
    assert resampling.resample(np.ones(1), 16000, 8000).shape == (1,)


def test_the_margin_holds_all_that_has_a_part():
    rng = np.random.default_rng(3)
    wave = rng.normal(size=4000)
    for rate_in, rate_out in ((16000, 8000), (8000, 16000), (44100, 16000)):
        cut = 2000
        needed = -(-cut * rate_out // rate_in) - 1
        part = wave[: cut + resampling.margin(rate_in, rate_out)]
        whole = resampling.resample(wave, rate_in, rate_out)[:needed]
        np.testing.assert_allclose(
            resampling.resample(part, rate_in, rate_out)[:needed], whole, atol=1e-6
        )
