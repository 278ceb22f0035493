"""A gRPC server of plain functions, for what no real server does when it is asked to."""

import concurrent.futures
import time

import grpc
import numpy as np

from tfmusicgan.serving import messages, tensors


class FakeServer:
    """Answers on a free port of 127.0.0.1 within a `with`.

    Args:
      predict: A PredictRequest and a context to a PredictResponse, or to bytes.
      state: Of version 2, which GetModelStatus answers.
      signatures: Signature -> {input: dtype}, which GetModelMetadata answers; all are [rows].
      credentials: For TLS.
      version: Whose metadata GetModelMetadata answers; None is not said. May be changed.

    Attributes:
      address: The host:port.
      times: When Predict was called.
      metadata: Of each call of Predict.
      num_described: How often GetModelMetadata was called.
    """

    def __init__(self, predict, state=30, signatures=None, credentials=None, version=None):
        self.times, self.metadata = [], []
        self.version, self.num_described = version, 0
        self._predict, self._state, self._signatures = predict, state, signatures or {}
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        methods = {
            "PredictionService": {"Predict": self._count, "GetModelMetadata": self._describe},
            "ModelService": {"GetModelStatus": self._status},
        }
        for service, functions in methods.items():
            handlers = {n: grpc.unary_unary_rpc_method_handler(f) for n, f in functions.items()}
            name = f"tensorflow.serving.{service}"
            handler = grpc.method_handlers_generic_handler(name, handlers)
            self._server.add_generic_rpc_handlers((handler,))
        if credentials is None:
            port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            port = self._server.add_secure_port("127.0.0.1:0", credentials)
        self.address = f"127.0.0.1:{port}"

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *exc_info):
        self._server.stop(None)

    def _count(self, request, context):
        self.times.append(time.monotonic())
        self.metadata.append(dict(context.invocation_metadata()))
        parsed = messages.PredictRequest.FromString(request)
        reply = self._predict(parsed, context)
        return reply if isinstance(reply, bytes) else reply.SerializeToString()

    def _status(self, request, context):
        response = messages.GetModelStatusResponse()
        response.model_version_status.add(version=2, state=self._state)
        return response.SerializeToString()

    def _describe(self, request, context):
        packed = messages.SignatureDefMap()
        for name, inputs in self._signatures.items():
            signature = packed.signature_def[name]
            for alias, dtype in inputs.items():
                signature.inputs[alias].dtype = messages.DataType.values_by_name[dtype].number
                signature.inputs[alias].tensor_shape.dim.add(size=-1)
        self.num_described += 1
        response = messages.GetModelMetadataResponse()
        asked = messages.GetModelMetadataRequest.FromString(request).model_spec.version.value
        response.model_spec.version.value = asked or self.version or 0
        response.metadata["signature_def"].Pack(packed)
        return response.SerializeToString()


def answer(version=2, **outputs):
    """A PredictResponse of arrays."""
    response = messages.PredictResponse()
    response.model_spec.version.value = version
    for alias, value in outputs.items():
        encoded = tensors.encode_tensor(tensors.as_array(value), as_content=True)
        response.outputs[alias].MergeFromString(encoded)
    return response


def fickle(failures=0, code=grpc.StatusCode.UNAVAILABLE, text="busy", **given):
    """A server that fails `failures` times with `code` before it answers 8 MB.

    That is twice what clients with default limits accept.
    """

    def predict(request, context):
        if len(server.times) <= failures:
            context.abort(code, text)
        return answer(y=np.ones(2**21, np.float32))

    server = FakeServer(predict, **given)
    return server
