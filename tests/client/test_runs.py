"""One version makes a whole job, and what models take is asked once a version."""

import asyncio

import pytest

from tests.client.fake_server import FakeServer, answer
from tfmusicgan.client import AsyncMusicClient, MusicClient
from tfmusicgan.client.requests import Described
from tfmusicgan.client.runs import KnownModels
from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.serving import tensors

INPUTS = {"generate": {"seed": "DT_INT64", "qpm": "DT_FLOAT"}}


def _blocking(address, jobs):
    with MusicClient(address, max_rows=1, max_concurrency=1) as client:
        return [_versions(client.generate("m", *seeds, **given)) for seeds, given in jobs()]


def _awaited(address, jobs):
    async def run():
        async with AsyncMusicClient(address, max_rows=1, max_concurrency=1) as client:
            return [
                _versions(await client.generate("m", *seeds, **given)) for seeds, given in jobs()
            ]

    return asyncio.run(run())


@pytest.fixture(params=[_blocking, _awaited], ids=["blocking", "asyncio"])
def run(request):
    return request.param


def _versions(pieces):
    """(version, seed) of pieces of the server below."""
    return [tuple(int(number) for number in piece.id.split()) for piece in pieces]


def _server(versions):
    """Its requests without a version are answered by these in turn, at last by the last."""
    left = list(versions)

    def predict(request, context):
        asked = request.model_spec.version.value
        version = asked or (left.pop(0) if len(left) > 1 else left[0])
        (seed,) = tensors.decode_tensor(request.inputs["seed"])
        server.asked.append((asked, int(seed)))
        return answer(
            version, note_sequence=[NoteSequence(id=f"{version} {seed}").SerializeToString()]
        )

    server = FakeServer(predict, signatures=INPUTS, version=versions[0])
    server.asked = []
    return server


def test_all_rows_are_of_one_version(run):
    with _server([1, 1, 2, 2]) as server:
        (plain,) = run(server.address, lambda: [([range(4)], {})])
        assert plain == [(2, 0), (2, 1), (2, 2), (2, 3)]
        assert server.asked == [(0, 0), (0, 1), (0, 2), (0, 3), (2, 0), (2, 1)]
        assert server.num_described == 0
    with _server([1, 1, 2, 2]) as server:
        (controlled,) = run(server.address, lambda: [([range(4)], {"qpm": 90})])
        assert controlled == plain
        assert server.num_described == 2
    # Back to an older one, and a version that is asked for.
    with _server([3, 2]) as server:
        jobs = [([[5, 6]], {}), ([[7, 8]], {"version": 9})]
        assert run(server.address, lambda: jobs) == [[(2, 5), (2, 6)], [(9, 7), (9, 8)]]


def test_what_a_model_takes_is_asked_once_a_version(run):
    def jobs():
        for _ in range(3):
            yield [range(2)], {"qpm": 90}
        assert server.num_described == 1
        for _ in range(2):
            yield [range(2)], {"qpm": 90}
            assert server.num_described == 2  # the answers were of another version

    with _server([4] * 6 + [5]) as server:
        assert run(server.address, jobs) == [[(4, 0), (4, 1)]] * 3 + [[(5, 0), (5, 1)]] * 2
        assert server.num_described == 2


def test_what_was_known_is_asked_again_before_a_job_is_refused(run):
    def jobs():
        yield [[1]], {"qpm": 90}
        server._signatures = {"generate": {**INPUTS["generate"], "swing": "DT_FLOAT"}}
        server.version = 2
        yield [[1]], {"qpm": 90, "swing": 0.5}
        assert server.num_described == 2
        yield [[1]], {"qpm": 90, "tempo": 1}

    with _server([1, 2]) as server, pytest.raises(ConfigError, match="Unknown control 'tempo'"):
        run(server.address, jobs)
    assert server.num_described == 3


def test_what_is_known_is_bounded():
    models = KnownModels()
    for version in range(1, 1001):
        models.keep("m", None, None, Described(version, {}))
    assert models.find("m", None, None).version == 1000
    assert models.find("m", 999, None).version == 999
    assert models.find("m", 1, None) is None
    assert models.find("m", None, "stable") is None
    models.forget("m", None, None)
    assert models.find("m", None, None) is models.find("m", 1000, None) is None
