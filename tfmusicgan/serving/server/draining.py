"""The end of the server's models: within a time, whatever is running."""

import asyncio
import contextlib
import threading
from collections.abc import Collection, Sequence
from concurrent.futures import Executor

from absl import logging

from tfmusicgan.serving.server.model import Model

# How long a run may take to notice that it is cancelled. TensorFlow looks between the steps of a
# loop; a single long operation and the loading of a model it does not interrupt.
_NOTICE_SECONDS = 1.0


async def close_models(
    models: Collection[Model], pools: Sequence[Executor], seconds: float
) -> bool:
    """Unloads models and ends the threads that load and run them.

    Args:
      models: All models of a server; they get no requests any more.
      pools: Where they are loaded and run.
      seconds: How long the runs inside may take. What goes on after that is cancelled.

    Returns:
      Whether all threads have ended; if not, one is in something that cannot be interrupted.
    """
    closing = [asyncio.ensure_future(model.close()) for model in models]
    if closing:
        _, late = await asyncio.wait(closing, timeout=seconds)
        if late:
            for model in models:
                model.cancel_runs()
            await asyncio.wait(late, timeout=_NOTICE_SECONDS)
        for task in closing:
            task.cancel()
    ended = await _end_threads(pools)
    if not ended:
        logging.warning("A run or a load that cannot be interrupted is left behind.")
    return ended


async def _end_threads(pools: Sequence[Executor]) -> bool:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def wait() -> None:
        for pool in pools:
            pool.shutdown()
        with contextlib.suppress(RuntimeError):  # the loop has ended before
            loop.call_soon_threadsafe(ended.set)

    for pool in pools:
        pool.shutdown(wait=False, cancel_futures=True)
    threading.Thread(target=wait, name="end_threads", daemon=True).start()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_NOTICE_SECONDS):
            await ended.wait()
    return ended.is_set()
