"""What is done when a server refuses: one error, and when to try again. No I/O.

Source: TensorFlow Serving's own codes. UNAVAILABLE is a full queue or a server that is not there
yet, RESOURCE_EXHAUSTED a quota that is used up; asking again may help, and changes nothing at the
server, since answers follow from their seeds. All else is final.
"""

import dataclasses
import math
import numbers
import random
import time

import grpc

from tfmusicgan.errors import ConfigError, MusicGanError

RETRIED_CODES = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
# gRPC has RESOURCE_EXHAUSTED for messages over a size limit too, which stay as large as they are.
_TOO_LARGE = "larger than max"


class ServingError(MusicGanError):
    """The server refused a request, or was not there.

    Attributes:
      code: The gRPC status code.
      details: The server's text.
      target: The server's address.
      request_id: Of the request; `tfmusicgan-serve` has it in its log.
    """

    def __init__(self, code: grpc.StatusCode, details: str, target: str, request_id: str = ""):
        super().__init__(f"{target}: {code.name}: {' '.join(details.split())}")
        self.code = code
        self.details = details
        self.target = target
        self.request_id = request_id

    def __reduce__(self):
        return (type(self), (self.code, self.details, self.target, self.request_id))


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
    """How often and when a request is tried again, always within its deadline.

    Attributes:
      attempts: Most tries; 1 is none again.
      first_pause_seconds: The middle pause after the first try; each further one is twice as long.
      max_pause_seconds: The longest middle pause.

    Raises:
      ConfigError: If a number is out of range.
    """

    attempts: int = 5
    first_pause_seconds: float = 0.1
    max_pause_seconds: float = 5.0

    def __post_init__(self):
        pauses = (self.first_pause_seconds, self.max_pause_seconds)
        are_numbers = is_count(self.attempts) and all(isinstance(p, numbers.Real) for p in pauses)
        if not are_numbers or not 0 < self.first_pause_seconds <= self.max_pause_seconds:
            raise ConfigError(
                "Expected attempts of 1 or more, and 0 < first_pause_seconds <= max_pause_seconds."
                f" Received: {self}."
            )


class Attempts:
    """The tries of one request.

    Args:
      policy: How many, and the pauses between them.
      seconds: All tries and pauses end within.
      target: The server's address, for the error.
      request_id: Of the request, for the error.
    """

    def __init__(self, policy: RetryPolicy, seconds: float, target: str, request_id: str):
        self._policy = policy
        self._deadline = time.monotonic() + seconds
        self._target = target
        self._request_id = request_id
        self._number = 0

    def next_timeout(self) -> float:
        """Begins a try; the seconds it has."""
        self._number += 1
        # A millisecond at least: zero and less would be refused without an attempt.
        return max(self._deadline - time.monotonic(), 0.001)

    def pause_after(self, error: grpc.RpcError) -> float:
        """The seconds until the next try.

        Args:
          error: What the last one ended with.

        Raises:
          ServingError: If it is final, there was no other try left, or there is no time for one.
        """
        policy, details = self._policy, error.details() or ""
        middle = policy.first_pause_seconds * 2 ** (self._number - 1)
        # Jitter, so that clients refused together don't come back together.
        pause = min(middle, policy.max_pause_seconds) * random.uniform(0.5, 1.5)
        is_final = error.code() not in RETRIED_CODES or _TOO_LARGE in details
        out_of_time = time.monotonic() + pause >= self._deadline
        if is_final or self._number >= policy.attempts or out_of_time:
            raise ServingError(error.code(), details, self._target, self._request_id) from error
        return pause


def is_count(value: object) -> bool:
    """Whether it is a whole number from 1."""
    return isinstance(value, numbers.Integral) and value >= 1


def check_seconds(name: str, seconds: object) -> None:
    """Refuses what is no length of time.

    Raises:
      ConfigError: If it is no number, not above 0, or not finite.
    """
    if not isinstance(seconds, numbers.Real) or not 0 < seconds < math.inf:
        raise ConfigError(f"Expected {name} above 0 and finite. Received: {seconds!r}.")
