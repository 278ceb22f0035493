"""Server reflection through gRPC's own reflection client, beside the stock descriptors."""

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from tests.serving import toy_models


@pytest.fixture
def database(toy_server):
    return ProtoReflectionDescriptorDatabase(toy_server.channel)


def stock_file(name):
    """A service's own file: importing it fails, but leaves it in the default pool."""
    module = f"tensorflow_serving.apis.{name}_pb2"
    with pytest.raises(AttributeError, match="has_options"):
        __import__(module)
    file = descriptor_pb2.FileDescriptorProto()
    path = f"tensorflow_serving/apis/{name}.proto"
    descriptor_pool.Default().FindFileByName(path).CopyToProto(file)
    file.ClearField("options")
    return file


def test_services_are_listed(database):
    assert database.get_services() == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "tensorflow.serving.ModelService",
        "tensorflow.serving.PredictionService",
    ]


@pytest.mark.parametrize("name", ["prediction_service", "model_service"])
def test_services_are_declared_as_in_the_stock_files(database, name):
    stock = stock_file(name)
    assert database.FindFileByName(stock.name) == stock


def test_every_service_resolves_and_a_request_can_be_made_from_nothing_else(database, toy_server):
    pool = descriptor_pool.DescriptorPool(database)
    for name in database.get_services():
        for method in pool.FindServiceByName(name).methods:
            assert method.input_type.fields
    method = pool.FindMethodByName("tensorflow.serving.PredictionService.Predict")
    request = message_factory.GetMessageClass(method.input_type)()
    request.model_spec.name = "toy"
    request.inputs["seed"].dtype = 9
    request.inputs["seed"].tensor_shape.dim.add(size=2)
    request.inputs["seed"].int64_val.extend([4, 9])
    call = toy_server.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    reply = message_factory.GetMessageClass(method.output_type).FromString(
        call(request.SerializeToString(), timeout=20)
    )
    notes = [toy_models.note_sequence_bytes(pitch) for pitch in (4, 9)]
    assert list(reply.outputs["note_sequence"].string_val) == notes


def test_the_newer_name_of_the_service(toy_server):
    call = toy_server.channel.stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    )
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol="no.such.Thing")
    (reply,) = call(iter([request.SerializeToString()]), timeout=20)
    error = reflection_pb2.ServerReflectionResponse.FromString(reply).error_response
    assert error.error_code == 5  # NOT_FOUND
