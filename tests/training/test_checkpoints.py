"""Checkpoints: whole or not at all, what is kept, and what is refused."""

import json
import resource
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests.training import toy
from tfmusicgan.errors import CheckpointError, DamagedCheckpointError
from tfmusicgan.training import checkpoints
from tfmusicgan.training.checkpoints import CheckpointStore, read_info


@pytest.fixture
def store(tmp_path):
    return CheckpointStore(tmp_path / "checkpoints", "toy")


def _names(store):
    """Everything in the folder, hidden files included."""
    return sorted(path.name for path in store.folder.iterdir())


def _state(model):
    variables = [*model.weights, *model.adam.variables]
    return {variable.path: variable.numpy() for variable in variables}


def test_everything_comes_back(store):
    model = toy.trained(3)
    folder = store.save(model, metric=0.25)
    assert folder == store.folder / "step-000000003"
    assert json.loads((folder / "checkpoint.json").read_text()) == {
        "format": 1,
        "step": 3,
        "recipe": "toy",
        "metric": 0.25,
    }
    other = toy.trained()
    store.restore(other, store.latest())
    before, after = _state(model), _state(other)
    assert before.keys() == after.keys()
    assert len(before) == 6  # step, kernel; iteration, learning rate, two moments
    for path in before:
        np.testing.assert_array_equal(before[path], after[path])
    # And goes on alike.
    for each in (model, other):
        each.train_step(tf.constant([1.0, -2.0, 3.0]))
    np.testing.assert_array_equal(model.kernel.numpy(), other.kernel.numpy())


def test_sampling_needs_no_optimizer(store):
    model = toy.trained(2)
    store.save(model)
    other = toy.ToyGAN()
    store.restore(other, store.latest(), expect_training=False)
    np.testing.assert_array_equal(other.kernel.numpy(), model.kernel.numpy())


def test_what_is_kept(tmp_path):
    store = CheckpointStore(tmp_path, "toy", keep_latest=2, keep_every=3)
    model = toy.trained()
    metrics = {1: 0.5, 2: 0.1, 3: 0.4, 4: float("nan"), 5: 0.1, 6: None, 7: 0.3, 8: 0.2}
    for step, metric in metrics.items():
        model.step.assign(step)
        store.save(model, metric)
    # Multiples of three, the two newest, and the best: the later of equal ones.
    assert [info.step for info in store.all()] == [3, 5, 6, 7, 8]
    assert store.best().step == 5 and store.latest().step == 8
    assert [info.metric for info in store.all()] == [0.4, 0.1, None, 0.3, 0.2]
    assert store.find("best").step == 5
    assert store.find("latest").step == store.find("ema").step == 8
    assert store.find(str(tmp_path / "step-000000003")).step == 3


def test_an_undefined_metric_is_none(store):
    path = store.save(toy.trained(1), metric=float("nan"))
    assert read_info(path).metric is None
    assert store.best() is None


def test_the_same_step_again_replaces(store):
    model = toy.trained(1)
    store.save(model, metric=0.5)
    store.save(model, metric=0.25)
    assert [(info.step, info.metric) for info in store.all()] == [(1, 0.25)]
    assert _names(store) == ["step-000000001"]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (
            tf.errors.ResourceExhaustedError(None, None, "No space left on device\nat"),
            r"No space left on device\. Make room there and run .* goes on from the last one\.$",
        ),
        (
            tf.errors.PermissionDeniedError(None, None, "{{function_node f}} a; Read-only disk"),
            r"checkpoints: Read-only disk\.$",
        ),
    ],
)
def test_what_cannot_be_written_leaves_the_earlier_ones(store, monkeypatch, failure, said):
    store.save(toy.trained(1))

    def fail(self, path):
        with open(path + ".data-00000-of-00001", "wb") as file:
            file.write(b"half")
        raise failure

    monkeypatch.setattr(tf.train.Checkpoint, "write", fail)
    with pytest.raises(CheckpointError, match=r"step 2 could not be .*" + said):
        store.save(toy.trained(2))
    assert _names(store) == ["step-000000001"]


def test_a_file_system_that_refuses_for_real(store):
    store.save(toy.trained(1))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    big = toy.trained(2, size=50_000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(CheckpointError, match=r"written to \S*: File too large\. Make room"):
            store.save(big)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert _names(store) == ["step-000000001"]


def test_a_save_that_was_killed_is_ended(store):
    store.keep_latest = 2
    model = toy.trained()
    for step in (1, 2):
        model.step.assign(step)
        store.save(model)
    shutil.copytree(store.folder / "step-000000002", store.folder / ".step-000000001.removed")
    (store.folder / ".step-000000003.partial").mkdir()
    # Killed after the third took its name and before the first went.
    (store.folder / ".step-000000001.removed" / "checkpoint.json").unlink()
    shutil.copytree(store.folder / "step-000000002", store.folder / "step-000000003")
    store.tidy()
    assert _names(store) == ["step-000000002", "step-000000003"]


def test_what_other_settings_kept_stays_when_nothing_is_trained(store):
    store.keep_latest = 3
    model = toy.trained()
    for step in (1, 2, 3):
        model.step.assign(step)
        store.save(model)
    store.keep_latest = 1
    store.tidy()
    assert len(_names(store)) == 3


def test_an_interrupt_while_writing_leaves_nothing(store, monkeypatch):
    store.save(toy.trained(1))

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(tf.train.Checkpoint, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.save(toy.trained(2))
    assert _names(store) == ["step-000000001"]


def test_a_kill_while_removing_leaves_no_half_checkpoint(tmp_path, monkeypatch):
    store = CheckpointStore(tmp_path, "toy", keep_latest=1)
    store.save(toy.trained(1))
    remove = shutil.rmtree

    def die(path, **_):
        (path / "checkpoint.json").unlink()
        raise SystemExit

    monkeypatch.setattr(checkpoints.shutil, "rmtree", die)
    with pytest.raises(SystemExit):
        store.save(toy.trained(2))
    monkeypatch.setattr(checkpoints.shutil, "rmtree", remove)
    assert [info.step for info in store.all()] == [2]
    (tmp_path / ".step-000000009.partial").mkdir()  # and a kill while writing
    store.save(toy.trained(3))
    assert _names(store) == ["step-000000003"]


def test_nothing_there(store):
    assert store.all() == [] and store.latest() is None
    for name in ("latest", "best", "ema"):
        with pytest.raises(CheckpointError, match=rf"a {name} checkpoint. Received: none"):
            store.find(name)
    with pytest.raises(CheckpointError, match=r"folder with checkpoint\.json\. Received: /nowhere"):
        store.find("/nowhere")


@pytest.mark.parametrize("state", [None, {}, {"failures": 2, "verdict": None}])
def test_what_callbacks_remember(store, state):
    assert read_info(store.save(toy.trained(1), state=state)).state == (state or {})


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}', '{"format": 1, "step": "x"}', "null"])
def test_damaged_descriptions(store, text):
    path = store.save(toy.trained(1))
    (path / "checkpoint.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"a checkpoint folder with checkpoint\.json"):
        store.latest()


def test_another_format_version(store):
    path = store.save(toy.trained(1))
    text = (path / "checkpoint.json").read_text()
    (path / "checkpoint.json").write_text(text.replace('"format": 1', '"format": 2'))
    message = r"format 1\. Received: format 2 at .*step-000000001"
    with pytest.raises(CheckpointError, match=message), store.naming_what_to_remove():
        store.latest()


def test_a_checkpoint_of_another_recipe(store):
    store.save(toy.trained(1))
    other = CheckpointStore(store.folder, "other")
    with pytest.raises(CheckpointError, match=r"recipe 'other'. Received: one of 'toy' at .*step-"):
        other.restore(toy.trained(), other.latest())


def test_other_sizes(store):
    store.save(toy.trained(1))
    # Refused before anything is loaded: TensorFlow would warn of every other variable at the end.
    for training in (True, False):
        model = toy.trained(size=4)
        before = _state(model)
        with (
            pytest.raises(CheckpointError, match=r"kernel is \[3\], expected \[4\].* Use another"),
            store.naming_what_to_remove(),  # it is whole: not to be removed
        ):
            store.restore(model, store.latest(), expect_training=training)
        after = _state(model)
        assert all((after[path] == value).all() for path, value in before.items())


def test_a_checkpoint_with_more_than_the_model(store, monkeypatch):
    store.save(toy.trained(1))
    model = toy.trained()
    monkeypatch.setattr(model, "optimizers", dict)
    with pytest.raises(CheckpointError, match=r"adam/0000_.* is there, which the model lacks"):
        store.restore(model, store.latest())
    store.restore(model, store.latest(), expect_training=False)


@pytest.mark.parametrize("file", ["variables.index", "variables.data-00000-of-00001"])
@pytest.mark.parametrize("damage", ["cut", "gone", "empty", "changed"])
def test_damaged_files(store, file, damage):
    path = store.save(toy.trained(1)) / file
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        path.touch()
    elif damage == "changed":
        path.write_bytes(bytes([content[0] ^ 0xFF]) + content[1:])
    with pytest.raises(DamagedCheckpointError, match=r"which does not load") as error:
        store.restore(toy.trained(), store.latest())
    assert "\n" not in str(error.value)
