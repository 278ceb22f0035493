"""The embedded server through the stock stubs: codes and texts of table 1.4 of the reference."""

import asyncio

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow.core.framework import tensor_pb2
from tensorflow.python.saved_model import loader_impl
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tests.serving import toy_models
from tfmusicgan.serving.server import services

Code = grpc.StatusCode


@pytest.fixture(scope="module")
def prediction(toy_server):
    return prediction_service_pb2_grpc.PredictionServiceStub(toy_server.channel)


@pytest.fixture(scope="module")
def model_service(toy_server):
    return model_service_pb2_grpc.ModelServiceStub(toy_server.channel)


def request(model="toy", signature="", inputs=None, output_filter=(), version=None, label=None):
    message = predict_pb2.PredictRequest(output_filter=output_filter)
    message.model_spec.name = model
    message.model_spec.signature_name = signature
    if version is not None:
        message.model_spec.version.value = version
    if label is not None:
        message.model_spec.version_label = label
    for alias, value in (inputs or {}).items():
        proto = value if isinstance(value, tensor_pb2.TensorProto) else tf.make_tensor_proto(value)
        message.inputs[alias].CopyFrom(proto)
    return message


def seeds(*values):
    return np.array(values, np.int64)


def generate_inputs(*values):
    count = len(values)
    return {
        "seed": seeds(*values),
        "qpm": np.linspace(60, 90, count, dtype=np.float32),
        "threshold": np.full(count, 0.25, np.float32),
    }


def refused(call, message, code, text):
    with pytest.raises(grpc.RpcError) as refusal:
        call(message, timeout=20)
    assert refusal.value.code() == code
    assert refusal.value.details() == text


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


def test_model_spec_errors(prediction):
    call = prediction.Predict
    refused(call, predict_pb2.PredictRequest(), Code.INVALID_ARGUMENT, "Missing ModelSpec")
    refused(call, request(model=""), Code.INVALID_ARGUMENT, "ModelSpec has no name specified.")
    refused(call, request("nix"), Code.NOT_FOUND, "Servable not found for request: Latest(nix)")
    refused(
        call,
        request(version=0),
        Code.NOT_FOUND,
        "Servable not found for request: Specific(toy, 0)",
    )
    for model in ("toy", "nix"):
        refused(
            call,
            request(model, label="stable"),
            Code.INVALID_ARGUMENT,
            "Unrecognized servable version label: stable",
        )


def test_signature_and_input_errors(prediction):
    call = prediction.Predict
    refused(
        call,
        request(signature="sing"),
        Code.FAILED_PRECONDITION,
        'Serving signature key "sing" not found.',
    )
    refused(
        call,
        request(signature="generate", inputs={"seed": seeds(1), "b": 1, "a": 1, "qpm": 1.0}),
        Code.INVALID_ARGUMENT,
        "input size does not match signature: 4!=3 len({a,b,qpm,seed}) != "
        "len({qpm,seed,threshold}). Sent extra: {a,b}. Missing but required: {threshold}.",
    )
    refused(
        call,
        request(inputs={"sead": seeds(1)}),
        Code.INVALID_ARGUMENT,
        "Signature input alias: seed(feed name: serving_default_seed:0) not found in request and "
        "no default value provided. Inputs expected to be in the request {sead}, or default input "
        "alias set: ",
    )
    broken = tf.make_tensor_proto(seeds(1, 2))
    broken.tensor_shape.dim[0].size = 3
    refused(
        call, request(inputs={"seed": broken}), Code.INVALID_ARGUMENT, "tensor parsing error: seed"
    )
    refused(
        call,
        request(inputs={"seed": tensor_pb2.TensorProto()}),
        Code.INVALID_ARGUMENT,
        "tensor parsing error: seed",
    )
    inputs = generate_inputs(1) | {"seed": np.array([1], np.float32)}
    refused(
        call,
        request(signature="generate", inputs=inputs),
        Code.INVALID_ARGUMENT,
        "Expects arg[1] to be int64 but float is provided",
    )


def test_output_errors(prediction):
    call = prediction.Predict
    refused(
        call,
        request(signature="generate", inputs=generate_inputs(1), output_filter=["value", "wav"]),
        Code.INVALID_ARGUMENT,
        "output tensor alias not found in signature: wav Outputs expected to be in the set "
        "{note_sequence,piano_roll,value}.",
    )
    refused(
        call,
        request(signature="generate", inputs=generate_inputs(1), output_filter=["value", "value"]),
        Code.INVALID_ARGUMENT,
        "duplicate output tensor alias: value",
    )


def test_runtime_errors_keep_tensorflows_text(prediction):
    with pytest.raises(grpc.RpcError) as refusal:
        prediction.Predict(
            request(signature="matmul", inputs={"x": np.ones((2, 5), np.float32)}), timeout=20
        )
    assert refusal.value.code() == Code.INVALID_ARGUMENT
    assert refusal.value.details().startswith(
        "Matrix size-incompatible: In[0]: [2,5], In[1]: [4,3]\n\t [[{{node "
    )


def test_batching_errors(prediction):
    call = prediction.Predict
    refused(
        call,
        request(signature="scalar", inputs={"x": 1.0}),
        Code.INVALID_ARGUMENT,
        "Batching Run() input tensors must have at least one dimension",
    )
    inputs = generate_inputs(1, 2) | {"qpm": np.ones(3, np.float32)}
    refused(
        call,
        request(signature="generate", inputs=inputs),
        Code.INVALID_ARGUMENT,
        "Batching Run() input tensors must have equal 0th-dimension size",
    )
    refused(
        call,
        request(inputs={"seed": seeds(*range(65))}),
        Code.INVALID_ARGUMENT,
        "Task size 65 is larger than maximum input batch size 64",
    )
    refused(
        call,
        request(signature="shapeless", inputs={"seed": seeds(1)}),
        Code.FAILED_PRECONDITION,
        "Batched output tensor has 0 dimensions",
    )
    refused(
        call,
        request(signature="halved", inputs={"seed": seeds(1)}),
        Code.FAILED_PRECONDITION,
        "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes "
        "of the input tensors",
    )
    refused(
        call,
        request(signature="__saved_model_init_op"),
        Code.INVALID_ARGUMENT,
        "Batching Run() must have at least one input tensor",
    )


def test_an_output_without_a_typed_field(prediction):
    with pytest.raises(grpc.RpcError) as refusal:
        prediction.Predict(
            request(signature="bfloat16", inputs={"x": np.ones(1, np.float32)}), timeout=20
        )
    assert refusal.value.code() == Code.UNIMPLEMENTED
    assert "dtype bfloat16" in refusal.value.details()


def test_long_messages_are_cut(prediction):
    with pytest.raises(grpc.RpcError) as refusal:
        prediction.Predict(request(model="x" * 2000), timeout=20)
    details = refusal.value.details()
    assert details.endswith("xxx...TRUNCATED")
    assert len(details) == 1024 + len("...TRUNCATED")


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


def metadata_request(model="toy", fields=("signature_def",)):
    message = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    message.model_spec.name = model
    return message


def test_metadata_equals_the_saved_model(prediction, toy_root):
    response = prediction.GetModelMetadata(metadata_request(), timeout=20)
    assert response.model_spec.name == "toy"
    assert response.model_spec.version.value == 3
    assert response.model_spec.signature_name == ""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    saved = loader_impl.parse_saved_model(str(toy_root / "toy/3"))
    assert dict(signatures.signature_def) == dict(saved.meta_graphs[0].signature_def)


def test_metadata_errors(prediction):
    call = prediction.GetModelMetadata
    refused(
        call,
        get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"]),
        Code.INVALID_ARGUMENT,
        "Missing ModelSpec",
    )
    refused(
        call,
        metadata_request(fields=()),
        Code.INVALID_ARGUMENT,
        "GetModelMetadataRequest must specify at least one metadata_field",
    )
    refused(
        call,
        metadata_request(fields=("signature_def", "weights")),
        Code.INVALID_ARGUMENT,
        "Metadata field weights is not supported",
    )
    refused(
        call,
        metadata_request("nix"),
        Code.NOT_FOUND,
        "Servable not found for request: Latest(nix)",
    )


def status_request(model="toy", version=None, label=None):
    message = get_model_status_pb2.GetModelStatusRequest()
    message.model_spec.name = model
    if version is not None:
        message.model_spec.version.value = version
    if label is not None:
        message.model_spec.version_label = label
    return message


def test_status(model_service):
    for message in (status_request(), status_request(version=3), status_request(label="any")):
        (entry,) = model_service.GetModelStatus(message, timeout=20).model_version_status
        assert (entry.version, entry.state) == (3, 30)
        assert entry.HasField("status")
        assert (entry.status.error_code, entry.status.error_message) == (0, "")


def test_status_errors(model_service):
    call = model_service.GetModelStatus
    refused(
        call,
        get_model_status_pb2.GetModelStatusRequest(),
        Code.INVALID_ARGUMENT,
        "Missing ModelSpec",
    )
    refused(call, status_request("nix"), Code.NOT_FOUND, "Could not find any versions of model nix")
    refused(
        call, status_request(version=8), Code.NOT_FOUND, "Could not find version 8 of model toy"
    )


def test_health(toy_server):
    health = health_pb2_grpc.HealthStub(toy_server.channel)
    for name in ("", "PredictionService", "ModelService"):
        response = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=20)
        assert response.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as refusal:
        health.Check(health_pb2.HealthCheckRequest(service="toy"), timeout=20)
    assert refusal.value.code() == Code.NOT_FOUND


def classification(signature="", model="toy"):
    message = classification_pb2.ClassificationRequest()
    message.model_spec.name = model
    message.model_spec.signature_name = signature
    return message


def regression(signature=""):
    message = regression_pb2.RegressionRequest()
    message.model_spec.name = "toy"
    message.model_spec.signature_name = signature
    return message


@pytest.mark.parametrize(
    ("signature", "text"),
    [
        ("sing", "No signature was found with the name: sing"),
        ("generate", "Expected one input Tensor."),
        ("serving_default", "No classification inputs found in SignatureDef: inputs {"),
        (
            "half_a_classifier",
            "Expected classification signature outputs to contain at least one of "
            '"classes" or "scores". Signature was: inputs {',
        ),
        ("three_outputs", "Expected one or two output Tensors, found 3"),
    ],
)
def test_classify_refuses_generators(prediction, signature, text):
    with pytest.raises(grpc.RpcError) as refusal:
        prediction.Classify(classification(signature), timeout=20)
    assert refusal.value.code() == Code.INVALID_ARGUMENT
    assert refusal.value.details().startswith(text)


@pytest.mark.parametrize(
    ("signature", "text"),
    [
        ("sing", "No signature was found with the name: sing"),
        ("generate", "Expected one input Tensor."),
        ("three_outputs", "Expected one output Tensor."),
        ("serving_default", "No regression inputs found in SignatureDef: inputs {"),
        ("half_a_classifier", "No regression outputs found in SignatureDef: inputs {"),
    ],
)
def test_regress_refuses_generators(prediction, signature, text):
    with pytest.raises(grpc.RpcError) as refusal:
        prediction.Regress(regression(signature), timeout=20)
    assert refusal.value.code() == Code.INVALID_ARGUMENT
    assert refusal.value.details().startswith(text)


def test_a_real_regressor_is_not_run(prediction):
    with pytest.raises(grpc.RpcError) as refusal:
        prediction.Regress(regression("regressor"), timeout=20)
    assert refusal.value.code() == Code.UNIMPLEMENTED
    assert refusal.value.details().endswith("ask with Predict")


def test_classify_model_errors(prediction):
    refused(
        prediction.Classify,
        classification_pb2.ClassificationRequest(),
        Code.INVALID_ARGUMENT,
        "Missing ModelSpec",
    )
    refused(
        prediction.Classify,
        classification(model="nix"),
        Code.NOT_FOUND,
        "Servable not found for request: Latest(nix)",
    )


def multi(*tasks):
    message = inference_pb2.MultiInferenceRequest()
    for model, signature, method in tasks:
        task = message.tasks.add(method_name=method)
        task.model_spec.name = model
        task.model_spec.signature_name = signature
    return message


CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        (multi(), Code.INVALID_ARGUMENT, "ModelSpec has no name specified."),
        (
            multi(("toy", "sing", CLASSIFY)),
            Code.INVALID_ARGUMENT,
            "Requested signature not found in model graph: sing",
        ),
        (
            multi(("toy", "generate", "tensorflow/serving/predict")),
            Code.UNIMPLEMENTED,
            "Unsupported signature method_name: tensorflow/serving/predict",
        ),
        (
            multi(("toy", "generate", REGRESS)),
            Code.INVALID_ARGUMENT,
            "Expected one input Tensor.",
        ),
        # A task that passes leaves the word to the next one, one that does not has it.
        (
            multi(("toy", "regressor", REGRESS), ("nix", "regressor", REGRESS)),
            Code.INVALID_ARGUMENT,
            "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
        ),
        (
            multi(("toy", "regressor", REGRESS), ("toy", "regressor", CLASSIFY)),
            Code.INVALID_ARGUMENT,
            "Duplicate evaluation of signature: regressor",
        ),
        (
            multi(("toy", "regressor", REGRESS), ("toy", "sing", REGRESS)),
            Code.INVALID_ARGUMENT,
            "Requested signature not found in model graph: sing",
        ),
        (
            multi(("toy", "sing", REGRESS), ("nix", "sing", REGRESS)),
            Code.INVALID_ARGUMENT,
            "Requested signature not found in model graph: sing",
        ),
        (
            multi(("toy", "regressor", REGRESS)),
            Code.UNIMPLEMENTED,
            "The embedded server does not run regression of tf.Example; ask with Predict",
        ),
    ],
)
def test_multi_inference_refuses_generators(prediction, message, code, text):
    refused(prediction.MultiInference, message, code, text)
