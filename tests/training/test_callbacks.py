"""Callbacks in `fit` of a toy model: when they save, when they stop, what they show."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training import toy
from tfmusicgan.errors import TrainingError
from tfmusicgan.training.callbacks import SaveCheckpoints, StopOnCollapse, StopOnNonFinite
from tfmusicgan.training.checkpoints import CheckpointStore


@pytest.fixture
def store(tmp_path):
    return CheckpointStore(tmp_path / "checkpoints", "toy", keep_latest=100)


def _fit(callbacks, batches, per_epoch=40):
    model = toy.trained()
    dataset = tf.data.Dataset.from_tensor_slices(np.asarray(batches, np.float32)).repeat()
    epochs = -(-len(batches) // per_epoch)
    steps = min(per_epoch, len(batches))
    model.fit(dataset, epochs=epochs, steps_per_epoch=steps, callbacks=callbacks, verbose=0)
    return model


def _steps(store):
    return [info.step for info in store.all()]


def _finite(store):
    for info in store.all():
        model = toy.trained()
        store.restore(model, info)
        assert all(np.isfinite(weight.numpy()).all() for weight in model.weights)
    return True


def _with_nan(at, count=40):
    batches = np.ones((count, 3))
    batches[at - 1, 1] = np.nan
    return batches


def test_saves_by_the_models_own_steps_and_once_at_the_end(store):
    measured = []

    def measure():
        measured.append(len(measured))
        return {"distance": 1.0 - 0.1 * len(measured), "empty_bars/piano": 0.5}

    saver = SaveCheckpoints(store, 4, measure)
    _fit([saver], np.ones((10, 3)), per_epoch=5)
    assert _steps(store) == [4, 8]
    saver.save()
    saver.save()
    assert _steps(store) == [4, 8, 10] and len(measured) == 3
    assert store.best().step == 10


def test_what_is_measured_is_logged_before_the_checkpoint_is_there(store):
    logged = []
    saver = SaveCheckpoints(
        store,
        2,
        lambda: {"distance": 0.25},
        lambda values, step: logged.append((values, step, _steps(store))),
    )
    _fit([saver], np.ones((4, 3)))
    assert logged == [({"distance": 0.25}, 2, []), ({"distance": 0.25}, 4, [2])]


def test_what_is_not_measured_has_no_metric(store):
    saver = SaveCheckpoints(store, 2)
    _fit([saver], np.ones((2, 3)))
    assert [info.metric for info in store.all()] == [None]


def test_nan_is_found_before_a_checkpoint_is_written(store):
    with pytest.raises(TrainingError, match=r"loss.*at step 15\. The last .*step-000000010\."):
        _fit([StopOnNonFinite(store), SaveCheckpoints(store, 5)], _with_nan(at=13))
    assert _steps(store) == [5, 10] and _finite(store)


def test_nan_is_found_without_a_checkpoint_being_due(store):
    callbacks = [StopOnNonFinite(store), SaveCheckpoints(store, 12)]
    with pytest.raises(TrainingError, match=r"loss not finite near step 20\..*step-000000012\."):
        _fit(callbacks, _with_nan(at=13))
    assert _steps(store) == [12] and _finite(store)


def test_nan_before_the_first_checkpoint(store):
    message = r"There is no checkpoint\. Train with a lower learning rate \(--set\) into another"
    with pytest.raises(TrainingError, match=message):
        _fit([StopOnNonFinite(store), SaveCheckpoints(store, 100)], _with_nan(at=1))
    assert _steps(store) == []


def test_nan_at_the_end_of_an_epoch(store):
    with pytest.raises(TrainingError, match=r"near step 3"):
        _fit([StopOnNonFinite(store)], _with_nan(at=3, count=3))


def test_a_weight_that_is_not_finite_is_refused_even_if_no_loss_says_so(store):
    saver = SaveCheckpoints(store, 5)
    model = toy.trained()
    saver.set_model(model)
    saver.save()
    model.kernel.assign([1.0, np.inf, 1.0])
    model.step.assign(1)
    with pytest.raises(TrainingError, match=r"Received: \S*kernel not finite at step 1\. The last"):
        saver.save({"toy_loss": 1.0})
    assert _steps(store) == [0]


def test_all_that_is_not_finite_is_named_or_counted(store):
    saver = SaveCheckpoints(store, 5)
    model = toy.trained()
    saver.set_model(model)
    model.kernel.assign([1.0, np.nan, 1.0])
    logs = dict.fromkeys(["d", "c", "b"], np.inf) | {"a": 1.0}
    with pytest.raises(TrainingError, match=r"Received: b, c, d, \S*kernel not finite at step 0\."):
        saver.save(logs)
    logs |= {"e": np.nan}
    message = (
        r": b, c, d, e and 1 more not .* There is no checkpoint\. Train .* or with --overwrite\."
    )
    with pytest.raises(TrainingError, match=message):
        saver.save(logs)


def _stop(store, verdicts, patience=3, grace_steps=0):
    asked = iter(verdicts)
    stop = StopOnCollapse(store, lambda: next(asked), 2, patience, grace_steps)
    return stop, asked


def test_collapse_stops_after_checks_in_a_row(store):
    stop, asked = _stop(store, ["empty", None, "empty", "empty", "all equal", "never asked"])
    with pytest.raises(
        TrainingError, match=r"at step 10: all equal, 3 checks in a row. Train with a"
    ):
        _fit([stop], np.ones((20, 3)))
    assert next(asked) == "never asked"


def test_an_empty_beginning_is_no_collapse(store):
    # Six empty checks, then music: the early life of a healthy run.
    stop, _ = _stop(store, ["empty"] * 6 + [None, "empty", "empty", None], grace_steps=12)
    _fit([stop], np.ones((20, 3)))


def test_a_run_that_was_never_music_stops_after_the_grace(store):
    stop, _ = _stop(store, ["empty"] * 20, grace_steps=12)
    with pytest.raises(TrainingError, match=r"at step 18: empty, 3 checks in a row"):
        _fit([stop], np.ones((40, 3)))


def test_a_run_that_was_music_stops_within_the_grace_and_names_the_best(store):
    distances = iter([0.5, 0.2, 0.9, 0.9, 0.9])
    saver = SaveCheckpoints(store, 2, lambda: {"distance": next(distances)})
    stop, _ = _stop(store, [None, None, "empty", "empty", "empty"], grace_steps=1000)
    with pytest.raises(TrainingError, match=r"step 10: .*best checkpoint is .*step-000000004\."):
        _fit([saver, stop], np.ones((40, 3)))


# Fails from step 8 on, after music at step 2: three in a row at step 12.
_VERDICTS = {2: None, 4: "empty", 6: None, 8: "empty", 10: "alike", 12: "all equal"}


def _go_on(folder, end, patience=3, kill=None):
    """Trains to step `end`, from the latest checkpoint where there is one, as `fit.train` does."""
    store, model = CheckpointStore(folder, "toy", keep_latest=100), toy.trained()
    latest = store.latest()
    if latest is not None:
        store.restore(model, latest)
    state = None if latest is None else latest.state
    stop = StopOnCollapse(
        store, lambda: _VERDICTS[int(model.step.numpy())], 2, patience, 1000, state
    )
    saver = SaveCheckpoints(store, 2, lambda: {}, state=stop.state)
    shown = keras.callbacks.LambdaCallback(on_train_batch_end=kill)
    steps = end - int(model.step.numpy())
    dataset = tf.data.Dataset.from_tensors(np.ones(3, np.float32)).repeat()
    model.fit(dataset, steps_per_epoch=steps, callbacks=[saver, shown, stop], verbose=0)


def _collapse(folder, **options):
    """The message of the stop, without the folder's name, and the steps that were saved."""
    with pytest.raises(TrainingError) as error:
        _go_on(folder, 40, **options)
    saved = _steps(CheckpointStore(folder, "toy"))
    return str(error.value).replace(str(folder), ""), saved


@pytest.mark.parametrize("first", [3, 7, 8, 9, 10, 11])
def test_a_run_that_was_broken_off_stops_where_one_that_was_not_does(tmp_path, first):
    straight = _collapse(tmp_path / "straight")
    assert "at step 12: all equal, 3 checks in a row" in straight[0]
    assert straight[1] == [2, 4, 6, 8, 10, 12]
    _go_on(tmp_path / "broken", first)
    assert _collapse(tmp_path / "broken") == straight


def test_a_run_killed_between_its_last_checkpoint_and_the_stop(tmp_path):
    straight, folder = _collapse(tmp_path / "straight"), tmp_path / "killed"

    def kill(batch, logs=None):
        if batch == 11:  # after the checkpoint of step 12, while samples are shown
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _go_on(folder, 40, kill=kill)
    assert _steps(CheckpointStore(folder, "toy"))[-1] == 12
    assert _collapse(folder) == straight  # without another step
    _go_on(folder, 13, patience=4)  # with more patience it goes on


def test_a_checkpoint_of_before_there_was_a_state_begins_afresh(store):
    store.save(toy.trained(6))
    assert store.latest().state == {}
    stop = StopOnCollapse(store, lambda: None, 2, 3, 0, store.latest().state)
    assert (stop.was_music, stop.failures) == (False, 0)
