"""What --overwrite may replace, and what is there while it does."""

import shutil

import pytest

from tfmusicgan.errors import OutputExistsError
from tfmusicgan.serving import export
from tfmusicgan.serving.exported import find_export, load_export

RECIPE = "musegan_composer_chorales"  # the smallest export


def test_only_an_export_is_replaced(tiny_run, tmp_path):
    other = tmp_path / RECIPE / "1850"
    other.mkdir(parents=True)
    (other / "letters.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"1850. Received: something else, which is not"):
        export.export_run(tiny_run(RECIPE), tmp_path, version=1850, overwrite=True)
    assert (other / "letters.txt").read_text() == "mine"


def test_a_kill_while_replacing_leaves_no_half_model(tiny_run, tmp_path, monkeypatch):
    run = tiny_run(RECIPE)
    folder = export.export_run(run, tmp_path)

    rmtree = shutil.rmtree

    def die(path, **options):
        if path.name.endswith(".removed"):
            raise KeyboardInterrupt
        rmtree(path, **options)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", die)
        with pytest.raises(KeyboardInterrupt):
            export.export_run(run, tmp_path, version=1, overwrite=True)
    assert find_export(tmp_path / RECIPE) == folder
    assert set(load_export(str(folder)).signatures) == {"serving_default", "generate"}
    export.export_run(run, tmp_path, version=1, overwrite=True)
    assert [path.name for path in (tmp_path / RECIPE).iterdir()] == ["1"]
