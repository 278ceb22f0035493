"""The baseline that draws tokens by frequency."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.errors import ExportError
from tfmusicgan.models.token_unigram import TokenUnigram
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.recipes.seqgan_baselines import UnigramConfig
from tfmusicgan.representations.melody_tokens import MelodyTokens
from tfmusicgan.representations.token_sequence import TokenSequence

BATCHES = [np.int32([[0, 2, 2], [2, 4, 0]]), np.int32([[2, 2, 2], [4, 2, 2]])]


@pytest.fixture(scope="module")
def model():
    made = TokenUnigram(UnigramConfig(batch_size=2, training_steps=2), TokenSequence(6, 3))
    made.compile()
    for batch in BATCHES:
        logs = made.train_step({"tokens": tf.constant(batch)})
    assert float(logs["counted_tokens"]) == 6.0 and int(made.step) == 2
    return made


def test_counts_by_hand(model):
    np.testing.assert_array_equal(model.counts, [2, 0, 8, 0, 2, 0])


def test_draws_follow_the_counts(model):
    tokens = model.sample_examples(np.arange(3000))["tokens"].numpy()
    assert tokens.shape == (3000, 3) and tokens.dtype == np.int32
    shares = np.bincount(tokens.ravel(), minlength=6) / 9000
    np.testing.assert_allclose(shares, np.array([2, 0, 8, 0, 2, 0]) / 12, atol=0.02)
    # One by one: neighbours know nothing of each other.
    pairs = np.mean((tokens[:, 0] == 2) & (tokens[:, 1] == 2))
    assert pairs == pytest.approx((8 / 12) ** 2, abs=0.03)
    alone = model.sample_examples(np.array([17]))["tokens"].numpy()
    np.testing.assert_array_equal(alone[0], tokens[17])


def test_what_is_served_are_its_tokens_as_music():
    melodies = MelodyTokens(length=8)
    made = TokenUnigram(UnigramConfig(batch_size=2, training_steps=1), melodies)
    made.compile()
    made.train_step({"tokens": tf.constant([[0, 40, 42, 42, 44, 40, 0, 7]] * 2)})
    assert made.default_qpm == 150.0  # of what pictures and sound show in training
    (served,) = made.signatures().values()
    seeds = tf.constant([3, 5], tf.int64)
    found = [NoteSequence.FromString(t) for t in served.function(seeds)["note_sequence"].numpy()]
    tokens = made.sample_examples(seeds)["tokens"].numpy()
    assert found == [melodies.decode({"tokens": row}) for row in tokens]
    assert set(tokens.ravel()) <= {0, 7, 40, 42, 44} and len(np.unique(tokens)) > 2
    with pytest.raises(ExportError, match="nothing to export"):
        TokenUnigram(UnigramConfig(), TokenSequence(6, 3)).signatures()


def test_likelihood_by_hand(model):
    found = model.negative_log_likelihood(tf.constant([[2, 0, 2], [1, 2, 2]])).numpy()
    # Of 12 counts and three halves for the tokens that never came.
    assert found[0] == pytest.approx(-np.mean(np.log([8 / 13.5, 2 / 13.5, 8 / 13.5])))
    assert found[1] == pytest.approx(-np.mean(np.log([0.5 / 13.5, 8 / 13.5, 8 / 13.5])))


def test_untrained_it_is_uniform():
    model = TokenUnigram(UnigramConfig(), TokenSequence(5, 4))
    tokens = model.sample_examples(np.arange(2000))["tokens"].numpy()
    np.testing.assert_allclose(np.bincount(tokens.ravel()) / 8000, 0.2, atol=0.02)
