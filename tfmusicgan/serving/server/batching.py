"""Rows of concurrent requests in one run: a queue per (model version, signature, outputs).

While as many batches of a queue are running as may, arriving requests fill the next ones; with the
default timeout of 0 nothing waits for anything but a run in progress. A batch is padded up to an
allowed size by repeating a row, so a model runs at few sizes: output bits are equal within one size
only, and a single row, for which the matrix kernels differ, is padded to two.

Texts and rules are those of TensorFlow Serving's BatchingSession, with two differences, both in
the client's favour: requests whose inner shapes or dtypes differ never share a batch unless shapes
are padded (there, one of them fails the others), and a request whose client has gone is dropped
before the run.
"""

import asyncio
import collections
import dataclasses
import time
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from tfmusicgan.serving.server import statuses
from tfmusicgan.serving.server.batching_config import BatchOptions
from tfmusicgan.serving.server.metrics import Metrics

# Inputs of a batch and the seconds it may take (None: for ever) -> its outputs.
RunBatch = Callable[[Sequence[np.ndarray], float | None], Awaitable[list[np.ndarray]]]


@dataclasses.dataclass(eq=False)
class _Task:
    arrays: Sequence[np.ndarray]
    rows: int
    deadline: float | None  # of time.monotonic()
    result: asyncio.Future
    submitted: float = dataclasses.field(default_factory=time.monotonic)


@dataclasses.dataclass(eq=False)
class _Batch:
    kind: tuple  # what the arrays of requests that share a batch have in common
    opened: float
    tasks: list[_Task] = dataclasses.field(default_factory=list)
    rows: int = 0
    full: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)


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
        rows = self._checked_rows(arrays)
        if rows == 0:
            return await asyncio.shield(asyncio.ensure_future(self._run(arrays, seconds)))
        deadline = None if seconds is None else time.monotonic() + seconds
        kind = self._kind(arrays)
        self._require_room(kind, rows)
        tasks = self._place(arrays, rows, kind, deadline)
        self._metrics.input_batch_size.observe((), rows)
        if len(self._workers) < self._concurrency:
            self._workers.add(asyncio.create_task(self._drain()))
        if len(tasks) == 1:
            return await tasks[0].result
        parts = await asyncio.gather(*(task.result for task in tasks))
        return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]

    def _checked_rows(self, arrays: Sequence[np.ndarray]) -> int:
        if not arrays:
            raise statuses.invalid_argument("Batching Run() must have at least one input tensor")
        if any(array.ndim == 0 for array in arrays):
            raise statuses.invalid_argument(
                "Batching Run() input tensors must have at least one dimension"
            )
        rows = len(arrays[0])
        if any(len(array) != rows for array in arrays):
            raise statuses.invalid_argument(
                "Batching Run() input tensors must have equal 0th-dimension size"
            )
        if rows > self._options.max_batch_size:
            raise statuses.invalid_argument(
                f"Task size {rows} is larger than maximum input batch size "
                f"{self._options.max_batch_size}"
            )
        return rows

    def _kind(self, arrays: Sequence[np.ndarray]) -> tuple:
        if self._options.pad_variable_length_inputs:
            return tuple((array.dtype, array.ndim) for array in arrays)
        return tuple((array.dtype, array.shape[1:]) for array in arrays)

    def _open_batch(self, kind: tuple) -> _Batch | None:
        """The newest waiting batch of a kind, which has room unless it is full."""
        return next((batch for batch in reversed(self._waiting) if batch.kind == kind), None)

    def _require_room(self, kind: tuple, rows: int) -> None:
        options = self._options
        batch = self._open_batch(kind)
        waiting, most = len(self._waiting), options.max_enqueued_batches
        if options.enable_large_batch_splitting:
            begun = 0 if batch is None else batch.rows
            room = (most - waiting) * options.batch_rows
            room += 0 if batch is None else options.batch_rows - begun
            if rows > room:
                raise statuses.no_room_to_split(
                    rows, room, waiting, most, begun, options.batch_rows
                )
        elif waiting >= most and (batch is None or batch.rows + rows > options.batch_rows):
            raise statuses.queue_full(waiting, most)

    def _place(
        self, arrays: Sequence[np.ndarray], rows: int, kind: tuple, deadline: float | None
    ) -> list[_Task]:
        """Puts a request into the newest waiting batch it fits in, or into a new one.

        A request that may be split fills that batch first, then as many new ones as it takes.
        """
        new_future = asyncio.get_running_loop().create_future
        tasks, start = [], 0
        while start < rows:
            batch = self._open_batch(kind)
            room = 0 if batch is None else self._options.batch_rows - batch.rows
            if room < rows - start and not (room and self._options.enable_large_batch_splitting):
                if batch is not None:
                    batch.full.set()
                batch = _Batch(kind, time.monotonic())
                self._waiting.append(batch)
                room = self._options.batch_rows
            count = min(room, rows - start)
            part = arrays if count == rows else [a[start : start + count] for a in arrays]
            task = _Task(part, count, deadline, new_future())
            batch.tasks.append(task)
            batch.rows += count
            if batch.rows == self._options.batch_rows:
                batch.full.set()
            tasks.append(task)
            start += count
        return tasks

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
        async with self._choosing:
            if not self._waiting:
                return None
            await self._linger(self._waiting[0])
            return self._waiting.popleft()

    async def _linger(self, batch: _Batch) -> None:
        seconds = self._options.batch_timeout_micros * 1e-6 - (time.monotonic() - batch.opened)
        if seconds > 0 and not batch.full.is_set():
            try:
                await asyncio.wait_for(batch.full.wait(), seconds)
            except TimeoutError:
                return

    async def _outputs(self, tasks: Sequence[_Task]) -> list[np.ndarray]:
        self._count(tasks)
        outputs = await self._run(self._merged(tasks), _seconds_left(tasks))
        _check_outputs(outputs, self._options.padded(sum(task.rows for task in tasks)))
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

    def _merged(self, tasks: Sequence[_Task]) -> list[np.ndarray]:
        rows = sum(task.rows for task in tasks)
        missing = self._options.padded(rows) - rows
        merged = []
        for position in range(len(tasks[0].arrays)):
            parts = [task.arrays[position] for task in tasks]
            if self._options.pad_variable_length_inputs:
                parts = _equally_long(parts)
            if missing:
                parts.append(np.repeat(parts[-1][:1], missing, axis=0))
            merged.append(parts[0] if len(parts) == 1 else np.concatenate(parts))
        return merged


def _equally_long(parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Pads arrays [rows, ...] to their largest inner shape, each with its own first element."""
    inner = tuple(np.max([part.shape[1:] for part in parts], axis=0, initial=0))
    padded = []
    for part in parts:
        if part.shape[1:] != inner:
            filled = np.zeros((len(part), *inner), part.dtype)
            if part.size:
                filled[...] = part.flat[0]
            filled[tuple(map(slice, part.shape))] = part
            part = filled
        padded.append(part)
    return padded


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


def _check_outputs(outputs: Sequence[np.ndarray], rows: int) -> None:
    if any(np.ndim(output) == 0 for output in outputs):
        raise statuses.failed_precondition("Batched output tensor has 0 dimensions")
    if any(len(output) != rows for output in outputs):
        raise statuses.failed_precondition(
            "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension "
            "sizes of the input tensors"
        )
