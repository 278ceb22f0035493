"""One running server with the toy model, shared by the clients' tests."""

import pytest

from tests.serving import toy_models
from tests.serving.conftest import RunningServer


@pytest.fixture(scope="session")
def toy_server(tmp_path_factory):
    """The embedded server with `toy` (version 3, scale 2)."""
    import grpc

    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.storage import ModelSource

    root = tmp_path_factory.mktemp("models")
    toy_models.write_model(root / "toy" / "3")
    options = app.ServerOptions(ModelSource(root=str(root)), port=0, poll_seconds=0.1)
    with app.running(options) as server, grpc.insecure_channel(server.address) as channel:
        yield RunningServer(server, channel)
