"""Rows of concurrent requests in one run: a queue per (model version, signature, outputs).

While one batch of a queue is running, arriving requests fill the next ones; with the default
timeout of 0 nothing waits for anything but a run in progress. A batch is padded up to an allowed
size by repeating a row, so a model runs at few sizes: output bits are equal within one size only,
and a single row, for which the matrix kernels differ, is padded to two.

Texts and rules are those of TensorFlow Serving's BatchingSession, with two differences, both in
the client's favour: requests whose inner shapes or dtypes differ never share a batch (there, one of
them fails the others), and a request whose client has gone is dropped before the run.
"""

import asyncio
import collections
import dataclasses
import time
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.server import statuses
from tfmusicgan.serving.server.metrics import Metrics

THREAD_POOL_NAME = "batch_threads"  # the stock parameters' default

# Inputs of a batch and the seconds it may take (None: for ever) -> its outputs.
RunBatch = Callable[[Sequence[np.ndarray], float | None], Awaitable[list[np.ndarray]]]


@dataclasses.dataclass(frozen=True)
class BatchOptions:
    """TensorFlow Serving's batching parameters.

    Attributes:
      max_batch_size: Most rows of a request and of a batch.
      batch_timeout_micros: How long a batch that is not full waits for more.
      max_enqueued_batches: Batches that may wait in one queue before requests are refused.
      allowed_batch_sizes: Sizes that run, ascending, the last equal to `max_batch_size`; empty:
        powers of two from 2 on.
    """

    max_batch_size: int = 64
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    allowed_batch_sizes: tuple[int, ...] = ()

    def __post_init__(self):
        sizes = self.allowed_batch_sizes
        if sizes and sizes[-1] != self.max_batch_size:
            raise ConfigError(
                "Last entry in allowed_batch_sizes must match max_batch_size; last entry was "
                f"{sizes[-1]}; expected {self.max_batch_size}"
            )
        if list(sizes) != sorted(set(sizes)) or (sizes and sizes[0] < 1):
            raise ConfigError(
                f"Expected allowed_batch_sizes above 0 in ascending order. Received: {list(sizes)}."
            )

    def padded(self, rows: int) -> int:
        """The size that a batch of `rows` rows runs at."""
        for size in self.allowed_batch_sizes:
            if size >= rows:
                return size
        # Powers of two; a maximum that is none is the last size.
        return min(max(2, 1 << (rows - 1).bit_length()), max(2, self.max_batch_size))


@dataclasses.dataclass(eq=False)
class _Task:
    arrays: Sequence[np.ndarray]
    rows: int
    deadline: float | None  # of time.monotonic()
    result: asyncio.Future
    submitted: float = dataclasses.field(default_factory=time.monotonic)


@dataclasses.dataclass(eq=False)
class _Batch:
    kind: tuple  # dtypes and inner shapes
    opened: float
    tasks: list[_Task] = dataclasses.field(default_factory=list)
    rows: int = 0
    full: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)


class BatchQueue:
    """Merges requests, runs them one batch at a time, and deals the rows back.

    Args:
      run: Runs one batch.
      options: Sizes and limits.
      metrics: Where rows and waits are counted.
    """

    def __init__(self, run: RunBatch, options: BatchOptions, metrics: Metrics | None = None):
        self._run = run
        self._options = options
        self._metrics = metrics or Metrics()
        self._waiting: collections.deque[_Batch] = collections.deque()
        self._worker: asyncio.Task | None = None

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
        task = _Task(arrays, rows, deadline, asyncio.get_running_loop().create_future())
        self._place(task)
        self._metrics.input_batch_size.observe((), rows)
        if self._worker is None:
            self._worker = asyncio.create_task(self._drain())
        return await task.result

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

    def _place(self, task: _Task) -> None:
        """Puts a task into the newest waiting batch it fits in, or into a new one."""
        options = self._options
        kind = tuple((array.dtype, array.shape[1:]) for array in task.arrays)
        batch = next((b for b in reversed(self._waiting) if b.kind == kind), None)
        if batch is None or batch.rows + task.rows > options.max_batch_size:
            if batch is not None:
                batch.full.set()
            if len(self._waiting) >= options.max_enqueued_batches:
                raise statuses.queue_full(len(self._waiting), options.max_enqueued_batches)
            batch = _Batch(kind, time.monotonic())
            self._waiting.append(batch)
        batch.tasks.append(task)
        batch.rows += task.rows
        if batch.rows == options.max_batch_size:
            batch.full.set()

    async def _drain(self) -> None:
        while self._waiting:
            batch = self._waiting[0]
            await self._linger(batch)
            self._waiting.popleft()
            tasks = [task for task in batch.tasks if not task.result.done()]
            if tasks:
                running = asyncio.create_task(self._outputs(tasks))
                await asyncio.wait([running])
                _settle(tasks, running)
        self._worker = None

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
            self._metrics.queuing_latency.observe((THREAD_POOL_NAME,), waited)
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
            if missing:
                parts.append(np.repeat(parts[-1][:1], missing, axis=0))
            merged.append(parts[0] if len(parts) == 1 else np.concatenate(parts))
        return merged


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
