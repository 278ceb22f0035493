"""gRPC server reflection: clients such as grpcurl ask the server what it can be asked.

tensorflow-serving-api's own service descriptors cannot be loaded beside protobuf 4, so those of the
two services are built here, in the pool of messages.py. Both names of the reflection service are
answered, as by the stock server: they differ in nothing but the name.
"""

import asyncio
import functools
from collections.abc import AsyncIterator

import grpc
from google.protobuf import descriptor_pb2, text_format
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from tfmusicgan.serving import messages

_ALPHA = reflection.SERVICE_NAME
_STABLE = "grpc.reflection.v1.ServerReflection"
_PACKAGE = "tensorflow.serving"
# Service -> method -> request and response.
_SERVICES = {
    "PredictionService": {
        "Classify": (messages.ClassificationRequest, messages.ClassificationResponse),
        "Regress": (messages.RegressionRequest, messages.RegressionResponse),
        "Predict": (messages.PredictRequest, messages.PredictResponse),
        "MultiInference": (messages.MultiInferenceRequest, messages.MultiInferenceResponse),
        "GetModelMetadata": (messages.GetModelMetadataRequest, messages.GetModelMetadataResponse),
    },
    "ModelService": {
        "GetModelStatus": (messages.GetModelStatusRequest, messages.GetModelStatusResponse),
        "HandleReloadConfigRequest": (messages.ReloadConfigRequest, messages.ReloadConfigResponse),
    },
}
_FILES = {"PredictionService": "prediction_service", "ModelService": "model_service"}


def service_file(service: str) -> descriptor_pb2.FileDescriptorProto:
    """The file that declares `"PredictionService"` or `"ModelService"`, as the stock one does."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"tensorflow_serving/apis/{_FILES[service]}.proto", package=_PACKAGE, syntax="proto3"
    )
    declared = file.service.add(name=service)
    imported = set()
    for method, (request, response) in _SERVICES[service].items():
        declared.method.add(
            name=method,
            input_type=f".{request.DESCRIPTOR.full_name}",
            output_type=f".{response.DESCRIPTOR.full_name}",
        )
        imported.add(request.DESCRIPTOR.file.name)
    file.dependency.extend(sorted(imported))
    return file


def _stable_file() -> descriptor_pb2.FileDescriptorProto:
    """The reflection service under the name that it has had since gRPC 1.5x."""
    alpha = descriptor_pb2.FileDescriptorProto.FromString(reflection_pb2.DESCRIPTOR.serialized_pb)
    text = text_format.MessageToString(alpha).replace("v1alpha", "v1")
    return text_format.Parse(text, descriptor_pb2.FileDescriptorProto())


@functools.cache  # a pool takes a file once
def _declare_services() -> None:
    for service in _SERVICES:
        messages.POOL.AddSerializedFile(service_file(service).SerializeToString())
    messages.POOL.AddSerializedFile(health_pb2.DESCRIPTOR.serialized_pb)
    messages.POOL.AddSerializedFile(reflection_pb2.DESCRIPTOR.serialized_pb)
    messages.POOL.AddSerializedFile(_stable_file().SerializeToString())


async def _until(stopping: asyncio.Event, requests: AsyncIterator) -> AsyncIterator:
    """The requests of a stream that ends with the server, however long its client keeps it open."""
    stop = asyncio.ensure_future(stopping.wait())
    following = None
    try:
        while True:
            following = asyncio.ensure_future(anext(requests, None))
            await asyncio.wait([following, stop], return_when=asyncio.FIRST_COMPLETED)
            if not following.done() or (request := following.result()) is None:
                return
            yield request
    finally:
        stop.cancel()
        if following is not None:
            following.cancel()


def handlers(stopping: asyncio.Event) -> list[grpc.GenericRpcHandler]:
    """The reflection service, for `grpc.aio.Server.add_generic_rpc_handlers`.

    Args:
      stopping: Set when the server is asked to stop: streams end then.
    """
    _declare_services()
    names = [f"{_PACKAGE}.{service}" for service in _SERVICES]
    names += ["grpc.health.v1.Health", _ALPHA, _STABLE]
    servicer = reflection.aio.ReflectionServicer(names, pool=messages.POOL)

    async def info(requests, context):
        asked = _until(stopping, aiter(requests))
        async for answer in servicer.ServerReflectionInfo(asked, context):
            yield answer

    method = grpc.stream_stream_rpc_method_handler(
        info,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return [
        grpc.method_handlers_generic_handler(service, {"ServerReflectionInfo": method})
        for service in (_ALPHA, _STABLE)
    ]
