"""Signatures with defaults, which no toy model can carry."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from tfmusicgan.serving import messages
from tfmusicgan.serving.server import predict
from tfmusicgan.serving.server.servable import Signature
from tfmusicgan.serving.server.statuses import RequestError


@pytest.fixture(scope="module")
def signatures():
    proto = meta_graph_pb2.SignatureDef()
    for alias in ("b", "a", "c"):
        proto.inputs[alias].name = f"in_{alias}:0"
        proto.inputs[alias].dtype = 1
    proto.outputs["y"].name = "out:0"
    proto.outputs["x"].name = "out:1"
    proto.defaults["b"].CopyFrom(tf.make_tensor_proto([2.5]))
    return {"s": Signature.from_proto("s", proto.SerializeToString())}


def request(**inputs):
    message = messages.PredictRequest()
    message.model_spec.signature_name = "s"
    for alias, value in inputs.items():
        message.inputs[alias].MergeFromString(
            tf.make_tensor_proto(np.float32(value)).SerializeToString()
        )
    return message


def test_an_input_with_a_default_may_be_left_out(signatures):
    job = predict.prepare(request(a=[1.0], c=[3.0]), signatures)
    assert [array.tolist() for array in job.arrays] == [[1.0], [2.5], [3.0]]
    assert list(job.signature.inputs) == ["a", "b", "c"]
    assert job.outputs == ["x", "y"]


def test_an_input_without_one_may_not(signatures):
    with pytest.raises(RequestError) as refusal:
        predict.prepare(request(a=[1.0], b=[3.0]), signatures)
    assert str(refusal.value) == (
        "Signature input alias: c(feed name: in_c:0) not found in request and no default value "
        "provided. Inputs expected to be in the request {a,b}, or default input alias set: b"
    )


def test_an_input_that_no_alias_takes(signatures):
    with pytest.raises(RequestError) as refusal:
        predict.prepare(request(a=[1.0], c=[3.0], z=[4.0]), signatures)
    assert str(refusal.value) == (
        "Inputs contains invalid name. Used request inputs: a,c, request input: a,c,z"
    )


def test_reply_is_a_predict_response(signatures):
    spec = messages.ModelSpec(name="m", signature_name="", version_label="stable")
    arrays = [np.array([1, -2], np.int32), np.array([b"x"], object)]
    reply = messages.PredictResponse.FromString(
        predict.reply(spec, 4, signatures["s"], ["x", "y"], arrays)
    )
    assert list(reply.outputs["x"].int_val) == [1, -2]
    assert list(reply.outputs["y"].string_val) == [b"x"]
    assert reply.model_spec == messages.ModelSpec(
        name="m", signature_name="s", version={"value": 4}
    )
