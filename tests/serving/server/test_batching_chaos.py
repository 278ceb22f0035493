"""The queue under requests of every kind at once: each gets its own rows, or its own error."""

import asyncio
import random

import grpc
import numpy as np
import pytest

from tfmusicgan.serving.server.batching import BatchOptions, BatchQueue
from tfmusicgan.serving.server.metrics import Metrics
from tfmusicgan.serving.server.statuses import RequestError

Code = grpc.StatusCode
BAD, FATAL = -1.0, -2.0  # a value that the graph refuses, and one that fails the whole run
NUM_REQUESTS = 400


async def run(arrays, seconds):
    await asyncio.sleep(random.choice((0, 0, 0.001, 0.003)))
    (x,) = arrays
    if (x == FATAL).any():
        raise RequestError(Code.INTERNAL, "fatal")
    if (x == BAD).any():
        raise RequestError(Code.INVALID_ARGUMENT, "bad")
    return [x * 2, row_sums(x)]


def row_sums(x):
    return x.sum(axis=tuple(range(1, x.ndim)))


async def request(queue, number, draw, fatal):
    """One request; how it ended."""
    shape = (draw.randint(0, 5), *draw.choice([(), (2,), (3,)]))
    x = np.arange(np.prod(shape), dtype=draw.choice([np.float32, np.float64])).reshape(shape)
    x += 1000 * number
    kind = draw.choices(["good", "bad", "fatal"], [12, 2, fatal])[0]
    if kind != "good" and x.size:
        x.flat[draw.randrange(x.size)] = BAD if kind == "bad" else FATAL
    seconds = draw.choice([None, None, 5.0, 0.002])
    await asyncio.sleep(draw.random() * 0.3)
    task = asyncio.create_task(queue.submit([x], seconds))
    if draw.random() < 0.2:
        asyncio.get_running_loop().call_later(draw.random() * 0.01, task.cancel)
    try:
        twice, sums = await task
    except asyncio.CancelledError:
        return "cancelled"
    except RequestError as error:
        if kind == "good" and not fatal:
            assert error.code in (Code.RESOURCE_EXHAUSTED, Code.UNAVAILABLE)
        return error.code.name
    assert kind == "good" or not x.size
    assert twice.dtype == x.dtype and np.array_equal(twice, x * 2)
    assert np.array_equal(sums, row_sums(x))
    return "answered"


@pytest.mark.parametrize("fatal", [0, 1])
@pytest.mark.parametrize(
    "options",
    [
        BatchOptions(max_batch_size=8, max_enqueued_batches=4),
        BatchOptions(max_batch_size=8, batch_timeout_micros=2000, allowed_batch_sizes=(2, 8)),
        BatchOptions(8, enable_large_batch_splitting=True, max_execution_batch_size=3),
    ],
)
def test_everybody_gets_what_is_due(options, fatal):
    async def scenario():
        metrics = Metrics()
        queue = BatchQueue(run, options, metrics, concurrency=2, rows_beside=3)
        draw = random.Random(fatal)
        requests = [
            request(queue, number, random.Random(draw.random()), fatal)
            for number in range(NUM_REQUESTS)
        ]
        ends = await asyncio.wait_for(asyncio.gather(*requests), 20)
        await asyncio.sleep(0.05)  # what nobody waits for any more
        assert queue._num_running == len(queue._waiting) == 0
        assert (await queue.submit([np.ones(1)]))[0].tolist() == [2]
        return ends

    ends = asyncio.run(scenario())
    assert {"answered", "cancelled", "INVALID_ARGUMENT"} <= set(ends)
    assert ends.count("answered") > NUM_REQUESTS / 3
