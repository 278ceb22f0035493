"""tfmusicgan-train: what is wrong is one line, and leaves nothing."""

import json
import shutil

import pytest

from tests.cli.commands import refused, run
from tests.same_training import RANDOM
from tfmusicgan.cli.train import main

RECIPE = "musegan_hybrid_chorales"


def test_help_says_what_a_beginner_must_know(capsys):
    assert run(main, "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    for expected in (
        "--recipe=TEXT Required. ",
        "--records=TEXT Required. ",
        "--output=TEXT Required. ",
        "tfmusicgan-recipes --describe=RECIPE --preset=PRESET.",
        "TF_CONFIG",
        "--profile=A,B,... Exactly two numbers",
    ):
        assert expected in text


@pytest.fixture
def arguments(tiny_records, tmp_path):
    """Builds the command's arguments, those of the tiny run, with changes."""

    def build(**changes):
        flags = {
            "recipe": RECIPE,
            "preset": "tiny",
            "records": tiny_records[RECIPE],
            "output": tmp_path / "run",
        }
        given = [f"--{name}={value}" for name, value in (flags | changes).items() if value]
        return [*(f"--set={setting}" for setting in RANDOM), *given]

    return build


@pytest.mark.parametrize("missing", ["recipe", "records", "output"])
def test_required_flags(capsys, arguments, missing):
    line = refused(capsys, main, *arguments(**{missing: None}))
    assert f"--{missing} is required" in line


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": "musegan"}, "Unknown recipe 'musegan'. Known: binary_musegan, "),
        ({"preset": "huge"}, "no preset 'huge'. Known: paper, small, tiny."),
        ({"set": "learning_rat=1"}, "Unknown hyperparameter 'learning_rat'. Did you mean 'lear"),
        (
            {"set": "batch_size=four"},
            "expected a value of type int. Received: 'four'",
        ),
        ({"set": "batch_size=0"}, "Expected batch_size above 0. Received: 0."),
        ({"set": "time_kernels=2,4"}, "Expected records of 16 steps per bar and 48 pitches"),
        ({"strategy": "tpu"}, "none|mirrored|multi_worker"),
        ({"strategy": "multi_worker"}, "TF_CONFIG as JSON"),
        ({"strategy": "mirrored", "set": "batch_size=3"}, "divide by 4 devices. Received: 3"),
        ({"precision": "float8"}, "float32|mixed_bfloat16|mixed_float16"),
        ({"steps_per_epoch": "0"}, "steps_per_epoch"),
        ({"set": "critic_time_kernels=50"}, "Received: kernel 50 over 8. Change them with --set."),
        ({"seed": str(2**63)}, "seed"),
        ({"profile": "9"}, "Expected --profile=FIRST,LAST, two steps from 1 on"),
        ({"profile": "9,3"}, "Received: --profile=9,3."),
        ({"profile": "a,b"}, "Received: --profile=a,b."),
        ({"records": "/nowhere"}, "at /nowhere. Received: nothing there. Write one with"),
    ],
)
def test_bad_values(capsys, arguments, monkeypatch, tmp_path, changes, message):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert message in refused(capsys, main, *arguments(**changes))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["representation"].update(version=99), "version"),
        (lambda m: m["representation"].update(name="melody_grid"), "melody_grid"),
        (lambda m: m.update(format_version=2), "expected records of format version 1. Received: 2"),
        (lambda m: m["representation"]["parameters"].update(bars=9), "contradicts itself"),
        (lambda m: m["shards"].update(train=[]), "'train' of "),
    ],
)
def test_records_of_another_kind(capsys, arguments, tiny_records, tmp_path, change, message):
    folder = shutil.copytree(tiny_records[RECIPE], tmp_path / "records")
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert message in refused(capsys, main, *arguments(records=folder))
    assert not (tmp_path / "run").exists()


def test_a_truncated_shard(capsys, arguments, tiny_records, tmp_path):
    folder = shutil.copytree(tiny_records[RECIPE], tmp_path / "records")
    shard = next(folder.glob("train*"))
    shard.write_bytes(shard.read_bytes()[:-7])
    line = refused(capsys, main, *arguments(records=folder))
    assert str(shard) in line and "It is truncated" in line


def test_a_folder_that_is_in_use(capsys, arguments, tiny_run, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious.txt").touch()
    assert "holds something else. Name another --output" in refused(capsys, main, *arguments())
    other = shutil.copytree(tiny_run(RECIPE).folder, tmp_path / "other")
    line = refused(capsys, main, *arguments(output=other, seed=7))
    assert "Received others: seed. Name another --output, or start anew with --overwrite." in line
    (other / "checkpoints" / "step-000000004" / "checkpoint.json").write_text("{")
    assert "; the run goes on from step 2." in refused(capsys, main, *arguments(output=other))


def test_a_finished_run_says_where_it_is(capsys, arguments, tiny_run, tmp_path):
    folder = shutil.copytree(tiny_run(RECIPE).folder, tmp_path / "other")
    assert run(main, *arguments(output=folder)) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == (f"Trained {RECIPE} (tiny) for 4 steps: {folder}/checkpoints/step-000000004")
