"""Training as one function: segments of epochs, resuming, and refusing before anything is lost."""

import dataclasses
import re
import resource
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.common import train_tiny
from tests.eagerly import eagerly
from tests.same_training import RANDOM, variables
from tfmusicgan import recipes
from tfmusicgan.errors import CheckpointError, ConfigError, RecordsError, TrainingError
from tfmusicgan.models.piano_roll_gan import PianoRollGAN
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training import fit
from tfmusicgan.training.monitor import MusicMonitor
from tfmusicgan.training.run import Run
from tfmusicgan.training.watching import plain_log_errors

RECIPE = "musegan_hybrid_chorales"


@pytest.mark.parametrize("per_epoch", [1, 3, 4, 100])
@pytest.mark.parametrize("total", [1, 4, 7, 12])
def test_segments_reach_every_step_once(per_epoch, total):
    for step in range(total):
        reached = []
        for first, last, steps in fit._segments(step, total, per_epoch):
            for epoch in range(first, last):
                reached += [epoch] * steps
        # Slow and obviously right: step s belongs to epoch s // per_epoch.
        assert reached == [s // per_epoch for s in range(step, total)]


def test_segments_by_hand():
    assert fit._segments(0, 10, 4) == [(0, 2, 4), (2, 3, 2)]
    assert fit._segments(5, 17, 4) == [(1, 2, 3), (2, 4, 4), (4, 5, 1)]
    assert fit._segments(5, 6, 4) == [(1, 2, 1)]


@pytest.mark.slow
def test_stopping_and_going_on_equals_training_straight(tiny_records, tmp_path):
    recipe, records = recipes.get(RECIPE), tiny_records[RECIPE]
    # Other epochs, checkpoints and measurements: none of them changes the weights.
    options = fit.TrainingOptions(steps_per_epoch=2, checkpoint_every=50, num_samples=8)
    first = [*RANDOM, "training_steps=1"]
    with eagerly():
        straight = train_tiny(RECIPE, tiny_records, tmp_path / "straight")
        fit.train(recipe, "tiny", records, tmp_path / "run", first, options=options)
        run = fit.train(recipe, "tiny", records, tmp_path / "run", RANDOM, options=options)
    assert [info.step for info in run.store().all()] == [1, 4]
    straight, stopped = variables(straight), variables(run)
    assert straight.keys() == stopped.keys()
    for name in straight:
        np.testing.assert_array_equal(straight[name], stopped[name], err_msg=name)


def test_a_finished_run_is_left_alone(tiny_run, tiny_records):
    run = tiny_run(RECIPE)
    before = sorted((path, path.stat().st_mtime_ns) for path in run.folder.glob("checkpoints/**/*"))
    fit.train(run.recipe, "tiny", tiny_records[RECIPE], run.folder, RANDOM)
    after = sorted((path, path.stat().st_mtime_ns) for path in run.folder.glob("checkpoints/**/*"))
    assert before == after


@pytest.mark.parametrize("overwrite", [False, True])
def test_settings_that_cannot_be_leave_everything_as_it_was(
    tiny_run, tiny_records, tmp_path, overwrite
):
    recipe, records = recipes.get(RECIPE), tiny_records[RECIPE]
    wrong = ["time_kernels=2,4"]
    with pytest.raises(ConfigError, match=r"16 steps per bar"):
        fit.train(recipe, "tiny", records, tmp_path / "new", wrong, overwrite=overwrite)
    assert not (tmp_path / "new").exists()
    folder = shutil.copytree(tiny_run(RECIPE).folder, tmp_path / "run")
    with pytest.raises(ConfigError, match=r"16 steps per bar"):
        fit.train(recipe, "tiny", records, folder, wrong, overwrite=overwrite)
    assert (folder / "checkpoints" / "step-000000004" / "checkpoint.json").is_file()


@pytest.mark.parametrize(
    ("name", "rows"),
    [(RECIPE, 3), ("seqgan_nottingham", 2)],  # half of a discriminator's four rows are real
)
def test_rows_that_do_not_divide_among_devices(name, rows, tiny_records, tmp_path):
    options = fit.TrainingOptions(strategy="mirrored")
    changes = ["batch_size=3"] if name == RECIPE else []
    with pytest.raises(ConfigError, match=rf"by 4 devices\. Received: {rows} rows\. Change"):
        fit.train(
            recipes.get(name),
            "tiny",
            tiny_records[name],
            tmp_path / "run",
            changes,
            options=options,
        )
    assert not (tmp_path / "run").exists()


def test_records_of_another_representation(tiny_records, tmp_path):
    recipe = dataclasses.replace(recipes.get(RECIPE), representation="melody_grid")
    with pytest.raises(
        RecordsError, match=r"'melody_grid', as recipe .*'multitrack_piano_roll' at"
    ):
        fit.train(recipe, "tiny", tiny_records[RECIPE], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_damaged_shard_is_one_line(tiny_records, tmp_path):
    records = shutil.copytree(tiny_records[RECIPE], tmp_path / "records")
    for shard in records.glob("train*"):
        content = bytearray(shard.read_bytes())
        content[len(content) // 2] ^= 0xFF
        shard.write_bytes(content)
    with pytest.raises(RecordsError, match=r"its SHA-256 is not the manifest's") as error:
        fit.train(recipes.get(RECIPE), "tiny", records, tmp_path / "run")
    assert "\n" not in str(error.value)


_DATA = "variables.data-00000-of-00001"
_INFO = "checkpoint.json"


@pytest.mark.parametrize(
    ("gone", "emptied", "reason", "goes_on"),
    [
        ([], f"step-000000004/{_DATA}", ".+", "step 2"),
        ([], f"step-000000004/{_INFO}", "a damaged checkpoint.json", "step 2"),
        ([], f"step-000000002/{_INFO}", "a damaged checkpoint.json", "step 4"),
        ([f"step-000000004/{_INFO}"], None, "no checkpoint.json", "step 2"),
        (["step-000000002"], f"step-000000004/{_DATA}", ".+", "the beginning"),
    ],
)
def test_a_damaged_checkpoint_says_what_to_remove(
    tiny_run, tiny_records, tmp_path, gone, emptied, reason, goes_on
):
    folder = shutil.copytree(tiny_run(RECIPE).folder, tmp_path / "run") / "checkpoints"
    for path in gone:
        shutil.rmtree(folder / path) if (folder / path).is_dir() else (folder / path).unlink()
    if emptied:
        (folder / emptied).write_bytes(b"")
    damaged = folder / (emptied or gone[0]).split("/")[0]

    def go_on():
        options = fit.TrainingOptions(num_samples=8, show_every=0, collapse_patience=0)
        with eagerly():
            recipe, records = recipes.get(RECIPE), tiny_records[RECIPE]
            fit.train(recipe, "tiny", records, folder.parent, RANDOM, options=options)

    with pytest.raises(CheckpointError) as error:
        go_on()
    assert re.fullmatch(
        rf"Expected checkpoints that load\. Received: {damaged}, which does not load "
        rf"\({reason}\)\. Remove {damaged}; the run goes on from {goes_on}\.",
        str(error.value),
    )
    shutil.rmtree(damaged)
    go_on()
    assert Run.open(folder.parent).store().latest().step == 4


def test_all_damaged_checkpoints_are_named(tiny_run, tiny_records, tmp_path):
    folder = shutil.copytree(tiny_run(RECIPE).folder, tmp_path / "run")
    one, two = sorted((folder / "checkpoints").iterdir())
    for path in (one, two):
        (path / _INFO).write_text("{}")
    with pytest.raises(CheckpointError, match=f"Remove {one} and {two}; .* from the beginning"):
        fit.train(recipes.get(RECIPE), "tiny", tiny_records[RECIPE], folder, RANDOM)


def _nan_in_step(number, monkeypatch):
    """Real examples of MuseGAN are NaN in one step, counted from 1."""
    healthy = PianoRollGAN.real_examples

    def real_examples(self, data):
        x = healthy(self, data)
        return tf.where(tf.equal(self.step, number - 1), tf.cast(np.nan, x.dtype), x)

    monkeypatch.setattr(PianoRollGAN, "real_examples", real_examples)


@pytest.mark.parametrize("per_epoch", [2, 6])
def test_nan_in_a_batch_ends_the_run_and_keeps_the_last_good_one(
    tiny_records, tmp_path, monkeypatch, per_epoch
):
    recipe, records = recipes.get("musegan_jamming_chorales"), tiny_records
    options = fit.TrainingOptions(per_epoch, checkpoint_every=2, num_samples=8, show_every=0)
    _nan_in_step(4, monkeypatch)
    with eagerly(), pytest.raises(TrainingError) as error:
        fit.train(
            recipe,
            "tiny",
            records[recipe.name],
            tmp_path / "run",
            ["training_steps=6"],
            options=options,
        )
    last = tmp_path / "run/checkpoints/step-000000002"
    said = str(error.value)
    assert re.match(r"Expected finite weights and losses\. Received: \S*critic\S*, ", said)
    assert f" more not finite at step 4. The last good checkpoint is {last}. Train with a" in said
    run = Run.open(tmp_path / "run")
    assert [info.path for info in run.store().all()] == [last]
    model, _ = run.load_model()
    assert all(np.isfinite(weight.numpy()).all() for weight in model.weights)


def test_a_run_killed_while_it_pruned_after_its_last_step(tiny_run, tiny_records, tmp_path):
    shutil.copytree(tiny_run(RECIPE).folder, tmp_path / "run")
    folder = tmp_path / "run" / "checkpoints"
    whole = sorted(path.name for path in folder.iterdir())
    (folder / ".step-000000001.removed").mkdir()
    recipe, again = recipes.get(RECIPE), fit.TrainingOptions(collapse_patience=0)
    run = tmp_path / "run"
    fit.train(recipe, "tiny", tiny_records[RECIPE], run, RANDOM, options=again)
    assert sorted(path.name for path in folder.iterdir()) == whole


def test_logs_on_a_full_disk_are_one_line(tmp_path):
    run = Run(tmp_path, {"recipe": RECIPE})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    writer = tf.summary.create_file_writer(str(run.logs))
    message = (
        r"logs could not be written to \S*/logs: File too large\. There is no checkpoint\. Make"
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with (
            pytest.raises(TrainingError, match=message),
            plain_log_errors(run),
            writer.as_default(step=0),
        ):
            tf.summary.text("long", "la " * 1000)
            writer.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with pytest.raises(tf.errors.ResourceExhaustedError), plain_log_errors(run):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor [Op:MatMul]")


def test_a_worker_reads_its_own_groups_of_files(tiny_run, tiny_records, tmp_path, monkeypatch):
    run, asked = tiny_run(RECIPE), []
    monkeypatch.setitem(run.settings, "file_groups", 6)
    monkeypatch.setattr(RecordSet, "batches", lambda self, *_, **options: asked.append(options))
    records = RecordSet.open(tiny_records[RECIPE])
    for worker in range(3):
        fit._batches(run.build_model(), run, records, worker, workers=3)
    assert [options["groups"] for options in asked] == [range(0, 2), range(2, 4), range(4, 6)]
    assert {options["num_groups"] for options in asked} == {6}


def test_a_collapsed_run_that_was_killed_stops_with_the_same_words(
    tiny_records, tmp_path, monkeypatch
):
    monkeypatch.setattr(MusicMonitor, "collapsed", lambda self: "silence")
    options = fit.TrainingOptions(
        checkpoint_every=1, num_samples=8, show_every=0, collapse_patience=2
    )
    recipe, folder = recipes.get("musegan_jamming_chorales"), tmp_path / "run"

    def collapse():
        with eagerly(), pytest.raises(TrainingError) as error:
            fit.train(recipe, "tiny", tiny_records[recipe.name], folder, options=options)
        return str(error.value), Run.open(folder).store().latest().step

    straight = collapse()
    # Of four steps, those after the second count.
    assert "at step 4: silence, 2 checks in a row" in straight[0] and straight[1] == 4
    shutil.rmtree(folder / "checkpoints/step-000000004")  # as if killed before it was written
    assert collapse() == straight
