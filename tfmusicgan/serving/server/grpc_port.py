"""The gRPC server: its limits, its channel arguments, what it listens on."""

import dataclasses
from collections.abc import Mapping, Sequence

import grpc

from tfmusicgan.errors import ConfigError, MusicGanError

_UNLIMITED = -1  # the stock server's limit is that of protobuf, 2 GiB
# Calls that have arrived and wait for the event loop. gRPC drops some from 1,000 on, and all from
# 3,000, with CANCELLED; what is too much is for the queues to refuse, with the stock text.
_MAX_WAITING_CALLS = 1_000_000
_DEFAULTS = {
    "grpc.max_send_message_length": _UNLIMITED,
    "grpc.max_receive_message_length": _UNLIMITED,
    "grpc.so_reuseport": 0,  # two servers on one port would share its requests
    "grpc.server.max_pending_requests": _MAX_WAITING_CALLS,
    "grpc.server.max_pending_requests_hard_limit": _MAX_WAITING_CALLS,
}


@dataclasses.dataclass(frozen=True)
class GrpcOptions:
    """How gRPC is offered.

    Attributes:
      credentials: For TLS (see tls.py); None is plain text.
      arguments: gRPC channel arguments, over the server's own.
      socket_path: A Unix socket to listen on as well, or None.
    """

    credentials: grpc.ServerCredentials | None = None
    arguments: Mapping[str, int | str] = dataclasses.field(default_factory=dict)
    socket_path: str | None = None


def parse_arguments(entries: Sequence[str]) -> dict[str, int | str]:
    """Reads `--grpc_channel_arguments`; values that are whole numbers become numbers.

    Args:
      entries: `"name=value"` each, e.g. `"grpc.max_connection_age_ms=60000"`.

    Raises:
      ConfigError: If one is not of this form, or a number is none that gRPC takes.
    """
    arguments: dict[str, int | str] = {}
    for entry in entries:
        name, separator, value = entry.partition("=")
        if not name or not separator:
            raise ConfigError(
                "Expected name=value, separated by commas, in --grpc_channel_arguments. Received: "
                f"{entry!r}."
            )
        arguments[name] = _number(entry, value) if value.lstrip("-").isdecimal() else value
    return arguments


def _number(entry: str, value: str) -> int:
    try:
        number = int(value)
    except ValueError:  # two signs, or thousands of digits
        number = None
    if number is None or not -(2**31) <= number < 2**31:
        raise ConfigError(
            "Expected whole numbers from -2147483648 to 2147483647 in --grpc_channel_arguments. "
            f"Received: {entry!r}."
        )
    return number


def make_server(options: GrpcOptions) -> grpc.aio.Server:
    """A server without services, not listening yet."""
    return grpc.aio.server(options=list((_DEFAULTS | dict(options.arguments)).items()))


def listen(server: grpc.aio.Server, host: str, port: int, options: GrpcOptions) -> int:
    """Binds a server's port, and its socket where there is one.

    Args:
      server: Has not been started.
      host: The address.
      port: 0 takes a free one.
      options: Credentials and socket.

    Returns:
      The port.

    Raises:
      MusicGanError: If one cannot be had.
    """
    try:
        bound = _bind(server, f"{host}:{port}", options.credentials)
    except RuntimeError as error:
        raise MusicGanError(
            f"Could not listen on {host}:{port}: the port is taken or the address is not this "
            "machine's. Give another one with --port (0 takes a free one)."
        ) from error
    if options.socket_path:
        try:
            _bind(server, f"unix:{options.socket_path}", options.credentials)
        except RuntimeError as error:
            raise MusicGanError(
                f"Could not listen on the socket {options.socket_path!r}: its folder does not "
                "exist, or the path is too long or taken. Give another one with "
                "--grpc_socket_path."
            ) from error
    return bound


def _bind(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    if credentials is None:
        return server.add_insecure_port(address)
    return server.add_secure_port(address, credentials)
