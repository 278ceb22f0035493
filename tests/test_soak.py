"""The soak program with a few kills, and a disk that is full in the middle of a checkpoint."""

import importlib
import pathlib
import re
import resource
import time

import pytest

from tests import made_up

FOLDER = pathlib.Path(__file__).parents[1] / "scripts/soak"
NUM_KILLS = 4
# What takes least time: the graphs are made anew in every run.
OPTIONS = {
    "recipe": "musegan_jamming_chorales",
    "training": ["--set=training_steps=8", "--set=critic_updates=1", "--steps_per_epoch=8"],
    "num_samples": 100,
}
LIMIT_BYTES = 60_000  # less than a checkpoint of the tiny preset, more than its event logs


@pytest.fixture(scope="module")
def soak():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module("soak")


@pytest.fixture(scope="module")
def forks(soak):
    with soak.kills.Forks() as forks:
        yield forks


@pytest.fixture(scope="module")
def soaked(soak, forks, tmp_path_factory):
    """The program's folder and its results."""
    from tfmusicgan.note_sequences.tfrecord import RecordWriter

    folder = tmp_path_factory.mktemp("soak")
    music = folder / "music.tfrecord"
    with RecordWriter(music) as writer:
        for number in range(20):
            writer.write(made_up.chorale(number))
    # With this seed the kill of the training is aimed at a checkpoint that is half-written.
    results = soak.soak(forks, folder, NUM_KILLS, 11, [str(music)], **OPTIONS)
    return folder, results


@pytest.mark.slow
def test_killed_runs_end_equal_to_uninterrupted_ones(soak, soaked):
    folder, results = soaked
    assert [line for result in results for line in result.failures] == []
    assert [result.job for result in results] == ["convert", "train", "export", "sample"]
    assert [result.landed.total() for result in results] == [1, 1, 1, 1]
    assert results[1].landed["write"] + results[1].landed["work"] == 1
    assert {path.name for path in folder.iterdir()} == {"music.tfrecord", "reference"}
    assert soak.table(results).count("| yes |") == 4


@pytest.mark.slow
def test_a_full_disk_in_a_checkpoint_keeps_the_last_good_one(soak, forks, soaked, tmp_path):
    reference, folder = soaked[0] / "reference", tmp_path / "full"
    folder.mkdir()
    train = soak.make_jobs(reference, **OPTIONS)[1]
    checkpoints, log = folder / "run/checkpoints", folder.with_name("full.log")
    with forks.running(train.command_in(folder), log) as running:
        deadline = time.monotonic() + 300
        while not (checkpoints / "step-000000002").exists():
            assert not running.wait(0.01) and time.monotonic() < deadline
        _, hard = resource.prlimit(running.process, resource.RLIMIT_FSIZE)
        resource.prlimit(running.process, resource.RLIMIT_FSIZE, (LIMIT_BYTES, hard))
        assert running.wait(300) and running.status == 1
    said = re.search(
        r"^tfmusicgan-train: The checkpoint of step (\d+) could not be written to \S*/checkpoints: "
        r"File too large\. Make room there and run the same command again; it goes on from the "
        r"last one\.\n\Z",
        log.read_text(),
        re.MULTILINE,
    )
    assert said and "Traceback" not in log.read_text()
    names = sorted(path.name for path in checkpoints.iterdir())
    last = int(said[1]) - 2
    assert names[-1] == f"step-{last:09d}" and not names[0].startswith(".")
    # It loads and is as it should be: the same command ends like a run without the limit.
    again = soak.kills.attempt(forks, train.command_in(folder), folder, train.half_written)
    assert again.status == 0
    expected, found = (
        soak.outputs.contents(path, train.ignored) for path in (reference / "train", folder)
    )
    assert len(expected) > 12 and soak.outputs.differences(expected, found) == []


@pytest.mark.slow
def test_a_job_that_fails_by_itself_ends_the_program(soak, forks, tmp_path):
    with pytest.raises(
        RuntimeError, match=r"convert failed by itself: tfmusicgan-convert: .*/nowhere"
    ):
        soak.soak(forks, tmp_path, 1, inputs=["/nowhere"])


def test_what_differs_is_named(soak, tmp_path):
    for name, text in {"one": "do re mi", "two": "do re fa"}.items():
        (tmp_path / name / "logs").mkdir(parents=True)
        (tmp_path / name / "logs" / name).write_text(name)
        (tmp_path / name / "song.mid").write_text(text)
    (tmp_path / "one/card.md").write_text("la")
    (tmp_path / "two/.step-3.partial").mkdir()
    one, two = (soak.outputs.contents(tmp_path / name, "logs/*") for name in ("one", "two"))
    assert soak.outputs.differences(one, two) == [
        "card.md is missing",
        ".step-3.partial was left behind",
        "song.mid differs",
    ]
    failed = soak.Result("train", 2.25, runs=3, failures=["run differs"])
    failed.landed.update(start=1, work=4, write=7)
    assert soak.table([failed]).endswith("| train | 2.2 | 12 | 1 | 4 | 7 | 3 | no |")


def test_a_snapshot_sees_every_change(soak, tmp_path):
    (tmp_path / "a").write_text("x")
    before = soak.outputs.snapshot(tmp_path)
    assert soak.outputs.snapshot(tmp_path) == before and before["a"][1] == 1
    (tmp_path / "a").write_text("longer")
    (tmp_path / ".b").mkdir()
    after = soak.outputs.snapshot(tmp_path)
    assert after.keys() == {"a", ".b"} and after["a"][1] == 6
