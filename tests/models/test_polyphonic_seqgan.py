"""Polyphonic SeqGAN: losses by hand, published sizes, rewards, words that are never drawn."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan import recipes
from tfmusicgan.errors import ConfigError
from tfmusicgan.layers.token_cnn import TokenCNN
from tfmusicgan.layers.token_lstm import TokenLSTM
from tfmusicgan.models import noise, policy_gradient, roll_outs
from tfmusicgan.models.polyphonic_seqgan import PolyphonicSeqGAN
from tfmusicgan.recipes.polyphonic_seqgan import PolyphonicSeqGANConfig
from tfmusicgan.representations.chord_melody_words import ChordMelodyWords

TINY = recipes.get("polyphonic_seqgan").preset("tiny").config
# Notes of a quarter, and two of them over chords; with the start symbol and the unknown word 7.
WORDS = (
    (24, 4, 1, 0, 0, 0),
    (24, 4, 3, 0, 0, 0),
    (24, 4, 8, 0, 0, 0),
    (24, 4, 1, 96, 333, 145),
    (12, 5, 1, 48, 3, 128),
)
LENGTH = 5


def make(**changes):
    rep = ChordMelodyWords(length=LENGTH, words=WORDS)
    model = PolyphonicSeqGAN(dataclasses.replace(TINY, windows=(2, 2), **changes), rep, seed=3)
    model.compile()
    return model


def at_stage(model, stage):
    step = (0, *model.stage_starts)[stage]
    model.step.assign(step)
    model.begin_stage(step)
    model.start_stage(step)
    return model


def keys(rows, step=0):
    return noise.row_keys(5, tf.constant(step, tf.int64), 0, tf.range(rows, dtype=tf.int64))


def sequences(rows, seed=0):
    drawn = np.random.default_rng(seed).integers(2, 2 + len(WORDS), (rows, LENGTH))
    return tf.constant(drawn, tf.int32)


SCORES, LABELS = np.float32([0.5, 2.0, -1.0, 0.25]), np.float32([1.0, 1.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("kind", "expected", "right"),
    [
        # Squares 0.25, 1, 1, 0.0625; chances of the sides 0.6225, 0.8808, 0.7311, 0.4378.
        ("least_squares", 2.3125 / 4, [False, True, True, True]),
        ("cross_entropy", -np.log([0.62246, 0.88080, 0.73106, 0.43782]).mean(), [1, 1, 1, 0]),
        ("wasserstein", -0.375 - 1.25, [1, 1, 1, 1]),  # the mean of all is 0.4375
    ],
)
def test_discriminators_losses_by_hand(kind, expected, right):
    model = make(discriminator_loss=kind, discriminator_l2=0.5)
    cnn = model.discriminator
    squares = float(tf.reduce_sum(cnn.score.value**2) + tf.reduce_sum(cnn.score_bias.value**2))
    if kind != "wasserstein":
        expected += 0.5 * squares / 2
    assert float(model.discriminator_loss(SCORES, LABELS)) == pytest.approx(expected, rel=1e-4)
    found = tf.equal(model.found_real(SCORES), LABELS > 0.5)
    assert found.numpy().tolist() == list(map(bool, right))
    # The raw score is squared, the reward is its sigmoid.
    np.testing.assert_allclose(model.rewards(SCORES), 1 / (1 + np.exp(-SCORES)), rtol=1e-6)


def test_wasserstein_weights_are_clipped_all_but_the_embedding():
    model = at_stage(make(discriminator_loss="wasserstein", clip_value=0.02), 1)
    model.train_step({"tokens": sequences(model.rows_per_step)})
    for weight in model.discriminator.trainable_variables:
        values = np.abs(weight.numpy())
        if weight is model.discriminator.embedding:
            assert values.max() > 0.9
        else:
            assert values.max() <= 0.02 and (values == np.float32(0.02)).any() == (values.ndim > 1)


@pytest.mark.parametrize("num_tokens", [3216, 3217])
def test_published_sizes(num_tokens):
    config = PolyphonicSeqGANConfig()
    sizes = (num_tokens, config.embedding_size, config.hidden_size)
    # Of each token 32 numbers, 512 weights and a bias; four gates of 512 read 32 + 512 and a bias.
    generator = num_tokens * (32 + 512 + 1) + (32 + 512 + 1) * 4 * 512
    assert TokenLSTM(*sizes, start_token=0, seed=0).count_params() == generator
    # Five windows of 20 x 32 numbers with 400 filters; two 2,000 x 2,000 highway products; a score.
    discriminator = num_tokens * 32 + 5 * (20 * 32 + 1) * 400 + 2 * 2001 * 2000 + 2001
    windows = (config.discriminator_embedding_size, config.windows, config.filters)
    cnn = TokenCNN(num_tokens, 100, *windows, seed=0, bias=config.discriminator_bias)
    assert cnn.count_params() == discriminator
    if num_tokens == 3216:  # where the start symbol is a word
        assert (generator, discriminator) == (2_868_880, 9_390_913)
    assert cnn.biases[0].numpy().tolist() == [0.0] * 400


def test_published_schedule():
    config = recipes.get("polyphonic_seqgan").preset("paper").config
    assert config.set_steps == 3 * 43
    assert config.training_steps == 100 * 43 + 100 * 129 + 2000 * (1 + 129)
    model = at_stage(make(discriminator_batch_size=2, negatives=3, batch_size=6), 1)
    assert model.rows_per_step == 1 and model.model_config.set_steps == 3
    assert at_stage(model, 2).rows_per_step == 6


def test_a_sequences_reward_for_each_of_its_tokens(monkeypatch):
    model = make(sequence_level_reward=True)
    tokens = sequences(3)
    monkeypatch.setattr(roll_outs, "complete", None)
    values = model.draw_values(tokens, keys(3)).numpy()
    rewards = 1 / (1 + np.exp(-model.discriminator(tokens).numpy().astype(np.float64)))
    np.testing.assert_allclose(values, np.tile(rewards[:, np.newaxis], LENGTH), rtol=1e-6)
    assert len(set(values[:, 0].tolist())) == 3


def test_roll_outs_are_scored_by_default():
    model = make()
    tokens = sequences(3)
    values = model.draw_values(tokens, keys(3)).numpy()
    completed = roll_outs.complete(model.generator, tokens, keys(3), 2).numpy()
    for position in range(LENGTH - 1):
        scores = model.discriminator(completed[position].reshape(-1, LENGTH)).numpy()
        expected = (1 / (1 + np.exp(-scores))).reshape(3, 2).mean(axis=1)
        np.testing.assert_allclose(values[:, position], expected, rtol=1e-5)
    np.testing.assert_allclose(values[:, -1], model.reward(tokens), rtol=1e-6)


def test_start_symbol_and_unknown_words_are_never_drawn():
    model = make(sampling_temperature=10.0)
    for stage in range(4):
        at_stage(model, stage)
        rows = model.rows_per_step
        model.train_step({"tokens": sequences(rows)})
    chances = tf.nn.softmax(model.generator(sequences(4))).numpy()
    assert (chances[..., :2] == 0).all() and (chances[..., 2:] > 0).all()
    completed = roll_outs.complete(model.generator, sequences(9), keys(9), 3, temperature=20.0)
    hot = model.sample(tf.range(60, dtype=tf.int64), temperature=9.0)["tokens"]
    for drawn in (completed, model.negatives, hot):
        assert np.unique(drawn).min() == 2
    assert sorted(np.unique(hot)) == [2, 3, 4, 5, 6]


def test_unknown_words_do_not_count_as_unlikely():
    model = make()
    tokens = sequences(2).numpy()
    tokens[1, [1, 3]] = 1
    logs = tf.nn.log_softmax(model.generator(tokens)).numpy()
    found = model.negative_log_likelihood(tf.constant(tokens)).numpy()
    for row, kept in ((0, range(LENGTH)), (1, (0, 2, 4))):
        expected = -np.mean([logs[row, place, tokens[row, place]] for place in kept])
        assert found[row] == pytest.approx(expected, rel=1e-5)
    model.train_step({"tokens": tf.constant(np.concatenate([tokens, tokens]))})
    total = found[0] * LENGTH + found[1] * 3
    assert float(model.logs()["likelihood_loss"]) == pytest.approx(total / 10, rel=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"sampling_temperature": 0.5},
        {"entropy_bonus": 0.3},
        {"reward_baseline": "batch_mean"},
    ],
)
def test_the_policys_update_is_the_loss_by_hand(changes):
    model = at_stage(make(**changes), 2)
    temperature = changes.get("sampling_temperature", 1.0)
    # The policy at a temperature is one whose logits are divided by it.
    cold = make().generator
    for part in (cold.output_kernel, cold.output_bias):
        part.assign(part.numpy() / temperature)
    drawn = roll_outs.sample(cold, model.step_keys(4, 0), LENGTH)
    completed = roll_outs.complete(cold, drawn, model.step_keys(4, 1), 2)
    scores = model.discriminator.score_completions(drawn, completed)
    values = policy_gradient.action_values(tf.sigmoid(scores), model.reward(drawn)).numpy()
    if "reward_baseline" in changes:
        values -= values.mean(axis=0)
    logs = tf.nn.log_softmax(cold(drawn)).numpy().astype(np.float64)
    picked = np.take_along_axis(logs, drawn.numpy()[..., np.newaxis], axis=2)[..., 0]
    entropy = -(np.exp(logs) * logs).sum()
    expected = -(picked * values).sum() - changes.get("entropy_bonus", 0.0) * entropy
    model.train_step({"tokens": sequences(4)})
    assert float(model.logs()["policy_loss"]) == pytest.approx(expected, rel=1e-4)
    reward = float(tf.reduce_mean(model.logs()["reward"]))
    assert reward == pytest.approx(float(tf.reduce_mean(tf.sigmoid(make().discriminator(drawn)))))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"discriminator_loss": "hinge"}, "among least_squares, cross_entropy, wasserstein. .*'hi"),
        ({"clip_value": 0.0}, "clip_value above 0. Received: 0.0"),
        ({"windows": (3,)}, "tuples of one length"),
        ({"reward_baseline": "mean"}, "reward_baseline among none, batch_mean. Received: 'mean'"),
        ({"entropy_bonus": -1.0}, "entropy_bonus of at least 0. Received: -1.0"),
        ({"sampling_temperature": 0.0}, "sampling_temperature above 0. Received: 0.0"),
        ({"sampling_temperature": 10.5}, "sampling_temperature of at most 10, .* Received: 10.5"),
        ({"discriminator_batch_size": 3}, "even discriminator_batch_size .* Received: 3 and 2"),
        ({"discriminator_batch_size": 0}, "even discriminator_batch_size .* Received: 0 and 2"),
    ],
)
def test_ranges(changes, message):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(TINY, **changes)


# Published are 100 words and 32 roll-outs, which would take a minute.
@pytest.mark.parametrize(("length", "rows", "repeats"), [(22, 2, 32), (100, 1, 2)])
def test_shapes_of_a_roll_out_batch_at_published_sizes(length, rows, repeats):
    config = PolyphonicSeqGANConfig(batch_size=2, roll_outs=repeats)
    words = tuple((24, 1 + number // 12, 1 + number % 12, 0, 0, 0) for number in range(84))
    model = PolyphonicSeqGAN(config, ChordMelodyWords(length=length, words=words), seed=0)
    tokens = roll_outs.sample(model.generator, keys(rows), length)
    completed = roll_outs.complete(model.generator, tokens, keys(rows), config.roll_outs)
    assert completed.shape == (length - 1, rows, repeats, length)
    for position in range(length - 1):
        given = completed[position, :, :, : position + 1]
        expected = np.repeat(tokens.numpy()[:, np.newaxis, : position + 1], repeats, axis=1)
        np.testing.assert_array_equal(given, expected)
    assert len(np.unique(completed[0].numpy().reshape(-1, length), axis=0)) == rows * repeats
    rewards = model.completion_rewards(tokens, completed)
    assert rewards.shape == (length - 1, rows, repeats)
    values = policy_gradient.action_values(rewards, model.reward(tokens))
    assert values.shape == (rows, length)
    np.testing.assert_allclose(values[:, 3], rewards.numpy()[3].mean(axis=1), rtol=1e-6)
