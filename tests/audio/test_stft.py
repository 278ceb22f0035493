"""The transform against SciPy's and NumPy's, and phases against NumPy's unwrapping."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import signal

from tests.audio.notes import golden_note, made_up_notes
from tfmusicgan.audio import stft as ours

SIZES = ((128, 1024), (256, 512))
GOLDEN = {
    # frames: frame, peak bin, S there, hop / 16000 * 880 as wrapped
    128: (64, 55, -227.8110 - 74.0203j, 0.16),
    256: (128, 27, -106.3013 - 67.4610j, 0.08),
}


@pytest.mark.parametrize(("frames", "bins"), SIZES)
def test_scipy_takes_the_same_spectra(frames, bins):
    audio = made_up_notes()
    padding = (frames + 3) * bins // 2 - 64000
    assert padding == {128: 3072, 256: 2304}[frames]
    padded = np.pad(audio, [[0, 0], [padding, 0]])
    window = signal.windows.hann(2 * bins, sym=False)
    *_, expected = signal.stft(
        padded, window=window, nperseg=2 * bins, noverlap=3 * bins // 2, boundary=None, padded=False
    )
    expected = expected * window.sum()  # SciPy's is a spectrum, divided by it
    assert expected.shape == (3, bins + 1, frames)
    found = ours.stft(audio, frames, bins).numpy()
    np.testing.assert_allclose(found, expected[:, 1:].swapaxes(1, 2), atol=2e-5)


@pytest.mark.parametrize(("frames", "bins"), SIZES)
def test_golden_note(frames, bins):
    frame, peak, value, frequency = GOLDEN[frames]
    spectra = ours.stft(golden_note(), frames, bins)
    magnitudes, phases = (part.numpy()[0] for part in ours.polar(spectra))
    assert magnitudes[frame].argmax() == peak
    np.testing.assert_allclose(spectra[0, frame, peak].numpy(), value, atol=5e-4)
    found = ours.instantaneous_frequency(phases[np.newaxis]).numpy()[0]
    np.testing.assert_allclose(found[frame, peak], frequency, atol=1e-6)
    # Padding is in front, so that the first frames hear nothing: no magnitude and no phase.
    silent = {128: 3, 256: 6}[frames]
    assert not magnitudes[:silent].any() and not phases[:silent].any()
    assert magnitudes[silent].any()


def test_the_inverse_gives_the_audio_back_less_what_is_at_0_hz():
    audio = made_up_notes(8000, 8000) + np.float32(0.125)
    spectra = ours.stft(audio, 64, 256)
    found = ours.inverse_stft(spectra, 8000).numpy()
    # The offset lies in bin 0, which is left out, and in bin 1 through the window: half its size.
    again = ours.stft(found, 64, 256).numpy()
    inner = slice(8, 56)  # frames that four others overlap with, all of them whole
    np.testing.assert_allclose(again[:, inner, 2:], spectra.numpy()[:, inner, 2:], atol=2e-3)
    flat = made_up_notes(8000, 8000)
    flat_found = ours.inverse_stft(ours.stft(flat, 64, 256), 8000).numpy()
    assert np.abs(found - flat_found)[:, 1024:-1024].max() < 0.13


def test_the_last_hops_fade_out():
    ones = np.ones((1, 8000), np.float32) * np.sin(np.arange(8000, dtype=np.float32))
    found = ours.inverse_stft(ours.stft(ones, 64, 256), 8000).numpy()[0]
    whole = 8000 - 3 * 128
    np.testing.assert_allclose(found[1000:whole], ones[0, 1000:whole], atol=2e-4)
    # The squared windows of three, two and one frames, at the last sample of all nearly nothing.
    assert np.abs(found[-128:]).max() < 0.2 and abs(found[-1]) < 1e-4


def test_instantaneous_frequency_is_the_difference_of_numpys_unwrapping():
    rng = np.random.default_rng(0)
    phases = rng.uniform(-1, 1, (2, 50, 7)).astype(np.float32)
    phases[0, :, 0] = np.arange(50) % 2  # half a turn up and down again: a tie
    unwrapped = np.unwrap(phases.astype(np.float64) * np.pi, axis=1)
    expected = np.concatenate([unwrapped[:, :1], np.diff(unwrapped, axis=1)], axis=1) / np.pi
    frequency = ours.instantaneous_frequency(phases).numpy()
    np.testing.assert_allclose(frequency, expected, atol=1e-6)
    assert np.abs(frequency).max() <= 1.0
    sums = ours.phases_from_frequency(frequency).numpy()
    np.testing.assert_allclose(sums, unwrapped / np.pi, atol=1e-5)


def test_polar_and_back():
    rng = np.random.default_rng(1)
    numbers = (rng.normal(size=(4, 9)) + 1j * rng.normal(size=(4, 9))).astype(np.complex64)
    numbers[0, :3] = 0, -2, 3j
    magnitudes, phases = ours.polar(tf.constant(numbers))
    np.testing.assert_allclose(magnitudes, np.abs(numbers), rtol=1e-6)
    np.testing.assert_allclose(phases, np.angle(numbers) / np.pi, atol=2e-7)
    assert phases.numpy()[0, :3].tolist() == [0.0, 1.0, 0.5]
    np.testing.assert_allclose(ours.from_polar(magnitudes, phases), numbers, atol=1e-6)
