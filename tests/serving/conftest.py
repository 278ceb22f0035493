"""Toy models on disk and one running server, shared by the serving tests."""

import concurrent.futures
import dataclasses

import grpc
import pytest

from tests.serving import toy_models


@pytest.fixture(scope="session")
def toy_root(tmp_path_factory):
    """A model root with `toy` (version 3, scale 2) and `other` (version 7, scale 5)."""
    root = tmp_path_factory.mktemp("models")
    toy_models.write_model(root / "toy" / "3", scale=2.0)
    toy_models.write_model(root / "other" / "7", scale=5.0)
    return root


@dataclasses.dataclass
class RunningServer:
    """The embedded server and a channel to it."""

    server: object
    channel: grpc.Channel

    @property
    def address(self) -> str:
        return self.server.address

    def servable(self, model: str, version: int):
        """The loaded model inside."""
        return self.server.manager.version(model, version).servable


@pytest.fixture(scope="session")
def toy_server(toy_root):
    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.storage import ModelSource

    options = app.ServerOptions(ModelSource(root=str(toy_root)), port=0, poll_seconds=0.1)
    with app.running(options) as server, grpc.insecure_channel(server.address) as channel:
        yield RunningServer(server, channel)


@pytest.fixture(scope="session")
def request_log(tmp_path_factory):
    """The file that `rest_server` writes a line to for each request."""
    return tmp_path_factory.mktemp("logs") / "requests.jsonl"


@pytest.fixture(scope="session")
def rest_server(toy_root, request_log):
    """The toy models with everything on: REST, pages of other origins, metrics, log."""
    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.monitoring_config import DEFAULT_PATH
    from tfmusicgan.serving.server.rest import RestOptions
    from tfmusicgan.serving.server.storage import ModelSource

    rest = RestOptions(
        port=0, timeout_seconds=20, cors=True, max_body_bytes=4 << 20, metrics_path=DEFAULT_PATH
    )
    options = app.ServerOptions(
        ModelSource(root=str(toy_root)),
        port=0,
        poll_seconds=0,
        rest=rest,
        request_log=str(request_log),
    )
    with app.running(options) as server, grpc.insecure_channel(server.address) as channel:
        yield RunningServer(server, channel)


@pytest.fixture(scope="session")
def pool():
    """Many client threads."""
    with concurrent.futures.ThreadPoolExecutor(64) as threads:
        yield threads


@pytest.fixture(scope="session")
def accompanying_server(tiny_export, tmp_path_factory):
    """The models of `tests.serving.accompaniment`, and none of what else has been exported."""
    from tests.serving import accompaniment
    from tests.serving.warmup import without_warmup
    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.storage import ModelSource

    root = tmp_path_factory.mktemp("accompanying")
    for recipe in (accompaniment.PLAIN, accompaniment.RECIPE):
        without_warmup(tiny_export(recipe), root / recipe)
    source = ModelSource(root=str(root))
    with app.running(app.ServerOptions(source, port=0, poll_seconds=0)) as server:
        yield server
