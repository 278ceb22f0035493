"""Runs of a version that wait, end or are given up; a servable that stands still, no TensorFlow."""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import gc
import threading
import weakref

import grpc
import numpy as np
import pytest

from tfmusicgan.serving import messages
from tfmusicgan.serving.server import version as version_module
from tfmusicgan.serving.server.batching import ROWS_BESIDE
from tfmusicgan.serving.server.batching_config import BatchOptions
from tfmusicgan.serving.server.engine import EngineOptions
from tfmusicgan.serving.server.servable import Signature
from tfmusicgan.serving.server.statuses import RequestError
from tfmusicgan.serving.server.version import Version

_PROTO = messages.SignatureDef()
_PROTO.inputs["x"].name, _PROTO.outputs["y"].name = "x:0", "y:0"
SIGNATURE = Signature.from_proto("s", _PROTO.SerializeToString())


class Standing:
    """A servable that answers x when `gate` is opened; x of 13 is an error."""

    def __init__(self):
        self.gate = threading.Event()
        self.begun = []
        self.timeouts = []

    def run(self, feeds, fetches, timeout_ms):
        x = feeds["x:0"].flat[0] if feeds["x:0"].size else 0
        self.begun.append(x)
        self.timeouts.append(timeout_ms)
        assert self.gate.wait(10)
        if x == 13:
            raise RequestError(grpc.StatusCode.INVALID_ARGUMENT, "unlucky")
        return [feeds["x:0"]]

    def close(self):
        self.begun.append("closed")


@contextlib.contextmanager
def standing(batching=None):
    """A pool of one thread, and a function that makes versions of one run at a time."""
    made = []

    def make():
        options = EngineOptions(batching=batching, num_batch_threads=1)
        version = Version("m", len(made), "", options, pool)
        version.servable = Standing()
        made.append(version)
        return version

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        try:
            yield make
        finally:
            for version in made:
                if version.servable is not None:
                    version.servable.gate.set()


async def ask(version, *values, seconds=None):
    """Asks, and lets it come as far as it does."""
    array = np.array(values, np.int64)
    task = asyncio.create_task(version.run(SIGNATURE, [array], ["y"], seconds))
    await asyncio.sleep(0.01)
    return task


@pytest.mark.parametrize("batching", [None, BatchOptions()])
def test_who_gives_up_before_the_turn_is_not_run(batching):
    # Without rows a request is not batched either.
    values = [[i] if batching is None else [] for i in range(4)]

    async def scenario(version):
        first, cancelled, late, last = [
            await ask(version, *values[i], seconds=seconds)
            for i, seconds in enumerate([None, None, 0.03, 9.0])
        ]
        cancelled.cancel()
        with pytest.raises(RequestError, match="Timed out waiting for notification") as refusal:
            await asyncio.wait_for(late, 5)  # not only when the run before it ends
        assert refusal.value.code == grpc.StatusCode.DEADLINE_EXCEEDED
        servable = version.servable
        servable.gate.set()
        assert [(await task)[0].tolist() for task in (first, last)] == [values[0], values[3]]
        assert servable.begun == [0, 0 if batching else 3]
        assert servable.timeouts[0] == 0 and 8000 < servable.timeouts[1] < 9000

    with standing(batching) as make:
        asyncio.run(scenario(make()))


def test_who_gives_up_during_the_run_leaves_no_trace_and_the_slot_stays_taken():
    async def scenario(version):
        faults = []
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        servable = version.servable
        first, second = await ask(version, 13), await ask(version, 2)
        first.cancel()
        await asyncio.sleep(0.02)
        assert first.cancelled() and servable.begun == [13]
        servable.gate.set()
        assert (await second)[0].tolist() == [2]
        del first, second
        gc.collect()
        await asyncio.sleep(0)
        assert faults == []

    with standing() as make:
        asyncio.run(scenario(make()))


def test_a_model_is_not_freed_under_a_run_that_was_given_up():
    async def scenario(version):
        servable = version.servable
        (await ask(version, 1)).cancel()
        unloading = asyncio.create_task(version.unload())
        await asyncio.sleep(0.02)
        assert servable.begun == [1]
        servable.gate.set()
        await asyncio.wait_for(unloading, 5)
        assert servable.begun == [1, "closed"]

    with standing() as make:
        asyncio.run(scenario(make()))


def test_who_gives_up_while_another_model_has_the_thread_is_not_run():
    async def scenario(one, other):
        first, cancelled, last = await ask(one, 1), await ask(other, 2), await ask(other, 3)
        cancelled.cancel()
        await asyncio.sleep(0.01)
        servable = other.servable
        servable.gate.set()
        one.servable.gate.set()
        assert [(await task)[0].tolist() for task in (first, last)] == [[1], [3]]
        assert servable.begun == [3]

    with standing() as make:
        asyncio.run(scenario(make(), make()))


def test_a_batch_that_everybody_has_left_is_not_run_when_its_turn_comes():
    async def scenario(one, other):
        servable = other.servable
        first = await ask(one, 1)
        # Taken from the queue, they wait for the only thread.
        gone = [await ask(other, 2), await ask(other, 3)]
        gone[0].cancel()
        await asyncio.sleep(0.01)
        kept = await ask(other, 4)
        gone[1].cancel()
        await asyncio.sleep(0.01)
        servable.gate.set()
        one.servable.gate.set()
        assert [(await task)[0].tolist() for task in (first, kept)] == [[1], [4]]
        assert servable.begun == [4]

    with standing(BatchOptions()) as make:
        asyncio.run(scenario(make(), make()))


@pytest.mark.parametrize(("rows", "most"), [(ROWS_BESIDE, 2), (ROWS_BESIDE - 1, 1)])
def test_large_batches_run_beside_each_other_unless_asked_not_to(rows, most):
    async def scenario(version):
        tasks = [await ask(version, *range(i, i + rows)) for i in (100, 200)]
        num_begun = len(version.servable.begun)
        version.servable.gate.set()
        await asyncio.gather(*tasks)
        return num_begun

    options = EngineOptions(BatchOptions(), num_batch_threads=2)
    for concurrency, expected in ((0, most), (1, 1), (2, 2)):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            options = dataclasses.replace(options, model_concurrency=concurrency)
            version = Version("m", 1, "", options, pool)
            version.servable = Standing()
            assert asyncio.run(scenario(version)) == expected


def test_only_so_many_wait(monkeypatch):
    monkeypatch.setattr(version_module, "MAX_WAITING_RUNS", 2)

    async def scenario(version):
        tasks = [await ask(version, i) for i in range(3)]
        with pytest.raises(RequestError) as refusal:
            await (await ask(version, 9))
        assert refusal.value.code == grpc.StatusCode.UNAVAILABLE
        assert str(refusal.value) == (
            "Too many requests wait for this model; currently 2, and at most 2 may"
        )
        tasks.pop().cancel()
        await asyncio.sleep(0)
        tasks.append(await ask(version, 8))
        version.servable.gate.set()
        assert [(await task)[0].tolist() for task in tasks] == [[0], [1], [8]]

    with standing() as make:
        asyncio.run(scenario(make()))


def test_arrays_of_a_refused_run_are_freed_and_not_when_the_collector_comes():
    async def scenario(version):
        array = np.array([13])
        alive = weakref.ref(array)
        version.servable.gate.set()
        with pytest.raises(RequestError, match="unlucky"):
            await version.run(SIGNATURE, [array], ["y"], None)
        del array
        await asyncio.sleep(0.01)
        return alive

    gc.disable()
    try:
        with standing() as make:
            assert asyncio.run(scenario(make()))() is None
    finally:
        gc.enable()
