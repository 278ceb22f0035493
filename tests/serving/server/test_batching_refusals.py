"""A value that the graph refuses fails its own request, not those that share the batch."""

import asyncio
import gc
import time
import weakref

import grpc
import numpy as np
import pytest

from tests.serving.server.test_batching import rows
from tests.serving.server.test_manager import wait_for
from tfmusicgan.client import MusicClient, ServingError
from tfmusicgan.serving.server import app
from tfmusicgan.serving.server.batching import BatchOptions, BatchQueue
from tfmusicgan.serving.server.engine import EngineOptions
from tfmusicgan.serving.server.metrics import Metrics
from tfmusicgan.serving.server.statuses import RequestError
from tfmusicgan.serving.server.storage import ModelSource

Code = grpc.StatusCode


class Refusing:
    """Answers 2 * x, and refuses batches with a 13; remembers them and the seconds they had."""

    def __init__(self, code=Code.INVALID_ARGUMENT):
        self.code = code
        self.batches = []
        self.seconds = []
        self.before = lambda number: None  # called with the number of a run that begins

    async def __call__(self, arrays, seconds):
        self.batches.append(arrays[0].tolist())
        self.seconds.append(seconds)
        self.before(len(self.batches))
        await asyncio.sleep(0)
        if 13 in arrays[0]:
            raise RequestError(self.code, f"unlucky among {len(arrays[0])}")
        return [arrays[0] * 2]


async def outcomes(tasks):
    """What each was answered, or its error's text."""
    results = await asyncio.gather(*tasks, return_exceptions=True)
    return [r[0].tolist() if isinstance(r, list) else str(r) for r in results]


@pytest.mark.parametrize("code", [Code.INVALID_ARGUMENT, Code.OUT_OF_RANGE, Code.DATA_LOSS])
def test_only_the_request_with_the_refused_value_fails(code):
    async def scenario():
        runs, metrics = Refusing(code), Metrics()
        options = BatchOptions(max_batch_size=8, allowed_batch_sizes=(2, 4, 8))
        queue = BatchQueue(runs, options, metrics)
        tasks = [queue.submit(r) for r in (rows(1), rows(2, 13, 3), rows(4, 5, 6))]
        assert await outcomes(tasks) == [[2], "unlucky among 4", [8, 10, 12]]
        # Alone they are padded as if they had come alone.
        alone = [[1, 1], [2, 13, 3, 2], [4, 5, 6, 4]]
        assert runs.batches == [[1, 2, 13, 3, 4, 5, 6, 4], *alone]
        # Each has come, and waited, once; four batches were run.
        assert metrics.input_batch_size.cells[()] == [3, 7]
        assert sum(metrics.queuing_latency.cells[("batch_threads",)][:-1]) == 3
        assert metrics.wrapped_run_count.values[()] == 4
        assert metrics.processed_batch_size.cells[()] == [4, 8 + 2 + 4 + 4]
        assert metrics.padding_size.cells[("4",)] == [2, 2]

    asyncio.run(scenario())


def test_a_request_that_was_alone_is_not_run_again():
    async def scenario():
        runs = Refusing()
        queue = BatchQueue(runs, BatchOptions(max_batch_size=4))
        assert await outcomes([queue.submit(rows(13, 1))]) == ["unlucky among 2"]
        assert await outcomes([queue.submit(rows(13, 2, 3, 4))]) == ["unlucky among 4"]
        assert len(runs.batches) == 2

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "code", [Code.CANCELLED, Code.RESOURCE_EXHAUSTED, Code.INTERNAL, Code.DEADLINE_EXCEEDED]
)
def test_a_failure_of_the_whole_run_is_everybodys(code):
    async def scenario():
        runs = Refusing(code)
        queue = BatchQueue(runs, BatchOptions())
        tasks = [queue.submit(rows(value)) for value in (1, 13)]
        assert await outcomes(tasks) == ["unlucky among 2"] * 2
        assert len(runs.batches) == 1

    asyncio.run(scenario())


def test_who_has_gone_is_not_run_again_and_who_is_late_is_told():
    async def scenario():
        runs = Refusing()
        queue = BatchQueue(runs, BatchOptions())
        limits = {1: None, 13: 9.0, 3: None, 4: 0.05, 5: 50.0}
        tasks = [
            asyncio.create_task(queue.submit(rows(value), seconds))
            for value, seconds in limits.items()
        ]

        def before(number):
            if number == 3:  # while the refused one is run again
                tasks[2].cancel()
                time.sleep(0.06)

        runs.before = before
        answers = await outcomes(tasks)
        late = "Run() timeout exceeded while waiting in batching queue"
        assert answers == [[2], "unlucky among 2", "", late, [10]]
        assert runs.batches[1:] == [[1, 1], [13, 13], [5, 5]]
        assert runs.seconds[:2] == [None, None]
        assert 8 < runs.seconds[2] < 9 and 49 < runs.seconds[3] < 50

    asyncio.run(scenario())


def test_the_rest_is_not_run_when_everybody_has_left():
    async def scenario():
        runs = Refusing()
        queue = BatchQueue(runs, BatchOptions())
        tasks = [asyncio.create_task(queue.submit(rows(value))) for value in (13, 1, 2, 3)]

        def before(number):
            if number == 2:
                for task in tasks:
                    task.cancel()

        runs.before = before
        assert await outcomes(tasks) == [""] * 4
        await asyncio.sleep(0.01)
        assert len(runs.batches) == 2
        assert (await queue.submit(rows(7)))[0].tolist() == [14]  # the queue goes on

    asyncio.run(scenario())


def test_parts_of_a_split_request():
    async def scenario():
        runs = Refusing()
        options = BatchOptions(
            max_batch_size=8, enable_large_batch_splitting=True, max_execution_batch_size=4
        )
        queue = BatchQueue(runs, options)
        requests = [rows(1, 2), rows(3, 4, 5, 6, 7), rows(13)]
        assert await outcomes([queue.submit(r) for r in requests]) == [
            [2, 4],
            [6, 8, 10, 12, 14],
            "unlucky among 2",
        ]
        assert runs.batches == [[1, 2, 3, 4], [5, 6, 7, 13], [5, 6, 7], [13, 13]]

    asyncio.run(scenario())


def test_texts_of_which_the_model_cannot_read_one(toy_root, pool):
    texts = [["1.5"], ["2.25", "7"], ["3", "three"], ["-4", "0.5", "1e3"]]
    # They run once all have come.
    batching = BatchOptions(
        max_batch_size=sum(map(len, texts)),
        batch_timeout_micros=20_000_000,
    )
    engine = EngineOptions(batching)
    options = app.ServerOptions(ModelSource(root=str(toy_root)), port=0, engine=engine)

    def ask(text):
        try:
            inputs = {"text": np.array([word.encode() for word in text], object)}
            return client.predict("toy", inputs, "number")["value"].tolist()
        except ServingError as error:
            return error.code, error.details

    with app.running(options) as server, MusicClient(server.address) as client:
        *others, (code, text), last = pool.map(ask, texts)
        assert [*others, last] == [[1.5], [2.25, 7], [-4, 0.5, 1000]]
        assert code == Code.INVALID_ARGUMENT
        assert text.startswith("StringToNumberOp could not correctly convert string: three")
        counts = server.metrics.request_count.values
        wait_for(lambda: sum(counts.values()) == 4)  # the last may be counted a moment later
        assert counts == {("toy", "OK"): 3, ("toy", "INVALID_ARGUMENT"): 1}
        assert server.metrics.wrapped_run_count.values[()] == 1 + 4


def test_arrays_are_freed_with_the_refusal_and_not_when_the_collector_comes():
    alive = []

    async def refuse(arrays, seconds):
        alive.append(weakref.ref(arrays[0]))
        await asyncio.sleep(0)
        raise RequestError(Code.INVALID_ARGUMENT, "no")

    async def submit(queue, num_rows):
        array = np.ones(num_rows, np.float32)
        alive.append(weakref.ref(array))
        try:
            await queue.submit([array])
        except RequestError:
            return
        raise AssertionError

    async def scenario():
        queue = BatchQueue(refuse, BatchOptions())
        await submit(queue, 1)
        await asyncio.gather(submit(queue, 1), submit(queue, 2))
        await asyncio.sleep(0.01)

    gc.disable()
    try:
        asyncio.run(scenario())
        assert len(alive) == 2 + 5
        assert [reference() is None for reference in alive] == [True] * 7
    finally:
        gc.enable()
