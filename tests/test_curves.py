"""The script that draws runs from their event files: what it reads, and its pictures."""

import importlib.util
import pathlib
import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.training import events

ROOT = pathlib.Path(__file__).parent.parent


@pytest.fixture(scope="module")
def curves():
    path = ROOT / "scripts/reproduce/curves.py"
    spec = importlib.util.spec_from_file_location("curves", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def run(tiny_run):
    return tiny_run("musegan_hybrid_chorales")


def test_reads_every_number(curves, run):
    found = curves.read_curves(run.logs)
    assert {name for name, _ in found} == {"train", "samples", "data"}
    for name in ("train", "samples", "data"):
        for tag, expected in events.scalars(run.logs, name).items():
            steps, values = found[name, tag]
            np.testing.assert_array_equal(steps, list(expected))
            np.testing.assert_array_equal(values, list(expected.values()))


def test_what_is_written_again_counts(curves, tmp_path):
    for values in ({1: 0.5, 2: 0.25, 3: 9.0}, {2: 0.75, 4: 1.0}):
        writer = tf.summary.create_file_writer(str(tmp_path / "train"))
        for step, value in values.items():
            with writer.as_default(step=step):
                tf.summary.scalar("training/critic_gap", value)
        writer.close()
    steps, values = curves.read_curves(tmp_path)["train", "training/critic_gap"]
    assert steps.tolist() == [1, 2, 3, 4] and values.tolist() == [0.5, 0.75, 9.0, 1.0]


def test_a_record_that_is_cut_short_ends_the_file(curves, run, tmp_path):
    path = next((run.logs / "train").glob("*tfevents*"))
    (tmp_path / path.name).write_bytes(path.read_bytes()[:-3])
    whole, cut = (list(curves._events(p)) for p in (path, tmp_path / path.name))
    assert len(whole) > 2 and cut == whole[:-1]


def test_draws_runs_side_by_side_and_their_pictures(curves, run, tmp_path, monkeypatch):
    other = tmp_path / "other"
    # A run that was stopped within its first epoch has no training curves, and no pictures.
    shutil.copytree(run.logs / "data", other / "logs" / "data")
    output, pictures = tmp_path / "curves.png", tmp_path / "pictures"
    arguments = [run.folder, other, f"--output={output}", f"--pictures={pictures}"]
    monkeypatch.setattr(sys, "argv", ["curves.py", *map(str, arguments)])
    curves.main()
    drawn = tf.io.decode_png(output.read_bytes()).numpy()
    left, right = np.array_split(drawn, 2, axis=1)
    assert (left < 200).sum() > 1.2 * (right < 200).sum()
    assert [path.name for path in pictures.iterdir()] == [f"{run.folder.name}.png"]
    logged = [e for e in events.read(run.logs) if e.kind == "images"]
    assert (pictures / f"{run.folder.name}.png").read_bytes() == logged[-1].value[2]


def test_a_folder_without_a_run_is_one_line(curves, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["curves.py", str(tmp_path), "--output=x.png"])
    with pytest.raises(SystemExit, match=r"Expected TensorBoard's event files in .*logs"):
        curves.main()
