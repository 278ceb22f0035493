"""Bulk sampling, against a toy SavedModel whose music is a known function of the seed."""

import dataclasses
import errno
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tfmusicgan import bulk_sampling
from tfmusicgan.bulk_sampling import run as run_module
from tfmusicgan.bulk_sampling import shards as shards_module
from tfmusicgan.errors import (
    ConfigError,
    ExportError,
    MusicGanError,
    OutputExistsError,
    ReadError,
    WorkerLostError,
)
from tfmusicgan.note_sequences.midi import read_midi
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.tfrecord import read_note_sequences
from tfmusicgan.serving.exported import find_export

_PIECES = 13


def _piece(index: int) -> NoteSequence:
    """Piece number `index` has `index` notes, so number 0 is silent."""
    sequence = NoteSequence(ticks_per_quarter=220)
    sequence.tempos.add(qpm=100 + index)
    for note in range(index):
        sequence.notes.add(
            pitch=40 + note, velocity=80, start_time=note * 0.5, end_time=note * 0.5 + 0.25
        )
    sequence.total_time = index * 0.5
    return sequence


def _save(folder: pathlib.Path) -> pathlib.Path:
    import tensorflow as tf

    class Toy(tf.Module):
        def __init__(self):
            super().__init__()
            self.pieces = tf.constant(
                [_piece(i).SerializeToString(deterministic=True) for i in range(_PIECES)]
            )

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed")])
        def serve(self, seed):
            return {"note_sequence": tf.gather(self.pieces, seed % _PIECES)}

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.int64, "seed"),
                tf.TensorSpec([None], tf.int32, "shift"),
                tf.TensorSpec([None], tf.float32, "qpm"),
                tf.TensorSpec([None], tf.bool, "swing"),
                tf.TensorSpec([None], tf.string, "chord"),
            ]
        )
        def generate(self, seed, shift, qpm, swing, chord):
            used = tf.cast(swing, tf.int64) + tf.cast(qpm > 99.0, tf.int64)
            used += tf.cast(tf.equal(chord, "Am"), tf.int64)
            row = (seed + tf.cast(shift, tf.int64) + used) % _PIECES
            return {"note_sequence": tf.gather(self.pieces, row)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed")])
        def count(self, seed):
            return {"notes": seed % _PIECES}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed")])
        def damaged(self, seed):
            return {"note_sequence": tf.repeat(["\xff\xff\xff"], tf.size(seed))}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed")])
        def shapeless(self, seed):
            return {"note_sequence": tf.gather(self.pieces, seed[:1] % _PIECES)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed")])
        def failing(self, seed):
            with tf.control_dependencies([tf.debugging.Assert(seed[0] < 0, ["no such seed"])]):
                return {"note_sequence": tf.gather(self.pieces, seed % _PIECES)}

    toy = Toy()
    signatures = {
        "failing": toy.failing,
        "serving_default": toy.serve,
        "generate": toy.generate,
        "count": toy.count,
        "damaged": toy.damaged,
        "shapeless": toy.shapeless,
    }
    tf.saved_model.save(toy, str(folder), signatures=signatures)
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "tfmusicgan.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> pathlib.Path:
    return _save(tmp_path_factory.mktemp("models") / "toy" / "3")


def _plan(export, controls=(), signature="serving_default", **changes):
    numbers = {"seed": 7, "num": 53, "batch_size": 8, "shard_size": 20} | changes
    return bulk_sampling.make_plan(export, signature, controls, **numbers)


def _contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_sample_i_depends_on_the_seed_and_i_alone(export, tmp_path, capsys):
    # 53 is a multiple of neither the batch (8) nor the shard (20), nor is 20 of 8.
    manifest = bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "out")
    files = ["samples-00000-of-00003", "samples-00001-of-00003", "samples-00002-of-00003"]
    assert sorted(os.listdir(tmp_path / "out")) == [
        "manifest.json",
        *(f"{name}.tfrecord" for name in files),
    ]
    assert sorted(os.listdir(tmp_path)) == ["out"]
    expected = [_piece((7 * 2**32 + i) % _PIECES) for i in range(53)]
    found = [list(read_note_sequences(tmp_path / "out" / f"{name}.tfrecord")) for name in files]
    assert [len(shard) for shard in found] == [20, 20, 13]
    assert [sequence for shard in found for sequence in shard] == expected
    assert manifest["counts"] == {
        "samples": 53,
        "notes": sum(len(piece.notes) for piece in expected),
        "without_notes": sum(not piece.notes for piece in expected),
    }
    assert manifest == json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["model"], manifest["version"], manifest["seed"]) == ("toy", 3, 7)
    assert "53/53 samples" in capsys.readouterr().err


def test_batch_and_shard_size_change_no_sample(export, tmp_path):
    whole = []
    for name, batch_size, shard_size in (("a", 8, 20), ("b", 5, 7), ("c", 64, 100)):
        plan = _plan(export, batch_size=batch_size, shard_size=shard_size)
        bulk_sampling.sample_to_folder(plan, export, tmp_path / name)
        shards = sorted((tmp_path / name).glob("*.tfrecord"))
        whole.append([sequence for shard in shards for sequence in read_note_sequences(shard)])
    assert whole[0] == whole[1] == whole[2]
    assert len(whole[0]) == 53


def test_row_seeds_use_all_of_64_bits():
    seeds = bulk_sampling.row_seeds(2**31 - 1, [0, 1, 2**32 - 1])
    assert seeds.dtype == np.int64
    assert seeds.tolist() == [0x7FFFFFFF00000000, 0x7FFFFFFF00000001, 0x7FFFFFFFFFFFFFFF]


def test_controls_reach_the_signature(export, tmp_path):
    controls = ["shift=4", "qpm=100.5", "swing=true", "chord=Am"]
    plan = _plan(export, controls, "generate", num=3)
    assert plan.controls == {"chord": "Am", "qpm": 100.5, "shift": 4, "swing": True}
    bulk_sampling.sample_to_folder(plan, export, tmp_path / "out")
    found = list(read_note_sequences(tmp_path / "out" / "samples-00000-of-00001.tfrecord"))
    assert found == [_piece((7 * 2**32 + i + 4 + 3) % _PIECES) for i in range(3)]


def test_midi_files_lie_in_folders_of_a_thousand(export, tmp_path):
    plan = _plan(export, num=5, extra_files="midi")
    manifest = bulk_sampling.sample_to_folder(plan, export, tmp_path / "out")
    names = [f"midi/0000000/{i:010d}.mid" for i in range(5)]
    assert sorted(name for name in _contents(tmp_path / "out") if "midi/" in name) == names
    num_notes = []
    for name in names:
        try:
            num_notes.append(len(read_midi(tmp_path / "out" / name).notes))
        except ReadError:
            num_notes.append(0)  # a silent piece is a MIDI file without notes
    assert num_notes == [11, 12, 0, 1, 2]  # 7 * 2**32 is 11 modulo 13
    assert manifest["extra_files"] == {"files": 5, "folder": "midi"}
    assert plan.file_name(12_345) == "midi/0000012/0000012345.mid"


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
    bulk_sampling.sample_to_folder(_plan(export, **numbers), export, tmp_path / "out")
    after = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in before}
    assert after == before  # finished shards were kept
    bulk_sampling.sample_to_folder(_plan(export, **numbers), export, tmp_path / "whole")
    assert _contents(tmp_path / "out") == _contents(tmp_path / "whole")
    assert not partial.exists()


@pytest.mark.slow
def test_two_workers_write_the_bytes_of_one(export, tmp_path):
    bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "one")
    bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "two", workers=2)
    assert _contents(tmp_path / "one") == _contents(tmp_path / "two")


@pytest.mark.slow
def test_a_job_server_and_a_worker_pool_write_the_same(export, tmp_path):
    """What a Flink cluster's job server and its worker pools speak, with Beam's Python ones."""
    from apache_beam.runners.portability.local_job_service import LocalJobServicer
    from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer

    workers, pool = BeamFnExternalWorkerPoolServicer.start()
    jobs = LocalJobServicer()
    options = f"--job_endpoint=localhost:{jobs.start_grpc_server(0)} --environment_type=EXTERNAL"
    portable = {
        "runner": "PortableRunner",
        "beam_options": f"{options} --environment_config={workers}",
    }
    try:
        bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "there", **portable)
    finally:
        jobs.stop()
        pool.stop(0)
    bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "here")
    assert _contents(tmp_path / "there") == _contents(tmp_path / "here")


def _die_at_first(task, shard):
    """Samples shard 2 the second time only: the first time its worker is killed."""
    marker = pathlib.Path(task[2]).with_name("killed")
    if shard == 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    shards_module.sample_shard(task[0], shard, task[1], pathlib.Path(task[2]))


@pytest.mark.slow
def test_a_killed_worker_costs_nothing_but_time(export, tmp_path, monkeypatch, capfd):
    plan = _plan(export, shard_size=7)
    monkeypatch.setattr(run_module, "_shard_or_error", _die_at_first)
    bulk_sampling.sample_to_folder(plan, export, tmp_path / "out", workers=2)
    said, _ = capfd.readouterr()
    assert re.search(r"A worker process was killed: going on with \d shards\.", said)
    monkeypatch.undo()
    bulk_sampling.sample_to_folder(plan, export, tmp_path / "whole")
    assert (tmp_path / "killed").exists()
    assert _contents(tmp_path / "out") == _contents(tmp_path / "whole")


def test_workers_that_are_killed_again_and_again_end_the_run(export, tmp_path, monkeypatch, capsys):
    runs = []

    def lose(function, todo, *_):
        runs.append(list(todo))
        if len(runs) == 2:
            function(1)
        raise WorkerLostError("A worker process was lost.")

    with monkeypatch.context() as patch, pytest.raises(WorkerLostError):
        patch.setattr(run_module, "run_all", lose)
        bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "out")
    # The second run finished a shard, so that two more could fail.
    assert runs == [[0, 1, 2], [0, 1, 2], [0, 2], [0, 2]]
    assert capsys.readouterr().out.count("going on with 2 shards") == 2
    bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "out")
    bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "whole")
    assert _contents(tmp_path / "out") == _contents(tmp_path / "whole")


def test_a_finished_folder_is_replaced_only_when_asked(export, tmp_path):
    plan = _plan(export, num=3)
    bulk_sampling.sample_to_folder(plan, export, tmp_path / "out")
    with pytest.raises(OutputExistsError, match=r"out exists\. .*--overwrite"):
        bulk_sampling.sample_to_folder(plan, export, tmp_path / "out")
    other = _plan(export, num=4)
    bulk_sampling.sample_to_folder(other, export, tmp_path / "out", overwrite=True)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["num"] == 4


def test_only_samples_are_ever_replaced(export, tmp_path):
    plan = _plan(export, num=3)
    home = tmp_path / "home"
    home.mkdir()
    (home / "manifest.json").write_text('{"thesis": 1}')
    (tmp_path / "file").write_text("mine")
    for output in (home, tmp_path / "file"):
        with pytest.raises(OutputExistsError, match="holds no samples, so it is not replaced"):
            bulk_sampling.sample_to_folder(plan, export, output, overwrite=True)
    assert os.listdir(home) == ["manifest.json"] and (tmp_path / "file").read_text() == "mine"
    (home / "manifest.json").unlink()
    bulk_sampling.sample_to_folder(plan, export, home, overwrite=True)  # an empty folder is free
    assert "manifest.json" in os.listdir(home)


@pytest.mark.parametrize("last", range(6))
def test_killed_while_it_finishes(export, tmp_path, monkeypatch, last):
    plan = _plan(export, num=53, extra_files="midi")
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
    assert _contents(tmp_path / "out") == _contents(tmp_path / "whole")


def test_an_unfinished_run_of_other_options_is_refused(export, tmp_path, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run_module, "run_all", stop)
        bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "out")
    with pytest.raises(OutputExistsError, match=r"other options \(seed 7\)\. .*--overwrite"):
        bulk_sampling.sample_to_folder(_plan(export, seed=8), export, tmp_path / "out")
    retrained = dataclasses.replace(_plan(export), digest="0" * 64)
    with pytest.raises(OutputExistsError, match=r"other options \(digest '[0-9a-f]{64}'\)"):
        bulk_sampling.sample_to_folder(retrained, export, tmp_path / "out")
    (tmp_path / "out.partial" / "plan.json").write_text("{")
    with pytest.raises(OutputExistsError, match=r"plan.json is damaged"):
        bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "out")
    (tmp_path / "out.partial" / "plan.json").unlink()
    (tmp_path / "out.partial" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="no unfinished run"):
        bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "out")
    bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "out", overwrite=True)
    assert "thesis.txt" not in os.listdir(tmp_path / "out")


def test_a_second_run_into_the_same_folder_is_refused(export, tmp_path):
    (tmp_path / "out.partial").mkdir()
    descriptor = os.open(tmp_path / "out.partial", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(MusicGanError, match=r"Another run writes to .*out.partial"):
        bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "out")
    os.close(descriptor)


def test_a_full_disk_is_one_line_and_leaves_nothing_finished(export, tmp_path, monkeypatch):
    def full(path, text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(shards_module, "write_whole", full)
        with pytest.raises(MusicGanError, match=r"No space left on device: .*Finished shards are"):
            bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "out.partial").glob("samples-*"))
    bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "out")
    bulk_sampling.sample_to_folder(_plan(export), export, tmp_path / "whole")
    assert _contents(tmp_path / "out") == _contents(tmp_path / "whole")


def test_what_the_model_gives_is_checked(export, tmp_path):
    damaged = _plan(export, signature="damaged")
    with pytest.raises(MusicGanError, match="bytes that are no NoteSequence"):
        bulk_sampling.sample_to_folder(damaged, export, tmp_path / "out")
    with pytest.raises(ExportError, match="bytes that are no NoteSequence"):
        bulk_sampling.sample_rows(damaged, str(export), range(2))
    with pytest.raises(ExportError, match=r"Expected 8 NoteSequences .*shape \(1,\)"):
        bulk_sampling.sample_rows(_plan(export, signature="shapeless"), str(export), range(2))
    with pytest.raises(ExportError, match=r"3 could not be run: .*no such seed") as error:
        bulk_sampling.sample_rows(_plan(export, signature="failing"), str(export), range(2))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": -1}, "seed from 0 to 2147483647. Received: -1"),
        ({"seed": 2**31}, "seed from 0 to 2147483647"),
        ({"num": 0}, "num from 1 to 4294967296. Received: 0"),
        ({"batch_size": 0}, "batch_size from 1 to 65536"),
        ({"shard_size": 0}, "shard_size from 1 to"),
    ],
)
def test_numbers_have_ranges(export, changes, message):
    with pytest.raises(ConfigError, match=message):
        _plan(export, **changes)


@pytest.mark.parametrize(
    ("signature", "controls", "message"),
    [
        (
            "continue",
            [],
            "Unknown signature 'continue'. Known: .*generate, serving_default",
        ),
        ("serving_default", ["qpm=3"], "has no control 'qpm'. Known: none"),
        ("generate", ["tempo=3"], "no control 'tempo'. Known: chord, qpm, shift, swing"),
        ("generate", ["qpm"], "Expected --control=name=value. Received: 'qpm'"),
        ("generate", ["qpm=fast"], "'qpm': expected a value of type float32. Received: 'fast'"),
        ("generate", ["shift=1.5"], "'shift': expected a value of type int32"),
        ("generate", ["swing=2"], "'swing': expected a value of type bool"),
        ("generate", ["qpm=3"], r"needs --control=chord=VALUE.*chord \(string\), qpm \(float32\)"),
    ],
)
def test_unknown_signatures_and_controls_name_the_valid_ones(export, signature, controls, message):
    with pytest.raises(ConfigError, match=message):
        _plan(export, controls, signature)


def test_a_signature_without_music_is_refused(export):
    with pytest.raises(ExportError, match=r"'count' of .* makes no music from seeds\."):
        _plan(export, signature="count")


def test_the_highest_complete_version_is_found(export, tmp_path):
    root = tmp_path / "toy"
    for version in ("9", "10"):
        shutil.copytree(export, root / version)
    (root / "11").mkdir()  # an export that never finished
    assert find_export(root) == root / "10"
    assert find_export(root / "9") == root / "9"


def test_what_is_no_model_of_the_suite_is_refused(export, tmp_path):
    with pytest.raises(ExportError, match=r"No folder .*nowhere. Export a model first"):
        find_export(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ExportError, match=r"Expected a SavedModel in .*empty .*Found: nothing"):
        find_export(tmp_path / "empty")
    foreign = tmp_path / "foreign" / "1"
    shutil.copytree(export, foreign)
    shutil.rmtree(foreign / "assets.extra")
    with pytest.raises(ExportError, match="is no model of this suite"):
        find_export(tmp_path / "foreign")
    broken = tmp_path / "broken" / "1"
    shutil.copytree(export, broken)
    (broken / "saved_model.pb").write_bytes(b"\xff" * 50)
    with pytest.raises(ExportError, match="broken/1 cannot be loaded: "):
        _plan(broken)


def test_what_is_no_local_folder_is_refused(export, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for output in ("gs://bucket/out", pathlib.Path("gs://bucket/out")):
        with pytest.raises(ConfigError, match=r"in --output\. Received: gs:/+bucket/out\. Mount"):
            bulk_sampling.sample_to_folder(_plan(export), export, output)
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_it_does_and_what_is_wrong(export, tmp_path, capsys):
    from tfmusicgan.cli.sample import main

    arguments = [f"--model={export.parent}", "--num=20", f"--output={tmp_path / 'out'}"]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code in (0, None)
    # Seed 0: pieces 0 to 12 (78 notes, one silent) and 0 to 6 (21 notes, one silent).
    assert "20 samples, 99 notes, 2 samples without a note" in capsys.readouterr().out
    for extra, message in (
        ([], "exists. Name another --output"),
        (["--output=", "--num=1"], "--output is required"),
        ([f"--output={tmp_path / 'b'}", f"--model={tmp_path}"], "Expected a SavedModel in"),
        (["--output=gs://bucket/b"], "file system in --output. Received: gs://bucket/b."),
        (["--model=s3://bucket/m"], "file system in --model. Received: s3://bucket/m."),
    ):
        with pytest.raises(SystemExit) as ended:
            main([*arguments, *extra])
        assert ended.value.code == 1
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
