"""The queue by itself: a run that doubles its rows, no TensorFlow."""

import asyncio
import time

import grpc
import numpy as np
import pytest

from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.server.batching import BatchOptions, BatchQueue
from tfmusicgan.serving.server.statuses import RequestError


class Runs:
    """Answers [2 * x, x as text]; remembers every batch; waits while `gate` is closed."""

    def __init__(self):
        self.batches = []
        self.seconds = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, arrays, seconds):
        self.batches.append(arrays)
        self.seconds.append(seconds)
        await self.gate.wait()
        await asyncio.sleep(0)
        (x,) = arrays
        return [x * 2, np.array([str(v) for v in x.ravel()], object)[: len(x)]]


def rows(*values):
    return [np.array(values, np.float32)]


async def submit_behind_a_run(queue, runs, requests, **kwargs):
    """Submits while another request is running; returns the tasks (the first is that other)."""
    runs.gate.clear()
    first = asyncio.create_task(queue.submit(rows(100)))
    await asyncio.sleep(0.01)
    tasks = [first] + [asyncio.create_task(queue.submit(r, **kwargs)) for r in requests]
    await asyncio.sleep(0.01)
    return tasks


def test_rows_queued_during_a_run_share_the_next_and_come_back_to_their_owners():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=8, allowed_batch_sizes=(2, 4, 8)))
        tasks = await submit_behind_a_run(queue, runs, [rows(1), rows(2, 3), rows(4, 5)])
        runs.gate.set()
        results = await asyncio.gather(*tasks)
        # A single row is padded to two; five are padded to eight with the last request's first.
        assert [batch[0].tolist() for batch in runs.batches] == [
            [100, 100],
            [1, 2, 3, 4, 5, 4, 4, 4],
        ]
        assert [result[0].tolist() for result in results] == [[200], [2], [4, 6], [8, 10]]
        assert [result[1].tolist() for result in results][2] == ["2.0", "3.0"]

    asyncio.run(scenario())


def test_a_batch_never_exceeds_the_maximum_and_keeps_the_order():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=4, allowed_batch_sizes=(2, 4)))
        tasks = await submit_behind_a_run(queue, runs, [rows(1, 2, 3), rows(4, 5), rows(6)])
        runs.gate.set()
        await asyncio.gather(*tasks)
        assert [batch[0].tolist() for batch in runs.batches[1:]] == [[1, 2, 3, 1], [4, 5, 6, 6]]

    asyncio.run(scenario())


def test_other_inner_shapes_and_dtypes_never_share_a_batch():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=8))
        wide = [np.ones((2, 3), np.float32)]
        whole = [np.array([7], np.int64)]
        tasks = await submit_behind_a_run(queue, runs, [rows(1), wide, whole, rows(2)])
        runs.gate.set()
        results = await asyncio.gather(*tasks)
        assert [batch[0].shape for batch in runs.batches[1:]] == [(2,), (2, 3), (2,)]
        assert [result[0].shape for result in results] == [(1,), (1,), (2, 3), (1,), (1,)]

    asyncio.run(scenario())


def test_timeout_waits_for_more_and_a_full_batch_does_not_wait():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=2, batch_timeout_micros=1_000_000))
        start = time.monotonic()
        first = asyncio.create_task(queue.submit(rows(1)))
        await asyncio.sleep(0.02)
        await asyncio.gather(first, queue.submit(rows(2)))
        assert time.monotonic() - start < 0.7
        assert [batch[0].tolist() for batch in runs.batches] == [[1, 2]]
        start = time.monotonic()
        await queue.submit(rows(3))
        assert time.monotonic() - start > 0.99

    asyncio.run(scenario())


def test_full_queue_refuses_at_once():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=2, max_enqueued_batches=2))
        tasks = await submit_behind_a_run(queue, runs, [rows(1, 2), rows(3, 4)])
        with pytest.raises(RequestError) as refusal:
            await queue.submit(rows(5))
        assert refusal.value.code == grpc.StatusCode.UNAVAILABLE
        assert str(refusal.value) == (
            "The batch scheduling queue to which this task was submitted is full; currently 2 "
            "batches enqueued and max_enqueued_batches is 2"
        )
        runs.gate.set()
        assert len(await asyncio.gather(*tasks)) == 3
        assert (await queue.submit(rows(5)))[0].tolist() == [10]

    asyncio.run(scenario())


def test_requests_whose_client_has_gone_are_not_run():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=4))
        tasks = await submit_behind_a_run(queue, runs, [rows(1, 2), rows(3)])
        tasks[1].cancel()
        await asyncio.sleep(0)
        runs.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[1], asyncio.CancelledError)
        assert [batch[0].tolist() for batch in runs.batches] == [[100, 100], [3, 3]]
        assert results[2][0].tolist() == [6]

    asyncio.run(scenario())


def test_all_expired_in_the_queue():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=4))
        tasks = await submit_behind_a_run(queue, runs, [rows(1), rows(2)], seconds=0.02)
        await asyncio.sleep(0.03)
        runs.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for error in results[1:]:
            assert error.code == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert str(error) == "Run() timeout exceeded while waiting in batching queue"
        assert len(runs.batches) == 1

    asyncio.run(scenario())


def test_a_batch_has_the_latest_deadline_of_its_members():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions())
        await asyncio.gather(queue.submit(rows(1), 5.0), queue.submit(rows(2), 9.0))
        await asyncio.gather(queue.submit(rows(1), 5.0), queue.submit(rows(2), None))
        assert 8.5 < runs.seconds[0] <= 9.0
        assert runs.seconds[1] is None

    asyncio.run(scenario())


def test_an_error_fails_every_request_of_the_batch_and_no_other():
    async def failing(arrays, seconds):
        if 13 in arrays[0]:
            raise RequestError(grpc.StatusCode.INTERNAL, "unlucky")
        if 14 in arrays[0]:
            raise MemoryError
        return [arrays[0]]

    async def scenario():
        queue = BatchQueue(failing, BatchOptions())
        results = await asyncio.gather(
            queue.submit(rows(13)), queue.submit(rows(1)), return_exceptions=True
        )
        assert [str(error) for error in results] == ["unlucky", "unlucky"]
        assert (await queue.submit(rows(1)))[0].tolist() == [1]
        with pytest.raises(MemoryError):
            await queue.submit(rows(14))
        assert (await queue.submit(rows(2)))[0].tolist() == [2]

    asyncio.run(scenario())


def test_zero_rows_run_by_themselves_unpadded():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions())
        result = await queue.submit(rows())
        assert result[0].shape == (0,)
        assert runs.batches[0][0].shape == (0,)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([], "Batching Run() must have at least one input tensor"),
        ([np.float32(3)], "Batching Run() input tensors must have at least one dimension"),
        (
            [np.ones(2), np.ones(3)],
            "Batching Run() input tensors must have equal 0th-dimension size",
        ),
        ([np.ones(5)], "Task size 5 is larger than maximum input batch size 4"),
    ],
)
def test_unbatchable_inputs(arrays, message):
    async def scenario():
        queue = BatchQueue(Runs(), BatchOptions(max_batch_size=4))
        with pytest.raises(RequestError) as refusal:
            await queue.submit([np.asarray(array) for array in arrays])
        assert refusal.value.code == grpc.StatusCode.INVALID_ARGUMENT
        assert str(refusal.value) == message

    asyncio.run(scenario())


def test_sizes():
    options = BatchOptions(max_batch_size=50)
    sizes = [options.padded(rows) for rows in range(1, 51)]
    assert sorted(set(sizes)) == [
        2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 50,
    ]  # fmt: skip
    assert all(rows <= size for rows, size in enumerate(sizes, 1))
    assert max((size - rows) / size for rows, size in enumerate(sizes[1:], 2)) < 0.2
    assert BatchOptions(max_batch_size=1).padded(1) == 2
    chosen = BatchOptions(max_batch_size=6, allowed_batch_sizes=(1, 3, 6))
    assert [chosen.padded(n) for n in range(1, 7)] == [1, 3, 3, 6, 6, 6]


def test_bad_sizes():
    with pytest.raises(ConfigError, match="must match max_batch_size; last entry was 4; expected"):
        BatchOptions(max_batch_size=8, allowed_batch_sizes=(2, 4))
    for sizes in ((4, 2, 8), (0, 8), (2, 2, 8)):
        with pytest.raises(ConfigError, match="in ascending order"):
            BatchOptions(max_batch_size=8, allowed_batch_sizes=sizes)
