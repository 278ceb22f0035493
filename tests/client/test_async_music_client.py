"""The client with asyncio does what the other one does."""

import asyncio
import inspect
import time

import grpc
import numpy as np
import pytest

from tests.client.fake_server import FakeServer, answer, fickle
from tfmusicgan.client import AsyncMusicClient, MusicClient, ServingError
from tfmusicgan.errors import ConfigError


def _ask(address, function, **settings):
    """Runs `await function(client)` in a loop of its own."""

    async def ask():
        async with AsyncMusicClient(address, **settings) as client:
            return await function(client)

    return asyncio.run(ask())


def _methods(cls):
    found = inspect.getmembers(cls, inspect.isfunction)
    return {name: function for name, function in found if not name.startswith("_")}


def test_both_have_the_same_methods_and_arguments():
    blocking, awaited = _methods(MusicClient), _methods(AsyncMusicClient)
    assert blocking.keys() == awaited.keys() >= {"generate", "stream_phrases", "close"}
    for name, function in blocking.items():
        mine = inspect.signature(awaited[name]).parameters
        assert mine == inspect.signature(function).parameters, name
        if name not in ("stream_phrases", "with_options"):
            assert inspect.iscoroutinefunction(awaited[name]), name


def test_answers_are_the_same(toy_server):
    seeds = list(range(23))
    inputs = {"seed": np.arange(3), "qpm": np.ones(3, np.float32), "threshold": np.zeros(3, "f4")}

    async def ask(client):
        return await asyncio.gather(
            client.wait_until_ready("toy", 5),
            client.status("toy"),
            client.metadata("toy"),
            client.predict("toy", inputs, "generate", output_filter=["value"]),
            client.generate("toy", seeds),
            client.generate("toy", seeds, qpm=1.0, threshold=[0.5] * 23),
            client.generate("toy", []),
        )

    ready, status, metadata, value, plain, controlled, none = _ask(
        toy_server.address, ask, max_rows=5, max_concurrency=3
    )
    assert (ready, none) == (3, [])
    with MusicClient(toy_server.address) as client:
        assert status == client.status("toy")
        assert metadata == client.metadata("toy")
        assert value["value"].tolist() == [[2.0, 0.0], [3.0, 0.0], [4.0, 0.0]]
        assert plain == client.generate("toy", seeds)
        assert controlled == client.generate("toy", seeds, qpm=1.0, threshold=0.5)


def test_refusals(toy_server):
    async def unknown(client):
        await client.generate("nix", range(300))

    with pytest.raises(ServingError, match="NOT_FOUND: Servable not found for request: Latest"):
        _ask(toy_server.address, unknown)

    async def no_music(client):
        await client.accompany("toy", [1], b"")

    with pytest.raises(ConfigError, match=r"Unknown signature 'accompany'. Known: bfloat16,"):
        _ask(toy_server.address, no_music)

    async def no_sounds(client):
        await client.generate_audio("toy", [1, 2])

    with pytest.raises(ServingError, match="output tensor alias not found in signature: wav"):
        _ask(toy_server.address, no_sounds)


def test_overload_is_tried_again_and_other_requests_go_on():
    async def predict(client):
        started = time.monotonic()
        _, size = await asyncio.gather(client.status("m"), client.predict("m", {}))
        return size["y"].size, time.monotonic() - started

    with fickle(2) as server:
        size, seconds = _ask(server.address, predict)
    assert size == 2**21
    assert len(server.times) == 3 and seconds > 0.05 + 0.1  # 0.1 and 0.2 s, less the jitter
    with fickle(9, grpc.StatusCode.INVALID_ARGUMENT) as server:
        with pytest.raises(ServingError, match="INVALID_ARGUMENT: busy"):
            _ask(server.address, predict)
        assert len(server.times) == 1


def test_no_more_requests_at_a_time_than_allowed():
    under_way, most = [], []

    def predict(request, context):
        under_way.append(1)
        most.append(len(under_way))
        time.sleep(0.05)
        under_way.pop()
        return answer(note_sequence=[b""])

    async def ask(client):
        return len(await client.generate("m", range(12)))

    with FakeServer(predict) as server:
        assert _ask(server.address, ask, max_rows=1, max_concurrency=3) == 12
    assert 1 < max(most) <= 3


def test_waiting_for_a_version():
    async def ask(client):
        await client.wait_until_ready("m", 0.2)

    late = r"DEADLINE_EXCEEDED: m is not available after 0.2"
    with fickle(state=20) as server, pytest.raises(ServingError, match=late):
        _ask(server.address, ask)
    with pytest.raises(ServingError, match=r"UNAVAILABLE"):
        _ask("127.0.0.1:1", ask)


def test_a_failure_ends_the_other_requests_and_a_cancelled_job_all_of_them():
    def predict(request, context):
        if len(server.times) == 2:
            context.abort(grpc.StatusCode.NOT_FOUND, "gone")
        time.sleep(0.05)
        return answer(note_sequence=[b""])

    async def ask(client):
        with pytest.raises(ServingError, match="NOT_FOUND: gone"):
            await client.generate("m", range(40))
        failed = len(server.times)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.generate("m", range(40)), 0.3)
        return failed, len(server.times) - failed

    with FakeServer(predict) as server:
        failed, cancelled = _ask(server.address, ask, max_rows=1, max_concurrency=2)
    assert failed <= 5
    assert 0 < cancelled <= 20  # two at a time, 50 ms each
