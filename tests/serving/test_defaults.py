"""Defaults of controls: in the SavedModel, over gRPC, and in the export's graph."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.serving.warmup import without_warmup
from tfmusicgan.client import MusicClient
from tfmusicgan.models.signature import Signature
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.serving.defaults import control_defaults, write_defaults
from tfmusicgan.serving.server import app
from tfmusicgan.serving.server.batching import BatchOptions
from tfmusicgan.serving.server.engine import EngineOptions
from tfmusicgan.serving.server.storage import ModelSource

RECIPE = "musegan_hybrid_chorales_accompaniment"
# As the recipe's configs and papers have them; the tempo is the chorales'.
EXPECTED = {
    "serving_default": {},
    "generate": {"threshold": 0.5, "temperature": 0.0, "qpm": 80.0, "num_phrases": 1},
    "accompany": {"threshold": 0.5, "temperature": 0.0},
}


@pytest.fixture(scope="module")
def saved_model(tiny_export):
    content = (tiny_export(RECIPE) / "saved_model.pb").read_bytes()
    return saved_model_pb2.SavedModel.FromString(content)


@pytest.fixture(scope="module", params=[True, False], ids=["batching", "by request"])
def server(request, tiny_export, tmp_path_factory):
    """The embedded server, with and without its queue: the stock server has both ways."""
    folder = without_warmup(tiny_export(RECIPE), tmp_path_factory.mktemp("models") / RECIPE)
    source = ModelSource(name=RECIPE, base_path=str(folder))
    engine = EngineOptions(BatchOptions() if request.param else None)
    with app.running(app.ServerOptions(source, port=0, engine=engine)) as server:
        server.is_batching = request.param
        yield server


def _request(**inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = RECIPE
    request.model_spec.signature_name = "generate"
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def _predict(server, **inputs):
    with grpc.insecure_channel(server.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        outputs = stub.Predict(_request(**inputs), timeout=60).outputs
    return [NoteSequence.FromString(text) for text in outputs["note_sequence"].string_val]


def test_the_saved_model_carries_one_row_of_each(saved_model):
    definitions = saved_model.meta_graphs[0].signature_def
    for name, expected in EXPECTED.items():
        found = {key: tf.make_ndarray(t) for key, t in definitions[name].defaults.items()}
        assert {key: value.tolist() for key, value in found.items()} == {
            key: [value] for key, value in expected.items()
        }
        for key, value in found.items():
            assert value.dtype == tf.as_dtype(definitions[name].inputs[key].dtype).as_numpy_dtype


def test_the_fingerprint_is_that_of_the_file(tiny_export):
    from tensorflow.python.saved_model.pywrap_saved_model import fingerprinting

    folder = str(tiny_export(RECIPE))
    found = tf.saved_model.experimental.read_fingerprint(folder)
    made = found.from_proto(fingerprinting.CreateFingerprintDef(folder))
    assert found.signature_def_hash == made.signature_def_hash
    assert found.saved_model_checksum == made.saved_model_checksum


def test_text_defaults(tmp_path):
    signature = Signature(
        lambda **_: {},
        {
            "seed": tf.TensorSpec([None], tf.int64),
            "chord": tf.TensorSpec([None], tf.string),
            "swing": tf.TensorSpec([None], tf.bool),
            "note_sequence": tf.TensorSpec([None], tf.string),
        },
        {"seed": 1, "chord": b"Am", "swing": True, "note_sequence": b"\n\0"},
    )
    assert control_defaults(signature) == {"chord": b"Am", "swing": True}

    class Module(tf.Module):
        @tf.function(input_signature=[])
        def nothing(self):
            return tf.zeros([1])

    module = Module()
    tf.saved_model.save(module, str(tmp_path), signatures={"continue": module.nothing})
    write_defaults(tmp_path, {"continue": signature})
    model = saved_model_pb2.SavedModel.FromString((tmp_path / "saved_model.pb").read_bytes())
    defaults = model.meta_graphs[0].signature_def["continue"].defaults
    assert {key: tf.make_ndarray(t).tolist() for key, t in defaults.items()} == {
        "chord": [b"Am"],
        "swing": [True],
    }


def test_metadata_answers_them_to_a_stock_client(server):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = RECIPE
    with grpc.insecure_channel(server.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        answer = stub.GetModelMetadata(request, timeout=60)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    answer.metadata["signature_def"].Unpack(signatures)
    found = signatures.signature_def["generate"].defaults
    assert {key: tf.make_ndarray(t).tolist() for key, t in found.items()} == {
        key: [value] for key, value in EXPECTED["generate"].items()
    }


def test_one_control_alone_is_enough_for_the_client(server):
    seeds = [5, 6, 1 << 40]
    with MusicClient(server.address) as client:
        client.wait_until_ready(RECIPE)
        some = client.generate(RECIPE, seeds, qpm=72)
        none = client.generate(RECIPE, seeds, signature="generate")
    explicit = _predict(
        server,
        seed=np.array(seeds),
        threshold=np.full(3, 0.5, np.float32),
        temperature=np.zeros(3, np.float32),
        qpm=np.full(3, 72, np.float32),
        num_phrases=np.ones(3, np.int32),
    )
    assert some == explicit
    assert [piece.tempos[0].qpm for piece in none] == [80.0] * 3
    assert [list(piece.notes) == [] for piece in none] == [list(p.notes) == [] for p in some]


def test_one_row_may_leave_controls_out(server):
    (piece,) = _predict(server, seed=np.array([5]), qpm=np.array([72], np.float32))
    with MusicClient(server.address) as client:
        assert [piece] == client.generate(RECIPE, [5], qpm=72)


def test_several_rows_get_theirs_or_a_refusal_but_never_another_size(server):
    seeds = np.array([5, 6, 7])
    if server.is_batching:
        with pytest.raises(grpc.RpcError, match="must have equal 0th-dimension size") as refusal:
            _predict(server, seed=seeds, qpm=np.full(3, 72, np.float32))
        assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    else:
        pieces = _predict(server, seed=seeds, qpm=np.full(3, 72, np.float32))
        with MusicClient(server.address) as client:
            assert pieces == client.generate(RECIPE, seeds.tolist(), qpm=72)


def test_other_numbers_of_rows_are_refused(server):
    with pytest.raises(grpc.RpcError) as refusal:
        _predict(server, seed=np.array([5, 6, 7]), qpm=np.full(2, 72, np.float32))
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_seed_and_music_have_none(server):
    with pytest.raises(grpc.RpcError, match=r"alias: seed.* no default value provided") as refusal:
        _predict(server, qpm=np.array([72], np.float32))
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
