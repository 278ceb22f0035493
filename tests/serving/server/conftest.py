"""Stubs of the stock services, and the REST API, on shared servers."""

import functools

import pytest

from tests.serving.server import http_calls


@pytest.fixture(scope="module")
def prediction(toy_server):
    """PredictionService of the toy models."""
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    return prediction_service_pb2_grpc.PredictionServiceStub(toy_server.channel)


@pytest.fixture(scope="module")
def model_service(toy_server):
    """ModelService of the toy models."""
    from tensorflow_serving.apis import model_service_pb2_grpc

    return model_service_pb2_grpc.ModelServiceStub(toy_server.channel)


@pytest.fixture(scope="module")
def ask(rest_server):
    """Asks the REST API of the toy models: see `http_calls.call`."""
    return functools.partial(http_calls.call, rest_server.server.rest.address)


@pytest.fixture(scope="session")
def strict(toy_root, tmp_path_factory):
    """A server with labels, a short timeout, and nothing that is off by default."""
    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.rest import RestOptions
    from tfmusicgan.serving.server.storage import ModelSource

    path = tmp_path_factory.mktemp("lists") / "models.config"
    path.write_text(
        f'model_config_list {{ config {{ name: "toy" base_path: "{toy_root}/toy" '
        'model_platform: "tensorflow" version_labels { key: "fine one" value: 3 } } }'
    )
    options = app.ServerOptions(
        ModelSource(config_file=str(path)),
        port=0,
        label_unavailable=True,
        rest=RestOptions(port=0, timeout_seconds=0.4, idle_seconds=0.6),
    )
    with app.running(options) as server:
        yield server
