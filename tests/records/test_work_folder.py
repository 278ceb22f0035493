"""The way to a finished folder: interrupted, resumed, and never over anything else."""

import dataclasses
import errno
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.records.pieces import OPTIONS, assert_same, write_pieces
from tfmusicgan import datasets
from tfmusicgan.errors import OutputExistsError, RecordsError
from tfmusicgan.records import convert as convert_module
from tfmusicgan.records import shard_file, work_folder
from tfmusicgan.records.convert import convert
from tfmusicgan.records.manifest import Manifest

MIDI = datasets.get("midi")


def test_a_kill_in_the_middle_leaves_nothing_complete_and_is_resumed(tmp_path):
    music = write_pieces(tmp_path / "m", 120, bars=16)
    options = dataclasses.replace(OPTIONS, num_shards=30)
    convert(MIDI, options, tmp_path / "whole", [str(music)])
    command = [sys.executable, "-m", "tfmusicgan.cli.convert", f"--input={music}"]
    command += ["--tracks=drums,piano,bass", "--bars=2", "--steps_per_beat=2", "--hop_bars=2"]
    command += ["--lowest_pitch=36", "--num_pitches=12", "--split=0.5,0.25,0.25", "--shards=30"]
    command += [f"--output={tmp_path / 'killed'}"]
    code = f"import sys; from tfmusicgan.cli.convert import main; main({command[3:]!r})"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    partial = tmp_path / "killed.partial"
    while len(list(partial.glob("*.stats.json"))) < 3 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = {path.name: path.stat().st_mtime_ns for path in partial.glob("*.stats.json")}
    assert 3 <= len(finished) < 60
    assert not (tmp_path / "killed").exists()
    with pytest.raises(RecordsError, match=r"conversion was interrupted. Run the same"):
        Manifest.read(tmp_path / "killed")
    shards = {name.removesuffix(".stats.json") for name in finished}
    times = {name: (partial / name).stat().st_mtime_ns for name in shards}
    convert(MIDI, options, tmp_path / "killed", [str(music)])
    assert_same(tmp_path / "whole", tmp_path / "killed")
    kept = {name: (tmp_path / "killed" / name).stat().st_mtime_ns for name in shards}
    assert kept == times  # what was finished was not written again
    assert not partial.exists()


def test_a_kill_before_the_rename_is_finished_by_the_next_run(
    records, music, tmp_path, monkeypatch
):
    for call in ("unlink", "replace"):
        output = tmp_path / call
        with monkeypatch.context() as patch:

            def stop(*_, **__):
                raise KeyboardInterrupt

            if call == "replace":
                patch.setattr(work_folder.os, "replace", _stop_at(output, stop))
            else:
                patch.setattr(work_folder, "finish", stop)
            with pytest.raises(KeyboardInterrupt):
                convert(MIDI, OPTIONS, output, [str(music)])
        assert not output.exists()
        convert(MIDI, OPTIONS, output, [str(music)])
        assert_same(records, output)


def _stop_at(output, stop):
    """`os.replace` that calls `stop` for the last rename, that of the folder."""
    replace = os.replace

    def replace_or_stop(source, target):
        if target == output:
            stop()
        replace(source, target)

    return replace_or_stop


def test_a_partial_run_of_another_plan_is_not_mixed_in(music, tmp_path, monkeypatch):
    output = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(convert_module, "run_all", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            convert(MIDI, OPTIONS, output, [str(music)])
    other = dataclasses.replace(OPTIONS, max_phrases=1)
    with pytest.raises(
        RecordsError,
        match=r"out.partial is an interrupted conversion of other .*"
        r"--overwrite to start anew",
    ):
        convert(MIDI, other, output, [str(music)])
    manifest = convert(MIDI, other, output, [str(music)], overwrite=True)
    assert sum(manifest.num_examples(split) for split in manifest.shards) == 20
    assert manifest.drops["max_phrases"] == dataclasses.replace(
        manifest.drops["max_phrases"], num_pieces=0, num_phrases=60, names=()
    )


def _interrupt(*_, **__):
    raise KeyboardInterrupt


def test_nothing_is_overwritten_unasked(records, music, tmp_path):
    output = tmp_path / "out"
    shutil.copytree(records, output)
    with pytest.raises(OutputExistsError, match=r"out is there already. Give --overwrite"):
        convert(MIDI, OPTIONS, output, [str(music)])
    changed = dataclasses.replace(OPTIONS, num_shards=2)
    convert(MIDI, changed, output, [str(music)], overwrite=True)
    assert len(Manifest.read(output).shards["train"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_the_old_set_stays_until_the_new_one_is_complete(records, music, tmp_path, monkeypatch):
    output = tmp_path / "out"
    shutil.copytree(records, output)
    monkeypatch.setattr(convert_module, "run_all", _interrupt)
    changed = dataclasses.replace(OPTIONS, num_shards=2)
    with pytest.raises(KeyboardInterrupt):
        convert(MIDI, changed, output, [str(music)], overwrite=True)
    assert_same(records, output)


def test_a_folder_of_something_else_is_never_replaced(music, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "diary.txt").write_text("dear")
    with pytest.raises(OutputExistsError, match=r"is no record set, so it is not replaced"):
        convert(MIDI, OPTIONS, tmp_path / "home", [str(music)], overwrite=True)
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial" / "diary.txt").write_text("dear")
    with pytest.raises(OutputExistsError, match=r"is no interrupted conversion. Move it away"):
        convert(MIDI, OPTIONS, tmp_path / "out", [str(music)], overwrite=True)
    (tmp_path / "empty").mkdir()
    convert(MIDI, OPTIONS, tmp_path / "empty", [str(music)])


def test_a_full_disk_leaves_nothing_complete_and_is_resumed(records, music, tmp_path, monkeypatch):
    calls = []

    def full_at_the_third(file_descriptor):
        calls.append(file_descriptor)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    output = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(shard_file.os, "fsync", full_at_the_third)
        with pytest.raises(RecordsError, match=r"could not be written: No space left on device"):
            convert(MIDI, OPTIONS, output, [str(music)])
    assert not output.exists()
    assert not list((tmp_path / "out.partial").glob(".*"))
    convert(MIDI, OPTIONS, output, [str(music)])
    assert_same(records, output)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_a_worker_that_cannot_write_says_so_in_one_line(music, tmp_path, num_workers):
    # A limit on file sizes is inherited by worker processes, as a full disk would be.
    code = (
        "import resource; from tfmusicgan.cli.convert import main; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); "
        f"main(['--input={music}', '--steps_per_beat=24', '--workers={num_workers}', "
        f"'--hop_bars=1', '--output={tmp_path / 'out'}'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    bars, line = done.stderr.splitlines()[:-1], done.stderr.splitlines()[-1]
    assert all(bar.lstrip().startswith(("Listing", "Converting")) for bar in bars), bars
    assert line.startswith("tfmusicgan-convert: Shard ") and "File too large" in line
    assert line.endswith("run the same command again to go on.")
    assert not (tmp_path / "out").exists()


def test_a_web_page_with_a_manifest_is_not_a_record_set(records, music, tmp_path):
    foreign = {
        "out": r"/out is there already and is no record set",
        "out.partial": r"out.partial is there already and is no interrupted conversion",
        "out.replaced": r"out.replaced is there already and is no record set. Move it away",
    }
    for name, message in foreign.items():
        for contents in (["manifest.json", "index.html"], ["manifest.json"], ["plan.json", "a"]):
            folder = tmp_path / "-".join(contents)
            (folder / name).mkdir(parents=True)
            for file in contents:
                (folder / name / file).write_text('{"name": "mine"}')
            if name == "out.replaced":
                shutil.copytree(records, folder / "out")
            before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
            with pytest.raises(OutputExistsError, match=message):
                convert(MIDI, OPTIONS, folder / "out", [str(music)], overwrite=True)
            assert before == {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
            shutil.rmtree(folder)


def test_a_link_to_another_disk_is_followed(records, music, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    convert(MIDI, OPTIONS, tmp_path / "link", [str(music)])
    changed = dataclasses.replace(OPTIONS, num_shards=2)
    convert(MIDI, changed, tmp_path / "link", [str(music)], overwrite=True)
    convert(MIDI, OPTIONS, tmp_path / "link", [str(music)], overwrite=True)
    assert_same(records, tmp_path / "disk")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "link"]
    assert (tmp_path / "link").is_symlink()


def test_two_processes_do_not_mix(records, music, tmp_path, monkeypatch):
    run_all = convert_module.run_all
    refused = []

    def run_while_another_tries(*arguments):
        run_all(*arguments)
        code = f"from tfmusicgan.cli.convert import main; main(['--input={music}', "
        code += f"'--tracks=piano', '--output={tmp_path / 'out'}', '--overwrite'])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        refused.append((done.returncode, done.stderr.strip().splitlines()[-1]))

    monkeypatch.setattr(convert_module, "run_all", run_while_another_tries)
    convert(MIDI, OPTIONS, tmp_path / "out", [str(music)])
    assert refused == [
        (
            1,
            f"tfmusicgan-convert: Another process is converting to {tmp_path / 'out'}. Wait for "
            "it, or choose another --output.",
        )
    ]
    assert_same(records, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(tmp_path, monkeypatch):
    samestat, asked = os.path.samestat, []

    def other_at_first(*arguments):
        asked.append(arguments)
        return len(asked) > 1 and samestat(*arguments)

    monkeypatch.setattr(work_folder.os.path, "samestat", other_at_first)
    with work_folder.locked(tmp_path / "out"):
        assert [path.name for path in tmp_path.iterdir()] == ["out.partial.lock"]
    assert len(asked) == 2 and list(tmp_path.iterdir()) == []


def test_a_run_killed_between_the_renames_leaves_no_old_set(records, music, tmp_path, monkeypatch):
    output = tmp_path / "out"
    shutil.copytree(records, output)
    replace = os.replace

    def stop_at_the_last(source, target):
        if target == output:
            raise KeyboardInterrupt
        replace(source, target)

    changed = dataclasses.replace(OPTIONS, num_shards=2)
    with monkeypatch.context() as patch:
        patch.setattr(work_folder.os, "replace", stop_at_the_last)
        with pytest.raises(KeyboardInterrupt):
            convert(MIDI, changed, output, [str(music)], overwrite=True)
    assert not output.exists()
    convert(MIDI, OPTIONS, output, [str(music)], overwrite=True)
    assert_same(records, output)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_shard_that_lost_bytes_after_it_was_written_is_written_again(
    records, music, tmp_path, monkeypatch
):
    output = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(work_folder, "finish", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            convert(MIDI, OPTIONS, output, [str(music)])
    shards = sorted((tmp_path / "out.partial").glob("train-*.gz"))
    shards[0].write_bytes(shards[0].read_bytes()[:-5])
    shards[1].unlink()
    convert(MIDI, OPTIONS, output, [str(music)])
    assert_same(records, output)
