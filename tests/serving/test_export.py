"""What is inside an export: signatures, ops, variables; what it answers."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tfmusicgan import recipes

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
