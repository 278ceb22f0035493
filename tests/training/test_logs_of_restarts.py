"""The event files of a run that was stopped and goes on: nothing missing, nothing misplaced."""

import shutil

import numpy as np
import pytest

from tests.eagerly import eagerly
from tests.training import events
from tfmusicgan import recipes
from tfmusicgan.errors import ConfigError
from tfmusicgan.training import fit

RECIPE = "musegan_hybrid_chorales"


def _train(records, folder, *assignments, **options):
    options = {"steps_per_epoch": 2, "checkpoint_every": 2, "show_every": 0} | options
    options = fit.TrainingOptions(num_samples=8, collapse_patience=0, **options)
    with eagerly():
        return fit.train(
            recipes.get(RECIPE), "tiny", records[RECIPE], folder, assignments, options=options
        )


def _steps(run, tag):
    found = {}
    for entry in events.read(run.logs):
        if entry.tag == tag:
            found.setdefault(entry.run, []).append(entry.step)
    return found


def test_a_run_that_is_made_longer_goes_on_in_the_same_curves(tiny_records, tmp_path):
    _train(tiny_records, tmp_path / "run", "training_steps=1")
    run = _train(tiny_records, tmp_path / "run", show_every=3)
    assert _steps(run, "training/critic_gap") == {"train": [1, 2, 4]}
    assert _steps(run, "learning_rate/critic_optimizer") == {"train": [1, 2, 4]}
    assert _steps(run, "music/distance") == {"samples": [1, 2, 4], "data": [1, 2, 4]}
    assert _steps(run, "samples") == {"samples": [3, 4]}
    assert _steps(run, "settings/run.json") == {"train": [0, 1]}


def test_what_a_killed_run_writes_again_is_the_same(tiny_records, tmp_path):
    run = _train(tiny_records, tmp_path / "run")
    # As if it had been killed before the last checkpoint was there.
    shutil.rmtree(run.store().latest().path)
    _train(tiny_records, tmp_path / "run")
    values = {}
    for entry in events.read(run.logs):
        if entry.kind == "scalars" and not entry.tag.endswith("per_second"):
            key = entry.run, entry.tag, entry.step
            values.setdefault(key, []).append(float(entry.value))
    assert {key[2] for key in values} == {2, 4}
    for (name, tag, step), written in values.items():
        assert len(written) == (1 if step == 2 else 2), (name, tag)
        np.testing.assert_array_equal(written, written[0], err_msg=tag)


def test_learning_rates_that_fall(tiny_records, tmp_path):
    run = _train(tiny_records, tmp_path / "run", "learning_rate_decay=linear", "learning_rate=0.01")
    found = events.scalars(run.logs, "train")
    for network in ("critic", "generator"):
        rates = found[f"learning_rate/{network}_optimizer"]
        assert rates == pytest.approx({2: 0.005, 4: 0.0})


def test_a_profile_past_the_end_is_refused_of_a_new_run(tiny_records, tmp_path):
    with pytest.raises(ConfigError, match=r"within the run's 4 training steps. Received: 2,5"):
        _train(tiny_records, tmp_path / "run", profile_steps=(2, 5))
    assert not (tmp_path / "run").exists()


def test_a_run_that_goes_on_leaves_out_a_profile_past_its_end(tiny_records, tmp_path, capsys):
    run = _train(tiny_records, tmp_path / "run", "training_steps=1")
    capsys.readouterr()
    _train(tiny_records, run.folder, "training_steps=2", profile_steps=(1, 2))
    said = "Without the profile of steps 1 to 2: of this run only 1 are left."
    assert capsys.readouterr().out.splitlines()[0] == said
    assert not list(run.logs.glob("train/plugins/profile/*"))
    _train(tiny_records, run.folder, profile_steps=(1, 2))
    assert "profile" not in capsys.readouterr().out
    assert len(list(run.logs.glob("train/plugins/profile/*/*.xplane.pb"))) == 1
    with pytest.raises(ConfigError, match=r"within the run's 4 training steps. Received: 2,5"):
        fit.train(
            recipes.get(RECIPE),
            "tiny",
            tiny_records[RECIPE],
            run.folder,
            overwrite=True,
            options=fit.TrainingOptions(profile_steps=(2, 5)),
        )
    assert run.store().latest().step == 4
