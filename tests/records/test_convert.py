"""The conversion: the same bytes whatever runs it, resumable, and whole or not at all."""

import dataclasses
import errno
import filecmp
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.records.pieces import GRID, write_pieces
from tfmusicgan import datasets
from tfmusicgan.errors import ConfigError, MusicGanError, OutputExistsError, RecordsError
from tfmusicgan.records import convert as convert_module
from tfmusicgan.records import convert_shard, shard_file
from tfmusicgan.records.convert import convert, dry_run
from tfmusicgan.records.filters import PieceFilters
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.schema import bytes_to_example
from tfmusicgan.records.shard_file import file_digest, read_shard

MIDI = datasets.get("midi")
OPTIONS = ConvertOptions(GRID, split=(0.5, 0.25, 0.25), num_shards=3)


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    return write_pieces(tmp_path_factory.mktemp("music") / "m", 20)


@pytest.fixture(scope="module")
def records(music, tmp_path_factory):
    """An uninterrupted run, against which the others are compared."""
    output = tmp_path_factory.mktemp("records") / "records"
    convert(MIDI, OPTIONS, output, [str(music)])
    return output


def _assert_same(first, second):
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in second.iterdir())
    assert filecmp.cmpfiles(first, second, names, shallow=False)[1:] == ([], [])


def _examples(records, split="train"):
    for path in sorted(records.glob(f"{split}-*")):
        for record in read_shard(path):
            yield bytes_to_example(record, GRID.spec)


def test_every_phrase_is_there_once(records):
    manifest = Manifest.read(records)
    origins = []
    for split in ("train", "validation", "test"):
        found = [origin for _, origin in _examples(records, split)]
        assert len(found) == manifest.num_examples(split) > 0
        assert len({origin.piece for origin in found}) == manifest.num_pieces(split)
        origins += found
    expected = {(f"album/song_{i:03d}.mid", i, k) for i in range(20) for k in range(4)}
    assert {dataclasses.astuple(origin) for origin in origins} == expected
    assert len(origins) == 80


def test_examples_are_those_of_the_representation(records, music):
    from tfmusicgan.note_sequences.midi import read_midi

    for example, origin in _examples(records, "validation"):
        phrases = GRID.encode(read_midi(music / origin.piece))
        assert (example["piano_roll"] == phrases[origin.phrase_index]["piano_roll"]).all()


def test_the_manifest_says_what_is_on_disk(records):
    manifest = Manifest.read(records)
    listed = {shard.file for shards in manifest.shards.values() for shard in shards}
    assert listed | {"manifest.json", "report.json"} == {p.name for p in records.iterdir()}
    for shard in manifest.shards["train"]:
        assert shard.num_bytes == (records / shard.file).stat().st_size
        assert shard.sha256 == file_digest(records / shard.file)
        assert shard.num_notes == shard.num_pieces * 3 * 64
        assert shard.num_unpacked_bytes == sum(
            len(record) + 16 for record in read_shard(records / shard.file)
        )
    assert manifest.sources["num_read"] == 20
    assert manifest.representation["name"] == "multitrack_piano_roll"
    assert manifest.fields["piano_roll"]["stored_bytes"] == 72
    report = json.loads((records / "report.json").read_text())
    assert len(report["sources"]) == 20 and report["dropped"] == []


def test_two_runs_and_two_workers_give_the_same_bytes(records, music, tmp_path):
    convert(MIDI, OPTIONS, tmp_path / "again", [str(music)])
    _assert_same(records, tmp_path / "again")
    convert(MIDI, OPTIONS, tmp_path / "workers", [str(music)], num_workers=2)
    _assert_same(records, tmp_path / "workers")


def test_another_runner_gives_the_same_bytes(records, music, tmp_path):
    runner = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
    options = "--direct_num_workers=2 --direct_running_mode=multi_threading"
    output = tmp_path / "threads"
    convert(MIDI, OPTIONS, output, [str(music)], runner=runner, beam_options=options)
    _assert_same(records, output)


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
    _assert_same(tmp_path / "whole", tmp_path / "killed")
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
                patch.setattr(convert_module.os, "replace", _only_temporary(stop))
            else:
                patch.setattr(convert_module, "_finish", stop)
            with pytest.raises(KeyboardInterrupt):
                convert(MIDI, OPTIONS, output, [str(music)])
        assert not output.exists()
        convert(MIDI, OPTIONS, output, [str(music)])
        _assert_same(records, output)


def _only_temporary(stop):
    """`os.replace` that calls `stop` for the last rename, that of the folder."""
    replace = os.replace

    def replace_or_stop(source, target):
        if str(source).endswith(".partial"):
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
    _assert_same(records, output)


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


@pytest.mark.parametrize("num_workers", [1, 2])
def test_bad_files_are_named_and_the_run_goes_on(tmp_path, num_workers):
    music = write_pieces(tmp_path / "m", 4)
    good = (music / "album/song_000.mid").read_bytes()
    (music / "truncated.mid").write_bytes(good[: len(good) // 2])
    (music / "noise.mid").write_bytes(bytes(range(256)) * 4)
    (music / "empty.mid").write_bytes(b"")
    (music / "picture.mid").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    manifest = convert(MIDI, OPTIONS, tmp_path / "out", [str(music)], num_workers=num_workers)
    assert sum(manifest.num_pieces(split) for split in manifest.shards) == 4
    named = [name for drop in manifest.drops.values() for name in drop.names]
    assert sorted(named) == ["empty.mid", "noise.mid", "picture.mid", "truncated.mid"]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [drop["name"] for drop in report["dropped"]] == sorted(named)
    assert all(drop["message"] for drop in report["dropped"])


def test_when_nothing_can_be_read_nothing_is_written(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "noise.mid").write_bytes(bytes(range(256)))
    with pytest.raises(
        MusicGanError, match=r"No example came out of 1 pieces: 1 \w+ \(noise.mid\)"
    ):
        convert(MIDI, OPTIONS, tmp_path / "out", [str(tmp_path / "m")])
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


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
    assert not list((tmp_path / "out.partial").glob("*.tmp*"))
    convert(MIDI, OPTIONS, output, [str(music)])
    _assert_same(records, output)


def test_a_worker_process_that_cannot_write_says_so_in_one_line(music, tmp_path):
    # A limit on file sizes is inherited by the worker processes, as a full disk would be.
    code = (
        "import resource; from tfmusicgan.cli.convert import main; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); "
        f"main(['--input={music}', '--steps_per_beat=24', '--workers=2', '--hop_bars=1', "
        f"'--output={tmp_path / 'out'}'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("tfmusicgan-convert: Shard ") and "File too large" in last
    assert not (tmp_path / "out").exists()


def test_augmentation_is_in_the_training_split_alone(music, tmp_path):
    filters = PieceFilters(transpose="-1:1")
    options = dataclasses.replace(OPTIONS, filters=filters)
    manifest = convert(MIDI, options, tmp_path / "out", [str(music)])
    plain = {origin.piece for _, origin in _examples(tmp_path / "out", "validation")}
    assert not any("+" in name or name.endswith("-1") for name in plain)
    names = {origin.piece for _, origin in _examples(tmp_path / "out")}
    originals = {name for name in names if name.endswith(".mid")}
    assert names == originals | {f"{n}-1" for n in originals} | {f"{n}+1" for n in originals}
    assert manifest.num_pieces("train") == 3 * len(originals)


def test_a_copy_that_does_not_fit_loses_no_other(tmp_path):
    from tests.records.pieces import piece
    from tfmusicgan.note_sequences.midi import to_midi_bytes

    high = piece(0)
    high.notes.add(pitch=127, velocity=80, start_time=0, end_time=1, program=0)
    (tmp_path / "m").mkdir()
    (tmp_path / "m/high.mid").write_bytes(to_midi_bytes(high))
    options = dataclasses.replace(OPTIONS, split=(1, 0, 0), filters=PieceFilters(transpose="-1:2"))
    manifest = convert(MIDI, options, tmp_path / "out", [str(tmp_path / "m")])
    assert manifest.num_pieces("train") == 2
    assert manifest.drops["pitch_out_of_range"].names == ("high.mid+1", "high.mid+2")


def test_dry_run_counts_what_a_run_keeps_and_writes_nothing(music, records, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    counted, written = dry_run(MIDI, OPTIONS, [str(music)]), Manifest.read(records)
    for split in ("train", "validation", "test"):
        assert counted.num_examples(split) == written.num_examples(split)
        assert counted.num_pieces(split) == written.num_pieces(split)
    assert list(tmp_path.iterdir()) == []
    strict = dataclasses.replace(OPTIONS, filters=PieceFilters(keys=("C",)))
    assert dry_run(MIDI, strict, [str(music)]).drops["no_key"].num_pieces == 20


def test_arguments_out_of_range(music, tmp_path):
    with pytest.raises(ConfigError, match=r"Expected at least 1 worker. Received: 0"):
        convert(MIDI, OPTIONS, tmp_path / "a", [str(music)], num_workers=0)
    with pytest.raises(ConfigError, match=r"Beam has no runner 'Nowhere' here"):
        convert(MIDI, OPTIONS, tmp_path / "b", [str(music)], runner="Nowhere")
    with pytest.raises(ConfigError, match=r"--workers is for the embedded runner. Received: 2"):
        convert(MIDI, OPTIONS, tmp_path / "c", [str(music)], runner="DirectRunner", num_workers=2)


def test_bad_beam_options(music, tmp_path):
    for options, message in (
        ("--a='b", r"--beam_options: No closing quotation. Received: "),
        (
            "--direct_num_workers=few",
            r"--beam_options: argument --direct_num_workers.* invalid",
        ),
    ):
        for runner in ("embedded", "DirectRunner"):
            with pytest.raises(ConfigError, match=message):
                convert(
                    MIDI,
                    OPTIONS,
                    tmp_path / "out",
                    [str(music)],
                    runner=runner,
                    beam_options=options,
                )


def test_a_runner_that_leaves_a_shard_out_is_noticed(music, tmp_path, monkeypatch):
    monkeypatch.setattr(convert_module, "run_all", lambda *_, **__: None)
    with pytest.raises(RecordsError, match=r"Expected .*stats.json after the run"):
        convert(MIDI, OPTIONS, tmp_path / "out", [str(music)])


def test_max_phrases_are_spread_over_the_piece():
    assert convert_shard._spread(list(range(10)), 4) == [0, 2, 5, 7]
    assert convert_shard._spread(list(range(3)), 4) == [0, 1, 2]
    assert convert_shard._spread(list(range(3)), 0) == [0, 1, 2]


def test_phrases_left_out_of_a_kept_piece_are_counted(tmp_path):
    from tests.records.pieces import piece
    from tfmusicgan.note_sequences.midi import to_midi_bytes

    gap = piece(0, bars=8)
    kept = [note for note in gap.notes if note.start_time < 4 or note.start_time >= 14]
    del gap.notes[:]
    gap.notes.extend(kept)
    (tmp_path / "m").mkdir()
    (tmp_path / "m/gap.mid").write_bytes(to_midi_bytes(gap))
    options = dataclasses.replace(OPTIONS, split=(1, 0, 0))
    manifest = dry_run(MIDI, options, [str(tmp_path / "m")])
    # Of the phrases at bars 0, 2, 4 and 6 the second and the third are silent.
    assert manifest.num_examples("train") == 2
    drop = manifest.drops["too_few_notes"]
    assert (drop.num_pieces, drop.num_phrases, drop.names) == (0, 2, ())
