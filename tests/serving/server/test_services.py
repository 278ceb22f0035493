"""The embedded server through the stock stubs: Predict."""

import asyncio

import grpc
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from tests.serving import toy_models
from tests.serving.server.grpc_calls import generate_inputs, refused, request, seeds
from tfmusicgan.serving.server import services

Code = grpc.StatusCode


def test_predict_default_signature(prediction):
    response = prediction.Predict(request(inputs={"seed": seeds(5, 130, 7)}), timeout=20)
    assert response.model_spec.name == "toy"
    assert response.model_spec.version.value == 3
    assert response.model_spec.signature_name == "serving_default"
    assert list(response.outputs) == ["note_sequence"]
    expected = [toy_models.note_sequence_bytes(pitch) for pitch in (5, 2, 7)]
    assert list(response.outputs["note_sequence"].string_val) == expected


def test_predict_answers_in_typed_fields(prediction):
    inputs = generate_inputs(250, 3)
    response = prediction.Predict(request(signature="generate", inputs=inputs), timeout=20)
    assert response.model_spec.signature_name == "generate"
    value, roll = response.outputs["value"], response.outputs["piano_roll"]
    assert not value.tensor_content
    assert list(value.float_val) == [60 * 2 + 250, 0.25, 90 * 2 + 3, 0.25]
    assert list(roll.int_val) == [250, 251, 252, 3, 4, 5]
    assert tf.make_ndarray(roll).tolist() == [[250, 251, 252], [3, 4, 5]]


def test_typed_and_repeated_inputs(prediction):
    inputs = generate_inputs(1, 2, 3)
    inputs["qpm"] = tensor_pb2.TensorProto(dtype=1, float_val=[10.0])
    inputs["qpm"].tensor_shape.dim.add(size=3)
    response = prediction.Predict(request(signature="generate", inputs=inputs), timeout=20)
    assert tf.make_ndarray(response.outputs["value"])[:, 0].tolist() == [21, 22, 23]


def test_output_filter(prediction):
    message = request(
        signature="generate", inputs=generate_inputs(1), output_filter=["value", "note_sequence"]
    )
    assert sorted(prediction.Predict(message, timeout=20).outputs) == ["note_sequence", "value"]


def test_specific_version_and_zero_rows(prediction):
    message = request(version=3, inputs={"seed": seeds()})
    response = prediction.Predict(message, timeout=20)
    assert tf.make_ndarray(response.outputs["note_sequence"]).shape == (0,)


def test_deadline_ends_the_run_and_the_server_goes_on(prediction):
    slow = request(signature="slow", inputs={"steps": seeds(10**12)})
    with pytest.raises(grpc.RpcError) as refusal:
        prediction.Predict(slow, timeout=0.3)
    assert refusal.value.code() == Code.DEADLINE_EXCEEDED
    # The same queue answers again, so the endless run was stopped.
    quick = request(signature="slow", inputs={"steps": seeds(4)})
    response = prediction.Predict(quick, timeout=20)
    assert list(response.outputs["steps"].int64_val) == [4]


def test_a_refusal_that_nobody_takes_any_more_is_no_error():
    class Gone:
        async def abort(self, code, text):
            raise grpc.aio.InternalError(f"Failed to send {code}: {text}")

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(services._refuse(Gone(), Code.DEADLINE_EXCEEDED, "late"))


def test_garbage_on_the_wire_leaves_the_server_alive(toy_server, prediction):
    send = toy_server.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    for garbage in (b"\xff" * 40, request(inputs={"seed": seeds(1)}).SerializeToString()[:-3]):
        refused(send, garbage, Code.INTERNAL, "")
    assert prediction.Predict(request(inputs={"seed": seeds(1)}), timeout=20).outputs


def test_unknown_methods_are_unimplemented(toy_server):
    send = toy_server.channel.unary_unary("/tensorflow.serving.PredictionService/Compose")
    with pytest.raises(grpc.RpcError) as refusal:
        send(b"", timeout=20)
    assert refusal.value.code() == Code.UNIMPLEMENTED
