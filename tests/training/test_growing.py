"""A progressive GAN is one run: what a kill in each stage costs, and whose stage samples."""

import shutil

import numpy as np
import pytest

from tests.eagerly import eagerly
from tests.same_training import variables
from tfmusicgan import recipes
from tfmusicgan.training import fit

RECIPE = "gansynth"
# Steps of the first block, of a fade, and two of both blocks, with other batches.
SETTINGS = ("total_images=32", "stable_images=8", "fade_images=12", "smaller_batch_sizes=8")


def _train(records, folder):
    options = fit.TrainingOptions(
        steps_per_epoch=2,
        checkpoint_every=1,
        keep_latest=9,
        show_every=0,
        collapse_patience=0,
        num_samples=8,
    )
    with eagerly():
        return fit.train(
            recipes.get(RECIPE), "tiny", records[RECIPE], folder, SETTINGS, options=options
        )


@pytest.mark.slow
def test_a_kill_in_any_stage_changes_nothing(tiny_records, tmp_path):
    straight = _train(tiny_records, tmp_path / "straight")
    model = straight.build_model()
    assert model.stage_starts == (1, 4)
    assert [stage.batch_size for stage in model.model_config.stages] == [8, 4, 4]
    infos = straight.store().all()
    assert [info.step for info in infos] == [1, 2, 3, 4, 5, 6, 7]
    expected = variables(straight)
    for killed in (1, 2, 4, 5):  # where a stage begins, and within one
        folder = shutil.copytree(straight.folder, tmp_path / f"killed-{killed}")
        for later in range(killed + 1, 8):
            shutil.rmtree(folder / "checkpoints" / f"step-{later:09d}")
        resumed = _train(tiny_records, folder)
        found = variables(resumed)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value, err_msg=f"{killed}: {name}")
        metrics = [info.metric for info in resumed.store().all()]
        assert metrics == [info.metric for info in infos]
    # Adam counts the updates of the last stage alone.
    counts = [value for name, value in expected.items() if "iteration" in name]
    assert [int(count) for count in counts] == [3, 3]


@pytest.mark.slow
def test_a_checkpoint_is_sampled_as_the_stage_that_trained_it(tiny_run):
    run = tiny_run(RECIPE)
    assert [info.step for info in run.store().all()] == [2, 4]
    for step, stage, fading in ((2, 1, True), (4, 2, False)):
        path = run.store().folder / f"step-{step:09d}"
        model, _ = run.load_model(str(path))
        assert (model.stage, model.current.fading) == (stage, fading)
        if fading:
            assert float(model.fade()) == 0.5  # of eight images four were shown
