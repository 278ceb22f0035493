"""Rewards at random: they know nothing of the sequences, and lie within 0-1."""

import numpy as np
import tensorflow as tf
from scipy import stats

from tests.models.tiny import make_model
from tfmusicgan.models import noise

ROWS = 4_000


def _values(model, token):
    keys = noise.row_keys(3, tf.constant(5, tf.int64), 1, tf.range(ROWS, dtype=tf.int64))
    return model.draw_values(tf.fill([ROWS, model.length], token), keys).numpy()


def test_rewards_are_uniform_and_a_sequences_own():
    model = make_model("seqgan_oracle_random_rewards")
    values = _values(model, 2)
    assert values.shape == (ROWS, model.length)
    assert (values == values[:, :1]).all()
    assert values.min() >= 0 and values.max() < 1
    assert stats.kstest(values[:, 0], "uniform").pvalue > 0.01
    assert abs(np.corrcoef(values[1:, 0], values[:-1, 0])[0, 1]) < 0.05


def test_rewards_know_nothing_of_the_tokens():
    model = make_model("seqgan_oracle_random_rewards")
    np.testing.assert_array_equal(_values(model, 2), _values(model, 7))


def test_there_is_no_discriminator():
    model = make_model("seqgan_oracle_random_rewards")
    assert set(model.networks()) == {"generator"}
    # Tiny: a step of likelihood and three rounds, which are one phase.
    assert model.phase_names == ["likelihood", "policy"] and model.stage_starts == (1,)
    assert model.model_config.training_steps == 4
