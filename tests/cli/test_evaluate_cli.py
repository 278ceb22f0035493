"""tfmusicgan-evaluate: the table, the JSON file, the exit status."""

import dataclasses
import json

import pytest

from tests.cli.commands import refused, run
from tfmusicgan import evaluation
from tfmusicgan.cli.evaluate import main

RECIPE = "musegan_hybrid_chorales"


@pytest.fixture
def flags(tiny_run, tiny_records):
    return [
        f"--run={tiny_run(RECIPE).folder}",
        f"--records={tiny_records[RECIPE]}",
        "--num_phrases=8",
    ]


def test_prints_the_table_and_writes_json(capsys, flags, tmp_path):
    output = tmp_path / "new" / "evaluation.json"
    capsys.readouterr()  # the run may have been trained for this test
    assert run(main, *flags, f"--output={output}", "--checkpoint=best", "--seed=3") == 0
    text = capsys.readouterr().out
    assert text.startswith("metric") and "nearest_training_phrase: " in text
    content = json.loads(output.read_text())
    assert content["settings"]["checkpoint"] == "best" and content["settings"]["seed"] == 3
    assert list(output.parent.iterdir()) == [output]
    line = refused(capsys, main, *flags, f"--output={output}")
    assert line.endswith(f"{output} is there. Name another --output, or pass --overwrite.")
    assert run(main, *flags, f"--output={output}", "--overwrite") == 0
    assert json.loads(output.read_text())["settings"]["seed"] == 0


def _result(untrained, trained):
    rows = {
        evaluation.TRAINING: {"empty_bars/alto": 0.5},
        evaluation.UNTRAINED: {"empty_bars/alto": untrained},
        evaluation.TRAINED: {"empty_bars/alto": trained},
    }
    return evaluation.Evaluation(rows, {}, {}, {})


def test_required_improvement_is_the_exit_status(capsys, flags, monkeypatch, tmp_path):
    output = tmp_path / "evaluation.json"
    monkeypatch.setattr(evaluation, "evaluate_run", lambda *_: _result(0.9, 0.4))
    assert run(main, *flags, "--require_improvement") == 0
    monkeypatch.setattr(evaluation, "evaluate_run", lambda *_: _result(0.6, 0.25))
    assert run(main, *flags) == 0
    capsys.readouterr()
    assert run(main, *flags, "--require_improvement", f"--output={output}") == 1
    printed, line = capsys.readouterr()
    assert printed.startswith("metric")  # the table first
    assert "Received distances 0.2500 and 0.1000. Train for more steps." in line
    assert line.count("\n") == 1
    assert dataclasses.asdict(_result(0.6, 0.25))["rows"] == json.loads(output.read_text())["rows"]


def test_other_records_are_one_line_on_stderr(capsys, flags, monkeypatch):
    warned = dataclasses.replace(_result(0.9, 0.4), warnings=("The run was trained on others.",))
    monkeypatch.setattr(evaluation, "evaluate_run", lambda *_: warned)
    assert run(main, *flags) == 0
    printed, line = capsys.readouterr()
    assert printed.startswith("metric")
    assert line == "tfmusicgan-evaluate: The run was trained on others.\n"


def test_bad_input(capsys, flags, tiny_records, tmp_path):
    other = tiny_records["musegan_hybrid"]
    for arguments, message in (
        (flags[1:], "--run is required"),
        (["--run=/nowhere", *flags[1:]], "folder with run.json. Received: /nowhere. Train first"),
        ([flags[0], "--records=/nowhere"], "at /nowhere. Received: nothing there"),
        ([flags[0], f"--records={other}"], "Convert the data again with the same recipe"),
        ([*flags, "--checkpoint=missing"], "Received: missing. Name a folder such as"),
        ([*flags, "--num_phrases=1"], "num_phrases"),
        ([*flags, "--seed=-1"], "seed"),
    ):
        assert message in refused(capsys, main, *arguments)
    assert not list(tmp_path.iterdir())
