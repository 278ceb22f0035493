"""Bulk sampling that is killed, loses workers or fills the disk, and is run again."""

import dataclasses
import errno
import fcntl
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.bulk_sampling.toy_pieces import contents, plan_of
from tfmusicgan import bulk_sampling
from tfmusicgan.bulk_sampling import run as run_module
from tfmusicgan.bulk_sampling import shards as shards_module
from tfmusicgan.errors import MusicGanError, OutputExistsError, WorkerLostError


def test_killed_and_resumed_equals_uninterrupted(export, tmp_path):
    arguments = ["--num=1003", "--batch_size=8", "--shard_size=100", "--seed=7", "--midi"]
    arguments += [f"--model={export.parent}", f"--output={tmp_path / 'out'}"]
    code = f"from tfmusicgan.cli.sample import main; main({arguments!r})"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    partial = tmp_path / "out.partial"
    deadline = time.monotonic() + 120
    while not list(partial.glob("samples-*.tfrecord")) and time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    shards = [path for path in partial.glob("samples-*.tfrecord")]
    assert 0 < len(shards) < 11
    assert not (tmp_path / "out").exists()
    before = {path.name: path.stat().st_mtime_ns for path in shards}

    numbers = {"num": 1003, "shard_size": 100, "extra_files": "midi"}
    bulk_sampling.sample_to_folder(plan_of(export, **numbers), export, tmp_path / "out")
    after = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in before}
    assert after == before  # finished shards were kept
    bulk_sampling.sample_to_folder(plan_of(export, **numbers), export, tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert not partial.exists()


def _die_at_first(task, shard):
    """Samples shard 2 the second time only: the first time its worker is killed."""
    marker = pathlib.Path(task[2]).with_name("killed")
    if shard == 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    shards_module.sample_shard(task[0], shard, task[1], pathlib.Path(task[2]))


@pytest.mark.slow
def test_a_killed_worker_costs_nothing_but_time(export, tmp_path, monkeypatch, capfd):
    plan = plan_of(export, shard_size=7)
    monkeypatch.setattr(run_module, "_shard_or_error", _die_at_first)
    bulk_sampling.sample_to_folder(plan, export, tmp_path / "out", workers=2)
    said, _ = capfd.readouterr()
    assert re.search(r"A worker process was killed: going on with \d shards\.", said)
    monkeypatch.undo()
    bulk_sampling.sample_to_folder(plan, export, tmp_path / "whole")
    assert (tmp_path / "killed").exists()
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_workers_that_are_killed_again_and_again_end_the_run(export, tmp_path, monkeypatch, capsys):
    runs = []

    def lose(function, todo, *_):
        runs.append(list(todo))
        if len(runs) == 2:
            function(1)
        raise WorkerLostError("A worker process was lost.")

    with monkeypatch.context() as patch, pytest.raises(WorkerLostError):
        patch.setattr(run_module, "run_all", lose)
        bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "out")
    # The second run finished a shard, so that two more could fail.
    assert runs == [[0, 1, 2], [0, 1, 2], [0, 2], [0, 2]]
    assert capsys.readouterr().out.count("going on with 2 shards") == 2
    bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "out")
    bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.parametrize("last", range(6))
def test_killed_while_it_finishes(export, tmp_path, monkeypatch, last):
    plan = plan_of(export, num=53, extra_files="midi")
    bulk_sampling.sample_to_folder(plan, export, tmp_path / "whole")
    calls = []

    def mortal(function):
        def call(*arguments, **options):
            if finishing:
                calls.append(arguments)
                if len(calls) > last:
                    raise KeyboardInterrupt
            return function(*arguments, **options)

        return call

    finishing = []
    finish = run_module._finish
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "_finish", lambda *a: (finishing.append(1), finish(*a))[1])
        patch.setattr(pathlib.Path, "unlink", mortal(pathlib.Path.unlink))
        patch.setattr(run_module, "write_whole", mortal(run_module.write_whole))
        patch.setattr(run_module, "replace_folder", mortal(run_module.replace_folder))
        with pytest.raises(KeyboardInterrupt):
            bulk_sampling.sample_to_folder(plan, export, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    bulk_sampling.sample_to_folder(plan, export, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_an_unfinished_run_of_other_options_is_refused(export, tmp_path, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run_module, "run_all", stop)
        bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "out")
    with pytest.raises(OutputExistsError, match=r"other options \(seed 7\)\. .*--overwrite"):
        bulk_sampling.sample_to_folder(plan_of(export, seed=8), export, tmp_path / "out")
    retrained = dataclasses.replace(plan_of(export), digest="0" * 64)
    with pytest.raises(OutputExistsError, match=r"other options \(digest '[0-9a-f]{64}'\)"):
        bulk_sampling.sample_to_folder(retrained, export, tmp_path / "out")
    (tmp_path / "out.partial" / "plan.json").write_text("{")
    with pytest.raises(OutputExistsError, match=r"plan.json is damaged"):
        bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "out")
    (tmp_path / "out.partial" / "plan.json").unlink()
    (tmp_path / "out.partial" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="no unfinished run"):
        bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "out")
    bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "out", overwrite=True)
    assert "thesis.txt" not in os.listdir(tmp_path / "out")


def test_a_second_run_into_the_same_folder_is_refused(export, tmp_path):
    (tmp_path / "out.partial").mkdir()
    descriptor = os.open(tmp_path / "out.partial", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(MusicGanError, match=r"Another run writes to .*out.partial"):
        bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "out")
    os.close(descriptor)


def test_a_full_disk_is_one_line_and_leaves_nothing_finished(export, tmp_path, monkeypatch):
    def full(path, text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(shards_module, "write_whole", full)
        with pytest.raises(MusicGanError, match=r"No space left on device: .*Finished shards are"):
            bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "out.partial").glob("samples-*"))
    bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "out")
    bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
