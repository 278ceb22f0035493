"""The queue by itself: what requests that go, wait or are large do to the others."""

import asyncio
import gc
import threading
import time
import weakref

import grpc
import numpy as np
import pytest

from tests.serving.server.test_batching import Runs, rows, submit_behind_a_run
from tfmusicgan.serving.server import batch_arrays, batching, waiting
from tfmusicgan.serving.server.batching import BatchOptions, BatchQueue
from tfmusicgan.serving.server.statuses import RequestError


def test_rows_of_cancelled_requests_leave_their_places():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=4, max_enqueued_batches=2))
        gone = [rows(1, 2, 3, 4), rows(5, 6, 7), rows(8)]
        tasks = await submit_behind_a_run(queue, runs, gone)
        for task in (tasks[1], tasks[2]):
            task.cancel()
        await asyncio.sleep(0.01)
        # One batch went, and the other, full with rows 5 to 8, has room again.
        more = [rows(10, 11, 12), rows(13, 14, 15, 16)]
        tasks += [asyncio.create_task(queue.submit(r)) for r in more]
        await asyncio.sleep(0.01)
        with pytest.raises(RequestError, match="currently 2 batches"):
            await queue.submit(rows(17))
        runs.gate.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [batch[0].tolist() for batch in runs.batches[1:]] == [
            [8, 10, 11, 12],
            [13, 14, 15, 16],
        ]

    asyncio.run(scenario())


def test_all_parts_of_a_split_request_leave_when_it_is_cancelled():
    async def scenario():
        runs = Runs()
        options = BatchOptions(
            max_batch_size=8, enable_large_batch_splitting=True, max_execution_batch_size=4
        )
        queue = BatchQueue(runs, options)
        tasks = await submit_behind_a_run(queue, runs, [rows(1, 2, 3), rows(*range(10, 17))])
        tasks[2].cancel()
        await asyncio.sleep(0.01)
        runs.gate.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [batch[0].tolist() for batch in runs.batches[1:]] == [[1, 2, 3]]

    asyncio.run(scenario())


def test_a_batch_that_waits_for_more_ends_with_its_last_request():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=2, batch_timeout_micros=100_000_000))
        task = asyncio.create_task(queue.submit(rows(1)))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.01)
        assert (await asyncio.wait_for(queue.submit(rows(2, 3)), 5))[0].tolist() == [4, 6]
        assert len(runs.batches) == 1

    asyncio.run(scenario())


def test_a_full_batch_does_not_wait_behind_one_of_another_shape():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=2, batch_timeout_micros=1_000_000))
        start = time.monotonic()
        lone = asyncio.create_task(queue.submit(rows(1)))
        await asyncio.sleep(0.02)
        await queue.submit([np.ones((2, 3), np.float32)])
        assert time.monotonic() - start < 0.7
        await lone
        assert 0.99 < time.monotonic() - start < 3
        assert [batch[0].shape for batch in runs.batches] == [(2, 3), (2,)]

    asyncio.run(scenario())


def test_full_batches_do_not_keep_back_one_that_has_waited_its_time():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=2))
        wide = [np.ones((2, 3), np.float32)]
        tasks = await submit_behind_a_run(queue, runs, [wide, rows(1), wide, wide])
        runs.gate.set()
        await asyncio.gather(*tasks)
        assert [batch[0].ndim for batch in runs.batches[1:]] == [2, 1, 2, 2]

    asyncio.run(scenario())


def test_another_run_begins_beside_one_for_as_many_rows_as_are_worth_it():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=8), None, 2, rows_beside=3)
        small = [rows(1), rows(2)]
        tasks = await submit_behind_a_run(queue, runs, small)
        assert [batch[0].tolist() for batch in runs.batches] == [[100, 100]]
        tasks += [asyncio.create_task(queue.submit(r)) for r in (rows(3), rows(4, 5, 6, 7))]
        await asyncio.sleep(0.01)
        assert [batch[0].tolist() for batch in runs.batches[1:]] == [[1, 2, 3, 4, 5, 6, 7]]
        tasks.append(asyncio.create_task(queue.submit(rows(8, 9, 10))))
        await asyncio.sleep(0.01)
        assert len(runs.batches) == 2  # as many as may run at a time
        runs.gate.set()
        results = await asyncio.gather(*tasks)
        assert results[-1][0].tolist() == [16, 18, 20]
        assert len(runs.batches) == 3

    asyncio.run(scenario())


def test_a_small_batch_does_not_wait_for_a_run_without_end(monkeypatch):
    monkeypatch.setattr(batching, "PATIENCE_SECONDS", 0.05)

    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=8), None, 2, rows_beside=3)
        tasks = await submit_behind_a_run(queue, runs, [rows(1)])
        assert len(runs.batches) == 1
        await asyncio.sleep(0.1)
        assert [batch[0].tolist() for batch in runs.batches] == [[100, 100], [1, 1]]
        tasks.append(asyncio.create_task(queue.submit(rows(2))))
        await asyncio.sleep(0.1)
        assert len(runs.batches) == 2  # as many as may run at a time
        runs.gate.set()
        assert (await asyncio.gather(*tasks))[2][0].tolist() == [4]

    asyncio.run(scenario())


def test_a_small_batch_is_not_overtaken_for_ever_by_large_ones_of_another_shape():
    async def scenario():
        runs = Runs()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=4), None, 2, rows_beside=2)
        wide = [np.ones((2, 3), np.float32)]
        tasks = await submit_behind_a_run(queue, runs, [wide, rows(1), wide, wide])
        assert [batch[0].ndim for batch in runs.batches] == [1, 2]
        runs.gate.set()
        await asyncio.gather(*tasks)
        assert [batch[0].ndim for batch in runs.batches] == [1, 2, 1, 2]

    asyncio.run(scenario())


@pytest.mark.parametrize("splitting", [False, True])
def test_a_request_that_would_be_padded_to_gigabytes_is_refused(monkeypatch, splitting):
    monkeypatch.setattr(waiting, "MAX_PADDING_BYTES", 1000)

    async def scenario():
        runs = Runs()
        options = BatchOptions(
            max_batch_size=8, allowed_batch_sizes=(8,), enable_large_batch_splitting=splitting
        )
        queue = BatchQueue(runs, options)
        with pytest.raises(RequestError) as refusal:
            await queue.submit([np.ones((2, 50), np.float32)])
        assert refusal.value.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert str(refusal.value) == (
            "Expected at most 1000 bytes of padding. Received: 2 rows, padded to 8 with 1200 "
            "bytes; allow smaller sizes in allowed_batch_sizes"
        )
        assert len((await queue.submit([np.ones((6, 50), np.float32)]))[0]) == 6
        assert [batch[0].shape for batch in runs.batches] == [(8, 50)]

    asyncio.run(scenario())


def test_no_batch_grows_beyond_the_limit_by_padding(monkeypatch):
    monkeypatch.setattr(waiting, "MAX_BATCH_BYTES", 4800)

    async def scenario():
        shapes, gate = [], asyncio.Event()

        async def run(arrays, seconds):
            shapes.append([array.shape for array in arrays])
            await gate.wait()
            return [np.arange(len(arrays[0]))]

        options = BatchOptions(max_batch_size=8, pad_variable_length_inputs=True)
        queue = BatchQueue(run, options)
        # Tall with wide are 2 x 30 x 30 numbers of 4 bytes: 7200. Two tall ones or a small one fit.
        sizes = [(1, 1), (30, 1), (30, 2), (1, 30), (2, 15), (40, 40)]
        tasks = []
        for size in sizes:
            tasks.append(asyncio.create_task(queue.submit([np.zeros((1, *size), np.float32)])))
            await asyncio.sleep(0.01)
        gate.set()
        results = await asyncio.gather(*tasks)
        assert shapes == [[(2, 1, 1)], [(2, 30, 2)], [(2, 2, 30)], [(2, 40, 40)]]
        assert [int(outputs[0][0]) for outputs in results] == [0, 0, 1, 0, 1, 0]

    asyncio.run(scenario())


def test_long_strings_count_where_they_fill(monkeypatch):
    monkeypatch.setattr(waiting, "MAX_BATCH_BYTES", 100_000)

    async def scenario():
        runs = Runs()
        runs.gate.clear()
        options = BatchOptions(max_batch_size=8, pad_variable_length_inputs=True)
        queue = BatchQueue(lambda arrays, seconds: runs([len(arrays) * arrays[0]], 1), options)
        first = asyncio.create_task(queue.submit([np.array([[b"a"]], object)]))
        await asyncio.sleep(0.01)
        texts = [[[b"a" * 2000]], [[b"b"] * 50], [[b"c"] * 60]]
        tasks = [asyncio.create_task(queue.submit([np.array(t, object)])) for t in texts]
        await asyncio.sleep(0.01)
        runs.gate.set()
        await asyncio.gather(first, *tasks)
        assert [batch[0].shape for batch in runs.batches] == [(2, 1), (2, 1), (2, 60)]

    asyncio.run(scenario())


def test_arrays_are_freed_with_the_answer_and_not_when_the_collector_comes():
    async def run(arrays, seconds):
        alive.append(weakref.ref(arrays[0]))
        return [arrays[0] * 2]

    async def scenario():
        queue = BatchQueue(run, BatchOptions())
        array = np.ones(2, np.float32)
        alive.append(weakref.ref(array))
        outputs = await queue.submit([array])
        alive.append(weakref.ref(outputs[0].base))
        assert outputs[0].tolist() == [2, 2]
        del array, outputs
        await asyncio.sleep(0.01)

    alive = []
    gc.disable()
    try:
        asyncio.run(scenario())
        assert [reference() is None for reference in alive] == [True] * 3
    finally:
        gc.enable()


def test_large_batches_are_merged_beside_the_loop(monkeypatch):
    threads, merged = [], batch_arrays.merged

    def watched(*args):
        threads.append(threading.current_thread() is threading.main_thread())
        return merged(*args)

    monkeypatch.setattr(batch_arrays, "merged", watched)

    async def run(arrays, seconds):
        return arrays

    async def scenario():
        queue = BatchQueue(run, BatchOptions())
        for width in (3, 1_000_000):
            array = np.ones((3, width), np.int8)
            assert (await queue.submit([array]))[0].shape == (3, width)

    asyncio.run(scenario())
    assert threads == [True, False]
