"""Classify, Regress and MultiInference: the codes and texts of table 1.4 of the reference."""

import grpc
import pytest
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    regression_pb2,
)

from tests.serving.server.grpc_calls import refused

Code = grpc.StatusCode
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


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


NOT_RUN = "The embedded server does not run regression of tf.Example; ask with Predict"


def test_a_real_regressor_is_not_run(prediction):
    message = regression("regressor")
    message.input.example_list_with_context.examples.add()
    refused(prediction.Regress, message, Code.UNIMPLEMENTED, NOT_RUN)


def test_a_real_regressor_wants_input(prediction):
    message = regression("regressor")
    refused(prediction.Regress, message, Code.INVALID_ARGUMENT, "Input is empty.")
    message.input.example_list_with_context.context.SetInParent()
    refused(prediction.Regress, message, Code.INVALID_ARGUMENT, "Input is empty.")


def test_tasks_that_fit_want_input(prediction):
    message = multi(("toy", "regressor", REGRESS))
    refused(prediction.MultiInference, message, Code.INVALID_ARGUMENT, "Input is empty.")
    message.input.example_list.examples.add()
    refused(prediction.MultiInference, message, Code.UNIMPLEMENTED, NOT_RUN)


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
    ],
)
def test_multi_inference_refuses_generators(prediction, message, code, text):
    refused(prediction.MultiInference, message, code, text)
