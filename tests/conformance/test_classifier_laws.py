"""The laws of the kind classifier, in its `tiny` preset.

Trained, resumed, spread over devices and served like generators; nothing is sampled, so there is
no collapse, no picture and no distance to the data.
"""

import functools
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.eagerly import eagerly
from tests.same_training import double_precision, variables
from tests.training import events
from tfmusicgan import recipes
from tfmusicgan.evaluation import evaluate_run
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.serving.export import export_run
from tfmusicgan.training import fit
from tfmusicgan.training.run import Run

NAMES = [name for name in recipes.names() if recipes.get(name).kind == "classifier"]
STEPS = 4

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("name", NAMES)]


def _train(name, records, folder, strategy="none"):
    options = fit.TrainingOptions(
        steps_per_epoch=3, checkpoint_every=2, num_samples=8, strategy=strategy
    )
    with eagerly():
        return fit.train(recipes.get(name), "tiny", records[name], folder, options=options)


@pytest.fixture(scope="module")
def trained(tiny_records, tmp_path_factory):
    """Recipe name to a finished run."""
    folder = tmp_path_factory.mktemp("runs")
    return functools.cache(lambda name: _train(name, tiny_records, folder / name))


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """Recipe name to its export's folder."""
    root = tmp_path_factory.mktemp("models")
    return functools.cache(lambda name: export_run(trained(name), root))


def _notes(model, records):
    audio = RecordSet.open(records, "test").spread(5)["audio"].astype(np.float32) / 32768.0
    rate = model.representation.sample_rate
    waves = [tf.audio.encode_wav(row[:, np.newaxis], rate).numpy() for row in audio]
    return {"audio": audio}, {"wav": np.array(waves, object)}


def _asked(model, records):
    """Signature to its inputs and answers in this process."""
    by_audio, by_wav = _notes(model, records)
    inputs = {"classify": by_audio, "classify_wav": by_wav, "serving_default": by_wav}
    assert set(inputs) == set(model.signatures())
    answers = {}
    for name, given in inputs.items():
        function = tf.function(model.signatures()[name].function)
        found = function(**{key: tf.constant(value) for key, value in given.items()})
        answers[name] = {key: value.numpy() for key, value in found.items()}
    return inputs, answers


def test_training_changes_every_weight(name, trained):
    run = trained(name)
    (model, info), untrained = run.load_model(), run.build_model()
    assert info.step == STEPS and len(model.trainable_weights) == 2 * 5
    for before, after in zip(untrained.weights, model.weights, strict=True):
        assert (before.numpy() != after.numpy()).any(), before.path


def test_resuming_in_the_middle_of_an_epoch_equals_uninterrupted(
    name, trained, tiny_records, tmp_path
):
    run = trained(name)
    shutil.copytree(run.folder, tmp_path / "run")
    shutil.rmtree(tmp_path / f"run/checkpoints/step-{STEPS:09d}")
    assert Run.open(tmp_path / "run").store().latest().step == 2  # epochs have three steps
    one, two = variables(run), variables(_train(name, tiny_records, tmp_path / "run"))
    assert one.keys() == two.keys() and len(one) > 30
    for key, value in one.items():
        np.testing.assert_array_equal(value, two[key], err_msg=key)


def test_two_devices_train_like_one(name, tiny_records, tmp_path, monkeypatch):
    with double_precision():
        one = _train(name, tiny_records, tmp_path / "one")
        seen = {"CPU": tf.config.list_logical_devices("CPU")[:2], "GPU": []}
        monkeypatch.setattr(tf.config, "list_logical_devices", seen.__getitem__)
        two = _train(name, tiny_records, tmp_path / "two", strategy="mirrored")
    one, two = variables(one), variables(two)
    assert one.keys() == two.keys()
    doubles = [key for key, value in one.items() if value.dtype == np.float64]
    assert len(doubles) > 30
    for key in doubles:
        np.testing.assert_allclose(two[key], one[key], rtol=1e-6, atol=1e-8, err_msg=key)


def test_its_accuracy_on_held_out_notes_is_logged_and_kept(name, trained, tiny_records):
    run = trained(name)
    logged = events.scalars(run.logs, "samples")["music/pitch_accuracy/exact"]
    assert sorted(logged) == [2, 4]
    assert run.store().latest().metric == pytest.approx(1 - logged[4])
    result = evaluate_run(run, tiny_records[name], num_phrases=30)
    assert list(result.rows) == ["train", "validation", "test", "untrained"]
    assert result.rows["validation"]["pitch_accuracy/exact"] == pytest.approx(logged[4])
    assert np.isfinite([list(row.values()) for row in result.rows.values()]).all()


_RELOAD = """
import sys, numpy as np, tensorflow as tf
tf.config.experimental.enable_op_determinism()
signatures = tf.saved_model.load(sys.argv[1]).signatures
for name, function in signatures.items():
    with np.load(f"{sys.argv[2]}/{name}.npz", allow_pickle=True) as arrays:
        inputs = {key: tf.constant(value) for key, value in arrays.items()}
    outputs = {key: value.numpy() for key, value in function(**inputs).items()}
    np.savez(f"{sys.argv[2]}/{name}-out.npz", **outputs)
"""


def test_an_export_reloaded_in_a_fresh_process_hears_the_same(
    name, trained, exported, tiny_records, tmp_path
):
    model, _ = trained(name).load_model()
    inputs, answers = _asked(model, tiny_records[name])
    for signature, given in inputs.items():
        np.savez(tmp_path / f"{signature}.npz", **given)
    subprocess.run([sys.executable, "-c", _RELOAD, str(exported(name)), str(tmp_path)], check=True)
    for signature, expected in answers.items():
        with np.load(tmp_path / f"{signature}-out.npz") as found:
            assert set(found) == set(expected)
            for key, value in expected.items():
                np.testing.assert_allclose(found[key], value, atol=1e-5, err_msg=key)
    manifest = json.loads((exported(name) / "assets.extra/tfmusicgan.json").read_text())
    assert "default" not in manifest["signatures"]["classify"]["inputs"]["audio"]


def test_served_over_grpc_equals_asked_in_process(name, trained, exported, tiny_records):
    from tfmusicgan.client import MusicClient
    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.storage import ModelSource

    model, _ = trained(name).load_model()
    inputs, answers = _asked(model, tiny_records[name])
    source = ModelSource(name=name, base_path=str(exported(name).parent))
    with (
        app.running(app.ServerOptions(source, port=0)) as server,
        MusicClient(server.address) as client,
    ):
        client.wait_until_ready(name)
        for signature, expected in answers.items():
            served = client.predict(name, inputs[signature], signature)
            for key, value in expected.items():
                np.testing.assert_allclose(served[key], value, atol=1e-5, err_msg=key)
