"""From logits to notes: thresholds, temperatures, and the bank of given tracks."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models.tiny import make_model, make_rolls
from tfmusicgan.models import noise

ROWS = 16
LEVELS = np.array([-3.0, -1.0, -0.25, 0.0, 0.5, 2.0, 4.0, -0.5], np.float32)


@pytest.fixture(scope="module")
def model():
    return make_model("musegan_composer_chorales")


@pytest.fixture(scope="module")
def keys():
    return noise.key_from_seed(tf.range(ROWS, dtype=tf.int64))


@pytest.fixture(scope="module")
def logits():
    """One level for each step of a bar: float32 [ROWS, 2, 8, 48, 4]."""
    levels = LEVELS[np.newaxis, np.newaxis, :, np.newaxis, np.newaxis]
    return tf.constant(np.broadcast_to(levels, (ROWS, 2, 8, 48, 4)).copy())


def _sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, np.float64)))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("threshold", [0.5, 0.2])
def test_frequencies_are_probabilities(model, keys, logits, threshold, temperature):
    rolls = model.binarise(logits, threshold, temperature, keys).numpy()
    margin = LEVELS - np.log(threshold / (1 - threshold))
    expected = _sigmoid(margin / temperature)
    if threshold == 0.5 and temperature == 1.0:
        np.testing.assert_allclose(expected, _sigmoid(LEVELS))  # Bernoulli of the output
    cells = ROWS * 2 * 48 * 4
    deviation = (rolls.mean(axis=(0, 1, 3, 4)) - expected) / np.sqrt(
        expected * (1 - expected) / cells
    )
    assert np.abs(deviation).max() < 4
    # Cells are drawn by themselves: neighbours in pitch, track and row are independent.
    half = rolls[:, :, 3].astype(float)  # probability 1 / 2, or a little off
    for one, two in (
        (half[:, :, 1:], half[:, :, :-1]),
        (half[..., 1:], half[..., :-1]),
        (half[1:], half[:-1]),
        (half[:, 1:], half[:, :-1]),
    ):
        assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.06


def test_temperature_zero_is_the_threshold(model, keys, logits):
    random = logits + tf.random.stateless_normal(logits.shape, (1, 2))
    for threshold in (0.1, 0.5, 0.77):
        hard = model.binarise(random, threshold, 0.0, keys).numpy()
        np.testing.assert_array_equal(hard, model.binarise(random, threshold).numpy())
        probability = _sigmoid(random.numpy())
        clear = np.abs(probability - threshold) > 1e-6
        np.testing.assert_array_equal(hard[clear], (probability > threshold)[clear])
        # Very cold is nearly the same, very hot a coin for every cell.
        cold = model.binarise(random, threshold, 1e-4, keys).numpy()
        assert (cold != hard).mean() < 1e-3
    assert abs(model.binarise(random, 0.5, 1e6, keys).numpy().mean() - 0.5) < 0.01


@pytest.mark.parametrize("temperature", [0.0, 0.7, 2.0])
def test_a_higher_threshold_only_takes_notes_away(model, keys, logits, temperature):
    random = logits + tf.random.stateless_normal(logits.shape, (1, 2))
    last, counts = None, []
    for threshold in (0.0, 0.05, 0.3, 0.5, 0.7, 0.95, 1.0):
        rolls = model.binarise(random, threshold, temperature, keys).numpy()
        assert last is None or not (rolls & ~last).any()
        last = rolls
        counts.append(rolls.sum())
    assert len(set(counts)) == len(counts)
    if not temperature:
        assert counts[0] == random.shape.num_elements() and counts[-1] == 0


def test_a_colder_draw_is_nearer_to_the_hard_one(model, keys, logits):
    random = logits + tf.random.stateless_normal(logits.shape, (1, 2))
    hard = model.binarise(random).numpy()
    distances = [
        (model.binarise(random, 0.5, t, keys).numpy() != hard).sum() for t in (0.1, 0.3, 1.0, 3.0)
    ]
    assert distances == sorted(distances) and distances[0] > 0


def test_rows_have_their_own_controls(model, keys, logits):
    random = logits + tf.random.stateless_normal(logits.shape, (1, 2))
    threshold = tf.constant(np.linspace(0.1, 0.9, ROWS), tf.float32)
    temperature = tf.constant(np.arange(ROWS) % 3, tf.float32)
    together = model.binarise(random, threshold, temperature, keys).numpy()
    for row in (0, 1, 2, 7):
        alone = model.binarise(
            random[row : row + 1],
            threshold[row : row + 1],
            temperature[row : row + 1],
            tuple(part[row : row + 1] for part in keys),
        ).numpy()
        np.testing.assert_array_equal(alone[0], together[row])
    cold = np.arange(ROWS) % 3 == 0
    hard = model.binarise(random, threshold).numpy()
    np.testing.assert_array_equal(together[cold], hard[cold])
    assert all((together[row] != hard[row]).any() for row in np.flatnonzero(~cold))


def test_logits_are_those_of_the_outputs_probability():
    # tanh's share of its range: (tanh(x) + 1) / 2, as the released code draws from it.
    model = make_model("musegan_composer_chorales")
    seeds = tf.constant([4, 5], tf.int64)
    logits = model.sample(seeds)["logits"].numpy()
    latents = noise.split(
        noise.draws(model.piece_keys(seeds), 16, model.latent_table), model.latent_shapes
    )
    output = np.tanh(model.generator(latents, None, training=False).numpy())
    np.testing.assert_allclose(_sigmoid(logits), (output + 1) / 2, rtol=1e-4)


def _with_bank(rolls, **changes):
    model = make_model("musegan_composer_chorales_accompaniment", **changes)
    model.prepare({"piano_roll": rolls})
    return model


def _played_to(model, seeds):
    rolls = model.sample_examples(tf.constant(seeds, tf.int64))["piano_roll"].numpy()
    return rolls[..., model.condition_track]


@pytest.mark.parametrize("number", [1, 5, 64])
def test_the_bank_is_the_given_tracks_repeated_when_few(number):
    rolls = make_rolls(make_model("musegan_composer_chorales").representation, number)
    model = _with_bank(rolls)
    assert model.num_preparation_examples == 64
    assert model.given_bank.shape == (64, 2, 8, 48)
    given = rolls[..., 0]  # the soprano
    for row in range(64):
        np.testing.assert_array_equal(model.given_bank.numpy()[row], given[row % number])
    # Each sample is played to one of them, chosen by the seed.
    seeds = np.arange(64)
    played = _played_to(model, seeds)
    texts = [track.tobytes() for track in given]
    chosen = [texts.index(track.tobytes()) for track in played]
    assert len(set(chosen)) == 1 if number == 1 else len(set(chosen)) > min(number, 30) - 1
    np.testing.assert_array_equal(played[10:20], _played_to(model, seeds[10:20]))


def test_models_from_scratch_keep_nothing_of_the_data(model):
    assert model.num_preparation_examples == 0 and model.given_bank is None


def test_a_trained_runs_bank_is_of_the_training_split(tiny_run, tiny_records):
    from tfmusicgan.records.reader import RecordSet

    name = "musegan_composer_chorales_accompaniment"
    records = RecordSet.open(tiny_records[name])
    loaded, _ = tiny_run(name).load_model()
    spread = records.spread(64)["piano_roll"][..., 0]
    rows = np.arange(64) % len(spread)
    np.testing.assert_array_equal(loaded.given_bank.numpy(), spread[rows])
    assert len(spread) == min(64, records.num_examples) and spread.any(axis=(1, 2, 3)).all()
