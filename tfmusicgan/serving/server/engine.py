"""How models are run: batches, threads, how many at a time."""

import dataclasses
import os
import sys
import threading

from tfmusicgan.serving.server.batching_config import BatchOptions, num_cores
from tfmusicgan.serving.server.metrics import Metrics
from tfmusicgan.serving.server.servable import SessionOptions


@dataclasses.dataclass(frozen=True)
class EngineOptions:
    """How models are run.

    Attributes:
      batching: Sizes and limits, or None to run every request by itself.
      num_batch_threads: Runs at a time, over all models.
      session: Threads inside a run; see `session_options`.
      model_concurrency: Runs at a time of one model version, each of its queues included; 0: one
        per queue, and beside it those of batches with `batching.ROWS_BESIDE` rows or more, and of
        those that have waited for `batching.PATIENCE_SECONDS`.
      per_model_batching: A version's own `batching_params.pbtxt` counts in place of `batching`; one
        without that file runs every request by itself.
      metrics: Where runs and loads are counted.
      run_niceness: By how much the threads that run models stand back behind the one that answers
        requests, 0 to 19 as of `nice`, on Linux: with every core busy with models a server could
        not even refuse what is too much.
      num_load_threads: Versions that are loaded at a time once the server has started; 0: one.
        While it starts there are four for each core.
    """

    batching: BatchOptions | None = BatchOptions()  # noqa: RUF009 (frozen)
    num_batch_threads: int = 2
    session: SessionOptions = SessionOptions()  # noqa: RUF009 (frozen)
    model_concurrency: int = 0
    per_model_batching: bool = False
    metrics: Metrics = dataclasses.field(default_factory=Metrics)
    run_niceness: int = 0
    num_load_threads: int = 0

    def session_options(self) -> SessionOptions:
        """`session`; where it leaves the threads of an operation open, the cores' share of a run.

        With as many runs as cores an operation has one thread: several would wait for each other,
        and more rows come out when each run keeps to a core of its own.
        """
        if self.session.intra_op_parallelism:
            return self.session
        threads = max(1, num_cores() // self.num_batch_threads)
        return dataclasses.replace(self.session, intra_op_parallelism=threads)

    def stand_back(self) -> None:
        """Lowers the priority of the thread that calls, and of those that it will start."""
        if self.run_niceness and sys.platform == "linux":
            thread = threading.get_native_id()
            niceness = os.getpriority(os.PRIO_PROCESS, thread) + self.run_niceness
            os.setpriority(os.PRIO_PROCESS, thread, min(niceness, 19))
