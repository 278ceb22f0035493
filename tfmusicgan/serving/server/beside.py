"""Work on large tensors beside the event loop, which would answer nobody meanwhile."""

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import TypeVar

LARGE_BYTES = 1 << 20  # copied within a millisecond or so, as long as a change of threads may take
_THREADS = 2  # as few, so that the arrays of many requests are not made all at once

_Result = TypeVar("_Result")
_pool = concurrent.futures.ThreadPoolExecutor(_THREADS, "large_tensors")


async def run(num_bytes: int, function: Callable[..., _Result], *args: object) -> _Result:
    """Calls a function: at once where it handles little, else in another thread.

    Args:
      num_bytes: What it handles.
      function: What is called; it may run on when the caller is cancelled.
      *args: What it is called with.

    Returns:
      What it returns.
    """
    if num_bytes <= LARGE_BYTES:
        return function(*args)
    return await asyncio.get_running_loop().run_in_executor(_pool, function, *args)
