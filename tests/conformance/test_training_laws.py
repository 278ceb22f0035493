"""The laws of training of the recipes of kind generator, for each of them in its `tiny` preset.

Shuffling, augmentation and dropout are on.
"""

import functools
import re
import shutil

import numpy as np
import pytest

from tests.conformance.common import GENERATORS, family, model_at
from tests.eagerly import eagerly
from tests.same_training import variables
from tfmusicgan import recipes
from tfmusicgan.training import fit
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

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("name", GENERATORS)]


def _train(name, records, folder):
    options = fit.TrainingOptions(
        steps_per_epoch=3,
        checkpoint_every=2,
        collapse_patience=0,
        num_samples=8,
    )
    recipe = recipes.get(name)
    with eagerly():  # with the settings of the traced runs
        return fit.train(
            recipe, "tiny", records[name], folder, family(name).RANDOM, options=options
        )


@pytest.fixture(scope="module")
def eager_run(tiny_records, tmp_path_factory):
    """Recipe name to a finished run on one device, made without a graph."""
    folder = tmp_path_factory.mktemp("eager")
    return functools.cache(lambda name: _train(name, tiny_records, folder / name))


def test_training_changes_every_trainable_variable(name, tiny_run):
    run = tiny_run(name)  # traced, as users train
    untrained, trained = run.build_model(), model_at(run, STEPS)
    exempt = family(name).without_gradient(name, untrained)
    pairs = zip(untrained.trainable_variables, trained.trainable_variables, strict=True)
    # Biases before batch normalisation move as well: by rounding, which Adam scales up.
    for before, after in pairs:
        same = before.numpy() == after.numpy()
        if WITHOUT_GRADIENT.search(before.path):
            continue
        still = exempt.get(before.path)
        if still is None:
            assert not same.all(), before.path
        else:
            assert same[still].all() and (still.all() or not same[~still].all()), before.path
    assert len(untrained.trainable_variables) > family(name).FEWEST_TRAINABLE
    for network in untrained.networks().values():
        assert network.trainable_variables


def test_resuming_in_the_middle_of_an_epoch_equals_uninterrupted(
    name, eager_run, tiny_records, tmp_path
):
    run = eager_run(name)
    # The run as a kill after its first checkpoint would have left it.
    shutil.copytree(run.folder, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints" / f"step-{STEPS:09d}")
    assert Run.open(tmp_path / "run").store().latest().step == 2  # epochs have three steps
    resumed = _train(name, tiny_records, tmp_path / "run")
    one, two = variables(run), variables(resumed)
    assert one.keys() == two.keys() and len(one) > family(name).FEWEST_SAVED
    for key in one:
        np.testing.assert_array_equal(one[key], two[key], err_msg=key)
    assert run.store().latest().metric == resumed.store().latest().metric


def _assert_like(name, start, one, other):
    """Compares the difference of two runs' weights with the way they have come.

    Adam's first steps follow the gradient's sign: where a gradient nearly cancels rounding decides,
    so a tenth is as near as two float32 sums in another order come; a wrong term moves far more.
    """
    exempt = family(name).without_gradient(name, start)
    compared = 0
    for triple in zip(start.weights, one.weights, other.weights, strict=True):
        path = triple[0].path
        if ROUNDING.search(path):
            continue
        before, first, second = (weight.numpy().astype(np.float64) for weight in triple)
        if path in exempt:
            first, second = first[~exempt[path]], second[~exempt[path]]
            before = before[~exempt[path]]
        way = np.linalg.norm(first - before)
        assert np.linalg.norm(first - second) <= 0.1 * way, path
        compared += bool(way > 0)
    assert compared > family(name).FEWEST_WEIGHTS


def test_a_traced_step_is_the_step_as_written(name, tiny_run, eager_run):
    traced, eager = tiny_run(name), eager_run(name)
    step = family(name).COMPARED_STEP
    _assert_like(name, eager.build_model(), model_at(eager, step), model_at(traced, step))
