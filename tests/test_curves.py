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


@pytest.fixture
def stopped(run, tmp_path):
    """A run that was stopped within its first epoch: no training curves, and no pictures."""
    shutil.copytree(run.logs / "data", tmp_path / "stopped" / "logs" / "data")
    return tmp_path / "stopped"


def test_draws_each_run_in_its_column(curves, run, stopped):
    axes = np.reshape(curves.draw([run.folder, stopped], ["one", "two"]).axes, [-1, 2])
    assert [column.get_title() for column in axes[0]] == ["one", "two"]
    training, samples, data = (events.scalars(run.logs, n) for n in ("train", "samples", "data"))
    gap = list(training["training/critic_gap"].values())
    assert axes[0, 0].lines[0].get_ydata().tolist() == gap
    norms = [
        list(training[f"training/{n}_gradient_norm"].values()) for n in ("critic", "generator")
    ]
    assert [line.get_ydata().tolist() for line in axes[2, 0].lines] == norms
    assert axes[3, 0].lines[0].get_ydata().tolist() == list(samples["music/distance"].values())
    for column, sources in ((0, (samples, data)), (1, (data,))):
        for line, source in zip(axes[7, column].lines, sources, strict=True):
            tracks = [list(v.values()) for k, v in source.items() if "used_pitch_classes" in k]
            np.testing.assert_allclose(line.get_ydata(), np.mean(tracks, axis=0))
    assert not any(row.lines for row in axes[1:4, 1])


def test_writes_the_picture_and_those_of_the_samples(curves, run, stopped, tmp_path, monkeypatch):
    output, pictures = tmp_path / "curves.png", tmp_path / "pictures"
    arguments = [run.folder, stopped, f"--output={output}", f"--pictures={pictures}"]
    monkeypatch.setattr(sys, "argv", ["curves.py", *map(str, arguments)])
    curves.main()
    assert tf.io.decode_png(output.read_bytes()).shape[1] > 400
    assert [path.name for path in pictures.iterdir()] == [f"{run.folder.name}.png"]
    logged = [e for e in events.read(run.logs) if e.kind == "images"]
    assert (pictures / f"{run.folder.name}.png").read_bytes() == logged[-1].value[2]


def test_a_folder_without_a_run_is_one_line(curves, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["curves.py", str(tmp_path), "--output=x.png"])
    with pytest.raises(SystemExit, match=r"Expected TensorBoard's event files in .*logs"):
        curves.main()
