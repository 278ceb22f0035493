"""Exports: whole or not at all, their signatures and ops, and what travels with them."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tfmusicgan import __version__, recipes
from tfmusicgan.errors import CheckpointError, ConfigError, ExportError, OutputExistsError
from tfmusicgan.models.base import Signature
from tfmusicgan.serving import export, warmup
from tfmusicgan.serving.export import export_run, read_manifest

RECIPE = "musegan_hybrid_chorales"


@pytest.fixture(scope="module")
def run(tiny_run):
    return tiny_run(RECIPE)


@pytest.fixture(scope="module")
def exported(tiny_export):
    return tiny_export(RECIPE)


@pytest.fixture(scope="module")
def saved_model(exported):
    from tensorflow.core.protobuf import saved_model_pb2

    return saved_model_pb2.SavedModel.FromString((exported / "saved_model.pb").read_bytes())


@pytest.fixture(scope="module")
def loaded(exported):
    return tf.saved_model.load(str(exported))


def _signatures(saved_model):
    definitions = saved_model.meta_graphs[0].signature_def
    return {name: d for name, d in definitions.items() if name != "__saved_model_init_op"}


def test_signatures(saved_model):
    signatures = _signatures(saved_model)
    found = {}
    for name, definition in signatures.items():
        for side in ("inputs", "outputs"):
            for key, info in getattr(definition, side).items():
                shape = [dim.size for dim in info.tensor_shape.dim]
                found[name, side, key] = (tf.as_dtype(info.dtype).name, shape[:1])
    # Batch-major all of them: the first axis is open.
    assert found == {
        ("serving_default", "inputs", "seed"): ("int64", [-1]),
        ("serving_default", "outputs", "note_sequence"): ("string", [-1]),
        ("generate", "inputs", "seed"): ("int64", [-1]),
        ("generate", "inputs", "threshold"): ("float32", [-1]),
        ("generate", "inputs", "temperature"): ("float32", [-1]),
        ("generate", "inputs", "qpm"): ("float32", [-1]),
        ("generate", "inputs", "num_phrases"): ("int32", [-1]),
        ("generate", "outputs", "note_sequence"): ("string", [-1]),
        ("generate", "outputs", "piano_roll"): ("string", [-1]),
    }


def test_core_ops_alone(saved_model):
    graph = saved_model.meta_graphs[0].graph_def
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    ops = {node.op for node in nodes}
    assert "EncodeProto" in ops
    assert not [op for op in ops if ">" in op or "PyFunc" in op or "XlaLaunch" in op]
    # All of them registered by TensorFlow itself, in a process that never imports tensorflow-io.
    known = tf.raw_ops.__dict__
    functions = {f.signature.name for f in graph.library.function}
    assert not [op for op in ops - functions if op not in known and not op.startswith("_")]


def test_variables_have_the_order_of_the_model(run, saved_model):
    nodes = saved_model.meta_graphs[0].object_graph_def.nodes
    inside = [node.variable.name for node in nodes if node.WhichOneof("kind") == "variable"]
    model, _ = run.load_model()
    names = [weight.value.name.split(":")[0] for weight in model.weights]
    assert len(inside) > 40
    assert inside == [name for name in names if name in inside]


def test_no_critic_and_no_optimizer_inside(run, exported):
    model = run.build_model()
    expected = sorted(tuple(weight.shape) for weight in model.generator.weights)
    variables = tf.train.list_variables(str(exported / "variables" / "variables"))
    found = sorted(tuple(shape) for name, shape in variables if not name.startswith("_"))
    # The generator's own weights, moving statistics included, and nothing else.
    assert found == expected


def test_the_packed_piano_roll_is_the_note_sequence(run, loaded):
    seeds = tf.constant([3, 1 << 40], tf.int64)
    given = loaded.signatures["generate"](
        seed=seeds,
        threshold=tf.constant([0.5, 1.0]),
        temperature=tf.constant([0.0, 0.0]),
        qpm=tf.constant([60.0, 240.0]),
        num_phrases=tf.constant([2, 1]),
    )
    bars, *bar = run.build_model().representation.spec["piano_roll"].shape
    shapes = (2 * bars, *bar), (bars, *bar)
    rolls = [
        np.unpackbits(np.frombuffer(text, np.uint8), count=int(np.prod(shape))).reshape(shape)
        for text, shape in zip(given["piano_roll"].numpy(), shapes, strict=True)
    ]
    assert rolls[0][:bars].any() and rolls[0][bars:].any() and not rolls[1].any()
    from tfmusicgan.note_sequences.proto import NoteSequence

    first, second = (NoteSequence.FromString(text) for text in given["note_sequence"].numpy())
    representation = run.build_model().representation
    twice = dataclasses.replace(representation, bars=2 * bars)
    assert first == twice.decode({"piano_roll": rolls[0].astype(bool)}, 60.0)
    assert not second.notes and second.tempos[0].qpm == 240.0


def test_warm_up_requests_fit_the_signatures(exported, saved_model, loaded):
    path = exported / "assets.extra" / "tf_serving_warmup_requests"
    rows = {}
    for record in tf.data.TFRecordDataset(str(path)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        assert request.model_spec.name == RECIPE
        name = request.model_spec.signature_name
        inputs = {key: tf.constant(tf.make_ndarray(t)) for key, t in request.inputs.items()}
        expected = _signatures(saved_model)[name].inputs
        assert {key: value.dtype.as_datatype_enum for key, value in inputs.items()} == {
            key: info.dtype for key, info in expected.items()
        }
        sizes = {int(value.shape[0]) for value in inputs.values()}
        assert len(sizes) == 1
        rows.setdefault(name, []).extend((size, *request.output_filter) for size in sizes)
        loaded.signatures[name](**inputs)
    # The client asks for the music alone, which the server prepares apart from all outputs.
    expected = [(1, "note_sequence"), (32,)]
    assert rows == {"serving_default": expected, "generate": expected}


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


@pytest.fixture(scope="module")
def versions(run, tmp_path_factory):
    """A root after several exports; the order of the exports matters."""
    root = tmp_path_factory.mktemp("versions")
    earlier = run.store().all()[0].path
    folders = {
        "first": export_run(run, root, name="mine"),
        "seven": export_run(run, root, name="mine", version=7, checkpoint="best"),
        "next": export_run(run, root, name="mine", checkpoint="ema"),
        "path": export_run(run, root, name="mine", checkpoint=str(earlier)),
    }
    return root, folders


def test_versions_count_up(versions):
    root, folders = versions
    assert {key: str(path.relative_to(root)) for key, path in folders.items()} == {
        "first": "mine/1",
        "seven": "mine/7",
        "next": "mine/8",
        "path": "mine/9",
    }
    assert sorted(path.name for path in (root / "mine").iterdir()) == ["1", "7", "8", "9"]


def test_the_checkpoint_asked_for(run, versions):
    _, folders = versions
    kinds = {key: read_manifest(path)["checkpoint"] for key, path in folders.items()}
    assert kinds["first"] == {"kind": "latest", "step": 4}
    assert kinds["seven"] == {"kind": "best", "step": run.store().best().step}
    assert kinds["next"] == {"kind": "ema", "step": 4}
    assert kinds["path"] == {"kind": "path", "step": 2}
    model, _ = run.load_model("ema")
    seeds = tf.range(8, dtype=tf.int64)
    expected = tf.function(model.signatures()["serving_default"].function)(seed=seeds)
    served = tf.saved_model.load(str(folders["next"])).signatures["serving_default"](seed=seeds)
    np.testing.assert_array_equal(served["note_sequence"], expected["note_sequence"])


def test_a_version_that_is_there(run, versions):
    root, folders = versions
    before = (folders["seven"] / "saved_model.pb").stat().st_ino
    with pytest.raises(
        OutputExistsError, match=r"Received: .*mine/7, which is there\. Leave --model_v"
    ):
        export_run(run, root, name="mine", version=7)
    assert (folders["seven"] / "saved_model.pb").stat().st_ino == before
    export_run(run, root, name="mine", version=7, overwrite=True)
    assert read_manifest(folders["seven"])["checkpoint"]["kind"] == "latest"


@pytest.mark.parametrize("name", ["a/b", "..", "a b", "ä.b"])
def test_names_that_cannot_be_a_folder(run, tmp_path, name):
    with pytest.raises(ConfigError, match=r"model name of letters, digits, - and _. Received"):
        export_run(run, tmp_path, name=name)
    assert not list(tmp_path.iterdir())


def test_versions_below_zero(run, tmp_path):
    with pytest.raises(ConfigError, match=r"version of at least 0. Received: -1"):
        export_run(run, tmp_path, version=-1)


def test_no_such_checkpoint(run, tmp_path):
    with pytest.raises(CheckpointError, match=r"Received: nowhere"):
        export_run(run, tmp_path, checkpoint="nowhere")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_failure_in_the_middle_leaves_nothing(run, tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(export.warmup, "write_requests", fail)
    with pytest.raises(type(error)):
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


def test_thirty_two_rows_of_the_paper_preset_stay_under_four_mebibytes():
    from tfmusicgan import representations
    from tfmusicgan.representations import multitrack_piano_roll_graph as graph

    recipe = recipes.get("musegan_hybrid")
    cls = representations.get(recipe.representation)
    representation = cls.from_parameters(recipe.preset("paper").representation)
    bars, steps, pitches, tracks = representation.spec["piano_roll"].shape
    # Far denser than music: six voices in each of five tracks, moving in sixteenth notes.
    roll = np.zeros((1, bars, steps, pitches, tracks), bool)
    sixteenth = steps // 16
    for number in range(0, steps, sixteenth):
        for voice in range(6):
            pitch = (7 * voice + 3 * (number // sixteenth)) % pitches
            roll[:, :, number : number + sixteenth - 1, pitch] = True
    (text,) = graph.to_note_sequences(
        tf.constant(roll), representation, tf.constant([80.0])
    ).numpy()
    request_rows = 32
    assert request_rows * len(text) < 4 * 2**20
    # With `generate`, the packed piano-roll comes along.
    assert request_rows * (len(text) + roll.size // 8) < 4 * 2**20
