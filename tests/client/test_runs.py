"""One version makes a whole job, and what models take is asked once a version."""

import asyncio
import threading
import time

import grpc
import pytest

from tests.client.fake_server import FakeServer, answer
from tfmusicgan.client import AsyncMusicClient, MusicClient, ServingError
from tfmusicgan.client.requests import Described
from tfmusicgan.client.runs import KnownModels
from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.serving import tensors

INPUTS = {"generate": {"seed": "DT_INT64", "qpm": "DT_FLOAT"}}


def _blocking(address, jobs, max_concurrency=1):
    with MusicClient(address, max_rows=1, max_concurrency=max_concurrency) as client:
        return [_versions(client.generate("m", *seeds, **given)) for seeds, given in jobs()]


def _awaited(address, jobs, max_concurrency=1):
    async def run():
        options = {"max_rows": 1, "max_concurrency": max_concurrency}
        async with AsyncMusicClient(address, **options) as client:
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


def _swapping(version_of, gone):
    """A server that answers requests without a version as `version_of(seed)` says.

    Versions in `gone` are not found where they are named.
    """

    def predict(request, context):
        asked = request.model_spec.version.value
        (seed,) = tensors.decode_tensor(request.inputs["seed"])
        server.asked.append((asked, int(seed)))
        if asked in gone:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no version {asked}")
        version = asked or version_of(int(seed))
        piece = NoteSequence(id=f"{version} {seed}").SerializeToString()
        return answer(version, note_sequence=[piece])

    server = FakeServer(predict, signatures=INPUTS)
    server.asked = []
    return server


def test_the_version_that_answered_last_makes_all(run):
    answered = threading.Event()

    def version_of(seed):
        if seed:  # the second part, while the first one waits
            answered.set()
            return 1
        assert answered.wait(10)
        time.sleep(0.1)
        return 2

    with _swapping(version_of, gone={1}) as server:
        (found,) = run(server.address, lambda: [([range(2)], {})], max_concurrency=2)
        assert found == [(2, 0), (2, 1)]
        assert server.asked[2:] == [(2, 1)]


@pytest.mark.parametrize("controls", [{}, {"qpm": 90}])
def test_where_the_chosen_version_is_gone_all_is_asked_anew(run, controls):
    left = [2, 1, 2, 2]  # the old version's answer takes longer, and is its last
    with _swapping(lambda seed: left.pop(0), gone={1}) as server:
        (found,) = run(server.address, lambda: [([range(2)], controls)])
        assert found == [(2, 0), (2, 1)]
        assert server.asked == [(0, 0), (0, 1), (1, 0), (0, 0), (0, 1)]


def test_servers_of_different_versions_behind_one_address_are_an_error_in_the_end(run):
    with _swapping(lambda seed: 1 + seed, gone={1, 2}) as server:
        with pytest.raises(ServingError, match="NOT_FOUND: no version 2"):
            run(server.address, lambda: [([range(2)], {})])
        assert len(server.asked) == 5 * 3
    # A version that the caller names is asked for once.
    with _swapping(lambda seed: 1, gone={9}) as server:
        with pytest.raises(ServingError, match="NOT_FOUND: no version 9"):
            run(server.address, lambda: [([[5]], {"version": 9})])
        assert server.asked == [(9, 5)]


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
