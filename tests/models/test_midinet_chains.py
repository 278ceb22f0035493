"""MidiNet's chains of bars: each after the one before, and what is drawn in a bar."""

import numpy as np
import tensorflow as tf

from tests.models.test_midinet import build
from tfmusicgan.models import noise
from tfmusicgan.models.midinet import chains, triples
from tfmusicgan.representations.melody_bars import MelodyBars


def test_each_bar_is_made_after_the_bar_before_it():
    model = build("midinet_creative")
    keys = model.piece_keys(tf.constant([5, 6], tf.int64))
    chords, cold = tf.constant([[1, 14, 3], [20, 7, 9]]), tf.zeros([2])
    whole = chains.write(model, keys, chords, 3, cold).numpy()
    assert whole.shape == (2, 3, 17) and whole[:, :, 16].tolist() == chords.numpy().tolist()
    previous = tf.zeros([2, 16, 128])
    for bar in range(3):
        of_bar = noise.fold(noise.fold(keys, np.int64(bar)), np.int64(0))
        latents = noise.draws(of_bar, 8, model.latent_table)
        chord = triples.chord_numbers(chords[:, bar])
        logits = model.bar_logits(latents, previous, chord, training=False)
        pitch = tf.argmax(logits, axis=2).numpy()
        np.testing.assert_array_equal(whole[:, bar, :16], pitch)
        previous = tf.one_hot(pitch, 128)
    # Going on after its first bar is the same piece; a progression that ends begins again.
    first = tf.constant([1, 1])
    rest = chains.write(model, keys, chords[:, 1:], 2, cold, whole[:, 0], first).numpy()
    np.testing.assert_array_equal(rest, whole[:, 1:])
    longer = chains.write(model, keys, chords, 5, cold).numpy()
    np.testing.assert_array_equal(longer[:, :3], whole)
    assert longer[:, 3:, 16].tolist() == [[1, 14], [20, 7]]


def test_onsets_and_velocities_are_decided_and_drawn():
    rep = MelodyBars(onsets=True, velocities=True)
    logits = np.full((2, 16, 130), -3.0, np.float32)
    logits[:, :, 70], logits[:, ::4, 128], logits[:, :, 129] = 2.0, 1.0, np.log(3)
    keys = noise.key_from_seed(tf.constant([1, 2], tf.int64))
    pitch, onset, velocity = (
        column.numpy() for column in chains.choose(tf.constant(logits), tf.zeros([2]), keys, rep)
    )
    assert (pitch == 70).all() and (velocity == 95).all()  # three quarters of 127
    assert onset.tolist() == [[1, 0, 0, 0] * 4] * 2
    hot = chains.choose(tf.constant(logits), tf.constant([0.0, 5.0]), keys, rep)
    assert (hot[0][0] == 70).numpy().all() and len(set(hot[0][1].numpy().tolist())) > 3
    assert hot[1][0].numpy().tolist() == onset[0].tolist()
    assert hot[1][1].numpy().tolist() != onset[1].tolist()


def test_pitches_are_drawn_in_proportion_to_their_activations():
    rep, rows = MelodyBars(), 1_500
    activations = np.full(128, 1e-9)
    activations[[40, 60, 61, 90]] = 0.9, 0.5, 0.2, 0.05
    logits = np.log(activations / (1 - activations)).astype(np.float32)
    logits = np.broadcast_to(logits, [rows, 16, 128])
    keys = noise.key_from_seed(tf.range(rows, dtype=tf.int64))
    for temperature in (1.0, 0.5, 2.0):
        given = tf.fill([rows], temperature)
        (pitch,) = chains.choose(tf.constant(logits), given, keys, rep)
        found = np.bincount(pitch.numpy().ravel(), minlength=128) / (16 * rows)
        expected = activations ** (1 / temperature)
        expected /= expected.sum()
        # Three standard deviations of a share of 24,000 draws are 0.01 at most.
        np.testing.assert_allclose(found, expected, atol=0.01)
        assert found[90] > 0 or temperature == 0.5


def test_steps_are_drawn_each_by_itself():
    rep, rows = MelodyBars(), 600
    logits = np.full([rows, 16, 128], -20.0, np.float32)
    logits[..., [50, 70]] = 0.0
    keys = noise.key_from_seed(tf.range(rows, dtype=tf.int64))
    (pitch,) = chains.choose(tf.constant(logits), tf.ones([rows]), keys, rep)
    high = (pitch.numpy() == 70).astype(float) - 0.5  # [rows, steps]
    # The correlation between any two steps of a bar, and of a step between neighbouring seeds.
    between = 4 * high.T @ high / rows - np.eye(16)
    assert np.abs(between).max() < 0.2
    assert abs(4 * (high[1:] * high[:-1]).mean()) < 0.05
