"""Rows of concurrent requests in one run: a queue per (model version, signature, outputs).

While as many batches of a queue are running as may, arriving requests fill the next ones; with the
default timeout of 0 nothing waits for anything but a run in progress. A batch is padded up to an
allowed size by repeating a row, so a model runs at few sizes: output bits are equal within one size
only, and a single row, for which the matrix kernels differ, is padded to two.

Texts and rules are those of TensorFlow Serving's BatchingSession, with differences in the clients'
favour: requests whose inner shapes or dtypes differ never share a batch unless shapes are padded
(there, one of them fails the others); a request whose client has gone leaves its batch before the
run; no batch grows beyond `MAX_BATCH_BYTES` by what others add, so that none exhausts the others.
"""

import asyncio
import collections
import contextlib
import dataclasses
import time
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from tfmusicgan.serving.server import batch_arrays, beside, statuses
from tfmusicgan.serving.server.batching_config import BatchOptions
from tfmusicgan.serving.server.metrics import Metrics

# Inputs of a batch and the seconds it may take (None: for ever) -> its outputs.
RunBatch = Callable[[Sequence[np.ndarray], float | None], Awaitable[list[np.ndarray]]]


MAX_BATCH_BYTES = 128 << 20  # padded; a single request may be larger


@dataclasses.dataclass(eq=False)
class _Task:
    batch: "_Batch"
    arrays: Sequence[np.ndarray]
    rows: int
    deadline: float | None  # of time.monotonic()
    result: asyncio.Future
    submitted: float = dataclasses.field(default_factory=time.monotonic)


@dataclasses.dataclass(eq=False)
class _Batch:
    kind: tuple  # what the arrays of requests that share a batch have in common
    opened: float
    extents: Sequence[batch_arrays.Extent]  # one per input, of the largest of its tasks
    tasks: list[_Task] = dataclasses.field(default_factory=list)
    rows: int = 0
    full: bool = False


class BatchQueue:
    """Merges requests, runs them in batches, and deals the rows back.

    Args:
      run: Runs one batch.
      options: Sizes and limits.
      metrics: Where rows and waits are counted.
      concurrency: Batches that may run at a time.
    """

    def __init__(
        self,
        run: RunBatch,
        options: BatchOptions,
        metrics: Metrics | None = None,
        concurrency: int = 1,
    ):
        self._run = run
        self._options = options
        self._metrics = metrics or Metrics()
        self._waiting: collections.deque[_Batch] = collections.deque()
        self._concurrency = concurrency
        self._workers: set[asyncio.Task] = set()  # held, else they might be collected
        self._choosing = asyncio.Lock()  # one worker at a time waits for a batch to be full
        self._changed = asyncio.Event()  # a batch is full, or gone

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
        kind = self._kind(arrays)
        extents = [batch_arrays.Extent.of(array) for array in arrays]
        self._require_room(kind, extents, rows)
        tasks = self._place(arrays, extents, kind, deadline)
        self._metrics.input_batch_size.observe((), rows)
        if len(self._workers) < self._concurrency:
            self._workers.add(asyncio.create_task(self._drain()))
        try:
            if len(tasks) == 1:
                return await tasks[0].result
            parts = await asyncio.gather(*(task.result for task in tasks))
        finally:
            self._withdraw(tasks)
        return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]

    def _kind(self, arrays: Sequence[np.ndarray]) -> tuple:
        if self._options.pad_variable_length_inputs:
            return tuple((array.dtype, array.ndim) for array in arrays)
        return tuple((array.dtype, array.shape[1:]) for array in arrays)

    def _open_batch(self, kind: tuple) -> _Batch | None:
        """The newest waiting batch of a kind, which has room unless it is full."""
        return next((batch for batch in reversed(self._waiting) if batch.kind == kind), None)

    def _room(self, batch: _Batch | None, extents: Sequence[batch_arrays.Extent], rows: int) -> int:
        """Rows that a waiting batch still takes of a request's."""
        if batch is None:
            return 0
        room = self._options.batch_rows - batch.rows
        joined = [left.joined(right) for left, right in zip(batch.extents, extents, strict=True)]
        size = self._options.padded(batch.rows + min(room, rows))
        return room if batch_arrays.batch_bytes(joined, size) <= MAX_BATCH_BYTES else 0

    def _require_room(self, kind: tuple, extents: Sequence[batch_arrays.Extent], rows: int) -> None:
        options = self._options
        batch = self._open_batch(kind)
        waiting, most = len(self._waiting), options.max_enqueued_batches
        room = self._room(batch, extents, rows)
        if options.enable_large_batch_splitting:
            begun = 0 if batch is None else batch.rows
            room += (most - waiting) * options.batch_rows
            if rows > room:
                raise statuses.no_room_to_split(
                    rows, room, waiting, most, begun, options.batch_rows
                )
        elif waiting >= most and rows > room:
            raise statuses.queue_full(waiting, most)

    def _place(
        self,
        arrays: Sequence[np.ndarray],
        extents: Sequence[batch_arrays.Extent],
        kind: tuple,
        deadline: float | None,
    ) -> list[_Task]:
        """Puts a request into the newest waiting batch it fits in, or into a new one.

        A request that may be split fills that batch first, then as many new ones as it takes.
        """
        new_future = asyncio.get_running_loop().create_future
        tasks, start, rows = [], 0, len(arrays[0])
        while start < rows:
            batch = self._open_batch(kind)
            room = self._room(batch, extents, rows - start)
            if room < rows - start and not (room and self._options.enable_large_batch_splitting):
                if batch is not None:
                    self._close(batch)
                batch = _Batch(kind, time.monotonic(), extents)
                self._waiting.append(batch)
                room = self._options.batch_rows
            count = min(room, rows - start)
            part = arrays if count == rows else [a[start : start + count] for a in arrays]
            task = _Task(batch, part, count, deadline, new_future())
            batch.tasks.append(task)
            batch.rows += count
            batch.extents = [a.joined(b) for a, b in zip(batch.extents, extents, strict=True)]
            if batch.rows == self._options.batch_rows:
                self._close(batch)
            tasks.append(task)
            start += count
        return tasks

    def _close(self, batch: _Batch) -> None:
        batch.full = True
        self._changed.set()

    def _withdraw(self, tasks: Sequence[_Task]) -> None:
        """Takes what nobody waits for any more out of the batches that wait."""
        for batch, task in ((task.batch, task) for task in tasks):
            task.result.cancel()  # those beside a part that failed
            if batch not in self._waiting:
                continue
            batch.tasks.remove(task)
            batch.rows -= task.rows
            if not batch.tasks:
                self._waiting.remove(batch)
                self._changed.set()
            elif batch is self._open_batch(batch.kind):
                batch.full = False

    async def _drain(self) -> None:
        while batch := await self._next_batch():
            tasks = [task for task in batch.tasks if not task.result.done()]
            if tasks:
                running = asyncio.create_task(self._outputs(tasks))
                await asyncio.wait([running])
                _settle(tasks, running)
        # Now rather than in a callback: the next request must not take it for a busy one.
        self._workers.discard(asyncio.current_task())

    async def _next_batch(self) -> _Batch | None:
        """The oldest batch that is full or has waited its time."""
        async with self._choosing:
            while self._waiting:
                oldest = self._waiting[0].opened + self._options.batch_timeout_micros * 1e-6
                seconds = oldest - time.monotonic()
                ready = (batch for batch in self._waiting if batch.full)
                batch = self._waiting[0] if seconds <= 0 else next(ready, None)
                if batch is not None:
                    self._waiting.remove(batch)
                    return batch
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), seconds)
            return None

    async def _outputs(self, tasks: Sequence[_Task]) -> list[np.ndarray]:
        self._count(tasks)
        size = self._options.padded(sum(task.rows for task in tasks))
        num_bytes = batch_arrays.batch_bytes(tasks[0].batch.extents, size)
        requests = [task.arrays for task in tasks]
        lengths_differ = self._options.pad_variable_length_inputs
        batch = await beside.run(num_bytes, batch_arrays.merged, requests, size, lengths_differ)
        outputs = await self._run(batch, _seconds_left(tasks))
        batch_arrays.check_outputs(outputs, size)
        return outputs

    def _count(self, tasks: Sequence[_Task]) -> None:
        now = time.monotonic()
        for task in tasks:
            waited = (now - task.submitted) * 1e6
            self._metrics.queuing_latency.observe((self._options.thread_pool_name,), waited)
        rows = sum(task.rows for task in tasks)
        size = self._options.padded(rows)
        self._metrics.wrapped_run_count.add()
        self._metrics.processed_batch_size.observe((), size)
        self._metrics.padding_size.observe((str(size),), size - rows)


def _settle(tasks: Sequence[_Task], running: asyncio.Task) -> None:
    """Gives every request of a batch its rows, or all of them the batch's error."""
    error = running.exception()
    start = 0
    for task in tasks:
        stop = start + task.rows
        if not task.result.done():  # its client may have gone meanwhile
            if error is not None:
                task.result.set_exception(error)
            else:
                task.result.set_result([output[start:stop] for output in running.result()])
        start = stop


def _seconds_left(tasks: Sequence[_Task]) -> float | None:
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
