"""A long piece phrase by phrase: the same notes as at once, each phrase as soon as it is known."""

import asyncio

import pytest

from tests.client.fake_server import FakeServer, answer
from tfmusicgan.client import AsyncMusicClient, MusicClient, ServingError
from tfmusicgan.client.phrases import PhraseCutter
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.note_sequences.proto import NoteSequence

SECONDS = 2.0  # of a phrase
# (start, end, pitch): the third phrase is silent, 63 lasts over a bound and 65 over two of them.
NOTES = [
    (0.0, 1.0, 60),
    (1.0, 2.0, 61),  # to the first phrase's end, and no longer
    (2.5, 3.0, 62),
    (3.5, 4.5, 63),
    (6.0, 6.5, 64),
    (7.5, 12.5, 65),
    (8.0, 8.5, 66),
    (12.5, 13.0, 67),
]


def _piece(num_phrases, notes=NOTES):
    """The first phrases: what is longer is cut, as it is in a shorter piece."""
    end = num_phrases * SECONDS
    piece = NoteSequence(ticks_per_quarter=220, total_time=end)
    piece.tempos.add(qpm=90.0)
    for start, stop, pitch in notes:
        if start < end:
            piece.notes.add(pitch=pitch, velocity=80, start_time=start, end_time=min(stop, end))
    return piece


def _pitches(phrases):
    return [[note.pitch for note in phrase.notes] for phrase in phrases]


def test_phrases_wait_for_notes_that_may_last_longer():
    cutter, came = PhraseCutter(7), []
    while cutter.wanted:
        asked = cutter.wanted
        came.append((asked, cutter.cut(_piece(asked))))
    assert [(asked, _pitches(phrases)) for asked, phrases in came] == [
        (1, []),  # 61 touches the end
        (2, [[60, 61]]),  # 63 does
        (4, [[62, 63], []]),  # 65 does
        (7, [[64, 65], [66], [], [67]]),
    ]
    phrases = [phrase for _, phrases in came for phrase in phrases]
    assert [phrase.total_time for phrase in phrases] == [2.0, 4.5, 6.0, 12.5, 10.0, 12.0, 14.0]
    assert [note for phrase in phrases for note in phrase.notes] == list(_piece(7).notes)
    assert all(phrase.tempos[0].qpm == 90.0 for phrase in phrases)


def test_silence_comes_at_once():
    cutter = PhraseCutter(3)
    assert _pitches(cutter.cut(_piece(1, []))) == [[]]
    assert cutter.wanted == 2
    assert _pitches(cutter.cut(_piece(2, [(2.0, 3.9, 60)]))) == [[60]]
    assert _pitches(cutter.cut(_piece(3, [(2.0, 3.9, 60)]))) == [[]]
    assert cutter.wanted == 0


def test_a_piece_that_is_too_short():
    cutter = PhraseCutter(9)
    cutter.cut(_piece(1))
    with pytest.raises(MusicGanError, match=r"of 2 phrases of 2 s each. Received: one of 2 s."):
        cutter.cut(_piece(1))
    with pytest.raises(MusicGanError, match=r"of 1 phrases of 0 s each. Received: one of 0 s."):
        PhraseCutter(9).cut(NoteSequence())


@pytest.fixture
def server():
    """A model of phrases, whose version is a higher one in each answer, but where one is named."""

    def predict(request, context):
        asked = request.model_spec.version.value
        (count,) = request.inputs["num_phrases"].int_val or [
            int.from_bytes(request.inputs["num_phrases"].tensor_content, "little")
        ]
        server.asked.append((asked, count))
        if count > 7:
            count = 7
        text = _piece(count).SerializeToString()
        return answer(asked or len(server.asked) + 4, note_sequence=[text])

    inputs = {"seed": "DT_INT64", "num_phrases": "DT_INT32"}
    signatures = {"generate": inputs, "serving_default": {"seed": "DT_INT64"}}
    server = FakeServer(predict, signatures=signatures)
    server.asked = []
    with server:
        yield server


def test_a_piece_is_of_one_version_and_asked_for_when_it_is_wanted(server):
    with MusicClient(server.address) as client:
        stream = client.stream_phrases("toy", 3, 7)
        assert server.asked == []
        first = next(stream)
        assert server.asked == [(0, 1), (5, 2)]
        phrases = [first, *stream]
        assert server.asked == [(0, 1), (5, 2), (5, 4), (5, 7)]
        (whole,) = client.generate("toy", [3], num_phrases=7)
    assert [note for phrase in phrases for note in phrase.notes] == list(whole.notes)


def test_the_version_whose_inputs_are_known_makes_the_piece(server):
    server.version = 8
    with MusicClient(server.address) as client:
        assert len(list(client.stream_phrases("toy", 3, 7))) == 7
    assert server.asked == [(8, 1), (8, 2), (8, 4), (8, 7)]


def test_asyncio_gives_the_same(server):
    async def ask():
        async with AsyncMusicClient(server.address) as client:
            return [phrase async for phrase in client.stream_phrases("toy", 3, 7, version=9)]

    phrases = asyncio.run(ask())
    assert server.asked == [(9, 1), (9, 2), (9, 4), (9, 7)]
    with MusicClient(server.address) as client:
        assert phrases == list(client.stream_phrases("toy", 3, 7))


def test_what_cannot_be_had(server, toy_server):
    with MusicClient(server.address) as client:
        with pytest.raises(ConfigError, match=r"num_phrases from 1. Received: 0."):
            client.stream_phrases("toy", 3, 0)
        with pytest.raises(ConfigError, match=r"whole numbers below 2\*\*63. Received: \[0.5\]"):
            client.stream_phrases("toy", 0.5, 2)
        with pytest.raises(ConfigError, match=r"Unknown control 'tempo'. Known: num_phrases."):
            list(client.stream_phrases("toy", 3, 2, tempo=4))
        with pytest.raises(MusicGanError, match=r"of 8 phrases of 2 s each. Received: one of 14 s"):
            list(client.stream_phrases("toy", 3, 8))
        with pytest.raises(ConfigError, match=r"a version or a label"):
            list(client.stream_phrases("toy", 3, 2, version=1, label="x"))
    with MusicClient(toy_server.address) as client:
        with pytest.raises(ConfigError, match=r"takes num_phrases. Its inputs: qpm, seed, thresh"):
            list(client.stream_phrases("toy", 3, 2))
        with pytest.raises(ServingError, match="NOT_FOUND"):
            list(client.stream_phrases("nix", 3, 2))
