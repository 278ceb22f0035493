"""What the blocking client and its asyncio twin are made of alike."""

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import grpc

from tfmusicgan.client import jobs
from tfmusicgan.client.callers import AsyncCaller, Caller, ClosedError
from tfmusicgan.client.retries import RetryPolicy, is_count
from tfmusicgan.client.runs import KnownModels
from tfmusicgan.client.settings import (
    DEFAULT_TIMEOUT_SECONDS,
    ChannelOptions,
    Settings,
    TLSFiles,
)
from tfmusicgan.errors import ConfigError


class ClientBase:
    """A connection to one server, whose calls a subclass makes.

    Args:
      target: `"host:port"`, or any gRPC target (`"unix:/path"`, `"dns:///name:port"`).
      timeout_seconds: The deadline of every call, its retries included; above 0, never infinite.
      credentials: `grpc.ssl_channel_credentials(...)` for TLS; None is plain text, unless `tls` is
        given.
      max_concurrency: Requests of one job, such as a `generate`, that are under way at a time.
      max_rows: Most rows of one such request.
      tls: PEM files for TLS, or for mutual TLS.
      channel: Message sizes, keepalive, load balancing.
      retry: How often, and with which pauses, a refused request is tried again.
      metadata: Sent with every call, e.g. `{"authorization": "Bearer ..."}`.

    Raises:
      ConfigError: If a setting is out of range, or a PEM file is not as it should be.
    """

    _caller_class: type[Caller] | type[AsyncCaller]

    def __init__(
        self,
        target: str,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        credentials: grpc.ChannelCredentials | None = None,
        max_concurrency: int = 4,
        max_rows: int = jobs.MAX_ROWS,
        *,
        tls: TLSFiles | None = None,
        channel: ChannelOptions | None = None,
        retry: RetryPolicy | None = None,
        metadata: Mapping[str, str] | None = None,
    ):
        if not is_count(max_concurrency) or not is_count(max_rows):
            raise ConfigError(
                "Expected max_concurrency and max_rows of 1 or more. Received: "
                f"{max_concurrency!r} and {max_rows!r}."
            )
        self.settings = Settings(
            target,
            timeout_seconds,
            credentials,
            tls,
            channel or ChannelOptions(),
            retry or RetryPolicy(),
            dict(metadata or {}),
        )
        self.max_concurrency = max_concurrency
        self.max_rows = max_rows
        self._caller = self._caller_class(self.settings)
        self._models = KnownModels()
        self._is_closed = False
        self._owns_connection = True

    @property
    def closed(self) -> bool:
        """Whether this client, or the connection it uses, has been closed; calls then fail."""
        return self._is_closed or self._caller.is_closed

    @property
    def target(self) -> str:
        """The server's address."""
        return self.settings.target

    def with_options(
        self,
        *,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
        metadata: Mapping[str, str] | None = None,
        request_id: str | None = None,
    ) -> Self:
        """A client of the same connection whose calls differ.

        Args:
          timeout_seconds: Another deadline.
          retry: Another policy.
          metadata: In addition.
          request_id: Of all its calls, in the server's log and in a `ServingError`; by default each
            call has a new one.

        Returns:
          The client. It has the connection only as long as this one is not closed, and does not
          end it: its own `close` closes no other client.

        Raises:
          ConfigError: If a setting is out of range.
        """
        changes: dict[str, Any] = {
            "timeout_seconds": timeout_seconds,
            "retry": retry,
            "request_id": request_id,
        }
        given = {name: value for name, value in changes.items() if value is not None}
        if metadata is not None:
            given["metadata"] = {**self.settings.metadata, **metadata}
        twin = copy.copy(self)
        twin.settings = dataclasses.replace(self.settings, **given)
        twin._owns_connection = False
        return twin

    def _check_open(self) -> None:
        if self.closed:
            raise ClosedError(self.target)
