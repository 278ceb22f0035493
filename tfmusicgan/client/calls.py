"""gRPC calls with a deadline, retries and one-line errors: the client's lower half."""

import random
import time

import grpc

from tfmusicgan.errors import ConfigError, MusicGanError

RETRIED_CODES = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.1
_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Else a retry after a refused connection meets the channel's own pause of a second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5000),
    ("grpc.keepalive_time_ms", 60_000),
)


class ServingError(MusicGanError):
    """The server refused a request, or was not there.

    Attributes:
      code: The gRPC status code.
      details: The server's text.
      target: The server's address.
    """

    def __init__(self, code: grpc.StatusCode, details: str, target: str):
        super().__init__(f"{target}: {code.name}: {' '.join(details.split())}")
        self.code = code
        self.details = details
        self.target = target

    def __reduce__(self):
        return (type(self), (self.code, self.details, self.target))


class Caller:
    """A channel to one server.

    Args:
      target: `"host:port"`, or any gRPC target (`"unix:/path"`, `"dns:///name:port"`).
      timeout_seconds: The deadline of every call, its retries included.
      credentials: For TLS; None is plain text.

    Raises:
      ConfigError: If the target is empty, or the time is not above 0 and finite.
    """

    def __init__(
        self,
        target: str,
        timeout_seconds: float,
        credentials: grpc.ChannelCredentials | None = None,
    ):
        if not 0 < timeout_seconds < float("inf"):
            raise ConfigError(
                f"Expected timeout_seconds above 0 and finite. Received: {timeout_seconds}."
            )
        if not target:
            raise ConfigError("Expected a server's host:port. Received: an empty text.")
        self.target = target
        self.timeout_seconds = timeout_seconds
        if credentials is None:
            self._channel = grpc.insecure_channel(target, _OPTIONS)
        else:
            self._channel = grpc.secure_channel(target, credentials, _OPTIONS)

    def close(self) -> None:
        """Ends the connection; calls under way are cancelled."""
        self._channel.close()

    def call(self, method: str, request, reply_class: type, timeout_seconds: float | None = None):
        """Calls a method, and again after UNAVAILABLE and RESOURCE_EXHAUSTED (overload).

        Pauses double from 0.1 s; all attempts and pauses share one deadline.

        Args:
          method: `"/package.Service/Method"`.
          request: A message.
          reply_class: The reply's class.
          timeout_seconds: A nearer deadline than the client's.

        Returns:
          The reply.

        Raises:
          ServingError: With the code and text of the last attempt.
        """
        deadline = time.monotonic() + min(self.timeout_seconds, timeout_seconds or float("inf"))
        send = self._channel.unary_unary(method)
        serialized = request.SerializeToString()
        attempt = 1
        while True:
            try:
                # A millisecond at least: zero and less would be refused without an attempt.
                left = max(deadline - time.monotonic(), 0.001)
                return reply_class.FromString(send(serialized, timeout=left))
            except grpc.RpcError as error:
                # Jitter, so that clients refused together don't come back together.
                pause = _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
                out_of_time = time.monotonic() + pause >= deadline
                if error.code() not in RETRIED_CODES or attempt == _ATTEMPTS or out_of_time:
                    details = error.details() or ""
                    raise ServingError(error.code(), details, self.target) from error
                attempt += 1
                time.sleep(pause)
