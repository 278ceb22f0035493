"""The batches of a queue that wait for their turn: who shares one, how many there may be.

Requests whose inner shapes or dtypes differ never share a batch unless shapes are padded; what one
adds to another's padding is bounded, and so is the padding that a request alone brings about.
"""

import asyncio
import collections
import dataclasses
import time
from collections.abc import Sequence

import numpy as np

from tfmusicgan.serving.server import batch_arrays, statuses
from tfmusicgan.serving.server.batch_arrays import Extent
from tfmusicgan.serving.server.batching_config import BatchOptions

MAX_BATCH_BYTES = 128 << 20  # padded; a single request may be larger
MAX_PADDING_BYTES = 1 << 30  # of a single request: as much as its largest tensor may have


@dataclasses.dataclass(eq=False, slots=True)
class Task:
    """Rows of one request in one batch.

    Attributes:
      batch: The batch.
      arrays: One array [rows, ...] per input.
      rows: How many.
      deadline: When they have to be done, of `time.monotonic()`; None: any time.
      result: Gets these rows of every output.
      submitted: When they came, of `time.monotonic()`.
    """

    batch: "Batch"
    arrays: Sequence[np.ndarray]
    rows: int
    deadline: float | None
    result: asyncio.Future
    submitted: float


@dataclasses.dataclass(eq=False, slots=True)
class Batch:
    """Tasks that share a run.

    Attributes:
      kind: What the arrays of requests that share a batch have in common.
      opened: When the first task came, of `time.monotonic()`.
      extents: One per input, of the largest of its tasks.
      tasks: In the order of their arrival.
      rows: Of all tasks.
      full: Whether it takes no more.
      run: Its run, once it no longer waits.
    """

    kind: tuple
    opened: float
    extents: Sequence[Extent]
    tasks: list[Task] = dataclasses.field(default_factory=list)
    rows: int = 0
    full: bool = False
    run: asyncio.Task | None = None


class WaitingBatches:
    """The waiting batches of one queue, the oldest first.

    Args:
      options: Sizes and limits.
    """

    def __init__(self, options: BatchOptions):
        self._options = options
        self._batches: collections.deque[Batch] = collections.deque()

    def __len__(self) -> int:
        return len(self._batches)

    def __contains__(self, batch: Batch) -> bool:
        return batch in self._batches

    def add(self, arrays: Sequence[np.ndarray], deadline: float | None) -> list[Task]:
        """Puts a request into the newest batch it fits in, or into a new one.

        A request that may be split fills that batch first, then as many new ones as it takes.

        Args:
          arrays: One array [rows, ...] per input, with rows.
          deadline: Of `time.monotonic()`.

        Returns:
          Its rows; several where it was split.

        Raises:
          RequestError: If there is no room, or it would be padded too much.
        """
        options, now = self._options, time.monotonic()
        new_future = asyncio.get_running_loop().create_future
        extents = [Extent.of(array) for array in arrays]
        kind = self._kind(arrays)
        batch = self._open(kind)
        tasks, start, rows = [], 0, len(arrays[0])
        room = self._room(batch, extents, rows)
        self._check(batch, extents, rows, room)
        while start < rows:
            if room < rows - start and not (room and options.enable_large_batch_splitting):
                if batch is not None:
                    batch.full = True
                batch = Batch(kind, now, extents)
                self._batches.append(batch)
                room = options.batch_rows
            count = min(room, rows - start)
            part = arrays if count == rows else [a[start : start + count] for a in arrays]
            task = Task(batch, part, count, deadline, new_future(), now)
            batch.tasks.append(task)
            batch.rows += count
            batch.extents = _joined(batch.extents, extents)
            batch.full = batch.rows == options.batch_rows
            tasks.append(task)
            start += count
            room = 0  # it is full, or all rows are placed
        return tasks

    def _kind(self, arrays: Sequence[np.ndarray]) -> tuple:
        if self._options.pad_variable_length_inputs:
            return tuple([(array.dtype, array.ndim) for array in arrays])
        return tuple([(array.dtype, array.shape[1:]) for array in arrays])

    def _open(self, kind: tuple) -> Batch | None:
        """The newest batch of a kind, which has room unless it is full."""
        for batch in reversed(self._batches):
            if batch.kind == kind:
                return batch
        return None

    def _room(self, batch: Batch | None, extents: Sequence[Extent], rows: int) -> int:
        """Rows that a batch still takes of a request's."""
        if batch is None:
            return 0
        room = self._options.batch_rows - batch.rows
        size = self._options.padded(batch.rows + min(room, rows))
        num_bytes = batch_arrays.batch_bytes(_joined(batch.extents, extents), size)
        return room if num_bytes <= MAX_BATCH_BYTES else 0

    def _check(self, batch: Batch | None, extents: Sequence[Extent], rows: int, room: int) -> None:
        """Refuses a request that would be padded too much, or that there is no room for."""
        options = self._options
        count = min(rows, options.batch_rows)
        padding = batch_arrays.batch_bytes(extents, options.padded(count) - count)
        if padding > MAX_PADDING_BYTES:
            raise statuses.too_much_padding(
                count, options.padded(count), padding, MAX_PADDING_BYTES
            )
        waiting, most = len(self._batches), options.max_enqueued_batches
        if options.enable_large_batch_splitting:
            begun = 0 if batch is None else batch.rows
            room += (most - waiting) * options.batch_rows
            if rows > room:
                raise statuses.no_room_to_split(
                    rows, room, waiting, most, begun, options.batch_rows
                )
        elif waiting >= most and rows > room:
            raise statuses.queue_full(waiting, most)

    def ready(self, now: float) -> Batch | None:
        """The oldest batch that is full or has waited its time; it stays here."""
        opened = now - self._options.batch_timeout_micros * 1e-6
        for batch in self._batches:
            if batch.full or batch.opened <= opened:
                return batch
        return None

    def next_ready(self) -> float:
        """When the oldest batch will have waited its time, of `time.monotonic()`."""
        return self._batches[0].opened + self._options.batch_timeout_micros * 1e-6

    def take(self, batch: Batch) -> None:
        """Takes a batch out: it is to run."""
        self._batches.remove(batch)

    def withdraw(self, task: Task) -> None:
        """Takes a task out of a batch that is here; an empty one goes, too."""
        batch = task.batch
        batch.tasks.remove(task)
        batch.rows -= task.rows
        if not batch.tasks:
            self._batches.remove(batch)
        elif batch is self._open(batch.kind):
            batch.full = False


def _joined(left: Sequence[Extent], right: Sequence[Extent]) -> Sequence[Extent]:
    if left == right:
        return left
    return [a.joined(b) for a, b in zip(left, right, strict=True)]
