"""Signatures with defaults, which no toy model can carry."""

import asyncio
import functools
import threading

import grpc
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
    run = predict.prepare(request(a=[1.0], c=[3.0]), signatures)
    assert [array.tolist() for array in run.arrays] == [[1.0], [2.5], [3.0]]
    assert list(run.signature.inputs) == ["a", "b", "c"]
    assert run.outputs == ["x", "y"]


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


@pytest.fixture
def wide():
    """A signature of x [rows, 1000] and texts [rows]."""
    proto = meta_graph_pb2.SignatureDef()
    for alias, dtype, shape in (("text", 7, (-1,)), ("x", 1, (-1, 1000))):
        proto.inputs[alias].name = f"in_{alias}:0"
        proto.inputs[alias].dtype = dtype
        for size in shape:
            proto.inputs[alias].tensor_shape.dim.add(size=size)
    proto.outputs["y"].name = "out:0"
    return {"s": Signature.from_proto("s", proto.SerializeToString())}


def repeating(x, text, last=b""):
    """A request of one number and one text, to be repeated over two shapes."""
    message = request()
    message.inputs["x"].dtype, message.inputs["text"].dtype = 1, 7
    message.inputs["x"].float_val.append(1.5)
    message.inputs["text"].string_val.append(last)
    for alias, sizes in (("x", x), ("text", text)):
        for size in sizes:
            message.inputs[alias].tensor_shape.dim.add(size=size)
    return message


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            repeating((1, 250_000_000), (1,)),
            "Expected input x of shape [-1, 1000]. Received: [1, 250000000]",
        ),
        (
            repeating((250_000_000,), (1,)),
            "Expected input x of shape [-1, 1000]. Received: [250000000]",
        ),
        (
            repeating((16778, 1000), (1,)),
            "Expected at most 67108864 bytes of values that a request's tensors repeat. Received: "
            "67111996 with input x of shape [16778, 1000]; send its values",
        ),
        (
            repeating((10_000, 1000), (100_001,), b"a" * 276),
            "Expected at most 67108864 bytes of values that a request's tensors repeat. Received: "
            "69999996 with input x of shape [10000, 1000]; send its values",
        ),
        (
            repeating((1, 1000), (70_000,), b"a" * 1_000_000),
            "Expected at most 67108864 bytes of values that a request's tensors repeat. Received: "
            "70000679976 with input text of shape [70000]; send its values",
        ),
        (repeating((1, 2**40), (1,)), "tensor parsing error: x"),
    ],
)
def test_a_few_bytes_do_not_take_all_memory(wide, message, text, monkeypatch):
    small = functools.partial(predict.tensors.decode_tensor, max_bytes=1 << 20)
    monkeypatch.setattr(predict.tensors, "decode_tensor", small)
    with pytest.raises(RequestError) as refusal:
        predict.prepare(message, wide)
    assert str(refusal.value) == text
    assert refusal.value.code == grpc.StatusCode.INVALID_ARGUMENT


def test_what_a_message_carries_is_not_limited(wide):
    message = repeating((17_000, 1000), (17_000,))
    message.inputs["x"].tensor_content = bytes(68_000_000)
    assert predict.prepare(message, wide).arrays[1].nbytes == 68_000_000


def test_large_tensors_are_decoded_beside_the_loop(wide, monkeypatch):
    threads, decode = [], predict.tensors.decode_tensor

    def watched(proto):
        threads.append(threading.current_thread() is threading.main_thread())
        return decode(proto)

    monkeypatch.setattr(predict.tensors, "decode_tensor", watched)
    for num_rows in (3, 3000):
        run = asyncio.run(predict.prepare_beside(repeating((num_rows, 1000), (num_rows,)), wide))
        assert run.arrays[1].shape == (num_rows, 1000)
        assert run.arrays[1].min() == run.arrays[1].max() == 1.5
    assert threads == [True, True, False, False]


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (np.zeros((8, 1000), np.float32), np.zeros((800, 1000), np.float32)),
        (np.zeros((8, 1000), np.uint8), np.zeros((80, 1000), np.uint8)),
        (np.array([b"a" * 1000] * 8, object), np.array([b"a" * 200_000] * 8, object)),
    ],
)
def test_large_replies_are_encoded_beside_the_loop(signatures, monkeypatch, small, large):
    threads, encode = [], predict.tensors.encode_tensor

    def watched(array):
        threads.append(threading.current_thread() is threading.main_thread())
        return encode(array)

    monkeypatch.setattr(predict.tensors, "encode_tensor", watched)
    spec = messages.ModelSpec(name="m")
    for array in (small, large):
        run = predict.SessionRun(signatures["s"], [], ["x"])
        encoded = asyncio.run(predict.reply_beside(spec, 4, run, [array]))
        assert encoded == predict.reply(spec, 4, run.signature, ["x"], [array])
    assert threads == [True, True, False, True]


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
