"""A training on two devices as users run it, in a graph, against the steps as they are written."""

import contextlib

import pytest
import tensorflow as tf

from tests import same_training
from tests.eagerly import eagerly
from tfmusicgan import recipes
from tfmusicgan.training import fit

RECIPE = "musegan_jamming_chorales"  # traced soonest
STEPS = 3
SETTINGS = (f"training_steps={STEPS}", "critic_updates=1", *same_training.RANDOM)


def _train(records, folder, strategy, mode):
    options = fit.TrainingOptions(
        steps_per_epoch=2,  # a call of `fit` for the first epoch, one for what is left
        checkpoint_every=2,
        show_every=0,
        collapse_patience=0,
        strategy=strategy,
        num_samples=8,
    )
    recipe = recipes.get(RECIPE)
    with same_training.double_precision(), mode:
        return fit.train(recipe, "tiny", records[RECIPE], folder, SETTINGS, options=options)


@pytest.mark.slow
def test_a_traced_step_on_two_devices_is_that_of_one(tiny_records, tmp_path, monkeypatch):
    one = _train(tiny_records, tmp_path / "one", "none", eagerly())
    seen = {"CPU": tf.config.list_logical_devices("CPU")[:2], "GPU": []}
    assert len(seen["CPU"]) == 2
    monkeypatch.setattr(tf.config, "list_logical_devices", seen.__getitem__)
    two = _train(tiny_records, tmp_path / "two", "mirrored", contextlib.nullcontext())
    assert [info.step for info in two.store().all()] == [2, STEPS]
    same_training.assert_same(one, two)
