"""Rows of concurrent requests in one run: a queue per (model version, signature, outputs).

While a batch runs, arriving requests fill the next one; with the default timeout of 0 nothing waits
for anything but a run in progress. With cores to spare another run may begin beside it, for a batch
that is large enough to be worth a run of its own. A batch is padded up to an allowed size by
repeating a row, so a model runs at few sizes: output bits are equal within one size only, and a
single row, for which the matrix kernels differ, is padded to two.

Texts and rules are those of TensorFlow Serving's BatchingSession, with differences in the clients'
favour: requests whose inner shapes or dtypes differ never share a batch unless shapes are padded
(there, one of them fails the others); a batch in which the graph refuses some value is run again
request by request (there, it fails as a whole); a request whose client has gone leaves its batch
before the run; no batch grows beyond a limit by what others add, so that none exhausts the others.
"""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Sequence

import grpc
import numpy as np

from tfmusicgan.serving.server import batch_arrays, beside, statuses
from tfmusicgan.serving.server.batching_config import BatchOptions
from tfmusicgan.serving.server.metrics import Metrics
from tfmusicgan.serving.server.statuses import RequestError
from tfmusicgan.serving.server.waiting import Batch, Task, WaitingBatches

# Inputs of a batch and the seconds it may take (None: for ever) -> its outputs.
RunBatch = Callable[[Sequence[np.ndarray], float | None], Awaitable[list[np.ndarray]]]

# From so many rows on a run costs hardly more a row than a larger one (MuseGAN `small` on a CPU:
# 0.32 ms at 16 rows and 0.29 at 64, but 0.77 at two).
ROWS_BESIDE = 16
# A smaller batch waits no longer than this for a run that takes its time, or never ends.
PATIENCE_SECONDS = 0.25

# With these a graph refuses values, which may be those of one request: a text that is no chord,
# bytes that are no message. The others tell of the whole run.
_VALUES_REFUSED = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.DATA_LOSS,
    }
)


class BatchQueue:
    """Merges requests, runs them in batches, and deals the rows back.

    Args:
      run: Runs one batch.
      options: Sizes and limits.
      metrics: Where rows and waits are counted.
      concurrency: Batches that may run at a time.
      rows_beside: Rows with which a batch that is not full may begin while another one runs.
    """

    def __init__(
        self,
        run: RunBatch,
        options: BatchOptions,
        metrics: Metrics | None = None,
        concurrency: int = 1,
        rows_beside: int = 1,
    ):
        self._run = run
        self._options = options
        self._metrics = metrics or Metrics()
        self._concurrency = concurrency
        self._rows_beside = rows_beside
        self._waiting = WaitingBatches(options)
        self._num_running = 0
        self._soon = False  # whether `_begin` is about to be called
        self._timer: asyncio.TimerHandle | None = None  # calls it when a batch has waited its time

    async def submit(
        self, arrays: Sequence[np.ndarray], seconds: float | None = None
    ) -> list[np.ndarray]:
        """Runs one request's rows, together with others'.

        Args:
          arrays: One array [rows, ...] per input.
          seconds: What is left of the request's deadline; None is no deadline.

        Returns:
          The request's own rows of every output.

        Raises:
          RequestError: With the stock server's code and text.
        """
        rows = batch_arrays.checked_rows(arrays, self._options.max_batch_size)
        if rows == 0:
            return await self._run(arrays, seconds)
        deadline = None if seconds is None else time.monotonic() + seconds
        tasks = self._waiting.add(arrays, deadline)
        self._metrics.input_batch_size.observe((), rows)
        self._begin_soon()
        try:
            if len(tasks) == 1:
                return await tasks[0].result
            parts = await asyncio.gather(*(task.result for task in tasks))
        except BaseException:  # cancelled, most of all
            self._withdraw(tasks)
            tasks.clear()  # they hold the error, whose traceback holds them
            raise
        return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]

    def _withdraw(self, tasks: Sequence[Task]) -> None:
        """Takes what nobody waits for any more out of its batch, or gives up the whole batch."""
        for batch, task in ((task.batch, task) for task in tasks):
            task.result.cancel()  # those beside a part that failed
            if batch in self._waiting:
                self._waiting.withdraw(task)
                self._begin_soon()
            elif _is_given_up(batch):
                batch.run.cancel()  # not run if its turn has not come; what runs, runs to its end

    def _begin_soon(self) -> None:
        """Begins what may begin, together with what else arrives now."""
        if not self._soon and self._waiting and self._num_running < self._concurrency:
            self._soon = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._soon = False
        while self._num_running < self._concurrency and (batch := self._next_batch()) is not None:
            self._waiting.take(batch)
            tasks = [task for task in batch.tasks if not task.result.done()]
            if tasks:
                self._num_running += 1
                batch.run = asyncio.create_task(self._outputs(tasks))
                batch.run.add_done_callback(functools.partial(self._end, tasks))

    def _next_batch(self) -> Batch | None:
        """The oldest batch that is full or has waited its time, if it may run now."""
        now = time.monotonic()
        batch = self._waiting.ready(now)
        if batch is None:
            if self._waiting:
                self._begin_at(self._waiting.next_ready())
            return None
        # None goes before it, or it might wait for ever beside others' large ones.
        if not self._num_running or batch.full or batch.rows >= self._rows_beside:
            return batch
        patient_until = batch.opened + PATIENCE_SECONDS
        if now >= patient_until:
            return batch
        self._begin_at(patient_until)
        return None

    def _begin_at(self, when: float) -> None:
        """Begins what may begin at a moment of `time.monotonic()`, or does so earlier as well."""
        loop = asyncio.get_running_loop()
        delay = max(0.0, when - time.monotonic())
        if self._timer is None or self._timer.when() > loop.time() + delay:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_later(delay, self._begin_in_time)

    def _begin_in_time(self) -> None:
        self._timer = None
        self._begin()

    def _end(self, tasks: Sequence[Task], run: asyncio.Task) -> None:
        """Gives every request of a batch its rows, or all of them the batch's error."""
        self._num_running -= 1
        self._begin()  # first, so that no core waits until the answers are written
        error = None if run.cancelled() else run.exception()
        start = 0
        for task in tasks:
            stop = start + task.rows
            if not task.result.done():  # its client may have gone meanwhile
                if run.cancelled():
                    task.result.cancel()
                elif error is not None:
                    _fail(task, error)
                else:
                    task.result.set_result([output[start:stop] for output in run.result()])
            start = stop
        # Tasks, batch and a run's error hold each other, and the arrays: they would wait for the
        # collector.
        batch = tasks[0].batch
        batch.tasks.clear()
        batch.run = None

    async def _outputs(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """Runs a batch, and again one request at a time where the graph refuses some value in it.

        Returns:
          One array per output; none where every request has got its own rows or error already.
        """
        self._count_waits(tasks)
        try:
            return await self._run_together(tasks)
        except RequestError as error:
            if len(tasks) == 1 or error.code not in _VALUES_REFUSED:
                raise
        for task in tasks:
            await self._run_alone(task)
        return []

    async def _run_together(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        rows = sum(task.rows for task in tasks)
        size = self._options.padded(rows)
        num_bytes = batch_arrays.batch_bytes(tasks[0].batch.extents, size)
        requests = [task.arrays for task in tasks]
        lengths_differ = self._options.pad_variable_length_inputs
        batch = await beside.run(num_bytes, batch_arrays.merged, requests, size, lengths_differ)
        seconds = _seconds_left(tasks)
        self._count_run(rows, size)
        outputs = await self._run(batch, seconds)
        batch_arrays.check_outputs(outputs, size)
        return outputs

    async def _run_alone(self, task: Task) -> None:
        """Runs a batch's request as if it had come alone, unless its client has gone."""
        if task.result.done():
            return
        try:
            outputs = await self._run_together([task])
        except RequestError as error:
            if not task.result.done():
                _fail(task, error)
        else:
            if not task.result.done():
                task.result.set_result([output[: task.rows] for output in outputs])

    def _count_waits(self, tasks: Sequence[Task]) -> None:
        now = time.monotonic()
        for task in tasks:
            waited = (now - task.submitted) * 1e6
            self._metrics.queuing_latency.observe((self._options.thread_pool_name,), waited)

    def _count_run(self, rows: int, size: int) -> None:
        self._metrics.wrapped_run_count.add()
        self._metrics.processed_batch_size.observe((), size)
        self._metrics.padding_size.observe((str(size),), size - rows)


def _fail(task: Task, error: Exception) -> None:
    # Without its traceback, whose frames hold the tasks and so the error itself.
    task.result.set_exception(error.with_traceback(None))


def _is_given_up(batch: Batch) -> bool:
    """Whether nobody waits for a batch that has been taken to run."""
    if batch.run is None or batch.run.done():
        return False
    return all(task.result.done() for task in batch.tasks)


def _seconds_left(tasks: Sequence[Task]) -> float | None:
    """A batch may take as long as the most patient of its requests.

    Raises:
      RequestError: If none has any time left.
    """
    deadlines = [task.deadline for task in tasks]
    if None in deadlines:
        return None
    seconds = max(deadlines) - time.monotonic()
    if seconds <= 0:
        raise statuses.expired_in_queue()
    return seconds
