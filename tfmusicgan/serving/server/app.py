"""The server's process: ports, readiness, signals, drain."""

import asyncio
import contextlib
import dataclasses
import signal
import threading
from collections.abc import Callable, Iterator

import grpc
from absl import logging
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio

from tfmusicgan.errors import MusicGanError
from tfmusicgan.serving.server import services
from tfmusicgan.serving.server.manager import ModelManager
from tfmusicgan.serving.server.storage import ModelSource
from tfmusicgan.serving.server.version import EngineOptions

# The stock server's names for its health services: unqualified.
HEALTH_NAMES = ("", "PredictionService", "ModelService")
_UNLIMITED = -1


@dataclasses.dataclass(frozen=True)
class ServerOptions:
    """What a server listens on and serves.

    Attributes:
      source: The models on disk.
      host: The address to bind; this machine alone by default.
      port: 0 takes a free one.
      engine: How models are run.
      poll_seconds: How often new versions are looked for; 0 is once, at the start.
      drain_seconds: How long running requests may take after the stop signal.
    """

    source: ModelSource
    host: str = "127.0.0.1"
    port: int = 8500
    engine: EngineOptions = EngineOptions()  # noqa: RUF009 (frozen)
    poll_seconds: float = 1.0
    drain_seconds: float = 30.0


class Server:
    """The embedded server, inside a running event loop.

    Args:
      options: What it listens on and serves.
    """

    def __init__(self, options: ServerOptions):
        self.options = options
        self.address = ""
        self.num_models = 0
        self.manager = ModelManager(options.source, options.engine)
        self._poller: asyncio.Task | None = None

    async def start(self) -> None:
        """Loads and warms the models, then opens the port.

        Raises:
          MusicGanError: If there is nothing to serve, or the port cannot be had.
        """
        options = self.options
        self.num_models = await self.manager.start()
        self._grpc = grpc.aio.server(
            options=[
                ("grpc.max_send_message_length", _UNLIMITED),
                ("grpc.max_receive_message_length", _UNLIMITED),
                ("grpc.so_reuseport", 0),  # two servers on one port would share its requests
            ]
        )
        self._grpc.add_generic_rpc_handlers(services.handlers(self.manager))
        health = health_aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(health, self._grpc)
        wanted = f"{options.host}:{options.port}"
        try:
            port = self._grpc.add_insecure_port(wanted)
        except RuntimeError as error:
            await self.manager.close()
            raise MusicGanError(
                f"Could not listen on {wanted}: the port is taken or the address is not this "
                "machine's. Give another one with --port (0 takes a free one)."
            ) from error
        self.address = f"{options.host}:{port}"
        await self._grpc.start()
        for name in HEALTH_NAMES:
            await health.set(name, health_pb2.HealthCheckResponse.SERVING)
        if options.poll_seconds > 0:
            self._poller = asyncio.create_task(self.manager.poll(options.poll_seconds))
            self._poller.add_done_callback(_log_failure)

    async def stop(self) -> None:
        """Refuses new requests, finishes the running ones, unloads."""
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.wait([self._poller])
        await self._grpc.stop(self.options.drain_seconds)
        await self.manager.close()


def run(options: ServerOptions, announce: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT, then drains.

    Args:
      options: What it listens on and serves.
      announce: Gets the one line that says the server is ready.

    Raises:
      MusicGanError: If there is nothing to serve, or the port cannot be had.
    """

    async def main() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        server = Server(options)
        await server.start()
        plural = "" if server.num_models == 1 else "s"
        announce(f"serving {server.num_models} model{plural} on {server.address}")
        await stopping.wait()
        await server.stop()

    asyncio.run(main())


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
