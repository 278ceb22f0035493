"""Sampling in padded batches."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.training.sampler import Sampler

RECIPE = "musegan_hybrid_chorales"


class _Seeds:
    """A model whose example is the seed itself; it counts its rows."""

    sampling_stage = 0

    def __init__(self):
        self.rows = []

    def sample_examples(self, seeds):
        self.rows.append(seeds.shape[0])
        stage = tf.fill(tf.shape(seeds), self.sampling_stage)
        return {"seed": seeds, "pair": tf.stack([seeds, -seeds], axis=1), "stage": stage}


@pytest.mark.parametrize("count", [1, 5, 64, 65, 130])
def test_any_number_of_seeds_in_batches_of_one_size(count):
    model = _Seeds()
    seeds = np.arange(count) * 3 + 7
    examples = Sampler(model).examples(seeds)
    np.testing.assert_array_equal(examples["seed"], seeds)
    np.testing.assert_array_equal(examples["pair"][:, 1], -seeds)
    assert set(model.rows) == {64}


def test_each_stage_of_the_model_is_traced_by_itself():
    model = _Seeds()
    sampler = Sampler(model)
    for stage, traces in ((0, 1), (0, 1), (1, 2), (1, 2), (0, 2)):
        model.sampling_stage = stage
        examples = sampler.examples([4, 5])
        np.testing.assert_array_equal(examples["stage"], [stage, stage])
        assert len(model.rows) == traces


def test_an_example_does_not_depend_on_how_many_are_asked_for(tiny_run):
    model, _ = tiny_run(RECIPE).load_model()
    sampler = Sampler(model)
    many = sampler.examples(np.arange(70))["piano_roll"]
    few = sampler.examples(np.arange(3))["piano_roll"]
    np.testing.assert_array_equal(few, many[:3])
    # Row 69 is in another batch, after 5 others and before padding.
    alone = sampler.examples([69])["piano_roll"]
    np.testing.assert_array_equal(alone[0], many[69])
    assert few.dtype == bool and few.any()
