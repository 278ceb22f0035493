"""What travels with an export: warm-up requests, the manifest, the model card."""

import json
import shutil

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tfmusicgan import __version__, recipes
from tfmusicgan.errors import ExportError
from tfmusicgan.models.signature import Signature
from tfmusicgan.serving import warmup
from tfmusicgan.serving.export import read_manifest

RECIPE = "musegan_hybrid_chorales"


@pytest.fixture(scope="module")
def run(tiny_run):
    return tiny_run(RECIPE)


@pytest.fixture(scope="module")
def exported(tiny_export):
    return tiny_export(RECIPE)


def test_warm_up_values_of_every_type(tmp_path):
    inputs = {
        "note_sequence": tf.TensorSpec([None], tf.string),
        "swing": tf.TensorSpec([None], tf.bool),
    }
    signature = Signature(lambda **_: {}, inputs, {"note_sequence": b"abc", "swing": True})
    warmup.write_requests(tmp_path, "toy", {"continue": signature}, {"continue": ["audio"]})
    records = list(tf.data.TFRecordDataset(str(tmp_path / warmup.FILE)))
    log = prediction_log_pb2.PredictionLog.FromString(records[1].numpy())
    values = {key: tf.make_ndarray(t) for key, t in log.predict_log.request.inputs.items()}
    assert values["note_sequence"].tolist() == [b"abc"] * 32
    assert values["swing"].tolist() == [True] * 32
    assert not log.predict_log.request.output_filter


def test_the_manifest_says_where_the_model_comes_from(run, exported):
    manifest = read_manifest(exported)
    assert manifest["format"] == 1
    assert (manifest["recipe"], manifest["preset"], manifest["seed"]) == (RECIPE, "tiny", 0)
    assert manifest["config"] == run.settings["config"]
    assert manifest["representation"] == run.settings["representation"]
    assert manifest["records"]["num_examples"] == run.settings["records"]["num_examples"] > 0
    assert {"title", "licence", "attribution", "source_url"} <= set(manifest["records"]["dataset"])
    assert manifest["checkpoint"] == {"kind": "latest", "step": 4}
    assert manifest["versions"] == {"tfmusicgan": __version__, "tensorflow": tf.__version__}
    assert manifest["signatures"]["generate"]["inputs"]["threshold"] == {
        "dtype": "float32",
        "default": 0.5,
        "range": [0.0, 1.0],
    }
    assert manifest["signatures"]["generate"]["inputs"]["num_phrases"] == {
        "dtype": "int32",
        "default": 1,
        "range": [1, 64],
    }
    assert manifest["signatures"]["serving_default"]["inputs"] == {"seed": {"dtype": "int64"}}


def test_the_model_card_reads_well(exported):
    card = (exported / "assets.extra" / "model_card.md").read_text()
    recipe = recipes.get(RECIPE)
    for text in (
        f"# {RECIPE}\n",
        recipe.summary,
        recipe.paper,
        "Checkpoint: step 4 (latest), seed 0.",
        "Representation: `multitrack_piano_roll`, version 1.",
        "* Licence of the training data: ",
        "| `serving_default` | `seed` | int64 [batch] | needed |  |",
        "| `generate` | `qpm` | float32 [batch] | 80.0 | 20 to 300 |",
        "| `generate` | `num_phrases` | int32 [batch] | 1 | 1 to 64 |",
    ):
        assert text in card
    assert "None" not in card and "{" not in card


def test_what_is_no_export(exported, tmp_path):
    with pytest.raises(ExportError, match=r"assets.extra/tfmusicgan.json. Received: .*nowhere"):
        read_manifest(tmp_path / "nowhere")
    extra = tmp_path / "assets.extra"
    shutil.copytree(exported / "assets.extra", extra)
    content = json.loads((extra / "tfmusicgan.json").read_text())
    (extra / "tfmusicgan.json").write_text(json.dumps({**content, "format": 2}))
    with pytest.raises(ExportError, match=r"export format 1\. Received: format 2 at "):
        read_manifest(tmp_path)
    (extra / "tfmusicgan.json").write_text("[]")
    with pytest.raises(ExportError, match=r"Received: format None at "):
        read_manifest(tmp_path)
