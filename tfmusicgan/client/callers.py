"""gRPC calls with a deadline and retries: the clients' only I/O, blocking and with asyncio."""

import asyncio
import functools
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import grpc

from tfmusicgan.client.requests import Call
from tfmusicgan.client.retries import Attempts
from tfmusicgan.client.settings import Settings
from tfmusicgan.errors import MusicGanError

T = TypeVar("T")


class ClosedError(MusicGanError):
    """A client was used after it was closed, or closed while a call was under way.

    Attributes:
      target: The server's address.
    """

    def __init__(self, target: str):
        super().__init__(
            f"Expected a client that is open. Received: a call of the one of {target}, which is "
            "closed. Make another one."
        )
        self.target = target

    def __reduce__(self):
        return (type(self), (self.target,))


class CallGroup:
    """Calls that several threads wait for, and that are cancelled together."""

    def __init__(self):
        self._lock = threading.Lock()
        self._under_way: set[grpc.Future] = set()
        self._is_over = threading.Event()

    def result(self, send: Callable[[], grpc.Future]) -> bytes:
        """Sends a request and waits for the reply.

        Raises:
          grpc.FutureCancelledError: If the group is cancelled, before or meanwhile.
          grpc.RpcError: If the server refuses.
        """
        with self._lock:
            if self._is_over.is_set():
                raise grpc.FutureCancelledError
            future = send()
            self._under_way.add(future)
        try:
            return future.result()
        finally:
            with self._lock:
                self._under_way.discard(future)

    def pause(self, seconds: float) -> None:
        """Sleeps, but no longer than until the group is cancelled."""
        self._is_over.wait(seconds)

    def cancel(self) -> None:
        """Ends what is under way, and lets nothing else begin."""
        with self._lock:
            self._is_over.set()
            under_way = list(self._under_way)
        for future in under_way:
            future.cancel()


class Caller:
    """A channel to one server.

    Args:
      settings: How to connect.

    Attributes:
      is_closed: Whether the connection has been ended.

    Raises:
      ConfigError: If the PEM files of `settings.tls` are not as they should be.
    """

    def __init__(self, settings: Settings):
        self.is_closed = False
        credentials = settings.channel_credentials()
        arguments = settings.channel_arguments()
        if credentials is None:
            self._channel = grpc.insecure_channel(settings.target, arguments)
        else:
            self._channel = grpc.secure_channel(settings.target, credentials, arguments)

    def close(self) -> None:
        """Ends the connection; calls under way are cancelled."""
        self.is_closed = True
        self._channel.close()

    def call(self, call: Call[T], settings: Settings, group: CallGroup | None = None) -> T:
        """Makes a call, and makes it again where that may help.

        Args:
          call: What to ask.
          settings: Deadline, retries and metadata.
          group: With which the call is cancelled; None is alone.

        Returns:
          The answer as the call reads it.

        Raises:
          ServingError: With the code and text of the last attempt; INTERNAL, if the answer cannot
            be read.
          ClosedError: If the connection is closed, before or meanwhile.
          grpc.FutureCancelledError: If the group is cancelled.
        """
        if self.is_closed:
            raise ClosedError(settings.target)
        send = self._channel.unary_unary(call.method)
        pause = time.sleep if group is None else group.pause
        request_id, metadata = settings.call_metadata()
        attempts = Attempts(settings.retry, settings.timeout_seconds, settings.target, request_id)
        while True:
            given = {"timeout": attempts.next_timeout(), "metadata": metadata}
            try:
                if group is None:
                    reply = send(call.request, **given)
                else:
                    reply = group.result(functools.partial(send.future, call.request, **given))
            except (grpc.RpcError, ValueError) as error:
                if self.is_closed:
                    raise ClosedError(settings.target) from error
                if not isinstance(error, grpc.RpcError):
                    raise
                pause(attempts.pause_after(error))
            else:
                return call.answer(reply, settings.target, request_id)


class AsyncCaller:
    """The same with asyncio.

    Args:
      settings: How to connect.

    Attributes:
      is_closed: Whether the connection has been ended.

    Raises:
      ConfigError: As for `Caller`.
    """

    def __init__(self, settings: Settings):
        self.is_closed = False
        self._target = settings.target
        self._credentials = settings.channel_credentials()
        self._arguments = settings.channel_arguments()
        self._channel: grpc.aio.Channel | None = None

    async def close(self) -> None:
        """Ends the connection; calls under way are cancelled."""
        self.is_closed = True
        if self._channel is not None:
            await self._channel.close()

    async def call(self, call: Call[T], settings: Settings) -> T:
        """As `Caller.call`."""
        if self.is_closed:
            raise ClosedError(settings.target)
        send = self._connected().unary_unary(call.method)
        request_id, metadata = settings.call_metadata()
        attempts = Attempts(settings.retry, settings.timeout_seconds, settings.target, request_id)
        while True:
            try:
                timeout = attempts.next_timeout()
                reply = await send(call.request, timeout=timeout, metadata=metadata)
            except (grpc.RpcError, grpc.aio.UsageError) as error:
                if self.is_closed:
                    raise ClosedError(settings.target) from error
                if not isinstance(error, grpc.RpcError):
                    raise
                await asyncio.sleep(attempts.pause_after(error))
            except asyncio.CancelledError:
                # Of the channel, where nobody cancelled the task.
                if self.is_closed and not asyncio.current_task().cancelling():
                    raise ClosedError(settings.target) from None
                raise
            else:
                return call.answer(reply, settings.target, request_id)

    def _connected(self) -> grpc.aio.Channel:
        """The channel; it is made by the first call, since it belongs to the loop that runs."""
        if self._channel is None:
            if self._credentials is None:
                self._channel = grpc.aio.insecure_channel(self._target, self._arguments)
            else:
                self._channel = grpc.aio.secure_channel(
                    self._target, self._credentials, self._arguments
                )
        return self._channel
