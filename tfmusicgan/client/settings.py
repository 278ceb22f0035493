"""How a client is connected: the channel's options, TLS, deadline, retries, metadata. No I/O."""

import dataclasses
import pathlib
import re
import uuid
from collections.abc import Mapping

import grpc

from tfmusicgan.client.retries import RetryPolicy, check_seconds, is_count
from tfmusicgan.errors import ConfigError, unknown_name

DEFAULT_TIMEOUT_SECONDS = 60.0
REQUEST_ID = "x-request-id"  # in gRPC metadata; tfmusicgan-serve logs it
_LOAD_BALANCING = ("pick_first", "round_robin")
_MILLISECONDS = 1000


@dataclasses.dataclass(frozen=True)
class TLSFiles:
    """PEM files for an encrypted connection; with a key and its certificate for a mutual one.

    Attributes:
      root_certificates: Whom to believe; by default those that gRPC brings along.
      private_key: The client's own, for a server that asks for one.
      certificate_chain: Of that key.
      server_name: The name in the server's certificate, where it is not the target's.
    """

    root_certificates: str | pathlib.Path | None = None
    private_key: str | pathlib.Path | None = None
    certificate_chain: str | pathlib.Path | None = None
    server_name: str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Reads the files.

        Raises:
          ConfigError: If one cannot be read or is no PEM file, or of key and certificate only one
            is given.
        """
        if (self.private_key is None) != (self.certificate_chain is None):
            raise ConfigError(
                "Expected private_key and certificate_chain, or neither. Received: "
                f"{self.private_key} and {self.certificate_chain}."
            )
        return grpc.ssl_channel_credentials(
            _read_pem(self.root_certificates),
            _read_pem(self.private_key),
            _read_pem(self.certificate_chain),
        )


def _read_pem(path: str | pathlib.Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        content = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"Expected a PEM file. {path} cannot be read: {error.strerror}."
        ) from None
    if b"-----BEGIN " not in content:
        # gRPC would say no more than that it cannot connect.
        raise ConfigError(f"Expected a PEM file, with -----BEGIN in it. Received: {path}.")
    return content


@dataclasses.dataclass(frozen=True)
class ChannelOptions:
    """The options of a gRPC channel.

    Attributes:
      max_send_bytes: Largest request; None is no limit.
      max_receive_bytes: Largest answer; None is no limit, where gRPC's own is 4 MiB.
      keepalive_seconds: After so long without a word the server is asked whether it is there.
      keepalive_timeout_seconds: After so long without an answer to that the connection is lost.
      keepalive_without_calls: Asks between calls too; servers may refuse to be asked that often.
      load_balancing: `"pick_first"`, or `"round_robin"` over all addresses of a `dns:///` target.

    Raises:
      ConfigError: If a number is out of range, or the name is unknown.
    """

    max_send_bytes: int | None = None
    max_receive_bytes: int | None = None
    keepalive_seconds: float = 60.0
    keepalive_timeout_seconds: float = 20.0
    keepalive_without_calls: bool = False
    load_balancing: str = "pick_first"

    def __post_init__(self):
        for name in ("keepalive_seconds", "keepalive_timeout_seconds"):
            check_seconds(name, getattr(self, name))
        for name in ("max_send_bytes", "max_receive_bytes"):
            size = getattr(self, name)
            if size is not None and not (is_count(size) and size < 2**31):
                raise ConfigError(
                    f"Expected {name} from 1 to 2**31 - 1, or None. Received: {size!r}."
                )
        if self.load_balancing not in _LOAD_BALANCING:
            raise unknown_name("load_balancing", self.load_balancing, _LOAD_BALANCING)

    def arguments(self) -> list[tuple[str, int | str]]:
        """What gRPC calls them."""
        return [
            ("grpc.max_send_message_length", self.max_send_bytes or -1),
            ("grpc.max_receive_message_length", self.max_receive_bytes or -1),
            ("grpc.keepalive_time_ms", _milliseconds(self.keepalive_seconds)),
            ("grpc.keepalive_timeout_ms", _milliseconds(self.keepalive_timeout_seconds)),
            # Of the pings by which gRPC measures the line, else a minute: while one of them is
            # without an answer none is sent for keepalive.
            ("grpc.http2.ping_timeout_ms", _milliseconds(self.keepalive_timeout_seconds)),
            ("grpc.keepalive_permit_without_calls", int(self.keepalive_without_calls)),
            ("grpc.lb_policy_name", self.load_balancing),
            # Else a retry after a refused connection meets the channel's own pause of a second.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 5000),
        ]


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that a connection needs.

    Attributes:
      target: `"host:port"`, or any gRPC target (`"unix:/path"`, `"dns:///name:port"`).
      timeout_seconds: The deadline of every call, its retries included; above 0, never infinite.
      credentials: For TLS; None is plain text, unless `tls` is given.
      tls: PEM files for TLS.
      channel: Message sizes, keepalive, load balancing.
      retry: When a refused request is tried again.
      metadata: Sent with every call, e.g. `{"authorization": "Bearer ..."}`.
      request_id: Sent with every call; by default each has a new one.

    Raises:
      ConfigError: If the target is empty, the time is not above 0 and finite, both kinds of
        credentials are given, or metadata are none.
    """

    target: str
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    credentials: grpc.ChannelCredentials | None = None
    tls: TLSFiles | None = None
    channel: ChannelOptions = dataclasses.field(default_factory=ChannelOptions)
    retry: RetryPolicy = dataclasses.field(default_factory=RetryPolicy)
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    request_id: str | None = None

    def __post_init__(self):
        check_seconds("timeout_seconds", self.timeout_seconds)
        if not self.target:
            raise ConfigError("Expected a server's host:port. Received: an empty text.")
        if self.credentials is not None and self.tls is not None:
            raise ConfigError("Expected credentials or tls. Received: both.")
        given = dict(self.metadata)
        if self.request_id is not None:
            given[REQUEST_ID] = self.request_id
        for key, value in given.items():
            _check_metadata(key, value)

    def channel_arguments(self) -> list[tuple[str, int | str]]:
        """The channel's options by the names that gRPC has for them."""
        arguments = self.channel.arguments()
        if self.tls is not None and self.tls.server_name:
            arguments.append(("grpc.ssl_target_name_override", self.tls.server_name))
        return arguments

    def channel_credentials(self) -> grpc.ChannelCredentials | None:
        """For TLS; None is plain text."""
        return self.tls.credentials() if self.tls is not None else self.credentials

    def call_metadata(self) -> tuple[str, list[tuple[str, str]]]:
        """A call's request id, and its metadata with that in them."""
        request_id = self.request_id or self.metadata.get(REQUEST_ID) or uuid.uuid4().hex
        pairs = {**self.metadata, REQUEST_ID: request_id}
        return request_id, list(pairs.items())


def _check_metadata(key: str, value: str) -> None:
    if not re.fullmatch(r"(?!grpc-)[a-z0-9_.-]+(?<!-bin)", key):
        raise ConfigError(
            "Expected a metadata key of a-z, 0-9, '_', '.' and '-', not grpc-... and not ...-bin. "
            f"Received: {key!r}."
        )
    if not isinstance(value, str) or not re.fullmatch(r"[ -~]+", value):
        raise ConfigError(f"Expected printable ASCII for metadata {key!r}. Received: {value!r}.")


def _milliseconds(seconds: float) -> int:
    return max(round(seconds * _MILLISECONDS), 1)
