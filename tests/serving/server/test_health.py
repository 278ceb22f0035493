"""The health service, apart from a server; test_services_models.py and test_app.py ask one."""

import asyncio
import sys

import grpc
import pytest
from grpc_health.v1 import health_pb2

from tfmusicgan.serving.server.health import Health


class Context:
    """Keeps the error of `abort`, as gRPC's does."""

    async def abort(self, code):
        self.error = grpc.RpcError(code)
        raise self.error


def test_a_refused_check_does_not_stay_with_its_error():
    request, context = health_pb2.HealthCheckRequest(service="unknown"), Context()
    references = sys.getrefcount(request)
    with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
        asyncio.run(Health(["known"], asyncio.Event()).Check(request, context))
    assert context.error is not None
    assert sys.getrefcount(request) == references
