"""tfmusicgan-generate --accompany: music from files."""

import pytest

from tests.cli.commands import refused, run
from tests.serving.accompaniment import PLAIN, RECIPE, soprano
from tfmusicgan.cli import generate
from tfmusicgan.note_sequences.midi import read_midi, write_midi
from tfmusicgan.note_sequences.tfrecord import RecordWriter


@pytest.fixture
def base(accompanying_server, tmp_path):
    return [
        f"--server={accompanying_server.address}",
        f"--model={RECIPE}",
        f"--output={tmp_path}/out",
    ]


def test_the_command_takes_a_file(capsys, base, tmp_path):
    write_midi(soprano(4, bars=2, qpm=100.0), tmp_path / "melody.mid")
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
            writer.write(soprano(number, bars=2 * number + 1, qpm=60.0))
    base = [*base, "--formats=midi", f"--accompany={tmp_path}/songs.tfrecord#2"]
    assert run(generate.main, *base) == 0
    piece = read_midi(capsys.readouterr().out.strip())
    assert 16 < piece.total_time <= 20  # five bars of four beats of a second each


def test_music_that_cannot_be_had(capsys, base, tmp_path):
    (tmp_path / "broken.mid").write_bytes(b"MThd nothing")
    (tmp_path / "notes.txt").write_text("c d e")
    with RecordWriter(tmp_path / "songs.tfrecord") as writer:
        writer.write(soprano(0, 1, 60.0))
        writer.write(soprano(1, 1, 60.0))
    for file, message in (
        ("nowhere.mid", "Expected a file of music. Nothing is at "),
        ("", "Expected a file of music. Received: "),
        ("broken.mid", "broken.mid"),
        ("notes.txt", "Expected music files (.mid "),
        ("songs.tfrecord", "which has 2. Name one of them, as in "),
        ("songs.tfrecord#2", "Expected a piece below 2, as many as "),
    ):
        assert message in refused(capsys, generate.main, *base, f"--accompany={tmp_path}/{file}")
    write_midi(soprano(4, bars=2, qpm=100.0), tmp_path / "melody.mid")
    base.append(f"--accompany={tmp_path}/melody.mid")
    for arguments, message in (
        (["--signature=generate"], "--midi or --signature. Received: --accompany="),
        ([f"--model={PLAIN}"], "Unknown signature 'accompany'. Known: generate, serving_default."),
        (["--control=qpm=90"], "Unknown control 'qpm'. Known: note_sequence, temperature, thresh"),
    ):
        assert message in refused(capsys, generate.main, *base, *arguments)
