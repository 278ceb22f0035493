"""Voices of made-up regions, whose sound is known."""

import numpy as np
import pytest

from tfmusicgan.rendering import soundfont as sf
from tfmusicgan.rendering.synthesizer import render_voice

# Three periods of 100 frames, so 441 Hz at 44.1 kHz, then zeros.
_SINE = np.round(20000 * np.sin(2 * np.pi * np.arange(300) / 100)).astype(np.int16)
_POOL = np.concatenate([_SINE, np.zeros(700, np.int16)])


def _region(mode: int, **changes) -> sf.Region:
    generators = {sf.RELEASE: -12000} | changes.pop("generators", {})
    values = {"start": 0, "end": 300, "loop_start": 100, "loop_end": 200, "rate_hz": 44100}
    values |= {"root_cents": 6900.0, "loop_mode": mode, "generators": generators} | changes
    return sf.Region(**values)


def test_a_loop_sounds_for_as_long_as_the_key_is_down():
    voice = render_voice(_region(1), _POOL, 69, 127, 0.5, 44100)
    expected = 20000 / 32768 * np.sin(2 * np.pi * np.arange(22050) / 100)
    # After the first millisecond's rise; the samples are rounded to 16 bits.
    assert np.abs(voice.wave[100:22050] - expected[100:]).max() < 1e-4
    assert len(voice.wave) == 22050 + 309  # 0.01 s of 100 dB, of which 70 dB are rendered


def test_without_a_loop_the_sample_ends():
    voice = render_voice(_region(0), _POOL, 69, 127, 0.5, 44100)
    assert len(voice.wave) == 299


def test_mode_three_leaves_the_loop_when_the_key_is_up():
    voice = render_voice(_region(3), _POOL, 69, 127, 1000 / 44100, 44100)
    # Frame 999 reads the loop's last frame, 199; from there frames 200 to 298 follow.
    assert len(voice.wave) == 1000 + 99


def test_an_octave_up_reads_twice_as_fast():
    voice = render_voice(_region(1), _POOL, 81, 127, 0.1, 44100)
    expected = 20000 / 32768 * np.sin(2 * np.pi * np.arange(4410) / 50)
    assert np.abs(voice.wave[100:4410] - expected[100:]).max() < 1e-4


def test_sustain_decay_and_attenuation_are_in_decibels():
    decay = {sf.SUSTAIN: 200, sf.DECAY: 0}  # falls 100 dB in 1 s, stops at -20 dB after 0.2 s
    wave = render_voice(_region(1, generators=decay), _POOL, 69, 127, 1.0, 44100).wave
    peaks = [np.abs(wave[at : at + 100]).max() for at in (4410, 8820, 30870)]
    loudest = 20000 / 32768
    assert 20 * np.log10(np.array(peaks) / loudest) == pytest.approx([-10, -20, -20], abs=0.3)
    quiet = {sf.ATTENUATION: 250}  # 25 dB, of which the hardware took 0.4
    wave = render_voice(_region(1, generators=quiet), _POOL, 69, 127, 1.0, 44100).wave
    assert 20 * np.log10(np.abs(wave[500:20000]).max() / loudest) == pytest.approx(-10, abs=0.01)


def test_the_filter_takes_three_decibels_at_its_cutoff():
    cutoff = round(1200 * np.log2(441 / 8.176))
    region = _region(1, generators={sf.FILTER_CUTOFF: cutoff})
    wave = render_voice(region, _POOL, 69, 127, 1.0, 44100).wave
    loss = 20 * np.log10(np.abs(wave[20000:40000]).max() / (20000 / 32768))
    assert loss == pytest.approx(-3.01, abs=0.05)


def test_pan_is_clipped_and_an_empty_voice_is_empty():
    region = _region(0, start=299, generators={sf.PAN: 900})
    voice = render_voice(region, _POOL, 69, 127, 0.1, 44100)
    assert voice.pan == 1.0
    assert len(voice.wave) == 0
