"""Requests one after the other, or at a fixed rate, and what came of them."""

import asyncio
import collections
import dataclasses
import itertools
import time
from collections.abc import Sequence

import numpy as np

from load.targets import RefusedError, Target

_PERCENTILES = {"p50": 50, "p95": 95, "p99": 99, "max": 100}


@dataclasses.dataclass(frozen=True)
class Load:
    """What is asked of a server.

    Attributes:
      rows: Seeds in a request; no two requests share one.
      seconds: How long requests are sent.
      clients: Requests under way at a time, each client's next one after its answer (closed loop).
      rate: Requests a second, whatever becomes of them (open loop), in place of `clients`; 0 is a
        closed loop.
    """

    rows: int = 1
    seconds: float = 10.0
    clients: int = 32
    rate: float = 0.0


class Tally:
    """What came of the requests, in seconds.

    Latencies count from the moment a request was due: at a fixed rate that is the schedule, so that
    a server that stands still pays for all the requests that it kept from being sent.
    """

    def __init__(self):
        self.latencies: list[float] = []
        self.refused_latencies: list[float] = []
        self.lags: list[float] = []  # of sending behind the schedule
        self.refusals: collections.Counter[str] = collections.Counter()
        self.texts: dict[str, str] = {}  # of the first refusal with a code

    async def ask(self, target: Target, seeds: Sequence[int], due: float) -> None:
        """Asks once; `due` is of `time.perf_counter()`."""
        self.lags.append(time.perf_counter() - due)
        try:
            await target.ask(seeds)
        except RefusedError as refusal:
            self.refusals[refusal.code] += 1
            self.texts.setdefault(refusal.code, refusal.text)
            self.refused_latencies.append(time.perf_counter() - due)
        else:
            self.latencies.append(time.perf_counter() - due)

    def summary(
        self, load: Load, elapsed: float
    ) -> dict[str, float | dict[str, int] | dict[str, str]]:
        """Requests and rows a second, percentiles in milliseconds, refusals by code."""
        answered = len(self.latencies)
        found = {
            "requests_per_second": round(answered / elapsed, 1),
            "rows_per_second": round(answered * load.rows / elapsed, 1),
            **_percentiles("", self.latencies),
            "refusals": dict(self.refusals),
        }
        if self.refused_latencies:
            found |= _percentiles("refused_", self.refused_latencies)
            found["refusal_texts"] = self.texts
        if load.rate:
            found["offered_per_second"] = round(len(self.lags) / load.seconds, 1)
            found["sent_late_p99_ms"] = round(1000 * float(np.percentile(self.lags, 99)), 2)
        return found


def _percentiles(prefix: str, seconds: Sequence[float]) -> dict[str, float]:
    found = np.percentile(np.array(seconds or [np.nan]) * 1000, list(_PERCENTILES.values()))
    return {
        f"{prefix}{name}_ms": round(float(value), 2)
        for name, value in zip(_PERCENTILES, found, strict=True)
    }


async def run(target: Target, load: Load) -> tuple[Tally, float]:
    """Sends the requests and waits for their answers.

    Args:
      target: An open connection.
      load: What to send.

    Returns:
      What came of them, and the seconds from the first request to the last answer.
    """
    tally, numbers = Tally(), itertools.count()
    start = time.perf_counter()
    if load.rate:
        await _open_loop(target, load, tally, start)
    else:
        clients = (_client(target, load, tally, numbers, start) for _ in range(load.clients))
        await asyncio.gather(*clients)
    return tally, time.perf_counter() - start


def _seeds(number: int, load: Load) -> range:
    return range(number * load.rows, (number + 1) * load.rows)


async def _client(
    target: Target, load: Load, tally: Tally, numbers: itertools.count, start: float
) -> None:
    while (now := time.perf_counter()) < start + load.seconds:
        await tally.ask(target, _seeds(next(numbers), load), now)


async def _open_loop(target: Target, load: Load, tally: Tally, start: float) -> None:
    under_way = set()
    for number in itertools.count():
        due = start + number / load.rate
        if due >= start + load.seconds:
            break
        # Even when it is late: answers must be taken in between.
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(tally.ask(target, _seeds(number, load), due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
