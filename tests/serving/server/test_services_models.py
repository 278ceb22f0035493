"""The embedded server through the stock stubs: metadata, status and health."""

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow.python.saved_model import loader_impl
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
)

from tests.serving.server.grpc_calls import refused

Code = grpc.StatusCode


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
