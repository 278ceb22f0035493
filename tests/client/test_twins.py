"""What the blocking client and the one with asyncio have to do alike where something goes wrong."""

import asyncio

import grpc
import pytest

from tests.client.fake_server import FakeServer, answer
from tfmusicgan.client import AsyncMusicClient, MusicClient, ServingError


def _blocking(address, ask, **settings):
    with MusicClient(address, **settings) as client:
        return ask(client)


def _awaited(address, ask, **settings):
    async def run():
        async with AsyncMusicClient(address, **settings) as client:
            return await ask(client)

    return asyncio.run(run())


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
