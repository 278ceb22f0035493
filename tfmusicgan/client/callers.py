"""gRPC calls with a deadline and retries: the clients' only I/O, blocking and with asyncio."""

import asyncio
import time
from typing import TypeVar

import grpc

from tfmusicgan.client.requests import Call
from tfmusicgan.client.retries import Attempts
from tfmusicgan.client.settings import Settings

T = TypeVar("T")


class Caller:
    """A channel to one server.

    Args:
      settings: How to connect.

    Raises:
      ConfigError: If the PEM files of `settings.tls` are not as they should be.
    """

    def __init__(self, settings: Settings):
        credentials = settings.channel_credentials()
        arguments = settings.channel_arguments()
        if credentials is None:
            self._channel = grpc.insecure_channel(settings.target, arguments)
        else:
            self._channel = grpc.secure_channel(settings.target, credentials, arguments)

    def close(self) -> None:
        """Ends the connection; calls under way are cancelled."""
        self._channel.close()

    def call(self, call: Call[T], settings: Settings) -> T:
        """Makes a call, and makes it again where that may help.

        Args:
          call: What to ask.
          settings: Deadline, retries and metadata.

        Returns:
          The answer as the call reads it.

        Raises:
          ServingError: With the code and text of the last attempt; INTERNAL, if the answer cannot
            be read.
        """
        send = self._channel.unary_unary(call.method)
        request_id, metadata = settings.call_metadata()
        attempts = Attempts(settings.retry, settings.timeout_seconds, settings.target, request_id)
        while True:
            try:
                timeout = attempts.next_timeout()
                reply = send(call.request, timeout=timeout, metadata=metadata)
                return call.answer(reply, settings.target, request_id)
            except grpc.RpcError as error:
                time.sleep(attempts.pause_after(error))


class AsyncCaller:
    """The same with asyncio.

    Args:
      settings: How to connect.

    Raises:
      ConfigError: As for `Caller`.
    """

    def __init__(self, settings: Settings):
        self._target = settings.target
        self._credentials = settings.channel_credentials()
        self._arguments = settings.channel_arguments()
        self._channel: grpc.aio.Channel | None = None

    async def close(self) -> None:
        """Ends the connection; calls under way are cancelled."""
        if self._channel is not None:
            await self._channel.close()

    async def call(self, call: Call[T], settings: Settings) -> T:
        """As `Caller.call`."""
        send = self._connected().unary_unary(call.method)
        request_id, metadata = settings.call_metadata()
        attempts = Attempts(settings.retry, settings.timeout_seconds, settings.target, request_id)
        while True:
            try:
                timeout = attempts.next_timeout()
                reply = await send(call.request, timeout=timeout, metadata=metadata)
                return call.answer(reply, settings.target, request_id)
            except grpc.RpcError as error:
                await asyncio.sleep(attempts.pause_after(error))

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
