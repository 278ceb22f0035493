"""A run's folder: what goes on, what is refused, what is replaced."""

import json
import os
import shutil

import keras
import pytest

from tests import same_training
from tests.eagerly import eagerly
from tfmusicgan import files, recipes
from tfmusicgan.errors import CheckpointError, ConfigError, OutputExistsError
from tfmusicgan.training import fit
from tfmusicgan.training.run import Run

RECIPE = "musegan_hybrid_chorales"


def _plan(folder, assignments=(), seed=3, recipe=RECIPE, records="a"):
    entry = {"name": "multitrack_piano_roll", "version": 1, "parameters": {"bars": 2}}
    facts = {"sources": {"digest": records}}
    return Run.plan(folder, recipes.get(recipe), "tiny", assignments, facts, entry, seed)


def test_planning_writes_nothing(tmp_path):
    run = _plan(tmp_path / "run", ["learning_rate=0.5", "time_kernels=2,2"])
    assert not (tmp_path / "run").exists()
    assert run.settings["config"]["learning_rate"] == 0.5
    assert run.settings["config"]["time_kernels"] == [2, 2]
    assert run.settings["seed"] == 3 and run.settings["precision"] == "float32"
    with pytest.raises(ConfigError, match=r"learning_rte"):
        _plan(tmp_path / "run", ["learning_rte=0.5"])
    assert not (tmp_path / "run").exists()


def test_the_same_settings_go_on(tmp_path):
    run = _plan(tmp_path / "run")
    run.begin()
    first = (tmp_path / "run" / "run.json").read_bytes()
    (tmp_path / "run" / "checkpoints").mkdir()
    _plan(tmp_path / "run").begin()
    assert (tmp_path / "run" / "run.json").read_bytes() == first
    assert (tmp_path / "run" / "checkpoints").is_dir()
    opened = Run.open(tmp_path / "run")
    assert opened == run and opened.recipe is recipes.get(RECIPE)


def test_a_run_may_be_made_longer(tmp_path):
    _plan(tmp_path / "run").begin()
    _plan(tmp_path / "run", ["training_steps=99"]).begin()
    assert Run.open(tmp_path / "run").settings["config"]["training_steps"] == 99


def test_a_run_by_policy_gradient_gets_further_rounds(tmp_path):
    run = tmp_path / "run"
    _plan(run, recipe="seqgan_nottingham").begin()
    _plan(run, ["rounds=5"], recipe="seqgan_nottingham").begin()
    assert Run.open(run).settings["config"]["rounds"] == 5
    # Without any it has no optimizer for them.
    for rounds, other in (("rounds=0", run), ("rounds=2", tmp_path / "none")):
        _plan(tmp_path / "none", ["rounds=0"], recipe="seqgan_nottingham").begin()
        with pytest.raises(OutputExistsError, match=r"Received others: rounds\. Name another"):
            _plan(other, [rounds], recipe="seqgan_nottingham").begin()


def test_a_run_by_likelihood_alone_may_be_made_longer(tmp_path):
    run, recipe = tmp_path / "run", "seqgan_nottingham_mle"
    _plan(run, recipe=recipe).begin()
    _plan(run, ["likelihood_steps=77"], recipe=recipe).begin()
    assert Run.open(run).settings["config"]["likelihood_steps"] == 77
    decay = ["likelihood_learning_rate_decay=linear"]
    _plan(tmp_path / "decay", decay, recipe=recipe).begin()
    _plan(tmp_path / "rounds", recipe="seqgan_nottingham").begin()
    for other, settings, name in (
        ("decay", decay, recipe),
        ("rounds", [], "seqgan_nottingham"),  # what comes after would begin at another step
    ):
        with pytest.raises(OutputExistsError, match=r"Received others: likelihood_steps\. Name"):
            _plan(tmp_path / other, [*settings, "likelihood_steps=77"], recipe=name).begin()


def test_a_run_whose_rates_follow_from_its_length_may_not(tmp_path):
    decaying = ["learning_rate_decay=linear"]
    _plan(tmp_path / "run", decaying).begin()
    _plan(tmp_path / "run", decaying).begin()  # the same run goes on
    with pytest.raises(OutputExistsError, match=r"Received others: training_steps\. Name another"):
        _plan(tmp_path / "run", [*decaying, "training_steps=99"]).begin()


def test_a_run_older_than_a_hyperparameter_goes_on_without_it(tmp_path):
    _plan(tmp_path / "run").begin()
    settings = json.loads((tmp_path / "run" / "run.json").read_text())
    del settings["config"]["critic_dropout"]
    (tmp_path / "run" / "run.json").write_text(json.dumps(settings))
    with pytest.raises(OutputExistsError, match=r"Received others: critic_dropout\. Name another"):
        _plan(tmp_path / "run", ["critic_dropout=0.5"]).begin()
    _plan(tmp_path / "run").begin()


def test_other_settings_are_named(tmp_path):
    _plan(tmp_path / "run").begin()
    before = (tmp_path / "run" / "run.json").read_bytes()
    for changed, names in (
        ({"assignments": ["learning_rate=0.5", "latent_size=9"]}, "latent_size, learning_rate"),
        ({"seed": 4}, "seed"),
        ({"recipe": "musegan_hybrid"}, "recipe"),
        ({"records": "b"}, "records"),
    ):
        with pytest.raises(OutputExistsError, match=rf"Received others: {names}\. Name another"):
            _plan(tmp_path / "run", **changed).begin()
    assert (tmp_path / "run" / "run.json").read_bytes() == before


def test_overwriting_starts_anew(tmp_path):
    _plan(tmp_path / "run").begin()
    (tmp_path / "run" / "checkpoints").mkdir()
    _plan(tmp_path / "run", seed=4).begin(overwrite=True)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.json"]
    assert Run.open(tmp_path / "run").settings["seed"] == 4


def test_overwriting_through_a_link_keeps_the_link(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "far" / "run")
    for seed in (4, 5, 6):  # at first it leads nowhere
        _plan(link, seed=seed).begin(overwrite=True)
        assert link.is_symlink() and Run.open(link).settings["seed"] == seed
    assert os.listdir(tmp_path / "far") == ["run"]
    assert sorted(os.listdir(tmp_path)) == ["far", "link"]


def test_overwriting_the_folder_that_one_is_in(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    _plan(folder).begin()
    monkeypatch.chdir(folder)
    run = _plan(".", seed=4)
    with run.taken_up(overwrite=True):
        assert Run.open(folder).settings["seed"] == 4
    assert os.listdir(tmp_path) == ["run"]


def test_a_kill_at_the_very_beginning(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".run.json.partial").write_text("{")
    _plan(tmp_path / "run").begin()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.json"]


@pytest.mark.parametrize("name", ["notes.txt", "run.json"])
def test_a_folder_of_something_else(tmp_path, name):
    (tmp_path / name).write_text("[1, 2]")
    with pytest.raises(OutputExistsError, match=r"holds something else. Name another --output"):
        _plan(tmp_path).begin()
    assert (tmp_path / name).read_text() == "[1, 2]"


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "run").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(OutputExistsError, match=r"Received: .*run, a file"):
            _plan(tmp_path / "run").begin(overwrite)
    assert (tmp_path / "run").read_text() == "mine"


def test_what_is_no_run(tmp_path):
    with pytest.raises(CheckpointError, match=r"with run\.json. Received: .*nowhere\. Train"):
        Run.open(tmp_path / "nowhere")
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"folder with run\.json"):
        Run.open(tmp_path)


def test_damaged_settings(tmp_path):
    (tmp_path / "run.json").write_text('{"format": 1, "recipe": "x", "config": {}, "seed": 0}')
    with pytest.raises(CheckpointError, match=r"with preset, records, representation. Received"):
        Run.open(tmp_path)


def test_another_format_version(tmp_path):
    _plan(tmp_path).begin()
    text = (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(text.replace('"format": 1', '"format": 7'))
    with pytest.raises(CheckpointError, match=r"run format 1\. Received: format 7 in "):
        Run.open(tmp_path)
    with pytest.raises(OutputExistsError, match=r"Received others: format"):
        _plan(tmp_path).begin()


def test_a_hyperparameter_of_another_release(tiny_run, tmp_path):
    settings = json.loads(json.dumps(tiny_run(RECIPE).settings))
    settings["config"]["warp"] = 9
    with pytest.raises(ConfigError, match=r"saved config: warp. Known: .*Use the release"):
        Run(tmp_path, settings).build_model()


def test_loading_a_checkpoint_by_every_name(tiny_run):
    run = tiny_run(RECIPE)
    latest, info = run.load_model("latest")
    assert info.step == 4 and int(latest.step.numpy()) == 4
    earlier, info = run.load_model(str(run.folder / "checkpoints" / "step-000000002"))
    assert info.step == int(earlier.step.numpy()) == 2
    _, info = run.load_model("best")
    assert info.metric == min(found.metric for found in run.store().all())
    averaged, _ = run.load_model("ema")
    for network, ema in zip(averaged.generator.weights, latest.ema_weights, strict=True):
        assert (network.numpy() == ema.numpy()).all()


def test_a_run_in_double_precision_can_be_sampled(tiny_records, tmp_path):
    options = fit.TrainingOptions(collapse_patience=0, num_samples=8)
    recipe = recipes.get("musegan_hybrid_chorales_accompaniment")
    steps = ["training_steps=1"]
    with eagerly():
        with same_training.double_precision():
            run = fit.train(
                recipe, "tiny", tiny_records[recipe.name], tmp_path / "run", steps, options=options
            )
        model, _ = run.load_model("ema")
        assert model.generator.weights[0].dtype == "float64"
        assert keras.config.dtype_policy().name == "float32"
        examples = model.sample_examples([1, 2])
        with pytest.raises(OutputExistsError, match=r"Received others: precision\. Name"):
            fit.train(recipe, "tiny", tiny_records[recipe.name], run.folder, steps, options=options)
    assert examples["piano_roll"].shape[0] == 2


def test_a_kill_while_overwriting_leaves_no_half_run(tiny_run, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    shutil.copytree(tiny_run(RECIPE).folder, folder)
    run = Run(folder, tiny_run(RECIPE).settings)

    def die(path):
        os.remove(path / "run.json")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(files.shutil, "rmtree", die)
        with pytest.raises(KeyboardInterrupt):
            run.begin(overwrite=True)
    assert not folder.exists()
    run.begin(overwrite=True)
    assert [path.name for path in folder.iterdir()] == ["run.json"]
    assert run.store().latest() is None


@pytest.mark.parametrize("overwrite", [False, True])
def test_one_process_at_a_time_trains_in_a_folder(tmp_path, overwrite):
    run = _plan(tmp_path / "run")
    with run.taken_up():
        (run.folder / "precious").write_text("weights")
        second = _plan(tmp_path / "run").taken_up(overwrite)
        with pytest.raises(OutputExistsError, match=r"Another process trains in .*run\. Wait"):
            second.__enter__()
        assert (run.folder / "precious").read_text() == "weights"
    with _plan(tmp_path / "run").taken_up(overwrite):  # once the first has ended
        assert (run.folder / "precious").exists() is not overwrite
