"""What is known of a request under way, for metrics and log, whichever way it came."""

import time
from collections.abc import Callable

import grpc

from tfmusicgan.serving.server import request_log
from tfmusicgan.serving.server.metrics import MAX_LABEL_LENGTH, Metrics, micros_since
from tfmusicgan.serving.server.predict import SessionRun
from tfmusicgan.serving.server.request_log import RequestLog
from tfmusicgan.serving.server.version import Version

GRPC, REST = "GRPC", "REST"
_LATE_SECONDS = 0.05  # a client's clock for its deadline began this much earlier, at most
_RUNTIME = "TF1"  # the stock server's name of the runtime that runs graphs in a Session


class Recorder:
    """A server's metrics and log.

    Args:
      metrics: What is counted.
      log: Gets a line for each request, or None.
    """

    def __init__(self, metrics: Metrics, log: RequestLog | None = None):
        self.metrics = metrics
        self.log = log

    def begin(
        self,
        method: str,
        entrypoint: str,
        sent_id: str | bytes | None,
        time_remaining: Callable[[], float | None],
    ) -> "Call":
        """Starts a request.

        Args:
          method: Its name, e.g. `"Predict"`.
          entrypoint: `GRPC` or `REST`.
          sent_id: The id that it brought.
          time_remaining: Gives the seconds that are left of its deadline, None for none.
        """
        request_id = "" if self.log is None else request_log.usable_id(sent_id)
        return Call(self, method, entrypoint, request_id, time_remaining)


class Call:
    """One request under way.

    Attributes:
      metrics: What the server counts.
      method: Its method's name.
      request_id: Its id; empty without a log.
      model: The name that it asks for.
      served: Whether the server has, or had, a model of that name.
      version: The version that answers, once known.
      signature: The signature that is run, once known.
      rows: Rows that are run, once known.
      time_remaining: Gives the seconds that are left of its deadline, None for none.
    """

    def __init__(
        self,
        recorder: Recorder,
        method: str,
        entrypoint: str,
        request_id: str,
        time_remaining: Callable[[], float | None],
    ):
        self.request_id = request_id
        self.model = ""
        self.served = False
        self.version: int | None = None
        self.signature: str | None = None
        self.rows: int | None = None
        self.time_remaining = time_remaining
        self.metrics = recorder.metrics
        self._log = recorder.log
        self.method = method
        self._entrypoint = entrypoint
        self._start = time.perf_counter()

    async def run(self, version: Version, run: SessionRun) -> list:
        """Runs a signature within the deadline.

        Args:
          version: What runs it.
          run: What is to be run.

        Returns:
          One array per output.

        Raises:
          RequestError: With the stock server's code and text.
        """
        self.version, self.signature = version.number, run.signature.name
        self.rows = len(run.arrays[0]) if run.arrays and run.arrays[0].ndim else None
        start = time.perf_counter()
        arrays = await version.run(run.signature, run.arrays, run.outputs, self.time_remaining())
        labels = (version.name, "Predict", _RUNTIME)
        self.metrics.runtime_latency.observe(labels, micros_since(start), served=True)
        return arrays

    def end(self, code: grpc.StatusCode, counted: bool = True) -> None:
        """Counts and logs the request.

        Args:
          code: How it ended.
          counted: Whether the stock server counts such requests.
        """
        micros = micros_since(self._start)
        if counted:
            self.metrics.request_count.add((self.model, code.name), served=self.served)
            if code is grpc.StatusCode.OK:
                labels = (self.model, self.method, self._entrypoint)
                self.metrics.request_latency.observe(labels, micros, self.served)
        if self._log is not None:
            self._log.add(
                time.time() - micros * 1e-6,
                request_id=self.request_id,
                entrypoint=self._entrypoint,
                method=self.method,
                model=self.model[:MAX_LABEL_LENGTH],
                version=self.version,
                signature=self.signature,
                rows=self.rows,
                code=code.name,
                ms=round(micros / 1000, 3),
            )

    def abandoned(self) -> grpc.StatusCode:
        """How a request ends that its client no longer waits for."""
        seconds = self.time_remaining()
        expired = seconds is not None and seconds <= _LATE_SECONDS
        return grpc.StatusCode.DEADLINE_EXCEEDED if expired else grpc.StatusCode.CANCELLED
