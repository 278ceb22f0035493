"""What the blocking client and the one with asyncio have to do alike where something goes wrong."""

import asyncio
import inspect
import pickle
import signal
import subprocess
import sys
import threading
import time

import grpc
import pytest

from tests.client.fake_server import FakeServer, answer
from tfmusicgan.client import AsyncMusicClient, ClosedError, MusicClient, RetryPolicy, ServingError
from tfmusicgan.serving import tensors


def _blocking(address, ask, **settings):
    with MusicClient(address, **settings) as client:
        return ask(client)


def _awaited(address, ask, **settings):
    async def run():
        async with AsyncMusicClient(address, **settings) as client:
            return await ask(client)

    return asyncio.run(run())


async def _result(value):
    """What a method of either client comes to."""
    return await value if inspect.isawaitable(value) else value


@pytest.fixture(params=[_blocking, _awaited], ids=["blocking", "asyncio"])
def run(request):
    """Runs `ask(client)` with a client of the address, of one kind and of the other."""
    return request.param


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"\xff\xff", "2 bytes that cannot be read"),
        (b"", "0 bytes that cannot be read: 'note_sequence'"),
        (answer(note_sequence=[b"\xff\xff"]), "bytes that cannot be read"),
    ],
)
def test_replies_that_cannot_be_read_are_the_servers_errors(run, reply, reason):
    with FakeServer(lambda *_: reply) as server:
        with pytest.raises(ServingError, match=f"Predict answered .*{reason}") as refusal:
            run(server.address, lambda client: client.generate("m", [7]))
        assert len(server.times) == 1
        assert refusal.value.code == grpc.StatusCode.INTERNAL
        assert refusal.value.request_id == server.metadata[0]["x-request-id"]


@pytest.mark.parametrize("make", [MusicClient, AsyncMusicClient])
def test_a_closed_client_says_so(make, toy_server):
    async def use():
        unused, used = make(toy_server.address), make(toy_server.address)
        assert not used.closed
        assert await _result(used.status("toy"))
        for client in (unused, used):
            later = client.with_options(timeout_seconds=5)
            await _result(client.close())
            await _result(client.close())
            for closed in (client, later, client.with_options(timeout_seconds=5)):
                assert closed.closed
                with pytest.raises(ClosedError, match=f"{toy_server.address}, which is closed"):
                    await _result(closed.status("toy"))
                with pytest.raises(ClosedError):
                    await _result(closed.generate("toy", [1, 2]))

    asyncio.run(use())
    assert pickle.loads(pickle.dumps(ClosedError("a:1"))).target == "a:1"


@pytest.mark.parametrize("make", [MusicClient, AsyncMusicClient])
def test_a_twin_closes_itself_alone(make, toy_server):
    async def use():
        client = make(toy_server.address)
        twin = client.with_options(timeout_seconds=5)
        assert await _result(twin.status("toy"))
        await _result(twin.close())
        with pytest.raises(ClosedError):
            await _result(twin.status("toy"))
        assert not client.closed
        assert await _result(client.status("toy")) == {3: ("AVAILABLE", "")}
        await _result(client.close())

    asyncio.run(use())


def _slow(release, started):
    def predict(*_):
        started.release()
        release.wait(20)
        return answer()

    return FakeServer(predict)


def test_a_call_under_way_ends_when_the_client_is_closed():
    release, started = threading.Event(), threading.Semaphore(0)

    def close(client):
        started.acquire()
        client.close()

    async def ask(address):
        client = AsyncMusicClient(address)
        call = asyncio.ensure_future(client.predict("m", {}))
        await asyncio.to_thread(started.acquire)
        await client.close()
        await call

    with _slow(release, started) as server:
        before = time.monotonic()
        client = MusicClient(server.address)
        closer = threading.Thread(target=close, args=(client,))
        closer.start()
        with pytest.raises(ClosedError):
            client.predict("m", {})
        closer.join()
        with pytest.raises(ClosedError):
            asyncio.run(ask(server.address))
        assert time.monotonic() - before < 10
        release.set()


def _seed_fails(failing, release):
    """One seed is refused, and the others wait; `server.ended` counts those that were cancelled."""

    def predict(request, context):
        if int(tensors.decode_tensor(request.inputs["seed"])[0]) == failing:
            context.abort(grpc.StatusCode.NOT_FOUND, "gone")
        if not context.add_callback(server.ended.release):
            server.ended.release()  # it had ended before
        release.wait(20)
        return answer(note_sequence=[b""])

    server = FakeServer(predict)
    server.ended = threading.Semaphore(0)
    return server


@pytest.mark.parametrize("failing", [0, 3])
def test_a_failure_ends_a_job_and_cancels_its_other_requests(run, failing):
    release = threading.Event()
    with _seed_fails(failing, release) as server:
        before = time.monotonic()
        with pytest.raises(ServingError, match="NOT_FOUND: gone"):
            run(server.address, lambda client: client.generate("m", range(9)), max_rows=1)
        assert time.monotonic() - before < 5
        assert len(server.times) <= 7  # four at a time, and what began before the cancelling
        for _ in range(len(server.times) - 1):
            assert server.ended.acquire(timeout=5)
        release.set()


def test_a_failure_does_not_wait_for_the_pauses_of_retries(run):
    def predict(request, context):
        if int(tensors.decode_tensor(request.inputs["seed"])[0]):
            time.sleep(0.3)
            context.abort(grpc.StatusCode.NOT_FOUND, "gone")
        context.abort(grpc.StatusCode.UNAVAILABLE, "busy")

    patient = RetryPolicy(first_pause_seconds=8, max_pause_seconds=8)
    with FakeServer(predict) as server:
        before = time.monotonic()
        with pytest.raises(ServingError, match="NOT_FOUND: gone"):
            run(server.address, lambda c: c.generate("m", [0, 1]), max_rows=1, retry=patient)
        assert time.monotonic() - before < 3


class _SlowToStart(FakeServer):
    """Does not answer the first question after its versions in time."""

    def __init__(self):
        super().__init__(lambda *_: answer())
        self.num_asked, self.release = 0, threading.Event()

    def _status(self, request, context):
        self.num_asked += 1
        if self.num_asked == 1:
            self.release.wait(20)
        return super()._status(request, context)


def test_a_call_that_takes_too_long_does_not_end_the_wait_for_a_model(run):
    with _SlowToStart() as server:
        ready = run(server.address, lambda c: c.wait_until_ready("m", 20), timeout_seconds=0.3)
        assert (ready, server.num_asked) == (2, 2)
        server.release.set()
    with _SlowToStart() as server:
        before = time.monotonic()
        with pytest.raises(ServingError, match="DEADLINE_EXCEEDED"):
            run(server.address, lambda c: c.wait_until_ready("m", 0.3))
        assert 0.25 < time.monotonic() - before < 5
        server.release.set()


INTERRUPTED = """
import sys
from tfmusicgan.client import MusicClient
with MusicClient(sys.argv[1], max_rows=1) as client:
    client.generate("m", range(9))
"""


def test_ctrl_c_ends_a_job():
    release, started = threading.Event(), threading.Semaphore(0)
    with _slow(release, started) as server:
        program = [sys.executable, "-c", INTERRUPTED, server.address]
        process = subprocess.Popen(program, stderr=subprocess.PIPE, text=True)
        try:
            for _ in range(4):
                assert started.acquire(timeout=30)
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=10)
        finally:
            process.kill()
            release.set()
    assert error.rstrip().endswith("KeyboardInterrupt")
