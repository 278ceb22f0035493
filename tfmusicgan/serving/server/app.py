"""The server's process: ports, readiness, signals, drain."""

import asyncio
import contextlib
import dataclasses
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import NoReturn

import grpc
from absl import logging
from grpc_health.v1 import health_pb2_grpc

from tfmusicgan.serving.server import grpc_port, polling, reflection, services
from tfmusicgan.serving.server.engine import EngineOptions
from tfmusicgan.serving.server.grpc_port import GrpcOptions
from tfmusicgan.serving.server.health import Health
from tfmusicgan.serving.server.manager import ModelManager
from tfmusicgan.serving.server.metrics import Metrics
from tfmusicgan.serving.server.model import LoadRetries
from tfmusicgan.serving.server.recording import Recorder
from tfmusicgan.serving.server.request_log import RequestLog
from tfmusicgan.serving.server.rest import RestOptions, RestServer
from tfmusicgan.serving.server.storage import ModelSource

# The stock server's names for its health services: unqualified.
HEALTH_NAMES = ("", "PredictionService", "ModelService")


@dataclasses.dataclass(frozen=True)
class ServerOptions:
    """What a server listens on and serves.

    Attributes:
      source: The models on disk.
      host: The address to bind; this machine alone by default.
      port: 0 takes a free one.
      engine: How models are run.
      poll_seconds: How often new versions are looked for; 0 is once, at the start.
      config_poll_seconds: How often the source's config file is read again; 0 is never.
      label_unavailable: Whether a version may get a label before it answers.
      load_retries: What is done about a version that cannot be loaded.
      grpc: TLS and limits.
      drain_seconds: How long running requests may take after the stop signal; what goes on after
        that is cancelled.
      rest: How the REST API is offered, or None for none.
      request_log: The file that gets a line for each request, or None.
    """

    source: ModelSource
    host: str = "127.0.0.1"
    port: int = 8500
    engine: EngineOptions = EngineOptions()  # noqa: RUF009 (frozen)
    poll_seconds: float = 1.0
    config_poll_seconds: float = 0.0
    label_unavailable: bool = False
    load_retries: LoadRetries = LoadRetries()  # noqa: RUF009 (frozen)
    grpc: GrpcOptions = GrpcOptions()  # noqa: RUF009 (frozen)
    drain_seconds: float = 30.0
    rest: RestOptions | None = None
    request_log: str | None = None


class Server:
    """The embedded server, inside a running event loop.

    Args:
      options: What it listens on and serves.

    Attributes:
      address: host:port of gRPC, once started.
      rest: The REST API, once started, where there is one.
      metrics: What is counted.
      ended: Whether it has stopped, and left no thread in a run or a load.
    """

    def __init__(self, options: ServerOptions):
        self.options = options
        self.address = ""
        self.num_models = 0
        self.metrics = Metrics()
        engine = dataclasses.replace(options.engine, metrics=self.metrics)
        self.manager = ModelManager(
            options.source, engine, options.label_unavailable, options.load_retries
        )
        self.rest: RestServer | None = None
        self.ended = False
        self._grpc: grpc.aio.Server | None = None
        self._stopping = asyncio.Event()
        self._log: RequestLog | None = None
        self._pollers: list[asyncio.Task] = []

    async def start(self) -> None:
        """Loads and warms the models, then opens the port; given up, it stops again.

        Raises:
          MusicGanError: If there is nothing to serve, or the port cannot be had.
        """
        try:
            await self._start()
        except BaseException:  # cancelled as well
            await self.stop()
            raise

    async def _start(self) -> None:
        options = self.options
        if options.request_log is not None:
            self._log = RequestLog(options.request_log)
        recorder = Recorder(self.metrics, self._log)
        self.num_models = await self.manager.start()
        self._grpc = grpc_port.make_server(options.grpc)
        self._grpc.add_generic_rpc_handlers(services.handlers(self.manager, recorder))
        self._grpc.add_generic_rpc_handlers(reflection.handlers(self._stopping))
        health = Health(HEALTH_NAMES, self._stopping)
        health_pb2_grpc.add_HealthServicer_to_server(health, self._grpc)
        port = grpc_port.listen(self._grpc, options.host, options.port, options.grpc)
        self.address = f"{options.host}:{port}"
        if options.rest is not None:
            self.rest = RestServer(
                self.manager, recorder, options.rest, options.host, options.drain_seconds
            )
            await self.rest.start()
        await self._grpc.start()
        if options.poll_seconds > 0:
            self._poll(polling.versions(self.manager, options.poll_seconds))
        if options.config_poll_seconds > 0 and options.source.config_file is not None:
            self._poll(polling.config_file(self.manager, options.config_poll_seconds))

    def _poll(self, looking: Coroutine) -> None:
        self._pollers.append(asyncio.create_task(looking))
        self._pollers[-1].add_done_callback(_log_failure)

    async def stop(self) -> None:
        """Refuses new requests, gives the running ones their time, unloads; sets `ended`."""
        end = time.monotonic() + self.options.drain_seconds
        self._stopping.set()  # streams that would stay open for ever end by themselves
        for poller in self._pollers:
            poller.cancel()
            await asyncio.wait([poller])
        ports = [] if self.rest is None else [self.rest.stop()]
        if self._grpc is not None:
            ports.append(self._grpc.stop(self.options.drain_seconds))
        await asyncio.gather(*ports)
        self.ended = await self.manager.close(max(0.0, end - time.monotonic()))
        if self._log is not None:
            self._log.close()


def run(options: ServerOptions, announce: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT, then drains; a second signal ends the process at once.

    Models that are being loaded hold up no signal. A run that does not end within
    `drain_seconds`, and cannot be cancelled, ends with the process.

    Args:
      options: What it listens on and serves.
      announce: Gets the one line that says the server is ready.

    Raises:
      MusicGanError: If there is nothing to serve, or the port cannot be had.
    """

    async def main() -> None:
        stopping = asyncio.Event()

        def on_signal(number: int) -> None:
            if stopping.is_set():
                _leave(128 + number)  # as a shell reports it
            stopping.set()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, on_signal, number)
        server = Server(options)
        asked = asyncio.create_task(stopping.wait())
        starting = asyncio.create_task(server.start())
        await asyncio.wait([starting, asked], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            # What is there now stays: the collector need not walk TensorFlow, which takes so long
            # that requests would wait for it.
            gc.freeze()
            plural = "" if server.num_models == 1 else "s"
            rest = "" if server.rest is None else f", REST on {server.rest.address}"
            announce(f"serving {server.num_models} model{plural} on {server.address}{rest}")
            await asked
            await server.stop()
        else:
            starting.cancel()
            await asyncio.wait([starting])
        if not server.ended:
            _leave(0)

    asyncio.run(main())


def _leave(code: int) -> NoReturn:
    """Ends the process at once: Python would wait for threads that are in a run or a load."""
    logging.flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextlib.contextmanager
def running(options: ServerOptions) -> Iterator[Server]:
    """A server in a thread of this process, for notebooks and tests.

    Args:
      options: What it listens on and serves; `port=0` takes a free one, see `Server.address`.

    Yields:
      The started server.

    Raises:
      MusicGanError: If there is nothing to serve, or the port cannot be had.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="tfmusicgan-serve", daemon=True)
    thread.start()

    def call(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    async def build() -> Server:
        return Server(options)

    try:
        server = call(build())
        call(server.start())
        try:
            yield server
        finally:
            call(server.stop())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _log_failure(task: asyncio.Task) -> None:
    if not task.cancelled() and task.exception() is not None:
        logging.error("Stopped looking for new versions: %s", task.exception())
