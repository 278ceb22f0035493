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
def pool():
    """Many client threads."""
    with concurrent.futures.ThreadPoolExecutor(64) as threads:
        yield threads
