"""What bulk sampling refuses: folders, numbers, signatures, controls and models."""

import json
import os
import pathlib
import shutil

import pytest

from tests.bulk_sampling.toy_pieces import plan_of
from tfmusicgan import bulk_sampling
from tfmusicgan.errors import ConfigError, ExportError, MusicGanError, OutputExistsError
from tfmusicgan.serving.exported import find_export


def test_a_finished_folder_is_replaced_only_when_asked(export, tmp_path):
    plan = plan_of(export, num=3)
    bulk_sampling.sample_to_folder(plan, export, tmp_path / "out")
    with pytest.raises(OutputExistsError, match=r"out exists\. .*--overwrite"):
        bulk_sampling.sample_to_folder(plan, export, tmp_path / "out")
    other = plan_of(export, num=4)
    bulk_sampling.sample_to_folder(other, export, tmp_path / "out", overwrite=True)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["num"] == 4


def test_only_samples_are_ever_replaced(export, tmp_path):
    plan = plan_of(export, num=3)
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


def test_a_link_stands_for_the_folder_that_it_points_to(export, tmp_path, monkeypatch):
    far, link = tmp_path / "far" / "samples", tmp_path / "link"
    link.symlink_to(far)
    for num in (3, 4):  # at first it leads nowhere
        plan = plan_of(export, num=num)
        bulk_sampling.sample_to_folder(plan, export, link, overwrite=True)
        assert link.is_symlink()
        assert json.loads((far / "manifest.json").read_text())["num"] == num
    with pytest.raises(OutputExistsError, match=r"link exists\. .*--overwrite"):
        bulk_sampling.check_output(link, overwrite=False)
    monkeypatch.chdir(far)
    bulk_sampling.sample_to_folder(plan_of(export, num=5), export, ".", overwrite=True)
    assert json.loads((far / "manifest.json").read_text())["num"] == 5
    assert os.listdir(far.parent) == ["samples"]
    assert sorted(os.listdir(tmp_path)) == ["far", "link"]


def test_what_the_model_gives_is_checked(export, tmp_path):
    damaged = plan_of(export, signature="damaged")
    with pytest.raises(MusicGanError, match="bytes that are no NoteSequence"):
        bulk_sampling.sample_to_folder(damaged, export, tmp_path / "out")
    with pytest.raises(ExportError, match="bytes that are no NoteSequence"):
        bulk_sampling.sample_rows(damaged, str(export), range(2))
    with pytest.raises(ExportError, match=r"Expected 8 NoteSequences .*shape \(1,\)"):
        bulk_sampling.sample_rows(plan_of(export, signature="shapeless"), str(export), range(2))
    with pytest.raises(
        ExportError, match=r"3 could not be run: assertion failed: \[no such seed\]$"
    ):
        bulk_sampling.sample_rows(plan_of(export, signature="failing"), str(export), range(2))


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
        plan_of(export, **changes)


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
        plan_of(export, controls, signature)


def test_a_signature_without_music_is_refused(export):
    with pytest.raises(ExportError, match=r"'count' of .* makes no music from seeds\."):
        plan_of(export, signature="count")


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
        plan_of(broken)


def test_what_is_no_local_folder_is_refused(export, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for output in ("gs://bucket/out", pathlib.Path("gs://bucket/out")):
        with pytest.raises(ConfigError, match=r"in --output\. Received: gs:/+bucket/out\. Mount"):
            bulk_sampling.sample_to_folder(plan_of(export), export, output)
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
