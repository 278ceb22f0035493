"""tfmusicgan-convert, in process."""

import dataclasses
import subprocess
import sys
import time

import pytest

from tests.records.pieces import write_pieces
from tfmusicgan.cli import convert
from tfmusicgan.records.manifest import Manifest

GRID = ["--tracks=drums,piano,bass", "--bars=2", "--steps_per_beat=2", "--hop_bars=2"]


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    return write_pieces(tmp_path_factory.mktemp("music") / "m", 8)


def _run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        convert.main(list(arguments))
    captured = capsys.readouterr()
    return ended.value.code or 0, captured.out, captured.err.strip().splitlines()


def _failure(capsys, *arguments):
    status, out, err = _run(capsys, *arguments)
    assert status == 1 and out == ""
    return err[-1]


def test_help_is_quick_and_lists_the_flags():
    begin = time.monotonic()
    code = "from tfmusicgan.cli.convert import main; main(['--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.monotonic() - begin < 3  # under a second on an idle machine
    for flag in ("--recipe", "--[no]dry_run", "--transpose", "--workers", "--[no]overwrite"):
        assert f"  {flag}" in done.stdout


def test_a_folder_becomes_records_and_is_described(capsys, music, tmp_path):
    output = str(tmp_path / "out")
    arguments = [f"--input={music}", f"--output={output}", *GRID, "--split=1,0,0", "--shards=2"]
    arguments += ["--licence=CC0", "--attribution=us", "--lowest_pitch=30", "--set=min_notes=2"]
    status, out, _ = _run(capsys, *arguments)
    assert status == 0
    assert "8 pieces found, 8 read" in out and f"Written to {output}." in out
    manifest = Manifest.read(output)
    assert len(manifest.shards["train"]) == 2
    parameters = manifest.representation["parameters"]
    assert (parameters["bars"], parameters["lowest_pitch"], parameters["min_notes"]) == (2, 30, 2)
    assert manifest.dataset["licence"] == "CC0"
    status, out, _ = _run(capsys, f"--describe={output}")
    assert status == 0
    assert "Licence         CC0" in out and "Attribution     us" in out
    assert "  tracks = drums, piano, bass" in out
    assert "piano_roll: bool[2, 8, 84, 3]" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["train", "8", "32", "1,536", "2", "0.0"] in rows


def test_the_recipes_preset_decides_and_flags_override(capsys, music, tmp_path):
    output = str(tmp_path / "out")
    recipe = ["--recipe=musegan_hybrid", "--preset=tiny", "--min_piece_tracks=2"]
    status, _, _ = _run(capsys, f"--input={music}", f"--output={output}", *recipe)
    assert status == 0
    parameters = Manifest.read(output).representation["parameters"]
    assert parameters["min_piece_tracks"] == 2
    assert parameters["tracks"][0]["name"] == "bass"


def test_the_presets_filters_and_flags_that_replace_them(capsys, music, tmp_path, monkeypatch):
    from tfmusicgan import recipes

    recipe = recipes.get("musegan_hybrid")
    rules = {"time_signatures": ["3/4"], "whole_first_bar": True, "transpose": "-1:0"}
    preset = dataclasses.replace(recipe.preset("tiny"), filters=rules)
    changed = dataclasses.replace(recipe, presets={"tiny": preset})
    monkeypatch.setattr(recipes, "get", lambda name: changed)
    flags = [f"--input={music}", "--recipe=musegan_hybrid", "--preset=tiny", "--split=1,0,0"]
    flags += ["--min_piece_tracks=1"]
    status, out, _ = _run(capsys, *flags, "--dry_run")
    assert status == 0
    assert ["other_time_signature", "8"] in [line.split()[:2] for line in out.splitlines()]
    output = str(tmp_path / "out")
    flags += [f"--output={output}", "--single_time_signature", "--nowhole_first_bar"]
    status, _, _ = _run(capsys, *flags, "--time_signatures=", "--transpose=0:1")
    assert status == 0
    manifest = Manifest.read(output)
    assert manifest.num_pieces("train") == 16
    assert manifest.options["filters"] == {
        "keys": [],
        "time_signatures": [],
        "single_time_signature": True,
        "whole_first_bar": False,
        "transpose": "0:1",
    }


def test_a_list_of_pieces(capsys, music, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("song_001\nsong_003\n")
    status, out, _ = _run(capsys, f"--input={music}", *GRID, "--dry_run", f"--only={path}")
    assert status == 0
    assert "8 pieces found, 2 read" in out
    assert ["not_listed", "6"] in [line.split()[:2] for line in out.splitlines()]


def test_download_is_of_the_recipes_dataset(capsys, monkeypatch, tmp_path):
    from tfmusicgan import datasets, recipes

    asked = []
    monkeypatch.setattr(datasets, "get", lambda name: asked.append(name) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        convert.main(["--recipe=musegan_hybrid", "--download", "--input=here", "--dry_run"])
    with pytest.raises(ZeroDivisionError):
        convert.main(["--recipe=musegan_hybrid", "--input=here", "--dry_run"])
    assert asked == [recipes.get("musegan_hybrid").dataset, "midi"]


def test_phrases_are_end_to_end_unless_a_hop_is_given(capsys, music, tmp_path):
    for number, (flags, hop) in enumerate(
        (
            (["--bars=2"], 2),
            (["--set=bars=2"], 2),
            (["--bars=2", "--hop_bars=1"], 1),
            (["--bars=2", "--set=hop_bars=3"], 3),
            (["--steps_per_beat=4"], 4),
            (["--recipe=musegan_hybrid", "--preset=tiny", "--bars=3", "--min_piece_tracks=1"], 3),
        )
    ):
        output = str(tmp_path / str(number))
        status, _, _ = _run(capsys, f"--input={music}", f"--output={output}", *flags)
        assert status == 0
        assert Manifest.read(output).representation["parameters"]["hop_bars"] == hop


def test_melodies_as_tokens(capsys, music, tmp_path):
    output = str(tmp_path / "out")
    flags = ["--representation=melody_tokens", "--set=length=16", "--lowest_pitch=24"]
    flags += ["--num_pitches=84", "--min_notes=2", "--split=1,0,0"]
    status, _, _ = _run(capsys, f"--input={music}", f"--output={output}", *flags)
    assert status == 0
    status, out, _ = _run(capsys, f"--describe={output}")
    assert status == 0
    assert "tokens: int32[16], sample point (every 0.4 s); 0 is silence" in out
    rows = [line.split()[:3] for line in out.splitlines()]
    # 16 s are 40 tokens: two windows, and eight tokens more.
    assert ["train", "8", "16"] in rows and ["short_last_window", "0", "8"] in rows


def test_programs_of_tracks(capsys, music, tmp_path):
    output = str(tmp_path / "out")
    programs = "--programs=piano:33,bass:0-7"
    status, _, _ = _run(capsys, f"--input={music}", f"--output={output}", *GRID, programs)
    assert status == 0
    tracks = Manifest.read(output).representation["parameters"]["tracks"]
    assert [track["programs"] for track in tracks] == [[], [33], list(range(8))]


def test_dry_run_writes_nothing(capsys, music, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [f"--input={music}", *GRID, "--dry_run", "--time_signatures=3/4"]
    status, out, _ = _run(capsys, *arguments)
    assert status == 0
    assert "other_time_signature" in out and "album/song_000.mid" in out
    assert list(tmp_path.iterdir()) == []


def test_download_of_what_needs_none(capsys, music, tmp_path):
    status, _, err = _run(capsys, f"--input={music}", *GRID, "--dry_run", "--download")
    assert status == 0
    assert "Dataset midi needs no download." in err


def test_download_of_what_is_fetched_by_hand(capsys, tmp_path):
    arguments = ["--dataset=lpd", f"--input={tmp_path}", *GRID, "--dry_run", "--download"]
    _, _, err = _run(capsys, *arguments)
    assert err[0].startswith("Dataset lpd is fetched by hand: lpd_5_cleansed.tar.gz from https://")


def test_download_needs_one_folder(capsys, monkeypatch, tmp_path):
    from tfmusicgan import datasets
    from tfmusicgan.datasets import download

    fake = dataclasses.replace(
        datasets.get("midi"), downloads=("something",), find_files=lambda paths: ([], tmp_path)
    )
    monkeypatch.setattr(datasets, "get", lambda name: fake)
    message = _failure(capsys, "--dataset=fake", "--download", f"--output={tmp_path / 'o'}")
    assert message.endswith("--download needs one --input=FOLDER to put the files in.")
    fetched = []
    monkeypatch.setattr(download, "fetch_all", lambda *arguments: fetched.append(arguments))
    _failure(capsys, "--dataset=fake", "--download", "--input=here", f"--output={tmp_path / 'o'}")
    assert fetched == [(("something",), "here")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output=o"], "Expected --recipe, --dataset or --input. Known datasets: audio_notes"),
        (["--dataset=midi"], "--output is required."),
        (["--dataset=lark", "--output=o"], "Unknown dataset 'lark'. Known: audio_notes, "),
        (["--recipe=musgan", "--output=o"], "Unknown recipe 'musgan'. Known: "),
        (["--dataset=midi", "--output=o"], "Dataset midi needs --input=FOLDER"),
        (["--input=/none", "--output=o"], "Nothing is at '/none'"),
        (["--input=.", "--output=o", "--tracks=tuba"], "Unknown track 'tuba'. Known sets: voices"),
        (["--input=.", "--output=o", "--bars=99"], "bars: expected a whole number within 1-64"),
        (["--input=.", "--output=o", "--set=bars"], "Expected --set=name=value. Received: 'bars'"),
        (["--input=.", "--output=o", "--set=bar=3"], "Unknown parameter of multitrack_piano_roll"),
        (
            ["--representation=melody_tokens", "--input=.", "--output=o", "--bars=2"],
            "Unknown parameter of melody_tokens 'bars'. Known: hop, length, ",
        ),
        (["--input=.", "--output=o", "--split=a,b,c"], "Expected --split=0.8,0.1,0.1. Received"),
        (["--input=.", "--output=o", "--keys=X"], "Expected a key such as C, F#, Bb or Am."),
        (["--input=.", "--output=o", "--only=none.txt"], "--only: No such file or directory"),
        (["--describe=/none"], "Expected a record set with a manifest.json at /none."),
        (
            ["--recipe=musegan_hybrid", "--preset=huge", "--input=.", "--output=o"],
            "Recipe 'musegan_hybrid' has no preset 'huge'. Known: paper, small, tiny.",
        ),
        (["--representation=text", "--input=.", "--output=o"], "Unknown representation 'text'."),
        (
            ["--representation=text", "--recipe=musegan_hybrid", "--input=.", "--output=o"],
            "Expected either --recipe or --representation. Received: both.",
        ),
        (
            ["--preset=tiny", "--input=.", "--output=o"],
            "--preset is one of a recipe: give --recipe",
        ),
        (["--input=.", "--output=o", "--set=tracks=5"], "Expected the name of a track set, or a"),
    ],
)
def test_mistakes_are_one_line(capsys, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = _failure(capsys, *arguments)
    assert line.startswith("tfmusicgan-convert: ") and message in line
    assert list(tmp_path.iterdir()) == []
