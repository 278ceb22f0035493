"""MidiNet learns what chords are for: a tiny model of made-up bars whose notes are chord tones."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models.test_midinet import build
from tfmusicgan.metrics.bar_metrics import triad_classes
from tfmusicgan.representations.melody_bars import MelodyBars

STEPS, ROWS = 240, 32
SIZES = {
    "filters": 32,
    "dense_units": 64,
    "first_units": 64,
    "discriminator_bar_filters": 14,
    "discriminator_time_filters": 32,
    "discriminator_dense_units": 64,
    "batch_size": ROWS,
    "learning_rate": 3e-3,
    "transpose_keys": 1,
    "initial_stddev": 0.02,  # the released code's
    "ema_decay": None,
}


def chord_tone_bars(rng):
    """Windows of two bars, each of eight notes of its own chord."""
    tones = np.array([np.flatnonzero(has) + 60 for has in triad_classes()[1:]])
    chords = rng.integers(1, 25, (STEPS, ROWS, 2, 1))
    own = tones[chords - 1]  # [steps, rows, 2, 1, 3]
    picked = np.take_along_axis(own[:, :, :, 0], rng.integers(0, 3, (STEPS, ROWS, 2, 8)), axis=3)
    return np.concatenate([np.repeat(picked, 2, axis=3), chords], axis=3).astype(np.int32)


def chord_tones(bars, chords):
    """Share of steps whose pitch class is in the chord."""
    return np.take_along_axis(triad_classes()[chords], bars[..., :16] % 12, axis=2).mean()


@pytest.mark.slow
def test_right_chords_fit_better_than_permuted_ones():
    rng = np.random.default_rng(0)
    model = build("midinet_creative", rep=MelodyBars(bars=2), **SIZES)
    model.compile()
    chords = rng.integers(1, 25, (64, 2)).astype(np.int32)
    permuted = [chords[rng.permutation(64)] for _ in range(5)]

    def lead():
        bars = model.sample(tf.range(64, dtype=tf.int64), chords=tf.constant(chords))
        bars = bars["melody_bars"].numpy()
        others = np.mean([chord_tones(bars, other) for other in permuted])
        return chord_tones(bars, chords) - others

    assert abs(lead()) < 0.1  # untrained, any chord will do
    step = tf.function(model.train_step)
    for windows in chord_tone_bars(rng):
        step({"melody_bars": tf.constant(windows)})
    assert lead() > 0.15
