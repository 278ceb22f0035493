"""BLEU inside the graph against the measure in NumPy, which NLTK's agrees with."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan import recipes
from tfmusicgan.errors import ConfigError
from tfmusicgan.metrics.text import sentence_bleu
from tfmusicgan.models.bleu_reward import BleuReward
from tfmusicgan.models.pg_bleu import PGBleu
from tfmusicgan.representations.token_sequence import TokenSequence

THIRDS = (1 / 3, 1 / 3, 1 / 3)


def _reward(references, num_tokens):
    count, length = references.shape
    reward = BleuReward(num_tokens, length, count, keras.Layer().add_weight)
    reward.assign(references)
    return reward


@pytest.mark.parametrize("num_tokens", [3, 9, 5000])
def test_scores_are_those_of_the_measure(num_tokens):
    rng = np.random.default_rng(num_tokens)
    references = rng.integers(0, num_tokens, (13, 7)).astype(np.int32)
    references[4] = references[4][0]  # one token again and again: a limit above 1
    made = rng.integers(0, num_tokens, (20, 7)).astype(np.int32)
    made[:3] = references[2:5]
    made[5, :5] = references[4, 0]
    made[6, 2:] = references[7, 2:]
    expected = sentence_bleu(made, references, THIRDS)
    assert expected[2] == 1.0 and expected[6] > 0 and expected.min() < 0.9
    found = tf.function(_reward(references, num_tokens))(tf.constant(made))
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_by_hand():
    # Of 1 1 1 2: 1 matches twice and 2 once of four; 1 1 once of three (1 2 never); 1 1 1 never.
    references = np.int32([[1, 1, 3, 2], [2, 4, 1, 3]])
    made = tf.constant([[1, 1, 1, 2], [1, 1, 3, 4]])
    found = _reward(references, 5)(made).numpy()
    assert found[0] == 0.0
    # 1 1 3 4: all four tokens; 1 1 and 1 3 of three; 1 1 3 of two.
    assert found[1] == pytest.approx((1.0 * 2 / 3 * 1 / 2) ** (1 / 3))


def test_sequences_without_trigrams():
    config = recipes.get("seqgan_oracle_pg_bleu").preset("tiny").config
    with pytest.raises(ConfigError, match="at least 3 tokens, to have BLEU"):
        PGBleu(dataclasses.replace(config, windows=(1,), filters=(2,)), TokenSequence(5, 2))
