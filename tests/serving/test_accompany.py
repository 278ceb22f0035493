"""Music to given music: over gRPC by hand, by the client, and by Magenta's generators."""

import json

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tests.magenta.same import options, same_answers
from tests.serving.accompaniment import PLAIN, RECIPE, soprano
from tfmusicgan.client import MusicClient, jobs, requests
from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.packing import unpack_bytes


@pytest.fixture
def server(accompanying_server):
    return accompanying_server


@pytest.fixture
def client(server):
    with MusicClient(server.address) as client:
        client.wait_until_ready(RECIPE)
        yield client


def _onsets(piece, part):
    """(beat, pitch) of every note of a part, by the piece's own tempo."""
    beat = 60.0 / piece.tempos[0].qpm
    return sorted((round(n.start_time / beat), n.pitch) for n in piece.notes if n.part == part)


def _notes(piece):
    """(start, end, pitch) of every note."""
    return sorted((round(n.start_time, 6), round(n.end_time, 6), n.pitch) for n in piece.notes)


def test_a_request_made_by_hand(server, tiny_run):
    melodies = [soprano(1, bars=3, qpm=96.0), soprano(2, bars=8, qpm=72.0)]
    request = predict_pb2.PredictRequest()
    request.model_spec.name = RECIPE
    request.model_spec.signature_name = "accompany"
    texts = [*(melody.SerializeToString() for melody in melodies), b"\xff no music"]
    for name, values, dtype in (
        ("seed", [7, 8, 9], tf.int64),
        ("note_sequence", texts, tf.string),
        ("threshold", [0.5] * 3, tf.float32),
        ("temperature", [0.0] * 3, tf.float32),
    ):
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values, dtype))
    with grpc.insecure_channel(server.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        outputs = stub.Predict(request, timeout=60).outputs
    pieces = [NoteSequence.FromString(text) for text in outputs["note_sequence"].string_val]
    assert [piece.tempos[0].qpm for piece in pieces] == [96.0, 72.0, 120.0]
    for piece, melody in zip(pieces, melodies, strict=False):
        assert piece.total_time == pytest.approx(melody.total_time)
        assert _onsets(piece, 0) == _onsets(melody, 0)
    # A row of no music does not fail the others: it is one bar's silence, accompanied.
    assert not _onsets(pieces[2], 0)
    shape = tiny_run(RECIPE).build_model().representation.spec["piano_roll"].shape
    rolls = [unpack_bytes(text, shape) for text in outputs["piano_roll"].string_val]
    assert [len(roll) for roll in rolls] == [3, 8, 1]
    for name in ("notes_moved", "notes_left_out", "bars_left_out"):
        assert list(outputs[name].int_val) == [0, 0, 0]
    assert rolls[0][..., 0].any(axis=2).all()


def test_the_client_asks_the_same(client, server, monkeypatch):
    melodies = [soprano(number, bars=2 + number, qpm=90.0) for number in range(4)]
    seeds = [3, 5, 8, 1 << 40]
    each = client.accompany(RECIPE, seeds, melodies, threshold=0.4)
    assert [_onsets(piece, 0) for piece in each] == [_onsets(melody, 0) for melody in melodies]
    # In requests of one row each, given as bytes.
    monkeypatch.setattr(jobs, "MAX_REQUEST_BYTES", 10)
    asked = []
    predict = requests.predict
    monkeypatch.setattr(
        requests,
        "predict",
        lambda m, i, *rest, **more: (asked.append(len(i["seed"])), predict(m, i, *rest, **more))[1],
    )
    texts = [melody.SerializeToString() for melody in melodies]
    singly = client.accompany(RECIPE, seeds, texts, threshold=0.4)
    assert asked == [1, 1, 1, 1]
    assert [_onsets(p, 0) for p in singly] == [_onsets(p, 0) for p in each]
    monkeypatch.undo()
    one = client.accompany(RECIPE, seeds, melodies[2], threshold=0.4)
    assert all(_onsets(piece, 0) == _onsets(melodies[2], 0) for piece in one)
    assert one[2] == each[2]


def test_warm_up_and_seed_alone_are_served(client):
    assert client.status(RECIPE) == {1: ("AVAILABLE", "")}
    assert len(client.generate(RECIPE, [1, 2, 3])) == 3


def test_phrases_of_a_long_piece_are_those_of_the_piece(client):
    controls = {"threshold": 0.4, "temperature": [1.0], "qpm": 80.0}
    for seed in (3, 1 << 40):
        phrases = list(client.stream_phrases(PLAIN, seed, 5, **controls))
        (whole,) = client.generate(PLAIN, [seed], num_phrases=5, **controls)
        assert len(phrases) == 5
        assert [note for phrase in phrases for note in phrase.notes] == list(whole.notes)
        assert whole.notes[-1].start_time > 4 * whole.total_time / 5
        seconds = whole.total_time / 5
        for number, phrase in enumerate(phrases):
            starts = [note.start_time for note in phrase.notes]
            assert all(number * seconds - 1e-6 <= start for start in starts)
            assert all(start < (number + 1) * seconds - 1e-6 for start in starts)
            assert phrase.tempos == whole.tempos and phrase.part_infos == whole.part_infos
    with pytest.raises(ConfigError, match=r"Unknown control 'note_sequence'. Known: num_phrases"):
        next(client.stream_phrases(PLAIN, 3, 2, note_sequence=b""))


def test_magentas_generators_accompany_and_generate(client, tiny_export):
    melody, begun = soprano(4, bars=3, qpm=100.0), soprano(5, bars=3, qpm=100.0)
    begun.time_signatures.add(time=0.6, numerator=4, denominator=4)
    accompanied, after_pick_up, alone = same_answers(
        client,
        tiny_export(RECIPE),
        [
            (melody, options(0.0, melody.total_time, threshold=0.4)),
            (begun, options(0.0, begun.total_time, threshold=0.4)),
            (NoteSequence(), options(1.0, 12.0, temperature=1.0)),
        ],
    )
    (piece,) = client.accompany(RECIPE, [7], melody, threshold=0.4)
    assert _notes(accompanied) == _notes(piece)
    # In the section there is what comes after three quarter notes, as long as the music.
    (piece,) = client.accompany(RECIPE, [7], begun, threshold=0.4)
    assert _notes(after_pick_up) == sorted(
        (round(max(start - 1.8, 0.0), 6), round(min(end - 1.8, 7.2), 6), pitch)
        for start, end, pitch in _notes(piece)
        if end > 1.8 and start < 1.8 + 7.2
    )
    assert alone.tempos[0].qpm == client.generate(RECIPE, [7])[0].tempos[0].qpm


def test_the_manifest_and_the_card_can_be_read(tiny_export):
    extra = tiny_export(RECIPE) / "assets.extra"
    inputs = json.loads((extra / "tfmusicgan.json").read_text())["signatures"]["accompany"]
    assert inputs["inputs"]["note_sequence"] == {"dtype": "string"}
    card = (extra / "model_card.md").read_text()
    assert "| `accompany` | `note_sequence` | string [batch] | needed |  |" in card
    assert "| `accompany` | `threshold` | float32 [batch] | 0.5 | 0 to 1 |" in card
    assert "\\x" not in card and all(line.isprintable() for line in card.splitlines())


def test_warm_up_plays_to_a_note(tiny_export):
    path = tiny_export(RECIPE) / "assets.extra" / "tf_serving_warmup_requests"
    from tensorflow_serving.apis import prediction_log_pb2

    found = []
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        if request.model_spec.signature_name == "accompany":
            found.append(tf.make_ndarray(request.inputs["note_sequence"]))
    assert [len(rows) for rows in found] == [1, 32]
    assert len(NoteSequence.FromString(np.ravel(found[0])[0]).notes) == 1
