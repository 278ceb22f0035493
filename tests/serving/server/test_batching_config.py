"""Batching parameters from the stock server's files, and what they do in a queue."""

import asyncio
import os
import pathlib

import grpc
import numpy as np
import pytest

from tests.serving.server.test_batching import Runs, rows, submit_behind_a_run
from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.server.batching import BatchQueue
from tfmusicgan.serving.server.batching_config import BatchOptions, read_batching
from tfmusicgan.serving.server.statuses import RequestError

ROOT = pathlib.Path(__file__).parents[3]


def read(tmp_path, text):
    path = tmp_path / "b.config"
    path.write_text(text)
    return read_batching(str(path))


def test_the_file_in_serving_has_our_defaults():
    options, threads = read_batching(str(ROOT / "serving/batching.config"))
    sizes = sorted({BatchOptions().padded(rows) for rows in range(1, 65)})
    assert options == BatchOptions(allowed_batch_sizes=tuple(sizes))
    assert threads == 2


def test_an_empty_file_has_the_stock_defaults(tmp_path):
    assert read(tmp_path, "") == (BatchOptions(1000, 0, 10), len(os.sched_getaffinity(0)))


def test_every_field(tmp_path):
    options, threads = read(
        tmp_path,
        """max_batch_size { value: 48 } batch_timeout_micros { value: 250 }
        max_enqueued_batches { value: 3 } num_batch_threads { value: 5 }
        thread_pool_name { value: "band" } allowed_batch_sizes: 6 allowed_batch_sizes: 48
        pad_variable_length_inputs: true enable_large_batch_splitting { value: true }
        max_execution_batch_size { value: 24 }""",
    )
    assert options == BatchOptions(48, 250, 3, (6, 48), True, True, 24, "band")
    assert threads == 5
    assert options.batch_rows == 24


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch_size: 3", 'b.config\'. Received, at line 1, column 17: Expected "{"'),
        ("max_batch_size { value: 0 }", r"max_batch_size of at least 1 in '.*'. Received: 0"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros of at least 0"),
        ("num_batch_threads { value: 0 }", "num_batch_threads of at least 1"),
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: 2",
            "b.config: Last entry in allowed_batch_sizes must match max_batch_size; last entry "
            "was 2; expected 8",
        ),
        (
            "max_batch_size { value: 8 } enable_large_batch_splitting { value: true } "
            "max_execution_batch_size { value: 9 }",
            "max_execution_batch_size up to max_batch_size, 8. Received: 9",
        ),
    ],
)
def test_bad_files(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, text)


def test_split_requests_fill_batches_and_come_back_whole():
    async def scenario():
        runs = Runs()
        options = BatchOptions(
            max_batch_size=9, enable_large_batch_splitting=True, max_execution_batch_size=4
        )
        queue = BatchQueue(runs, options)
        tasks = await submit_behind_a_run(
            queue, runs, [rows(1, 2, 3), rows(4, 5, 6, 7, 8, 9), rows(10)]
        )
        runs.gate.set()
        results = await asyncio.gather(*tasks)
        assert [batch[0].tolist() for batch in runs.batches[1:]] == [
            [1, 2, 3, 4],
            [5, 6, 7, 8],
            [9, 10],
        ]
        assert [result[0].tolist() for result in results[1:]] == [
            [2, 4, 6],
            [8, 10, 12, 14, 16, 18],
            [20],
        ]
        with pytest.raises(RequestError, match=r"Task size 10 is larger than .* batch size 9"):
            await queue.submit(rows(*range(10)))

    asyncio.run(scenario())


def test_no_room_for_a_split_request():
    async def scenario():
        runs = Runs()
        options = BatchOptions(
            max_batch_size=8,
            max_enqueued_batches=2,
            enable_large_batch_splitting=True,
            max_execution_batch_size=4,
        )
        queue = BatchQueue(runs, options)
        tasks = await submit_behind_a_run(queue, runs, [rows(1)])
        with pytest.raises(RequestError) as refusal:
            await queue.submit(rows(*range(8)))
        assert (refusal.value.code, str(refusal.value)) == (
            grpc.StatusCode.UNAVAILABLE,
            "The batch scheduling queue to which this task was submitted is full; task size is 8 "
            "but scheduling capacity is only 7 (num_enqueued_batches=1, max_enqueued_batches=2, "
            "open_batch_size=1, max_execution_batch_size=4)",
        )
        runs.gate.set()
        await asyncio.gather(*tasks, queue.submit(rows(*range(7))))

    asyncio.run(scenario())


def test_variable_lengths_are_padded_with_their_own_first_element():
    async def scenario():
        batches = []

        async def run(arrays, seconds):
            batches.append(arrays)
            return [arrays[0]]

        queue = BatchQueue(run, BatchOptions(pad_variable_length_inputs=True))
        short = [np.array([[7], [8]]), np.array([b"a", b"b"], object)]
        long = [np.array([[1, 2, 3]]), np.array([b"c"], object)]
        empty = [np.zeros((1, 0), np.int64), np.array([b"d"], object)]
        results = await asyncio.gather(*(queue.submit(r) for r in (short, long, empty)))
        (merged,) = batches
        assert merged[0].tolist() == [[7, 7, 7], [8, 7, 7], [1, 2, 3], [0, 0, 0]]
        assert merged[1].tolist() == [b"a", b"b", b"c", b"d"]
        assert results[0][0].tolist() == [[7, 7, 7], [8, 7, 7]]  # as long as the batch

    asyncio.run(scenario())


@pytest.mark.parametrize("concurrency", [1, 2, 3])
def test_so_many_batches_run_at_a_time(concurrency):
    async def scenario():
        running, most = 0, 0

        async def run(arrays, seconds):
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.005)
            running -= 1
            return [arrays[0] + 1]

        queue = BatchQueue(run, BatchOptions(max_batch_size=2), concurrency=concurrency)
        for _ in range(2):  # again after all workers have gone
            tasks = [queue.submit(rows(i, i)) for i in range(9)]
            results = await asyncio.gather(*tasks)
            assert [r[0].tolist() for r in results] == [[i + 1.0] * 2 for i in range(9)]
        assert most == concurrency

    asyncio.run(scenario())
