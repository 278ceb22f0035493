"""JazzGAN learns that notes go with chords: those of its music fit its own chords best."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models import jazz
from tfmusicgan.representations.jazz_phrases_chords import chord_numbers, to_bits
from tfmusicgan.representations.packing import unpack_numbers

CHORDS = ("C", "Am", "F", "G", "Dm")
STEPS, ROWS, UPDATES = 24, 64, 300  # half a bar each


def chord_tones(symbol):
    """Pitch classes."""
    bass, tones = chord_numbers(symbol)
    return (bass + np.flatnonzero(to_bits(tones))) % 12


def phrases(rep, seed):
    """Eighths of chord tones over chords of half a bar."""
    rng = np.random.default_rng(seed)
    examples = jazz.make_phrases(rep, ROWS, seed=seed)
    for row in range(ROWS):
        progression = [CHORDS[number] for number in rng.integers(0, len(CHORDS), 4)]
        numbers = np.repeat([chord_numbers(symbol) for symbol in progression], STEPS, axis=0)
        examples["chord_roots"][row] = numbers[:, 0]
        examples["chord_tones"][row] = to_bits(numbers[:, 1])
        classes = [rng.choice(chord_tones(symbol)) for symbol in np.repeat(progression, 4)]
        examples["pitches"][row] = classes + 12 * rng.integers(2, 4, 16)
    examples["rhythm"][:] = (6 * np.arange(1, 17)) % 48
    examples["first_step"][:], examples["num_notes"][:], examples["num_steps"][:] = 0, 16, 96
    return examples


@pytest.mark.slow
def test_chord_tones_are_more_over_the_right_chords():
    model = jazz.make_model(
        "jazzgan_mle",
        hidden_size=48,
        pitch_embedding_size=16,
        root_embedding_size=8,
        generator_updates=1,
        transpose_keys=1,
        likelihood_learning_rate=1e-2,
        gradient_clip_norm=1.0,
    )
    model.compile()
    model.prepare(phrases(model.representation, 10_000))
    step = tf.function(model.train_step, autograph=False)
    batches = [phrases(model.representation, seed) for seed in range(40)]
    for update in range(UPDATES):
        batch = batches[update % len(batches)]
        step({name: tf.constant(value) for name, value in batch.items()})
    progressions = np.array([np.roll(CHORDS, row) for row in range(ROWS)])
    harmonize = tf.function(model.signatures()["harmonize"].function, autograph=False)
    found = harmonize(
        seed=tf.range(ROWS, dtype=tf.int64),
        chords=tf.constant(progressions),
        beats_per_chord=tf.fill([ROWS], 2),
        num_bars=tf.fill([ROWS], 5),
        temperature=tf.ones([ROWS]),
        sound_chords=tf.fill([ROWS], False),
        qpm=tf.fill([ROWS], 120.0),
    )
    pitches, rhythms = (
        [unpack_numbers(text) for text in found[name].numpy()] for name in ("pitches", "rhythm")
    )

    def share(shift):
        """Of notes over their chords, or over those that are so many chords later."""
        hits = []
        for row, (tokens, ends) in enumerate(zip(pitches, rhythms, strict=True)):
            lengths = (np.diff(ends, prepend=0) - 1) % 48 + 1
            places = (np.cumsum(lengths) - lengths) // STEPS
            for token, place in zip(tokens, places, strict=True):
                symbol = progressions[row][(place + shift) % len(CHORDS)]
                hits.append(token % 12 in chord_tones(symbol))
        return np.mean(hits)

    others = [share(shift) for shift in range(1, len(CHORDS))]
    assert share(0) > 0.7 and share(0) > max(others) + 0.15, (share(0), others)
