"""Training in stages: where `fit` is cut, what a kill in each stage costs, whose stage samples."""

import itertools
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests.eagerly import eagerly
from tests.same_training import variables
from tfmusicgan import recipes
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training import fit
from tfmusicgan.training.monitor import MusicMonitor
from tfmusicgan.training.run import Run

RECIPE = "musegan_composer_chorales"
STAGED = "binary_musegan_chorales"  # its tiny preset: refiner from step 2 of 4
SETTINGS = ("refiner=stochastic", "first_stage_steps=3", "training_steps=5", "refiner_filters=2")
SETTINGS += ("slope_epoch_steps=1", "critic_updates=1", "refiner_units=1")
VARIANTS = {
    "two_stage": ("learning_rate_decay=linear",),
    "joint": ("critic_constraint=weight_clipping", "optimizer=rmsprop"),
}


@pytest.mark.parametrize("per_epoch", [1, 3, 4, 100])
@pytest.mark.parametrize("starts", [(1,), (3,), (4,), (6,), (2, 5), (12,), (20,)])
def test_calls_of_fit_end_where_stages_do(per_epoch, starts):
    total = 12
    for step in range(total):
        at, ends = step, []
        for first, last, steps in fit._segments(step, total, per_epoch, starts):
            for epoch in range(first, last):
                # Slow and obviously right: step s belongs to epoch s // per_epoch.
                assert [epoch] * steps == [s // per_epoch for s in range(at, at + steps)]
                at += steps
            ends.append(at)
        assert at == total
        assert {start for start in starts if step < start < total} <= set(ends)
        # No call holds steps of two stages.
        borders = [step, *ends]
        for begin, end in itertools.pairwise(borders):
            assert not any(begin < start < end for start in starts)


def test_calls_of_fit_by_hand():
    assert fit._segments(0, 10, 4, (5,)) == [(0, 1, 4), (1, 2, 1), (1, 2, 3), (2, 3, 2)]
    assert fit._segments(5, 10, 4, (5,)) == [(1, 2, 3), (2, 3, 2)]
    assert fit._segments(0, 8, 4, (4,)) == [(0, 1, 4), (1, 2, 4)]


def _train(records, folder, training):
    options = fit.TrainingOptions(
        steps_per_epoch=2,
        checkpoint_every=1,
        keep_latest=9,
        show_every=0,
        collapse_patience=0,
        num_samples=8,
    )
    settings = (*SETTINGS, f"refiner_training={training}", *VARIANTS.get(training, ()))
    if training == "end_to_end":
        settings = tuple("first_stage_steps=0" if "first" in s else s for s in settings)
    recipe = recipes.get(RECIPE)
    with eagerly():
        return fit.train(recipe, "tiny", records[RECIPE], folder, settings, options=options)


def _stage_lines(capsys):
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("Stage ")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("training", "kills"),
    # Before, at and after the beginning of the second stage.
    [("two_stage", (1, 2, 3, 4)), ("joint", (2, 3)), ("end_to_end", (2,))],
)
def test_a_kill_in_any_stage_changes_nothing(training, kills, tiny_records, tmp_path, capsys):
    straight = _train(tiny_records, tmp_path / "straight", training)
    said = _stage_lines(capsys)
    assert len(said) == (0 if training == "end_to_end" else 2)
    assert [info.step for info in straight.store().all()] == [1, 2, 3, 4, 5]
    expected = variables(straight)
    metrics = [info.metric for info in straight.store().all()]
    for killed in kills:
        folder = shutil.copytree(straight.folder, tmp_path / f"killed-{killed}")
        for later in range(killed + 1, 6):
            shutil.rmtree(folder / "checkpoints" / f"step-{later:09d}")
        resumed = _train(tiny_records, folder, training)
        assert _stage_lines(capsys) == (said if killed < 3 else said[1:])
        found = variables(resumed)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value, err_msg=f"{killed}: {name}")
        assert [info.metric for info in resumed.store().all()] == metrics


@pytest.fixture(scope="module")
def staged(tiny_run):
    """A traced run with a checkpoint at the end of each stage."""
    run = tiny_run(STAGED)
    assert [info.step for info in run.store().all()] == [2, 4]
    assert run.build_model().stage_starts == (2,)
    return run


def _loaded(run, step):
    path = run.store().folder / f"step-{step:09d}"
    return run.load_model(str(path))[0]


def test_stages_of_a_traced_run_train_what_they_should(staged):
    untrained, first, second = staged.build_model(), _loaded(staged, 2), _loaded(staged, 4)
    for network, moves in (("generator", (True, False)), ("refiner", (False, True))):
        weights = [getattr(model, network).weights for model in (untrained, first, second)]
        for trio in zip(*weights, strict=True):
            if trio[0].path.endswith(("kernel", "moving_variance")):
                values = [weight.numpy() for weight in trio]
                found = tuple((a != b).any() for a, b in itertools.pairwise(values))
                assert found == moves, trio[0].path
            elif network == "generator":
                np.testing.assert_array_equal(trio[1].numpy(), trio[2].numpy())


def test_a_checkpoint_is_sampled_as_the_stage_that_trained_it(staged, tiny_records):
    # At the first stage's last checkpoint the refiner has learnt nothing: it must not play.
    records = RecordSet.open(tiny_records[STAGED])
    for step, stage in ((2, 0), (4, 1)):
        model = _loaded(staged, step)
        assert (model.stage, model.refines) == (stage, stage == 1)
        info = next(info for info in staged.store().all() if info.step == step)
        measured = MusicMonitor(model, staged.recipe, records, 8).measure()
        assert measured["distance"] == pytest.approx(info.metric, rel=1e-9)


def test_the_stage_of_every_kind_of_checkpoint(staged, tmp_path):
    assert staged.load_model("latest")[0].refines and staged.load_model("ema")[0].refines
    folder = shutil.copytree(staged.folder, tmp_path / "run")
    shutil.rmtree(folder / "checkpoints" / "step-000000004")
    run = Run.open(folder)
    for name in ("latest", "ema"):
        assert not run.load_model(name)[0].refines


def test_an_export_plays_as_its_checkpoints_stage(staged, tmp_path):
    from tfmusicgan.serving.export import export_run

    path = staged.store().folder / "step-000000002"
    export = export_run(staged, tmp_path, "first", checkpoint=str(path))
    seeds = tf.constant(np.arange(64))
    played = tf.saved_model.load(str(export)).signatures["generate"](
        seed=seeds,
        threshold=tf.fill([64], 0.5),
        temperature=tf.zeros([64]),
        qpm=tf.fill([64], 90.0),
        num_phrases=tf.ones([64], tf.int32),
    )
    rolls = _loaded(staged, 2).sample_examples(seeds)["piano_roll"].numpy()
    expected = [np.packbits(roll).tobytes() for roll in rolls]
    assert played["piano_roll"].numpy().tolist() == expected
    model = _loaded(staged, 2)
    model.begin_stage(2)
    refined = model.sample_examples(seeds)["piano_roll"].numpy()
    assert (refined != rolls).any()
