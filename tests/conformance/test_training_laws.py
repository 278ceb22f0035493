"""The laws of training of the recipes of kind generator, for each of them in its `tiny` preset.

Shuffling, augmentation and dropout are on.
"""

import functools
import re
import shutil

import numpy as np
import pytest

from tests.conformance.common import GENERATORS, TRACED, family, train_tiny
from tests.eagerly import eagerly
from tests.same_training import variables
from tfmusicgan import recipes
from tfmusicgan.training.run import Run

STEPS = 4  # of a tiny run; checkpoints at 2 and 4, epochs of three
# A variable that no loss depends on: added to all scores, it cancels in a difference of means, but
# for rounding, which Adam scales up.
WITHOUT_GRADIENT = re.compile(r"score/bias$")
# Variables that follow rounding, which Adam scales up: biases that batch normalisation takes out
# again; the critic's last hidden biases, whose gradient cancels between real and generated examples
# where a unit is on for all of them; and the averages, of weights that are compared themselves.
NORMALISED = (
    r"(project|spread|join|dense|merge|widen"
    r"|(upsampling|encoding|shared|pitch_first|time_first)_\d+)"
)
ROUNDING = re.compile(rf"({NORMALISED}|hidden|merged|score)/bias$|/ema_\d+$")

pytestmark = pytest.mark.slow
every_row = pytest.mark.parametrize("name", GENERATORS)


# One of every representation, whose training ends with pictures or sounds for TensorBoard.
DRAWN = {recipes.get(name).representation: name for name in sorted(TRACED)}.values()


@pytest.fixture(scope="module")
def eager_run(tiny_run, tiny_records, tmp_path_factory):
    """Recipe name to a finished run on one device, made without a graph."""
    folder = tmp_path_factory.mktemp("eager")

    def run(name):
        if name not in TRACED:
            return tiny_run(name)
        with eagerly():
            every = STEPS if name in DRAWN else 0
            return train_tiny(name, tiny_records, folder / name, show_every=every)

    return functools.cache(run)


class _Weights:
    """A row's model, built once, and its weights in their order: untrained, and of checkpoints."""

    def __init__(self, run):
        self.model = run.build_model()
        self.untrained = self._now()

    def at(self, run, step):
        """The weights of a run's checkpoint."""
        info = next(info for info in run.store().all() if info.step == step)
        run.store().restore(self.model, info, expect_training=False)
        assert int(self.model.step.numpy()) == step
        return self._now()

    def _now(self):
        return [weight.numpy() for weight in self.model.weights]


@pytest.fixture(scope="module")
def weights(tiny_run):
    """Recipe name to the weights of its tiny run."""
    return functools.cache(lambda name: _Weights(tiny_run(name)))


@every_row
def test_training_changes_every_trainable_variable(name, tiny_run, weights):
    model, before = weights(name).model, weights(name).untrained
    after = weights(name).at(tiny_run(name), STEPS)
    exempt = family(name).without_gradient(name, model)
    # Biases before batch normalisation move as well: by rounding, which Adam scales up.
    trainable = {id(variable) for variable in model.trainable_variables}
    for weight, first, last in zip(model.weights, before, after, strict=True):
        path, same = weight.path, first == last
        if id(weight) not in trainable:
            continue
        if WITHOUT_GRADIENT.search(path):
            continue
        still = exempt.get(path)
        if still is None:
            assert not same.all(), path
        else:
            assert same[still].all() and (still.all() or not same[~still].all()), path
    assert len(trainable) > family(name).FEWEST_TRAINABLE
    for network in model.networks().values():
        assert network.trainable_variables


@every_row
def test_resuming_in_the_middle_of_an_epoch_equals_uninterrupted(
    name, eager_run, tiny_records, tmp_path
):
    run = eager_run(name)
    # The run as a kill after its first checkpoint would have left it.
    shutil.copytree(run.folder, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints" / f"step-{STEPS:09d}")
    assert Run.open(tmp_path / "run").store().latest().step == 2  # epochs have three steps
    with eagerly():
        resumed = train_tiny(name, tiny_records, tmp_path / "run")
    one, two = variables(run), variables(resumed)
    assert one.keys() == two.keys() and len(one) > family(name).FEWEST_SAVED
    for key in one:
        np.testing.assert_array_equal(one[key], two[key], err_msg=key)
    assert run.store().latest().metric == resumed.store().latest().metric


def _assert_like(name, model, start, one, other):
    """Compares the difference of two runs' weights with the way they have come.

    Adam's first steps follow the gradient's sign: where a gradient nearly cancels rounding decides,
    so a tenth is as near as two float32 sums in another order come; a wrong term moves far more.
    """
    exempt = family(name).without_gradient(name, model)
    compared = 0
    for weight, *values in zip(model.weights, start, one, other, strict=True):
        path = weight.path
        if ROUNDING.search(path):
            continue
        before, first, second = (value.astype(np.float64) for value in values)
        if path in exempt:
            first, second = first[~exempt[path]], second[~exempt[path]]
            before = before[~exempt[path]]
        way = np.linalg.norm(first - before)
        assert np.linalg.norm(first - second) <= 0.1 * way, path
        compared += bool(way > 0)
    assert compared > family(name).FEWEST_WEIGHTS


@pytest.mark.parametrize("name", sorted(TRACED))
def test_a_traced_step_is_the_step_as_written(name, tiny_run, eager_run, weights):
    step, own = family(name).COMPARED_STEP, weights(name)
    eager, traced = own.at(eager_run(name), step), own.at(tiny_run(name), step)
    _assert_like(name, own.model, own.untrained, eager, traced)
