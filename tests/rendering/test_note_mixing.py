"""Envelopes and sums of notes, against values worked out by hand."""

import numpy as np
import pytest

from tfmusicgan.rendering.note_mixing import NoteMix, envelope

RATE = 1000  # a millisecond a sample: attacks of 10, releases of 300


def test_an_envelope_by_hand():
    gain = envelope(0.5, RATE)
    assert gain.shape == (800,) and gain.dtype == np.float32
    np.testing.assert_allclose(gain[:11], [*(np.arange(10) / 9), 1.0], rtol=1e-6)
    assert (gain[10:501] == 1.0).all()
    np.testing.assert_allclose(gain[[500, 501, 600, 799]], [1, 298 / 299, 199 / 299, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("seconds", "rate", "samples"),
    [(10.0, 16000, 52800), (3.0, 16000, 52800), (1.0, 16000, 20800), (0.0, 8000, 2400)],
)
def test_three_seconds_at_most(seconds, rate, samples):
    assert envelope(seconds, rate).shape == (samples,)


def test_a_note_shorter_than_the_attack_fades_from_where_it_is():
    gain = envelope(0.004, RATE)
    assert gain.shape == (304,)
    np.testing.assert_allclose(gain[:5], [0, 1 / 9, 2 / 9, 3 / 9, 4 / 9], atol=1e-6)
    # No jump to 1 where the note ends.
    np.testing.assert_allclose(gain[5], 5 / 9 * 298 / 299, atol=1e-6)
    assert np.abs(np.diff(gain)).max() < 0.12 and gain.max() < 1.0


def test_a_mix_by_hand():
    mix = NoteMix(1.6, RATE)
    ones = np.ones(4000, np.float32)
    mix.add(0.2 * ones, 0.25, 0.5, 127)  # levels of sounds do not count
    mix.add(-7.0 * ones, 0.5, 1.1, 64)
    mixed = mix.finish()
    assert mixed.shape == (4000,) and mixed.dtype == np.float32  # int(1.6 + 3.0) seconds
    # The first alone is loudest; then both, the other one at half its level against it.
    np.testing.assert_allclose(mixed[[249, 250, 260, 400]], [0, 0, 0.5, 0.5], atol=1e-6)
    np.testing.assert_allclose(mixed[600], 0.5 * (1 - 64 / 127), rtol=1e-5)
    np.testing.assert_allclose(mixed[850], 0.5 * (199 / 299 - 64 / 127), rtol=1e-5)
    np.testing.assert_allclose(mixed[1500], -0.5 * 64 / 127, rtol=1e-5)
    assert not mixed[1899:].any()


def test_the_peak_is_that_of_both_signs():
    mix = NoteMix(0.0, RATE)
    sound = np.zeros(1000)
    sound[100], sound[200] = 0.3, -0.9
    mix.add(sound, 0.0, 0.5, 100)
    mixed = mix.finish()
    np.testing.assert_allclose(mixed[[100, 200]], [0.5 / 3, -0.5], rtol=1e-6)


def test_a_short_sound_has_its_release_too():
    mix = NoteMix(2.0, RATE)
    mix.add(np.ones(1000), 0.0, 2.0, 90)  # a second: held 0.7
    mixed = mix.finish()
    np.testing.assert_allclose(
        mixed[[699, 700, 850, 999]], [0.5, 0.5, 0.5 * 149 / 299, 0], atol=1e-6
    )
    very_short = NoteMix(2.0, RATE)
    very_short.add(np.ones(100), 0.0, 2.0, 90)
    assert np.isfinite(very_short.finish()).all() and very_short.finish().any()


def test_silent_notes_add_nothing():
    mix = NoteMix(1.0, RATE)
    assert not mix.add(np.zeros(4000), 0.0, 1.0, 90)
    assert not mix.add(np.zeros(0), 0.0, 1.0, 90)
    assert not mix.add(np.full(4000, 7 / 32768), 0.0, 1.0, 90)  # rounding
    assert not mix.finish().any()
    assert mix.add(np.full(4000, 9 / 32768), 0.0, 1.0, 90)
    assert mix.finish().max() == 0.5


def test_a_note_at_the_very_end_is_cut_there():
    mix = NoteMix(1.0, RATE)
    mix.add(np.ones(4000), 3.9, 1.0, 90)
    mix.add(np.ones(4000), 9.0, 1.0, 90)
    assert mix.finish().shape == (4000,) and mix.finish()[3950:].all()
