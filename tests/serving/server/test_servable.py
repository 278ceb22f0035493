"""One loaded SavedModel: runs, time limits, damage, warm-up records."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tests.serving import toy_models
from tfmusicgan.serving.server.servable import Servable, SessionOptions
from tfmusicgan.serving.server.statuses import RequestError


@pytest.fixture(scope="module")
def servable(toy_root):
    loaded = Servable(str(toy_root / "toy/3"), SessionOptions(1, 1))
    yield loaded
    loaded.close()


def test_signatures(servable):
    signature = servable.signatures["generate"]
    assert list(signature.inputs) == ["qpm", "seed", "threshold"]
    assert list(signature.outputs) == ["note_sequence", "piano_roll", "value"]
    assert signature.inputs["seed"].data_type == tf.int64.as_datatype_enum


def test_a_run_stops_when_its_time_is_up(servable):
    signature = servable.signatures["slow"]
    feeds = {signature.inputs["steps"].tensor: np.array([10**12])}
    with pytest.raises(RequestError, match="Timed out waiting for notification") as refusal:
        servable.run(feeds, [signature.outputs["steps"]], timeout_ms=50)
    assert refusal.value.code == grpc.StatusCode.DEADLINE_EXCEEDED
    feeds = {signature.inputs["steps"].tensor: np.array([3])}
    (steps,) = servable.run(feeds, [signature.outputs["steps"]], timeout_ms=5000)
    assert steps.tolist() == [3]


def test_wrong_dtype_is_refused_by_the_runtime_too(servable):
    signature = servable.signatures["matmul"]
    feeds = {signature.inputs["x"].tensor: np.ones((2, 4), np.int32)}
    # The runtime words it either way; requests never come so far, predict.py refuses them.
    expected = r"Expects arg\[0\] to be float but int32 is|actual int32 vs. expect float"
    with pytest.raises(RequestError, match=expected):
        servable.run(feeds, [signature.outputs["y"]])


def test_a_text_that_is_no_utf8_is_refused_by_the_runtime_like_any_other(servable):
    signature = servable.signatures["number"]
    texts = np.array([b"1.5", b"\xff\xfe7"], object)
    feeds = {signature.inputs["text"].tensor: texts}
    with pytest.raises(RequestError) as refusal:
        servable.run(feeds, [signature.outputs["value"]])
    assert refusal.value.code == grpc.StatusCode.INVALID_ARGUMENT
    text = "StringToNumberOp could not correctly convert string: \ufffd\ufffd7"
    assert str(refusal.value).startswith(text)


def test_the_init_op_is_no_output(servable):
    (name,) = servable.signatures["__saved_model_init_op"].outputs.values()
    with pytest.raises(RequestError, match=f"FetchOutputs {name}:0: output index too large"):
        servable.run({}, [name])


def test_damaged_models_have_an_error(tmp_path):
    empty = tmp_path / "1"
    empty.mkdir()
    with pytest.raises(RequestError, match=r"Could not load the SavedModel in .*does not exist"):
        Servable(str(empty))
    (empty / "saved_model.pb").write_bytes(b"\xff" * 100)
    with pytest.raises(RequestError, match=r"Could not load the SavedModel in .*Cannot parse"):
        Servable(str(empty))


def test_lost_variables_have_tensorflows_error(tmp_path):
    folder = toy_models.write_model(tmp_path / "1")
    for path in (tmp_path / "1/variables").iterdir():
        path.unlink()
    with pytest.raises(RequestError) as refusal:
        Servable(folder)
    assert "variables" in str(refusal.value)


def test_warmup_records(tmp_path, servable, monkeypatch):
    monkeypatch.setattr(servable, "path", str(tmp_path))
    assert servable.warmup_records() == []
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = "generate"
    toy_models.write_warmup(tmp_path, [log.SerializeToString()] * 2)
    records = servable.warmup_records()
    assert [r.predict_log.request.model_spec.signature_name for r in records] == ["generate"] * 2


def test_bad_warmup_files(tmp_path, servable, monkeypatch):
    monkeypatch.setattr(servable, "path", str(tmp_path))
    toy_models.write_warmup(tmp_path, [b""] * 1001)
    with pytest.raises(RequestError, match=r"exceeds the maximum \(1000\)") as refusal:
        servable.warmup_records()
    assert refusal.value.code == grpc.StatusCode.INVALID_ARGUMENT
    toy_models.write_warmup(tmp_path, [b"\xff\xff\xff"])
    with pytest.raises(RequestError, match="Failed to parse warmup record 0"):
        servable.warmup_records()
    path = tmp_path / "assets.extra/tf_serving_warmup_requests"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(RequestError) as refusal:
        servable.warmup_records()
    assert refusal.value.code == grpc.StatusCode.DATA_LOSS
