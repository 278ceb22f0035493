"""Exports that fail: whole or not at all."""

import os
import pathlib

import pytest
import tensorflow as tf

from tfmusicgan.errors import ExportError
from tfmusicgan.models.signature import Signature
from tfmusicgan.serving import export
from tfmusicgan.serving.export import export_run, read_manifest
from tfmusicgan.serving.server.storage import ModelSource

RECIPE = "musegan_composer_chorales"  # the smallest export


@pytest.fixture(scope="module")
def run(tiny_run):
    return tiny_run(RECIPE)


@pytest.mark.parametrize(
    ("error", "raised", "message"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt, ""),
        (
            OSError(28, "No space left on device"),
            ExportError,
            r"to .*: No space .* Make room",
        ),
    ],
)
def test_a_failure_in_the_middle_leaves_nothing(run, tmp_path, monkeypatch, error, raised, message):
    def fail(*_):
        raise error

    monkeypatch.setattr(export.warmup, "write_requests", fail)
    with pytest.raises(raised, match=message):
        export_run(run, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_line_and_keeps_other_versions(run, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device\nat line 1")

    (tmp_path / RECIPE / "4").mkdir(parents=True)
    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(ExportError, match=r"could not be written to .*: No space left on device\."):
        export_run(run, tmp_path)
    assert [path.name for path in (tmp_path / RECIPE).iterdir()] == ["4"]


def test_what_a_kill_left_is_replaced(run, tmp_path):
    left = tmp_path / RECIPE / ".1.partial"
    left.mkdir(parents=True)
    (left / "saved_model.pb").write_text("half")
    folder = export_run(run, tmp_path)
    assert folder.name == "1"
    assert [path.name for path in folder.parent.iterdir()] == ["1"]
    assert read_manifest(folder)["recipe"] == RECIPE


def test_one_export_at_a_time(run, tmp_path, monkeypatch):
    write, seen = export._write, []

    def write_beside_another(*arguments):
        write(*arguments)
        if not seen:
            seen.extend(os.listdir(tmp_path / RECIPE))
            with pytest.raises(ExportError, match=r"Another process exports to .*, or name anothe"):
                export_run(run, tmp_path)
            assert not any(ModelSource(root=str(tmp_path)).scan().values())

    monkeypatch.setattr(export, "_write", write_beside_another)
    folder = export_run(run, tmp_path)
    assert seen == [".1.partial"] and read_manifest(folder)["recipe"] == RECIPE
    assert export_run(run, tmp_path).name == "2"
    assert sorted(os.listdir(tmp_path / RECIPE)) == ["1", "2"] and os.listdir(tmp_path) == [RECIPE]


def test_a_folder_that_goes_meanwhile_is_another_exports(run, tmp_path, monkeypatch):
    mkdir = pathlib.Path.mkdir

    def make_and_lose(folder, *arguments, **options):
        mkdir(folder, *arguments, **options)
        if folder.name == RECIPE:
            folder.rmdir()

    monkeypatch.setattr(pathlib.Path, "mkdir", make_and_lose)
    with pytest.raises(ExportError, match="Another process exports to"):
        export_run(run, tmp_path)


def test_a_root_that_cannot_be_made_is_one_line(run, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match=r"could not be written to .*/file/.*: Not a directory\."):
        export_run(run, tmp_path / "file")


def test_foreign_ops_are_refused(run, tmp_path, monkeypatch):
    model, info = run.load_model()

    def serve(seed):
        return {"note_sequence": tf.numpy_function(lambda s: s, [seed], tf.int64)}

    seed = {"seed": tf.TensorSpec([None], tf.int64)}
    monkeypatch.setattr(
        model, "signatures", lambda: {"serving_default": Signature(serve, seed, {"seed": 1})}
    )
    monkeypatch.setattr(type(run), "load_model", lambda *_: (model, info))
    with pytest.raises(ExportError, match=r"signature 'serving_default'. Received: PyFunc, which"):
        export_run(run, tmp_path)
    assert not list(tmp_path.iterdir())
