"""tfmusicgan-generate --accompany: music from files."""

import math

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
    assert run(generate.main, *base, "--num=2", "--control=threshold=0.9") == 0
    paths = capsys.readouterr().out.splitlines()
    names = [f"{RECIPE}_seed0_00{i}.{suffix}" for i in (0, 1) for suffix in ("mid", "wav", "png")]
    assert paths == [f"{tmp_path}/out/{name}" for name in names]
    given = {n.pitch for n in read_midi(tmp_path / "melody.mid").notes}
    for path in paths[::3]:
        assert given <= {note.pitch for note in read_midi(path).notes}


def test_what_is_not_as_it_was_is_told_in_one_line(capsys, base, tmp_path):
    melody = soprano(4, bars=2, qpm=60.0)
    for note in melody.notes[2:4]:
        note.pitch += 48  # above the model's highest
    melody.notes.add(pitch=60, velocity=70, start_time=9000.0, end_time=9001.0, program=19)
    melody.tempos.add(time=4.0, qpm=60.5)
    melody.total_time = 9001.0
    with RecordWriter(tmp_path / "song.tfrecord") as writer:
        writer.write(melody)
    song = f"--accompany={tmp_path}/song.tfrecord"
    assert run(generate.main, *base, "--formats=midi", song) == 0
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1
    # 64 phrases of two bars are the most.
    bars = math.ceil((4 + 8997 * 60.5 / 60) / 4) - 128
    assert printed.err == (
        "tfmusicgan-generate: Not as in the given music: notes moved by octaves 2, notes left out "
        f"1, bars cut off at the end {bars}, changes of tempo left out 1.\n"
    )
    # Nothing is said of music that is there as it was.
    write_midi(soprano(4, bars=2, qpm=100.0), tmp_path / "melody.mid")
    base[-1] = f"--output={tmp_path}/other"
    assert run(generate.main, *base, "--formats=midi", f"--accompany={tmp_path}/melody.mid") == 0
    assert capsys.readouterr().err == ""


def test_another_meter_is_refused_in_one_line(capsys, base, tmp_path):
    waltz = soprano(4, bars=3, qpm=100.0)
    waltz.time_signatures[0].numerator = 3
    write_midi(waltz, tmp_path / "waltz.mid")
    message = refused(capsys, generate.main, *base, f"--accompany={tmp_path}/waltz.mid")
    assert "expected music in 4/4. Received:" in message and "3/4" in message


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
