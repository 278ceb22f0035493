"""tfmusicgan-export: where the model goes, and what is wrong in one line."""

import json
import shutil

import pytest

from tests.cli.commands import refused, run
from tfmusicgan.cli.export import main

RECIPE = "musegan_hybrid_chorales"


@pytest.fixture
def flags(tiny_run, tmp_path):
    return [f"--run={tiny_run(RECIPE).folder}", f"--output={tmp_path / 'models'}"]


def test_prints_the_version_folder_last(capsys, flags, tmp_path):
    assert run(main, *flags, "--name=mine", "--model_version=5", "--checkpoint=ema") == 0
    folder = tmp_path / "models" / "mine" / "5"
    assert capsys.readouterr().out.splitlines()[-1] == f"Exported: {folder}"
    manifest = json.loads((folder / "assets.extra" / "tfmusicgan.json").read_text())
    assert manifest["checkpoint"]["kind"] == "ema"
    line = refused(capsys, main, *flags, "--name=mine", "--model_version=5")
    assert f"Received: {folder}, which is there." in line


def test_bad_input(capsys, flags, tmp_path):
    for arguments, message in (
        (flags[:1], "--output is required"),
        (["--run=/nowhere", flags[1]], "folder with run.json. Received: /nowhere. Train first"),
        ([*flags, "--checkpoint=first"], "Received: first. Name a folder such as"),
        ([*flags, "--name=a/b"], "model name of letters, digits, - and _. Received: 'a/b'"),
        ([*flags, "--model_version=-1"], "model_version"),
        ([*flags, f"--model_version={2**63}"], "in the range [0, 9223372036854775807]"),
    ):
        assert message in refused(capsys, main, *arguments)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def changed(tiny_run, tmp_path):
    """Builds a copy of the run with changes, and the flags for it."""

    def build(ending, old, new):
        folder = shutil.copytree(tiny_run(RECIPE).folder, tmp_path / "run")
        for path in folder.rglob(ending):
            path.write_text(path.read_text().replace(old, new))
        return [f"--run={folder}", f"--output={tmp_path / 'models'}"]

    return build


@pytest.mark.parametrize(
    ("ending", "old", "new", "message"),
    [
        ("run.json", RECIPE, "musegan_lost", "Unknown recipe 'musegan_lost'. Known: "),
        ("run.json", '"format": 1', '"format": 9', "run format 1. Received: format 9"),
        ("run.json", '"latent_size": 16', '"latent_size": 20', "a checkpoint that fits the model"),
        ("run.json", '"ema_decay": 0.9', '"ema_decay": null', "does not load"),
        ("checkpoint.json", RECIPE, "musegan_hybrid", "Received: one of 'musegan_hybrid' at"),
        (
            "checkpoint.json",
            '"format": 1',
            '"format": 0',
            "format 1. Received: format 0",
        ),
    ],
)
def test_a_run_of_something_else(capsys, changed, tmp_path, ending, old, new, message):
    line = refused(capsys, main, *changed(ending, old, new))
    assert message in line and len(line) < 1500  # one line, all recipes in it
    assert not (tmp_path / "models").exists()


def test_a_model_trained_without_averages(capsys, flags, monkeypatch):
    from tfmusicgan.training.run import Run

    build = Run.build_model
    monkeypatch.setattr(Run, "build_model", lambda self: _without_averages(build(self)))
    line = refused(capsys, main, *flags, "--checkpoint=ema")
    assert "Received: a model trained with ema_decay=none. Use --checkpoint=latest or best" in line


def _without_averages(model):
    model.ema_weights = []
    return model
