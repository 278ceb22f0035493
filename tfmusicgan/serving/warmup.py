"""Warm-up requests: what a TensorFlow Serving server runs before it calls a version available."""

import pathlib
from collections.abc import Collection, Mapping

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from tfmusicgan.models.signature import Signature

FILE = "tf_serving_warmup_requests"
# One row for the music alone, as the suite's client asks, and a full batch, as batching makes them,
# for all outputs: TensorFlow prepares a graph anew for each choice of outputs, which takes seconds.
_REQUESTS = ((1, ("note_sequence", "wav")), (32, ()))


def write_requests(
    folder: pathlib.Path,
    model: str,
    signatures: Mapping[str, Signature],
    outputs: Mapping[str, Collection[str]],
) -> None:
    """Writes `tf_serving_warmup_requests` with two requests per signature.

    Args:
      folder: A version's `assets.extra`.
      model: The model's name.
      signatures: The exported signatures; their defaults are the requests' values.
      outputs: Names of each signature's outputs.
    """
    with tf.io.TFRecordWriter(str(folder / FILE)) as writer:
        for name, signature in signatures.items():
            for rows, wanted in _REQUESTS:
                request = _request(model, name, signature, rows)
                request.output_filter.extend(one for one in wanted if one in outputs[name])
                log = prediction_log_pb2.PredictionLog(
                    predict_log=prediction_log_pb2.PredictLog(request=request)
                )
                writer.write(log.SerializeToString(deterministic=True))


def _request(model: str, name: str, signature: Signature, rows: int) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = name
    for key, spec in signature.inputs.items():
        value = tf.cast(signature.defaults[key], spec.dtype)
        # Of an axis of any size the default has as many as it likes.
        row = value.shape if value.shape.rank else spec.shape[1:]
        value = tf.broadcast_to(value, [rows, *row])
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value.numpy()))
    return request
