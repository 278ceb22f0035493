"""gRPC's health service: SERVING until the server is asked to stop, NOT_SERVING from then on."""

import asyncio
from collections.abc import Collection

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_Response = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):
    """The servicer. Those who watch are told of the end, and their streams end with it.

    Args:
      names: The services that it knows.
      stopping: Set when the server is asked to stop.
    """

    def __init__(self, names: Collection[str], stopping: asyncio.Event):
        self._names = frozenset(names)
        self._stopping = stopping

    async def Check(  # noqa: N802 (the protocol's)
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext
    ) -> health_pb2.HealthCheckResponse:
        """The state of one service; NOT_FOUND if it is unknown."""
        if request.service not in self._names:
            del request  # the context keeps this frame with the error, see `services`
            await context.abort(grpc.StatusCode.NOT_FOUND)
        return self._response(request.service)

    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext
    ) -> None:
        """The state of one service, and again when it changes; ends with the server."""
        before = self._response(request.service)
        await context.write(before)
        await self._stopping.wait()
        after = self._response(request.service)
        if after != before:
            await context.write(after)

    def _response(self, name: str) -> health_pb2.HealthCheckResponse:
        if name not in self._names:
            return _Response(status=_Response.SERVICE_UNKNOWN)
        stopping = self._stopping.is_set()
        return _Response(status=_Response.NOT_SERVING if stopping else _Response.SERVING)
