"""The threads that load versions: many while the server starts, few while it serves."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor

from tfmusicgan.serving.server.batching_config import num_cores

_PER_CORE_AT_START = 4  # as with the stock server: loading waits for the disk, too


class LoadThreads(Executor):
    """Loads several versions at a time.

    Args:
      number: How many once the server has started; 0 is one, as with the stock server.
      initializer: Called in each thread before anything else.
    """

    def __init__(self, number: int, initializer: Callable[[], None]):
        self._starting = ThreadPoolExecutor(
            _PER_CORE_AT_START * num_cores(), "load_threads", initializer
        )
        self._serving = ThreadPoolExecutor(max(1, number), "load_threads", initializer)
        self._pool = self._starting

    def submit(self, function: Callable, /, *args: object, **kwargs: object) -> Future:
        """Calls a function in one of the threads."""
        return self._pool.submit(function, *args, **kwargs)

    def start_serving(self) -> None:
        """Loads no more at a time than asked for from now on, and lets the other threads end."""
        self._pool = self._serving
        self._starting.shutdown(wait=False)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes nothing any more."""
        for pool in (self._starting, self._serving):
            pool.shutdown(wait, cancel_futures=cancel_futures)
