"""serving/clients over REST and from Node, run against the embedded server."""

import pathlib
import shutil
import subprocess

import pytest

from tests.serving import toy_models

CLIENTS = pathlib.Path(__file__).parents[2] / "serving" / "clients"


def run(folder, *command):
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60)


def test_curl(rest_server, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    script, server = str(CLIENTS / "curl.sh"), f"http://{rest_server.server.rest.address}"
    done = run(tmp_path, script, "toy", "200", server)
    assert (done.returncode, done.stdout) == (0, "piece_200.notes\n"), done.stderr
    assert (tmp_path / "piece_200.notes").read_bytes() == toy_models.note_sequence_bytes(200)
    done = run(tmp_path, script, "nix", "1", server)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Servable not found for request: Latest(nix)\n"
    done = run(tmp_path, script, "toy", "1", "http://127.0.0.1:1")
    assert done.returncode == 7  # curl's: could not connect
    assert run(tmp_path, script).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["piece_200.notes"]
