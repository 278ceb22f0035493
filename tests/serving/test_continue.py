"""Going on with given music: by the client and by the commands; and what has no music."""

import dataclasses
import shutil

import numpy as np
import pytest

from tests import made_up
from tests.cli.commands import refused, run
from tests.magenta.same import options, same_answers
from tfmusicgan import recipes
from tfmusicgan.cli import export, generate, sample
from tfmusicgan.client import MusicClient
from tfmusicgan.note_sequences.midi import read_midi, write_midi
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.tfrecord import RecordWriter, read_note_sequences

RECIPE = "seqgan_nottingham"


@pytest.fixture(scope="module")
def server(tiny_export, tmp_path_factory):
    from tests.serving.warmup import without_warmup
    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.storage import ModelSource

    folder = without_warmup(tiny_export(RECIPE), tmp_path_factory.mktemp("models") / RECIPE)
    source = ModelSource(name=RECIPE, base_path=str(folder))
    with app.running(app.ServerOptions(source, port=0)) as server:
        yield server


@pytest.fixture
def client(server):
    with MusicClient(server.address) as client:
        client.wait_until_ready(RECIPE)
        yield client


@pytest.fixture(scope="module")
def encode(tiny_run):
    """A piece's tokens, up to the last that sounds."""
    representation = tiny_run(RECIPE).build_model().representation

    def tokens(piece):
        found = representation.sample(piece).tolist()
        while found and found[-1] == 0:
            found.pop()
        return found

    return tokens


def test_magentas_generators_go_on(client, tiny_export):
    tune = made_up.chorale(1, bars=2, qpm=150.0)  # two bars of four tokens, 0.4 s each
    start = tune.total_time + 0.8
    wanted = options(start, start + 2.4, temperature=0.9)
    (piece, _) = same_answers(
        client, tiny_export(RECIPE), [(tune, wanted), (NoteSequence(), options(2.0, 6.0))]
    )
    (whole,) = client.continue_piece(RECIPE, [7], tune, temperature=0.9, length=14)
    new = [(n.start_time + 0.8, n.pitch) for n in whole.notes if n.start_time > 3.2 - 1e-6]
    found = [(n.start_time, n.pitch) for n in piece.notes if n.start_time >= start]
    assert found == [(pytest.approx(time), pitch) for time, pitch in new]
    kept = [n for n in piece.notes if n.start_time < start]
    assert sorted(map(str, kept)) == sorted(map(str, tune.notes))


def test_the_client_goes_on(client, encode):
    tunes = [made_up.chorale(number, bars=1 + number, qpm=150.0) for number in range(3)]
    given = [encode(tune) for tune in tunes]
    assert [len(tokens) for tokens in given] == [4, 8, 12]
    pieces = client.continue_piece(RECIPE, [5, 6, 7], tunes, temperature=0.9)
    assert [round(piece.total_time / 0.4) for piece in pieces] == [12, 16, 20]
    assert [encode(piece)[: len(g)] for piece, g in zip(pieces, given, strict=True)] == given
    texts = [tune.SerializeToString() for tune in tunes]
    assert client.continue_piece(RECIPE, [5, 6, 7], texts, temperature=0.9) == pieces
    one = client.continue_piece(RECIPE, [5, 6, 7], tunes[1], length=11)
    assert [round(piece.total_time / 0.4) for piece in one] == [11] * 3
    assert all(encode(piece)[:8] == given[1] for piece in one)


def test_the_command_takes_a_file(capsys, client, server, encode, tmp_path):
    write_midi(made_up.chorale(4, bars=2, qpm=150.0), tmp_path / "tune.mid")
    base = [f"--server={server.address}", f"--model={RECIPE}", f"--output={tmp_path}/out"]
    base.append("--formats=midi")
    music = f"--continue={tmp_path}/tune.mid"
    assert run(generate.main, *base, music, "--num=2", "--control=top_k=9") == 0
    out, error = capsys.readouterr()
    paths = out.splitlines()
    assert len(paths) == 2 and not error
    given = encode(read_midi(tmp_path / "tune.mid"))
    for path in paths:
        assert encode(read_midi(path))[: len(given)] == given
    for arguments, message in (
        (["--continue=x.mid"], "Nothing is at 'x.mid'."),
        ([music, "--control=qpm=90"], "Unknown control 'qpm'. Known: length, note_sequence, temp"),
        ([music, "--accompany=y"], "--signature. Received: --accompany=y and --continue="),
        (["--control=note_sequence=x"], "music by --accompany or --continue"),
    ):
        assert message in refused(capsys, generate.main, *base, "--seed=1", *arguments)
    assert run(generate.main, *base, "--seed=2", "--control=temperature=0.8") == 0


def test_the_command_says_what_the_model_does_not_know(capsys, client, server, tmp_path):
    tune = made_up.chorale(4, bars=2, qpm=150.0)
    highest = [note for note in tune.notes if note.instrument == 0]
    for note in highest[::3]:
        note.pitch += 36  # the model's keys end at MIDI 84
    write_midi(tune, tmp_path / "tune.mid")
    flags = [f"--server={server.address}", f"--model={RECIPE}", f"--output={tmp_path}/out"]
    flags += ["--formats=midi", f"--continue={tmp_path}/tune.mid", "--control=length=40"]
    assert run(generate.main, *flags) == 0
    assert capsys.readouterr().err == (
        f"tfmusicgan-generate: Not as in the given music: 3 of 8 tokens are none that {RECIPE} "
        "knows, the nearest ones stand for them.\n"
    )
    inputs = {"seed": np.int64([1]), "note_sequence": np.array([tune.SerializeToString()], object)}
    outputs = client.predict(RECIPE, inputs, "continue")
    assert set(outputs) == {"note_sequence", "tokens", "tokens_replaced", "tokens_left_out"}
    assert outputs["tokens_replaced"].tolist() == [3]
    assert outputs["tokens_left_out"].tolist() == [0]


def test_the_command_says_what_the_model_does_not_read(capsys, server, encode, tmp_path):
    tune = made_up.chorale(4, bars=20, qpm=150.0)
    write_midi(tune, tmp_path / "tune.mid")
    flags = [f"--server={server.address}", f"--model={RECIPE}", f"--output={tmp_path}/out"]
    flags += ["--formats=midi", f"--continue={tmp_path}/tune.mid"]
    assert run(generate.main, *flags) == 0
    unread = len(encode(tune)) - 56  # seven training lengths are read
    assert capsys.readouterr().err == (
        f"tfmusicgan-generate: Not as in the given music: its first {unread} tokens are left out, "
        f"{RECIPE} reads no more.\n"
    )


def test_many_without_a_server(capsys, tiny_export, encode, tmp_path):
    tunes = [made_up.chorale(number, bars=2, qpm=150.0) for number in range(2)]
    with RecordWriter(tmp_path / "tunes.tfrecord") as writer:
        for tune in tunes:
            writer.write(tune)
    model = f"--model={tiny_export(RECIPE)}"
    base = [model, "--num=3", f"--output={tmp_path}/out"]
    music = f"--continue={tmp_path}/tunes.tfrecord"
    assert run(sample.main, *base, music, "--control=length=12") == 0
    assert "signature continue" in capsys.readouterr().out
    pieces = [
        piece
        for shard in sorted((tmp_path / "out").glob("*.tfrecord*"))
        for piece in read_note_sequences(shard)
    ]
    assert [round(piece.total_time / 0.4) for piece in pieces] == [12] * 6
    begun = [encode(piece)[:8] for piece in pieces]
    assert begun == [encode(tunes[0])] * 3 + [encode(tunes[1])] * 3
    base[2] += "2"
    for arguments, message in (
        ([music, "--accompany=y"], "Expected --accompany or --continue. Received: both."),
        (["--signature=continue"], "'continue' needs --continue=PATH."),
        ([music, "--signature=generate"], "leave --accompany and --continue out."),
    ):
        assert message in refused(capsys, sample.main, *base, *arguments)


def test_recipes_that_make_no_music_are_not_exported(capsys, tiny_run, tmp_path, monkeypatch):
    run_folder = shutil.copytree(tiny_run(RECIPE).folder, tmp_path / "run")
    oracle = dataclasses.replace(recipes.get(RECIPE), kind="oracle")
    monkeypatch.setattr(recipes, "get", lambda name: oracle)
    flags = [f"--run={run_folder}", f"--output={tmp_path / 'models'}"]
    line = refused(capsys, export.main, *flags)
    assert f"a generator of music. Received: {run_folder}, of the recipe {RECIPE}, which is" in line
    assert "of kind oracle. There is nothing to export." in line
    assert not (tmp_path / "models").exists()
    # A generator of tokens that no graph half makes music of.
    monkeypatch.undo()
    from tfmusicgan.representations.melody_tokens import MelodyTokens

    monkeypatch.setattr(MelodyTokens, "name", "meaningless")
    line = refused(capsys, export.main, *flags)
    assert "a representation with a graph half" in line and "Received: meaningless" in line
    assert not (tmp_path / "models").exists()


def test_tokens_in_a_servers_answer(client, encode):
    outputs = client.predict(RECIPE, {"seed": np.array([3])}, "generate")
    assert set(outputs) == {"note_sequence", "tokens"}
    tokens = np.frombuffer(outputs["tokens"][0], "<i4")
    (piece,) = client.generate(RECIPE, [3])
    assert len(tokens) == 8
    assert encode(piece) == np.trim_zeros(tokens, "b").tolist()
