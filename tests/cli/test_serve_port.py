"""tfmusicgan-serve in a process of its own, on a port that is taken."""

import socket
import subprocess
import sys

from tests.serving import toy_models


def test_a_taken_port_is_one_line(tmp_path):
    toy_models.write_model(tmp_path / "toy" / "3")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        flags = [f"--model_root={tmp_path}", f"--port={taken.getsockname()[1]}"]
        code = f"from tfmusicgan.cli.serve import main; main({flags!r})"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 1 and done.stdout == ""
    # gRPC would add a line of its own.
    assert done.stderr.count("\n") == 1, done.stderr
    assert "the port is taken" in done.stderr and "--port" in done.stderr
