"""TensorFlow Serving's REST API, on a port of its own in the server's event loop.

Paths, codes, bodies and headers are those of the stock server (read in tensorflow/serving's
http_rest_api_util.cc and http_server.cc). Inference goes the way of gRPC requests: the same
versions, queues, limits and deadlines. A large body is read, and a large answer written, by a
thread beside the event loop; a request that its client gives up is not run.
"""

import asyncio
import concurrent.futures
import dataclasses
import time

import grpc
from aiohttp import web

from tfmusicgan.errors import MusicGanError
from tfmusicgan.serving.server import (
    json_text,
    metrics,
    recording,
    request_log,
    rest_answers,
)
from tfmusicgan.serving.server.manager import ModelManager
from tfmusicgan.serving.server.recording import Call, Recorder
from tfmusicgan.serving.server.rest_limits import Bodies, BodyError, LimitedServer
from tfmusicgan.serving.server.statuses import RequestError

Code = grpc.StatusCode
HTTP_CODES = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}
# Between requests, and until a request's headers are complete; above the minute that proxies keep
# their connections, so that these seldom meet one that is being closed.
_IDLE_SECONDS = 75.0
_BODIES = 16  # of the largest size that are held at a time: 1 GiB, or many small ones
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}
_NOT_FOUND = (
    b"<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n<H1>Not Found</H1>\n"
    b"</BODY></HTML>\n"
)


@dataclasses.dataclass(frozen=True)
class RestOptions:
    """How the REST API is offered.

    Attributes:
      port: 0 takes a free one.
      timeout_seconds: How long a run, and the arrival of a body, may take; 0 is for ever.
      cors: Whether pages of other origins may ask.
      max_body_bytes: Largest body that is read, uncompressed.
      metrics_path: Where Prometheus reads the metrics, or None.
      idle_seconds: How long a connection stays open without a request whose headers are complete.
      max_connections: Connections that may be open at a time.
    """

    port: int = 8501
    timeout_seconds: float = 30.0
    cors: bool = False
    max_body_bytes: int = 64 << 20
    metrics_path: str | None = None
    idle_seconds: float = _IDLE_SECONDS
    max_connections: int = 500


class RestServer:
    """The REST API over a manager's models; lives in one event loop.

    Args:
      manager: The models.
      recorder: Counts and logs requests.
      options: How it is offered.
      host: The address to bind.
      drain_seconds: How long running requests may take after `stop`.

    Attributes:
      address: host:port, once started.
    """

    def __init__(
        self,
        manager: ModelManager,
        recorder: Recorder,
        options: RestOptions,
        host: str,
        drain_seconds: float,
    ):
        self.address = ""
        self._manager = manager
        self._recorder = recorder
        self._options = options
        self._host = host
        self._drain_seconds = drain_seconds
        self._pool = concurrent.futures.ThreadPoolExecutor(2, "rest_api")
        self._bodies = Bodies(options.max_body_bytes, _BODIES * options.max_body_bytes)
        self._answers = rest_answers.Answers(manager, self._pool)
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        """Opens the port.

        Raises:
          MusicGanError: If it cannot be had.
        """
        # A handler is cancelled when its client has gone: its rows are not run.
        server = LimitedServer(
            self._handle,
            self._options.max_connections,
            handler_cancellation=True,
            access_log=None,
            keepalive_timeout=self._options.idle_seconds,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=self._drain_seconds)
        await self._runner.setup()
        wanted = f"{self._host}:{self._options.port}"
        try:
            host = self._host.strip("[]")  # gRPC wants an IPv6 address in brackets
            await web.TCPSite(self._runner, host, self._options.port).start()
        except OSError as error:
            raise MusicGanError(
                f"Could not listen on {wanted}: the port is taken or the address is not this "
                "machine's. Give another one with --rest_api_port (0 is no REST API)."
            ) from error
        self.address = f"{self._host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Refuses new requests and finishes the running ones."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._pool.shutdown(wait=False)  # requests over gRPC may still be under way

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        path = request.raw_path
        if not path.startswith("/"):  # a proxy's absolute form
            path = request.rel_url.raw_path_qs
        if request.rel_url.raw_path == self._options.metrics_path:
            return self._metrics(path)
        if not path.lower().startswith("/v1/"):
            return _reply(_NOT_FOUND, 404, "text/html")
        return await self._api(request, path)

    def _metrics(self, path: str) -> web.Response:
        expected = self._options.metrics_path
        if path != expected:
            text = f"Unexpected path: {path}. Should be {expected}".encode()
            return _reply(text, 400, metrics.CONTENT_TYPE)
        return _reply(self._recorder.metrics.text(), 200, metrics.CONTENT_TYPE)

    async def _api(self, request: web.BaseRequest, path: str) -> web.Response:
        timeout = self._options.timeout_seconds or None
        deadline = _Deadline(timeout)
        sent_id = request.headers.get(request_log.REQUEST_ID)
        call = self._recorder.begin("", recording.REST, sent_id, deadline.remaining)
        code, body, status = Code.OK, b"", None
        try:
            if self._options.cors and request.method == "OPTIONS":
                return self._answer(b"", 200, call)
            asked = rest_answers.resource(request.method, path)
            call.method, call.model = asked.method, asked.spec.name
            call.served = self._manager.has(call.model)
            async with self._bodies.read(request, timeout) as sent:
                deadline.restart()  # the stock server's timeout is that of the run
                body = await self._answers.answer(asked, sent, call)
        except RequestError as error:
            code, body = error.code, json_text.error(str(error))
        except BodyError as error:
            code, body, status = error.code, json_text.error(str(error)), error.status
        except asyncio.CancelledError:
            code = call.abandoned()
            raise
        except Exception:
            code = Code.UNKNOWN
            raise
        finally:
            call.end(code)
        return self._answer(body, status or HTTP_CODES[code], call, close=status is not None)

    def _answer(self, body: bytes, status: int, call: Call, close: bool = False) -> web.Response:
        response = _reply(body, status, "application/json")
        if self._options.cors:
            response.headers.update(_CORS)
        if call.request_id:
            response.headers[request_log.REQUEST_ID] = call.request_id
        if close:
            response.force_close()
        return response


class _Deadline:
    """When a request has to be done.

    Args:
      seconds: The time that it has, None for any.
    """

    def __init__(self, seconds: float | None):
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Begins anew."""
        self._start = time.monotonic()

    def remaining(self) -> float | None:
        """Seconds that are left, None for any."""
        if self._seconds is None:
            return None
        return self._seconds - (time.monotonic() - self._start)


def _reply(body: bytes, status: int, content_type: str) -> web.Response:
    return web.Response(
        body=body, status=status, content_type=content_type, headers={"Server": "tfmusicgan-serve"}
    )
