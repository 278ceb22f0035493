"""Requests over gRPC by the stock messages."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    predict_pb2,
)

Code = grpc.StatusCode


def request(model="toy", signature="", inputs=None, output_filter=(), version=None, label=None):
    """A PredictRequest; inputs are TensorProtos or values for one."""
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
    """What the input `seed` takes."""
    return np.array(values, np.int64)


def generate_inputs(*values):
    """The inputs of `generate` for some seeds."""
    count = len(values)
    return {
        "seed": seeds(*values),
        "qpm": np.linspace(60, 90, count, dtype=np.float32),
        "threshold": np.full(count, 0.25, np.float32),
    }


def refused(call, message, code, text):
    """Sees that a request is refused with a code and a text."""
    with pytest.raises(grpc.RpcError) as refusal:
        call(message, timeout=20)
    assert refusal.value.code() == code
    assert refusal.value.details() == text
