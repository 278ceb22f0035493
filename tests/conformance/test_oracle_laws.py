"""The laws of the kinds oracle and baseline, in their `tiny` presets.

What they are trained on and write stands for nothing or is there to be compared with: they are
trained, resumed and measured like generators, and a baseline that makes no music is not exported.
"""

import functools
import shutil

import numpy as np
import pytest

from tests.conformance.common import GENERATORS
from tests.eagerly import eagerly
from tests.same_training import variables
from tests.training import events
from tfmusicgan import recipes
from tfmusicgan.errors import ExportError
from tfmusicgan.evaluation import TRAINED, evaluate_run
from tfmusicgan.serving.export import export_run
from tfmusicgan.training import fit
from tfmusicgan.training.run import Run

NAMES = [n for n in recipes.names() if recipes.get(n).kind in ("oracle", "baseline")]


def makes_music(name):
    """Whether its tokens stand for something."""
    return recipes.get(name).representation != "token_sequence"


# One of every model that no generator's row exports.
_OTHERS = {recipes.get(n).model for n in GENERATORS}
EXPORTED = {recipes.get(n).model: n for n in NAMES if makes_music(n)}
EXPORTED = sorted(name for model, name in EXPORTED.items() if model not in _OTHERS)

pytestmark = pytest.mark.slow
every_row = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def trained(tiny_records, tmp_path_factory):
    """Recipe name to a finished run, made without a graph."""
    folder = tmp_path_factory.mktemp("runs")
    return functools.cache(lambda name: _train(name, tiny_records, folder / name))


def _train(name, records, folder, show_every=0):
    options = fit.TrainingOptions(
        steps_per_epoch=3,
        checkpoint_every=2,
        show_every=show_every,
        collapse_patience=0,
        num_samples=8,
    )
    with eagerly():
        return fit.train(recipes.get(name), "tiny", records[name], folder, options=options)


@every_row
def test_training_changes_every_weight(name, trained):
    run = trained(name)
    (model, info), untrained = run.load_model(), run.build_model()
    assert info.step == 4
    before = {weight.path: weight.numpy() for weight in untrained.weights}
    trains = {weight.path for weight in model.trainable_weights} or {"music_gan/counts"}
    for weight in model.weights:
        if weight.path in trains:
            assert (weight.numpy() != before[weight.path]).any(), weight.path


@every_row
def test_resuming_equals_uninterrupted(name, trained, tiny_records, tmp_path):
    run = trained(name)
    shutil.copytree(run.folder, tmp_path / "run")
    shutil.rmtree(tmp_path / "run/checkpoints/step-000000004")
    assert Run.open(tmp_path / "run").store().latest().step == 2  # epochs have three steps
    one, two = variables(run), variables(_train(name, tiny_records, tmp_path / "run"))
    assert one.keys() == two.keys()
    for key, value in one.items():
        np.testing.assert_array_equal(value, two[key], err_msg=key)


@every_row
def test_the_evaluation_measures_all_that_the_recipe_names(name, trained, tiny_records):
    result = evaluate_run(trained(name), tiny_records[name], num_phrases=24)
    row, metrics = result.rows[TRAINED], set(recipes.get(name).metrics)
    assert {key.partition("/")[0] for key in row} == metrics
    # Pieces of so few notes have no runs of many, but every metric says something of them.
    assert {key.partition("/")[0] for key, value in row.items() if np.isfinite(value)} == metrics
    # How well it foresees held-out music: by its likelihood, or of real numbers by its error.
    found = result.memorisation[TRAINED]
    assert np.isfinite(found.get("held_out_nll", found.get("held_out_error")))


@pytest.mark.parametrize("name", EXPORTED)
def test_pictures_and_sound_of_music_are_shown(name, tiny_records, tmp_path):
    run = _train(name, tiny_records, tmp_path, show_every=4)
    assert {"images", "audio"} <= {entry.kind for entry in events.read(run.logs)}


@pytest.mark.parametrize("name", [n for n in NAMES if not makes_music(n)] + EXPORTED)
def test_what_makes_no_music_is_not_exported(name, trained, tmp_path):
    if makes_music(name):
        assert export_run(trained(name), tmp_path).is_dir()
        return
    with pytest.raises(ExportError, match=r"a generator of music.* nothing to export"):
        export_run(trained(name), tmp_path)
    assert not list(tmp_path.rglob("saved_model.pb"))
