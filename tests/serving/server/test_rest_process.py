"""The server's process with its REST port: files of configuration, drain, a taken port."""

import functools
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from tests.serving.server import http_calls
from tfmusicgan.errors import MusicGanError
from tfmusicgan.serving.server import app
from tfmusicgan.serving.server.rest import RestOptions
from tfmusicgan.serving.server.storage import ModelSource

MONITORING = pathlib.Path(__file__).parents[3] / "serving" / "monitoring.config"
PREDICT = "/v1/models/toy:predict"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.mark.slow
def test_process_answers_logs_and_drains_on_sigterm(toy_root, tmp_path):
    port = free_port()
    command = [sys.executable, "-c", "from tfmusicgan.cli.serve import main; main()"]
    flags = [
        f"--model_root={toy_root}",
        "--port=0",
        f"--rest_api_port={port}",
        f"--monitoring_config_file={MONITORING}",
        f"--request_log={tmp_path}/log",
    ]
    process = subprocess.Popen(
        command + flags, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    line = process.stdout.readline()
    pattern = rf"serving 2 models on 127\.0\.0\.1:\d+, REST on 127\.0\.0\.1:{port}\n"
    assert re.fullmatch(pattern, line), line + process.stderr.read()
    ask = functools.partial(http_calls.call, f"127.0.0.1:{port}")
    body = {"signature_name": "slow", "inputs": [300_000]}
    answers = []
    thread = threading.Thread(target=lambda: answers.append(ask("POST", PREDICT, body).json))
    thread.start()
    time.sleep(0.1)
    metrics = ask("GET", "/monitoring/prometheus/metrics")
    assert b":tensorflow:cc:saved_model:load_attempt_count{" in metrics.body
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    thread.join()
    assert answers == [{"outputs": [300_000]}]
    assert (process.returncode, output, errors) == (0, "", "")
    (entry,) = map(json.loads, (tmp_path / "log").read_text().splitlines())
    assert (entry["method"], entry["signature"], entry["code"]) == ("predict", "slow", "OK")


def test_taken_port(toy_root):
    source = ModelSource(name="toy", base_path=str(toy_root / "toy"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        options = app.ServerOptions(source, port=0, rest=RestOptions(port=port))
        with pytest.raises(MusicGanError, match=rf"127.0.0.1:{port}: .*--rest_api_port"):
            app.running(options).__enter__()
