"""Calls of a model server's services in NumPy, whatever a model makes."""

import time
from collections.abc import Mapping, Sequence
from typing import Self, TypeVar

import grpc
import numpy as np

from tfmusicgan.client import requests
from tfmusicgan.client.base import ClientBase
from tfmusicgan.client.callers import Caller
from tfmusicgan.client.retries import RetryPolicy, ServingError
from tfmusicgan.serving.messages import DEFAULT_SIGNATURE

T = TypeVar("T")
_MOST_SECONDS_TO_ANSWER = 5.0


class ModelClient(ClientBase):
    """A client whose calls block; its arguments are those of `ClientBase`."""

    _caller_class = Caller

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; calls under way, and later ones, fail with a `ClosedError`.

        A client made by `with_options` closes itself alone.
        """
        self._is_closed = True
        if self._owns_connection:
            self._caller.close()

    def predict(
        self,
        model: str,
        inputs: Mapping[str, object],
        signature: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
        output_filter: Sequence[str] = (),
    ) -> dict[str, np.ndarray]:
        """Runs one signature of a model.

        Args:
          model: The model's name.
          inputs: Alias -> array, number, text, or nested list. The dtype is sent as it is: use
            NumPy's types, e.g. `np.int64`.
          signature: The signature's name.
          version: A version number; the latest available one when neither it nor `label` is given.
          label: A version label.
          output_filter: The outputs wanted; all when empty.

        Returns:
          Alias -> array; strings are bytes in object arrays.

        Raises:
          ServingError: With the server's code and text, after retries where these make sense.
          ConfigError: If both `version` and `label` are given.
          TensorError: If an input has no TensorProto form.
        """
        call = requests.predict(model, inputs, signature, version, label, output_filter)
        return self._call(call).outputs

    def metadata(
        self, model: str, version: int | None = None, label: str | None = None
    ) -> requests.Metadata:
        """What a model takes and gives.

        Args:
          model: The model's name.
          version: A version number.
          label: A version label.

        Returns:
          `{signature: {"inputs": {alias: (dtype, shape)}, "outputs": {...}, "defaults": {alias:
          array [1]}}}`, the defaults those of inputs that a request need not have.

        Raises:
          ServingError: With the server's code and text.
        """
        return self._call(requests.metadata(model, version, label))

    def status(self, model: str, version: int | None = None) -> requests.States:
        """The versions a server has, or had, of a model.

        Args:
          model: The model's name.
          version: One version alone.

        Returns:
          `{version: (state, error)}`, highest first; state as in `"AVAILABLE"`, error empty when
          all is well.

        Raises:
          ServingError: With the server's code and text.
        """
        return self._call(requests.status(model, version))

    def wait_until_ready(self, model: str, timeout_seconds: float = 60.0) -> int:
        """Waits until a version of a model is available, the server's start included.

        Args:
          model: The model's name.
          timeout_seconds: How long at most.

        Returns:
          The highest available version.

        Raises:
          ServingError: If the time is over (the last refusal, or DEADLINE_EXCEEDED), or at once
            for a refusal that waiting does not mend.
        """
        wait = requests.Readiness(model, timeout_seconds, self.target)
        while True:
            try:
                seconds = min(wait.seconds_left(), self.settings.timeout_seconds)
                states = self.with_options(timeout_seconds=seconds).status(model)
            except ServingError as error:
                wait.check(error)
            else:
                version = wait.available(states)
                if version is not None:
                    return version
            time.sleep(requests.POLL_SECONDS)

    def _call(self, call: requests.Call[T]) -> T:
        self._check_open()
        return self._caller.call(call, self.settings)


def answers(client: ModelClient, model: str) -> bool:
    """Whether there is a server, where a call has failed with UNAVAILABLE.

    That is gRPC's own code for a server that is not there, and a server's for too many requests.
    One that refuses requests still says which versions it has.

    Args:
      client: The client whose call failed.
      model: A model's name; the server need not know it.
    """
    seconds = min(client.settings.timeout_seconds, _MOST_SECONDS_TO_ANSWER)
    try:
        once = client.with_options(timeout_seconds=seconds, retry=RetryPolicy(attempts=1))
        once.status(model)
    except ServingError as error:
        silence = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
        return error.code not in silence
    return True
