"""One version: what its threads yield to, and what it leaves behind."""

import asyncio
import concurrent.futures
import gc
import os
import shutil
import sys
import threading
import weakref

import numpy as np
import pytest

from tests.serving import toy_models
from tfmusicgan.serving import messages, tensors
from tfmusicgan.serving.server.batching_config import BatchOptions
from tfmusicgan.serving.server.engine import EngineOptions
from tfmusicgan.serving.server.servable import Servable
from tfmusicgan.serving.server.version import State, Version


def test_unloaded_versions_do_not_pile_up_and_no_collection_stalls_the_others(toy_root):
    async def load_and_unload(pool):
        version = Version("toy", 3, str(toy_root / "toy/3"), EngineOptions(), pool)
        await version.load(pool)
        assert version.state == State.AVAILABLE
        graph = weakref.ref(version.servable._graph)
        await version.unload()
        assert version.state == State.END
        return graph

    collections = []
    gc.callbacks.append(lambda phase, info: collections.append(info["generation"]))
    gc.disable()  # it must not hang on the collector's own time
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            graphs, num_objects = [], []
            for _ in range(5):
                graphs.append(asyncio.run(load_and_unload(pool)))
                num_objects.append(len(gc.get_objects()))
            # A thread may hold the last one for a moment longer.
            assert [graph() for graph in graphs[:-1]] == [None] * 4
            assert num_objects[-1] - num_objects[1] < 300  # one graph has over 500
            assert not collections
    finally:
        gc.enable()
        gc.callbacks.pop()


def test_a_version_that_cannot_be_loaded_leaves_nothing_behind(toy_root, tmp_path, monkeypatch):
    shutil.copytree(toy_root / "toy/3", tmp_path / "1")
    log = messages.PredictionLog()
    log.predict_log.request.model_spec.signature_name = "sing"
    toy_models.write_warmup(tmp_path / "1", [log.SerializeToString()])
    (tmp_path / "2").mkdir()
    servables = []
    make = Servable.__init__
    monkeypatch.setattr(
        Servable,
        "__init__",
        lambda self, *args: servables.append(weakref.ref(self)) or make(self, *args),
    )

    async def load(number, pool):
        version = Version("m", number, str(tmp_path / str(number)), EngineOptions(), pool)
        await version.load(pool)
        return version

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        failed = [asyncio.run(load(number, pool)) for number in (1, 2)]
    gc.collect()
    assert [version.state for version in failed] == [State.END] * 2
    assert str(failed[0].error) == 'Serving signature key "sing" not found.'
    assert "Could not load the SavedModel" in str(failed[1].error)
    assert failed[0].error.__traceback__ is failed[1].error.__cause__ is None
    assert [servable() for servable in servables] == [None, None]


@pytest.mark.parametrize(
    ("batching", "most"),
    [
        (BatchOptions(max_batch_size=8), 8),
        # Requests are split, and those of more than 8 rows refused.
        (
            BatchOptions(
                max_enqueued_batches=2,
                enable_large_batch_splitting=True,
                max_execution_batch_size=4,
            ),
            4,
        ),
        (BatchOptions(), 32),
        (None, 32),
    ],
)
def test_warm_up_records_are_cut_to_a_batch(toy_root, tmp_path, monkeypatch, batching, most):
    shutil.copytree(toy_root / "toy/3", tmp_path / "1")
    log = messages.PredictionLog()
    log.predict_log.request.inputs["seed"].MergeFromString(tensors.encode_tensor(np.arange(32)))
    toy_models.write_warmup(tmp_path / "1", [log.SerializeToString()])
    sizes, run = [], Servable.run

    def count(self, feeds, *arguments):
        sizes.extend(len(array) for array in feeds.values())
        return run(self, feeds, *arguments)

    monkeypatch.setattr(Servable, "run", count)
    options = EngineOptions(batching=batching)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        version = Version("m", 1, str(tmp_path / "1"), options, pool)
        asyncio.run(version.load(pool))
        assert (version.state, version.error) == (State.AVAILABLE, None)
        asyncio.run(version.unload())
    assert sizes == [most]


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a niceness of their own there")
def test_threads_that_run_models_stand_back_alone():
    def niceness(options):
        options.stand_back()
        # A thread that this one starts stands back as it does.
        found = [os.getpriority(os.PRIO_PROCESS, threading.get_native_id())]
        inner = threading.Thread(
            target=lambda: found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        )
        inner.start()
        inner.join()
        return found

    def run(amount):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return pool.submit(niceness, EngineOptions(run_niceness=amount)).result()

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert run(0) == [before, before]
    assert run(4) == [min(before + 4, 19)] * 2
    assert run(19) == [19, 19]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
