"""Two runs that trained the same weights: what the laws of devices and workers ask."""

import contextlib
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conformance import piano_rolls
from tests.conformance.common import family
from tests.training import events

# Every recipe on two devices, on four and on two workers; without, one of every model and task on
# two or on four, and one on two workers.
ALL = bool(os.environ.get("TFMUSICGAN_ALL_DEVICES"))
STEPS = 20
RANDOM = piano_rolls.RANDOM


def settings(name):
    """A training of `STEPS` steps; everything random or shared between examples is on."""
    return (*family(name).LONG, *family(name).RANDOM)


def shorter_settings(name):
    """Of one that may go on to `settings`, and its number of steps."""
    return (*family(name).SHORT, *family(name).RANDOM), family(name).SHORT_STEPS


@contextlib.contextmanager
def double_precision():
    """Models that are made in this context compute in float64.

    Sums over devices come in another order. Adam follows the sign of a gradient, also where it is
    all rounding: in float32 such weights part at the first step, and with them all others.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def variables(run):
    """Everything the last checkpoint holds, by name."""
    reader = tf.train.load_checkpoint(str(run.store().latest().path / "variables"))
    return {
        key: reader.get_tensor(key)
        for key in reader.get_variable_to_shape_map()
        if not key.startswith("_")  # TensorFlow's own: the object graph
    }


def assert_same(one, other, relative=1e-5):
    """Weights, averages, moving statistics and optimizers' moments of two runs, to 1e-5."""
    expected, found = variables(one), variables(other)
    fewest = family(one.recipe.name).FEWEST_SAVED
    assert expected.keys() == found.keys() and len(expected) > fewest
    doubles = 0
    for name, value in expected.items():
        if value.dtype != np.float64:
            np.testing.assert_array_equal(found[name], value, err_msg=name)
            continue
        doubles += 1
        # The floor is for biases that batch normalisation takes out again: their gradients are
        # rounding, which Adam makes steps of up to 1e-8 of. All else moves by 1e-3 a step.
        limit = relative * np.linalg.norm(value) + 1e-6
        assert np.linalg.norm(found[name] - value) <= limit, name
    assert doubles > fewest


def assert_same_curves(one, other, relative=1e-5):
    """What both wrote for TensorBoard about training, but for their speed."""
    expected, found = (events.scalars(run.logs, "train") for run in (one, other))
    assert expected.keys() == found.keys() and len(expected) > 6
    for tag in sorted(set(expected) - {"training/steps_per_second"}):
        assert expected[tag].keys() == found[tag].keys()
        for step, value in expected[tag].items():
            assert found[tag][step] == pytest.approx(value, rel=relative, abs=1e-6), (tag, step)
