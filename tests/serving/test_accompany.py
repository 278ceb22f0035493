"""Music to given music: over gRPC by hand, by the client, and by the commands."""

import json
import pathlib
import subprocess
import sys

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tests import made_up
from tests.cli.commands import refused, run
from tests.magenta.same import options, same_answers
from tfmusicgan.cli import generate
from tfmusicgan.client import MusicClient, jobs, requests
from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.midi import read_midi, write_midi
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.tfrecord import RecordWriter
from tfmusicgan.representations.packing import unpack_bytes

RECIPE = "musegan_hybrid_chorales_accompaniment"
PLAIN = "musegan_hybrid_chorales"


@pytest.fixture(scope="module")
def server(tiny_export):
    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.storage import ModelSource

    tiny_export(PLAIN)
    source = ModelSource(root=str(tiny_export(RECIPE).parents[1]))
    with app.running(app.ServerOptions(source, port=0)) as server:
        yield server


@pytest.fixture
def client(server):
    with MusicClient(server.address) as client:
        client.wait_until_ready(RECIPE)
        yield client


def _melody(number, bars, qpm):
    """A soprano alone, one note in each quarter."""
    sequence = made_up.chorale(number, bars, qpm)
    notes = [note for note in sequence.notes if note.part == 0]
    del sequence.notes[:], sequence.part_infos[1:]
    sequence.notes.extend(notes)
    return sequence


def _onsets(piece, part):
    """(beat, pitch) of every note of a part, by the piece's own tempo."""
    beat = 60.0 / piece.tempos[0].qpm
    return sorted((round(n.start_time / beat), n.pitch) for n in piece.notes if n.part == part)


def test_a_request_made_by_hand(server, tiny_run):
    melodies = [_melody(1, bars=3, qpm=96.0), _melody(2, bars=8, qpm=72.0)]
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
    assert rolls[0][..., 0].any(axis=2).all()


def test_the_client_asks_the_same(client, server, monkeypatch):
    melodies = [_melody(number, bars=2 + number, qpm=90.0) for number in range(4)]
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
    melody = _melody(4, bars=3, qpm=100.0)
    accompanied, alone = same_answers(
        client,
        tiny_export(RECIPE),
        [
            (melody, options(0.0, melody.total_time, threshold=0.4)),
            (NoteSequence(), options(1.0, 12.0, temperature=1.0)),
        ],
    )
    (piece,) = client.accompany(RECIPE, [7], melody, threshold=0.4)
    mine, theirs = (
        sorted((round(n.start_time, 6), round(n.end_time, 6), n.pitch) for n in sequence.notes)
        for sequence in (accompanied, piece)
    )
    assert mine == theirs
    assert alone.tempos[0].qpm == client.generate(RECIPE, [7])[0].tempos[0].qpm


@pytest.fixture
def base(server, client, tmp_path):
    return [f"--server={server.address}", f"--model={RECIPE}", f"--output={tmp_path}/out"]


def test_the_command_takes_a_file(capsys, base, tmp_path):
    write_midi(_melody(4, bars=2, qpm=100.0), tmp_path / "melody.mid")
    base = [*base, f"--accompany={tmp_path}/melody.mid"]
    assert run(generate.main, *base, "--num=2", "--control=threshold=0.3") == 0
    paths = capsys.readouterr().out.splitlines()
    names = [f"{RECIPE}_seed0_00{i}.{suffix}" for i in (0, 1) for suffix in ("mid", "wav", "png")]
    assert paths == [f"{tmp_path}/out/{name}" for name in names]
    given = {n.pitch for n in read_midi(tmp_path / "melody.mid").notes}
    for path in paths[::3]:
        assert given <= {note.pitch for note in read_midi(path).notes}


def test_one_piece_of_several(capsys, base, tmp_path):
    with RecordWriter(tmp_path / "songs.tfrecord") as writer:
        for number in range(3):
            writer.write(_melody(number, bars=2 * number + 1, qpm=60.0))
    base = [*base, "--formats=midi", f"--accompany={tmp_path}/songs.tfrecord#2"]
    assert run(generate.main, *base) == 0
    piece = read_midi(capsys.readouterr().out.strip())
    assert 16 < piece.total_time <= 20  # five bars of four beats of a second each


def test_music_that_cannot_be_had(capsys, base, tmp_path):
    (tmp_path / "broken.mid").write_bytes(b"MThd nothing")
    (tmp_path / "notes.txt").write_text("c d e")
    with RecordWriter(tmp_path / "songs.tfrecord") as writer:
        writer.write(_melody(0, 1, 60.0))
        writer.write(_melody(1, 1, 60.0))
    for file, message in (
        ("nowhere.mid", "Expected a file of music. Nothing is at "),
        ("", "Expected a file of music. Received: "),
        ("broken.mid", "broken.mid"),
        ("notes.txt", "Expected music files (.mid "),
        ("songs.tfrecord", "which has 2. Name one of them, as in "),
        ("songs.tfrecord#2", "Expected a piece below 2, as many as "),
    ):
        assert message in refused(capsys, generate.main, *base, f"--accompany={tmp_path}/{file}")
    write_midi(_melody(4, bars=2, qpm=100.0), tmp_path / "melody.mid")
    base.append(f"--accompany={tmp_path}/melody.mid")
    for arguments, message in (
        (["--signature=generate"], "--midi or --signature. Received: --accompany="),
        ([f"--model={PLAIN}"], "Unknown signature 'accompany'. Known: generate, serving_default."),
        (["--control=qpm=90"], "Unknown control 'qpm'. Known: note_sequence, temperature, thresh"),
    ):
        assert message in refused(capsys, generate.main, *base, *arguments)


def test_the_stock_client(client, server, tmp_path):
    script = pathlib.Path(__file__).parents[2] / "serving" / "clients" / "stock_client.py"
    write_midi(_melody(4, bars=2, qpm=100.0), tmp_path / "melody.mid")
    command = [sys.executable, str(script), server.address, RECIPE, "2", "melody.mid"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["piece_0.mid", "piece_1.mid"]
    given = {note.pitch for note in read_midi(tmp_path / "melody.mid").notes}
    assert given <= {note.pitch for note in read_midi(tmp_path / "piece_1.mid").notes}


def _run_client(name, *arguments, folder):
    script = pathlib.Path(__file__).parents[2] / "serving" / "clients" / name
    command = [sys.executable, str(script), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_client(client, server, tmp_path):
    said = _run_client("python_client.py", server.address, PLAIN, "2", folder=tmp_path)
    assert said.split() == ["piece_0.mid", "piece_1.mid"]
    said = _run_client("python_client.py", server.address, PLAIN, "1", "3", folder=tmp_path)
    *phrases, last = said.splitlines()
    (whole,) = client.generate(PLAIN, [0], num_phrases=3)
    assert last == "piece.mid" and len(phrases) == 3
    assert sum(int(line.split()[0]) for line in phrases) == len(whole.notes)
    assert len(read_midi(tmp_path / "piece.mid").notes) == len(whole.notes)


def test_the_magenta_client(server, tmp_path):
    write_midi(_melody(4, bars=2, qpm=120.0), tmp_path / "melody.mid")
    arguments = [server.address, RECIPE, "melody.mid", "0", "4", "7"]
    assert _run_client("magenta_generator.py", *arguments, folder=tmp_path) == "section.mid\n"
    notes = read_midi(tmp_path / "section.mid").notes
    assert {n.pitch for n in read_midi(tmp_path / "melody.mid").notes} <= {n.pitch for n in notes}
    assert len({note.instrument for note in notes}) > 1


def test_the_pages_example(client, server, tmp_path, monkeypatch):
    """The Python of serving/README.md, with this server's address and models."""
    page = pathlib.Path(__file__).parents[2] / "serving" / "README.md"
    blocks = page.read_text().split("```python\n")[1:]
    (code,) = (block.split("```")[0] for block in blocks if "client.accompany" in block)
    for name, mine in (
        ("127.0.0.1:8500", server.address),
        ("chorales", PLAIN),
        ("harmony", RECIPE),
    ):
        code = code.replace(f'"{name}"', f'"{mine}"')
    write_midi(_melody(4, bars=2, qpm=100.0), tmp_path / "melody.mid")
    monkeypatch.chdir(tmp_path)
    found = {"seeds": np.arange(3)}
    exec(code, found)
    assert len(found["pieces"]) == len(found["slow"]) == 100
    lengths = [4 * piece.total_time * 80 / 72 for piece in found["pieces"]]
    assert [piece.total_time for piece in found["slow"]] == pytest.approx(lengths)
    assert found["arrays"]["note_sequence"].shape == (3,)
    assert len(found["voices"]) == 4


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
