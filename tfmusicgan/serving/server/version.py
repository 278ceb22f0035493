"""One version of one model, from START to END."""

import asyncio
import contextlib
import enum
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor

import grpc
import numpy as np
from absl import logging

from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.server import predict, statuses
from tfmusicgan.serving.server.batching import ROWS_BESIDE, BatchQueue, RunBatch
from tfmusicgan.serving.server.batching_config import PER_MODEL_FILE, BatchOptions, read_batching
from tfmusicgan.serving.server.engine import EngineOptions
from tfmusicgan.serving.server.metrics import micros_since
from tfmusicgan.serving.server.servable import Servable, Signature
from tfmusicgan.serving.server.statuses import RequestError

MAX_WAITING_RUNS = 1000  # of a version; only single requests can be as many, batches have a limit


class State(enum.IntEnum):
    """ModelVersionStatus.State."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


class Version:
    """One version of one model; lives in one event loop.

    Args:
      name: The model's name.
      number: The version.
      path: Its folder.
      options: How it is run.
      pool: Where runs take place.

    Attributes:
      name: The model's name.
      number: The version.
      state: Where in its life it is.
      error: Why loading failed, when it did.
      servable: The loaded model while it is AVAILABLE.
    """

    def __init__(self, name: str, number: int, path: str, options: EngineOptions, pool: Executor):
        self.name = name
        self.number = number
        self.path = path
        self.state = State.START
        self.error: RequestError | None = None
        self.servable: Servable | None = None
        self._options = options
        self._pool = pool
        self._batching = options.batching
        self._slots = asyncio.Semaphore(options.model_concurrency or options.num_batch_threads)
        self._queues: dict[tuple[str, ...], BatchQueue] = {}  # by signature and outputs
        self._num_waiting = 0
        self._num_users = 0
        self._unused = asyncio.Event()
        self._unused.set()

    @contextlib.contextmanager
    def in_use(self) -> Iterator[Servable]:
        """Keeps the version loaded while a request uses it."""
        self._enter()
        try:
            yield self.servable
        finally:
            self._leave()

    def _enter(self) -> None:
        self._num_users += 1
        self._unused.clear()

    def _leave(self) -> None:
        self._num_users -= 1
        if not self._num_users:
            self._unused.set()

    async def run(
        self,
        signature: Signature,
        arrays: Sequence[np.ndarray],
        outputs: Sequence[str],
        seconds: float | None,
    ) -> list[np.ndarray]:
        """Runs a signature, in a batch with other requests for the same outputs.

        Args:
          signature: One of the servable's.
          arrays: One per input, in the signature's order.
          outputs: Aliases of the outputs wanted.
          seconds: What is left of the deadline, None for none.

        Returns:
          One array per output.

        Raises:
          RequestError: With the stock server's code and text.
        """
        key = (signature.name, *outputs)
        queue = self._queues.get(key)
        if queue is not None:
            return await queue.submit(arrays, seconds)
        run_batch = self._run_batch(signature, outputs)
        if self._batching is None:
            return await run_batch(arrays, seconds)
        concurrency = self._options.model_concurrency
        self._queues[key] = BatchQueue(
            run_batch,
            self._batching,
            self._options.metrics,
            concurrency or self._options.num_batch_threads,
            1 if concurrency else ROWS_BESIDE,
        )
        return await self._queues[key].submit(arrays, seconds)

    def _run_batch(self, signature: Signature, outputs: Sequence[str]) -> RunBatch:
        feeds = [entry.tensor for entry in signature.inputs.values()]
        fetches = [signature.outputs[alias] for alias in outputs]

        async def run_batch(merged, seconds):
            # Held here as well: a batch waits on when the requests that made it are cancelled.
            with self.in_use():
                return await self._run(dict(zip(feeds, merged, strict=True)), fetches, seconds)

        return run_batch

    async def _run(
        self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], seconds: float | None
    ) -> list[np.ndarray]:
        """Runs the graph once a slot is free.

        Who is cancelled before that has not taken one; a run that has begun goes on to its end, and
        holds its slot and the model so long.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        loop = asyncio.get_running_loop()

        def run():
            timeout_ms = 0 if deadline is None else int((deadline - time.monotonic()) * 1000)
            if deadline is not None and timeout_ms < 1:
                raise statuses.timed_out()
            return self.servable.run(feeds, fetches, timeout_ms)

        def ended(_):
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
                loop.call_soon_threadsafe(self._end_run)

        await self._take_slot(seconds)
        self._enter()
        try:
            running = self._pool.submit(run)
        except RuntimeError:
            self._end_run()
            raise
        running.add_done_callback(ended)
        try:
            return await asyncio.wrap_future(running)
        finally:
            del running  # it holds an error, whose traceback holds it, and the arrays

    async def _take_slot(self, seconds: float | None) -> None:
        if self._num_waiting >= MAX_WAITING_RUNS:
            raise statuses.too_many_waiting(self._num_waiting, MAX_WAITING_RUNS)
        self._num_waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise statuses.timed_out() from None
        finally:
            self._num_waiting -= 1

    def _end_run(self) -> None:
        self._slots.release()
        self._leave()

    async def load(self, pool: Executor) -> None:
        """Loads and warms up; ends AVAILABLE, or END with `error`."""
        self.state = State.LOADING
        loop = asyncio.get_running_loop()
        metrics = self._options.metrics
        start = time.perf_counter()
        try:
            self.servable = await loop.run_in_executor(
                pool, Servable, self.path, self._options.session_options()
            )
            metrics.load_attempt_count.add((self.path, "success"))
            metrics.load_latency.add((self.path,), micros_since(start))
            if self._options.per_model_batching:
                self._batching = await loop.run_in_executor(pool, self._own_batching)
            await self._warm_up(await loop.run_in_executor(pool, self.servable.warmup_records))
        except RequestError as error:
            if self.servable is None:
                metrics.load_attempt_count.add((self.path, "fail"))
            # The code and the text alone: the frames of its traceback hold the model.
            self.error = RequestError(error.code, str(error))
            logging.error("Model %s version %d: %s", self.name, self.number, self.error)
        else:
            self.state = State.AVAILABLE
            logging.info("Model %s version %d is available", self.name, self.number)
        finally:
            if self.state != State.AVAILABLE:  # given up, or out of memory, as well
                self._free()

    def _own_batching(self) -> BatchOptions | None:
        path = os.path.join(self.path, PER_MODEL_FILE)
        try:
            return read_batching(path)[0] if os.path.exists(path) else None
        except ConfigError as error:
            raise statuses.invalid_argument(str(error)) from error

    async def _warm_up(self, records: Sequence[object]) -> None:
        metrics, start = self._options.metrics, time.perf_counter()
        for record in records:
            metrics.warmup_records_read.add((self.path,))
            if record.WhichOneof("log_type") != "predict_log":
                raise RequestError(
                    grpc.StatusCode.UNIMPLEMENTED,
                    f"Unsupported log_type for warmup: {record.WhichOneof('log_type')}",
                )
            request = record.predict_log.request
            run = await predict.prepare_beside(request, self.servable.signatures)
            await self.run(run.signature, self._of_a_batch(run.arrays), run.outputs, None)
        if records:
            metrics.warmup_latency.observe((self.path, "OK"), micros_since(start))

    def _of_a_batch(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """A warm-up record's arrays with no more rows than a batch may have.

        A record stands for a full batch; the stock server loads no model whose records are larger.
        """
        if self._batching is None:
            return list(arrays)
        most = self._batching.batch_rows
        return [array[:most] if array.ndim else array for array in arrays]

    async def unload(self) -> None:
        """Lets no request in any more, waits for those inside, frees the model."""
        self.state = State.UNLOADING
        await self._unused.wait()
        self._free()
        logging.info("Model %s version %d is unloaded", self.name, self.number)

    def cancel_runs(self) -> None:
        """Ends the runs inside, as soon as they notice, and refuses others."""
        if self.servable is not None:
            self.servable.cancel()

    def _free(self) -> None:
        if self.servable is not None:
            # A load that is given up may leave a warm-up's run behind.
            (self.servable.cancel if self._num_users else self.servable.close)()
            self.servable = None
        self._queues.clear()
        self.state = State.END
