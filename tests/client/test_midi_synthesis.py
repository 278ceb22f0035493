"""One version plays a piece, whatever the server or the servers behind one address replace."""

import threading

import grpc
import numpy as np
import pytest

from tests.client.fake_server import FakeServer, answer
from tfmusicgan.client import MusicClient, ServingError, midi_synthesis
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.serving import messages, tensors
from tfmusicgan.serving.sounds import Sound

FIELDS = {"seed": "INT64", "other_seed": "INT64", "fraction": "FLOAT", "pitch": "INT32"}
SIGNATURES = {"interpolate": {name: f"DT_{dtype}" for name, dtype in FIELDS.items()}}


class _Servers(FakeServer):
    """One address, behind which the next server answers each request, and says its version.

    Args:
      version_of: The number of a request, from 0, to the version that its server has.
      lowest: Version -> its lowest pitch.
    """

    def __init__(self, version_of, lowest=None):
        super().__init__(self._play, signatures=SIGNATURES)
        self._version_of, self._lowest = version_of, lowest or {}
        self._lock, self._num_requests = threading.Lock(), 0
        self.asked = []  # (version asked for, version, number of pitches) of each job's request

    def _next(self, asked, context):
        with self._lock:
            version = self._version_of(self._num_requests)
            self._num_requests += 1
        if asked not in (0, version):
            context.abort(grpc.StatusCode.NOT_FOUND, f"no version {asked}")
        return version

    def _describe(self, request, context):
        asked = messages.GetModelMetadataRequest.FromString(request).model_spec.version.value
        self.version = self._next(asked, context)
        return super()._describe(request, context)

    def _play(self, request, context):
        asked = request.model_spec.version.value
        pitch = tensors.decode_tensor(request.inputs["pitch"])
        version = self._next(asked, context)
        self.asked.append((asked, version, len(pitch)))
        if list(request.output_filter) == ["pitch"]:
            return answer(version, pitch=np.clip(pitch, self._lowest.get(version, 0), 127))
        sound = Sound.from_samples(np.full(100, version / 32), 1000)
        return answer(version, wav=[sound.wav] * len(pitch))


def _piece(num_notes):
    sequence = NoteSequence()
    for number in range(num_notes):
        start = float(number)
        sequence.notes.add(start_time=start, end_time=start + 0.05, pitch=20 + number, velocity=127)
    return sequence


def _play(server, num_notes, version=None):
    # A request has 8 notes, and a job 64.
    with MusicClient(server.address, max_concurrency=1) as client:
        return midi_synthesis.play(client, "m", _piece(num_notes), [1], version)


def _levels(played, num_notes):
    """How loud the notes are; the versions differ in it."""
    return set(np.round(played.sound.samples[40 : 1000 * num_notes : 1000], 3).tolist())


@pytest.mark.parametrize("first", range(6))
@pytest.mark.parametrize("versions", [(2, 3), (2, 3, 3), (2, 2, 3), (2, 3, 4)])
def test_servers_of_different_versions_play_a_note(versions, first):
    with _Servers(lambda number: versions[(number + first) % len(versions)]) as server:
        assert _play(server, 1).num_notes == 1
        assert len(server.asked) < 10


def test_one_version_plays_a_piece_that_is_replaced_meanwhile():
    # One request for what the model takes, one for its range, and 8 for the first 64 notes.
    with _Servers(lambda number: 2 if number < 10 else 3) as server:
        played = _play(server, 70)
        assert played.num_notes == 70 and len(_levels(played, 70)) == 1
        unnamed = [(0, 2, 2), *[(0, 2, 8)] * 8, (0, 3, 6)]
        assert server.asked == [*unnamed, (3, 3, 2), *[(3, 3, 8)] * 8, (3, 3, 6)]


def test_the_range_is_of_the_version_that_plays():
    with _Servers(lambda number: 2 if number < 2 else 3, lowest={2: 20, 3: 22}) as server:
        played = _play(server, 4)
    assert (played.num_notes, played.num_out_of_range, played.pitches) == (2, 2, (22, 127))
    assert [shape for _, _, shape in server.asked] == [2, 4, 2, 2]


def test_a_version_that_is_gone_is_followed_by_the_one_that_answers():
    # Version 2 answers once more while 3 is there already, and then no longer.
    with _Servers(lambda number: 2 if number == 10 else 3) as server:
        assert len(_levels(_play(server, 70), 70)) == 1
        assert [asked for asked, _, _ in server.asked].count(2) == 0  # none was found
        assert server.asked[-1][:2] == (0, 3)


def test_versions_without_end_are_an_error():
    with _Servers(lambda number: 2 + number) as server:
        with pytest.raises(ServingError, match="NOT_FOUND: no version"):
            _play(server, 1)
        assert server._num_requests < 100


def test_a_version_that_is_named_is_no_other():
    with _Servers(lambda number: 2 if number < 10 else 3) as server:
        with pytest.raises(ServingError, match="NOT_FOUND: no version 2"):
            _play(server, 70, version=2)
        assert {asked for asked, _, _ in server.asked} == {2}
