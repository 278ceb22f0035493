"""The example clients in Python, and what the page of serving/ shows."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.serving.accompaniment import PLAIN, RECIPE, soprano
from tfmusicgan.client import MusicClient
from tfmusicgan.note_sequences.midi import read_midi, write_midi


@pytest.fixture
def server(accompanying_server):
    return accompanying_server


@pytest.fixture
def client(server):
    with MusicClient(server.address) as client:
        client.wait_until_ready(RECIPE)
        yield client


def test_the_stock_client(client, server, tmp_path):
    script = pathlib.Path(__file__).parents[2] / "serving" / "clients" / "stock_client.py"
    write_midi(soprano(4, bars=2, qpm=100.0), tmp_path / "melody.mid")
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
    write_midi(soprano(4, bars=2, qpm=120.0), tmp_path / "melody.mid")
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
    write_midi(soprano(4, bars=2, qpm=100.0), tmp_path / "melody.mid")
    monkeypatch.chdir(tmp_path)
    found = {"seeds": np.arange(3)}
    exec(code, found)
    assert len(found["pieces"]) == len(found["slow"]) == 100
    lengths = [4 * piece.total_time * 80 / 72 for piece in found["pieces"]]
    assert [piece.total_time for piece in found["slow"]] == pytest.approx(lengths)
    assert found["arrays"]["note_sequence"].shape == (3,)
    assert len(found["voices"]) == 4
