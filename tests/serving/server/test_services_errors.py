"""What Predict refuses: codes and texts of table 1.4 of the reference."""

import gc
import re
import tracemalloc
import weakref

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    predict_pb2,
)

from tests.serving.server.grpc_calls import generate_inputs, refused, request, seeds
from tests.serving.server.test_manager import wait_for
from tfmusicgan.serving import tensors

Code = grpc.StatusCode


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
    # Whether the function's name is there depends on what the machine's kernels are fused from.
    assert re.match(
        r"Matrix size-incompatible: In\[0\]: \[2,5\], In\[1\]: \[4,3\]\n\t \[\[\{\{"
        r"(function_node \w+\}\}\{\{)?node ",
        refusal.value.details(),
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


def test_what_a_refused_request_brought_is_freed_at_once(prediction, monkeypatch):
    decode, arrays = tensors.decode_tensor, []

    def watched(proto):
        array = decode(proto)
        arrays.append(weakref.ref(array))
        return array

    monkeypatch.setattr(tensors, "decode_tensor", watched)
    text = "Task size 1000000 is larger than maximum input batch size 64"
    gc.disable()  # its time may be long in coming, and a request may bring gigabytes
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        asked = request(inputs={"seed": np.arange(1_000_000)})
        refused(prediction.Predict, asked, Code.INVALID_ARGUMENT, text)
        wait_for(lambda: arrays[0]() is None)
        wait_for(lambda: tracemalloc.get_traced_memory()[0] < before + (1 << 20))
    finally:
        tracemalloc.stop()
        gc.enable()
