"""What the REST API takes at a time: connections and the bytes of bodies."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator

import grpc
from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError

from tfmusicgan.serving.server import json_text

_REFUSED_SECONDS = 1.0  # how long a connection too many may take to ask, and to read the refusal


class BodyError(Exception):
    """A body that is not read to its end.

    Attributes:
      code: The gRPC code that is counted.
      status: The HTTP code.
    """

    def __init__(self, code: grpc.StatusCode, status: int, text: str):
        super().__init__(text)
        self.code = code
        self.status = status


class Bodies:
    """Reads the bodies of requests.

    Args:
      max_bytes: Of one body, uncompressed.
      max_total_bytes: Of all bodies that are held at a time.
    """

    def __init__(self, max_bytes: int, max_total_bytes: int):
        self._max_bytes = max_bytes
        self._max_total_bytes = max_total_bytes
        self._held = 0

    @contextlib.asynccontextmanager
    async def read(self, request: web.BaseRequest, timeout: float | None) -> AsyncIterator[bytes]:
        """Reads a body, which counts as held in the block.

        Args:
          request: Whose it is.
          timeout: Seconds that it may take, None for any.

        Raises:
          BodyError: If it is too large, takes too long, or others leave no room for it.
        """
        chunks: list[bytes] = []
        try:
            try:
                async with asyncio.timeout(timeout):
                    await self._receive(request, chunks)
            except TimeoutError as error:
                raise BodyError(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    408,
                    f"The request's body took more than {timeout:g} s",
                ) from error
            chunks[:] = [b"".join(chunks)]  # no second copy of it in the block
            yield chunks[0]
        finally:
            self._held -= sum(map(len, chunks))

    async def _receive(self, request: web.BaseRequest, chunks: list[bytes]) -> None:
        self._check(request.content_length or 0)
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        size = 0
        try:
            async for chunk in request.content.iter_any():
                chunks.append(chunk)
                self._held += len(chunk)
                size += len(chunk)
                self._check(size, held=True)
        except (ContentEncodingError, web.RequestPayloadError, zlib.error):
            # As the stock server takes bytes that cannot be uncompressed.
            self._held -= size
            chunks.clear()

    def _check(self, size: int, held: bool = False) -> None:
        """Sees that there is room for a body of a size, or that there was for one that is held."""
        if size > self._max_bytes:
            raise BodyError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                413,
                f"The request's body is larger than {self._max_bytes} bytes",
            )
        if self._held + (0 if held else size) > self._max_total_bytes:
            raise BodyError(
                grpc.StatusCode.UNAVAILABLE,
                503,
                f"The bodies of requests under way have more than {self._max_total_bytes} bytes",
            )


class LimitedServer(web.Server):
    """A server of HTTP that refuses connections beyond a number with UNAVAILABLE (503).

    Args:
      handler: Answers requests.
      max_connections: How many may be open at a time.
      **options: As of `web.Server`.
    """

    def __init__(self, handler, max_connections: int, **options):
        super().__init__(handler, **options)
        self._max_connections = max_connections

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        if len(self.connections) < self._max_connections:
            return super().__call__()
        return _Refusal(f"Too many connections; at most {self._max_connections} may be open")


class _Refusal(asyncio.Protocol):
    """Answers whatever comes with one refusal, and closes."""

    def __init__(self, text: str):
        body = json_text.error(text)
        head = (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self._answer: bytes | None = head.encode() + body
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        asyncio.get_running_loop().call_later(_REFUSED_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        # Closed at once, what the client is still sending would reset the connection before it
        # has read the answer.
        if self._answer is not None:
            self._transport.write(self._answer)
            self._transport.write_eof()
            self._answer = None
