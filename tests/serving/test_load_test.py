"""serving/load_test.py: its loops against servers whose answers are known, its one line of JSON."""

import asyncio
import importlib
import json
import os
import pathlib
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest

FOLDER = pathlib.Path(__file__).parents[2] / "serving"


@pytest.fixture(scope="module")
def program():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module("load_test")


class _Server:
    """Answers what `answer` returns; counts the seeds that it saw and the requests under way."""

    def __init__(self, answer):
        self.answer = answer
        self.seeds, self.under_way, self.most = [], 0, 0

    async def ask(self, seeds):
        self.seeds += seeds
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.answer(len(self.seeds) // len(seeds))
        self.under_way -= 1


def run(program, server, **settings):
    load = program.loops.Load(**settings)
    tally, elapsed = asyncio.run(program.loops.run(server, load))
    return tally.summary(load, elapsed), elapsed


def test_a_closed_loop_keeps_so_many_requests_under_way(program):
    server = _Server(lambda number: asyncio.sleep(0.02))
    found, elapsed = run(program, server, rows=3, seconds=0.2, clients=5)
    assert server.most == 5
    assert sorted(server.seeds) == list(range(len(server.seeds)))  # no seed twice
    num_requests = len(server.seeds) // 3
    assert found["requests_per_second"] == pytest.approx(num_requests / elapsed, abs=0.06)
    assert found["rows_per_second"] == pytest.approx(3 * num_requests / elapsed, abs=0.06)
    assert 20 <= found["p50_ms"] <= found["p95_ms"] <= found["p99_ms"] <= found["max_ms"]
    assert found["refusals"] == {} and "offered_per_second" not in found


def test_a_fixed_rate_does_not_wait_for_answers(program):
    server = _Server(lambda number: asyncio.sleep(0.25))
    found, _ = run(program, server, rate=100.0, seconds=0.2)
    assert len(server.seeds) == 20 == server.most
    assert found["offered_per_second"] == 100.0


def test_latencies_count_from_the_schedule(program):
    async def stand_still(number):
        if number == 1:
            time.sleep(0.3)  # nothing is sent meanwhile either

    found, _ = run(program, _Server(stand_still), rate=20.0, seconds=0.5)
    # Due after 0, 50, ... 450 ms: 300, 250, 200, 150, 100, 50 ms late, then four in time.
    assert 300 <= found["max_ms"] < 400
    assert 75 <= found["p50_ms"] < 150
    assert found["sent_late_p99_ms"] > 200


def test_refusals_are_counted_by_code_and_never_mixed_with_answers(program):
    async def refuse(number):
        await asyncio.sleep(0.001 if number % 3 else 0.05)
        if number % 3:
            raise program.RefusedError("UNAVAILABLE" if number % 3 == 1 else "HTTP 503", "full")

    found, _ = run(program, _Server(refuse), rate=100.0, seconds=0.3)
    assert found["refusals"] == {"UNAVAILABLE": 10, "HTTP 503": 10}
    assert found["refusal_texts"] == {"UNAVAILABLE": "full", "HTTP 503": "full"}
    assert found["p50_ms"] >= 50 > found["refused_p50_ms"]


def script(*arguments):
    command = [sys.executable, str(FOLDER / "load_test.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.slow
def test_over_grpc_beside_an_echo(toy_server, program):
    arguments = [f"--server={toy_server.address}", "--clients=4", "--rows=3", "--seconds=0.5"]
    done = script(*arguments, "--model=toy", f"--pid={os.getpid()}", "--echo")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    for found in (result, result["echo"]):
        assert found["requests_per_second"] > 5
        assert found["rows_per_second"] == pytest.approx(3 * found["requests_per_second"], rel=0.01)
        assert 0 < found["p50_ms"] <= found["p95_ms"] <= found["p99_ms"] < 5000
        assert found["refusals"] == {}
        assert 0 < found["server_cpu_ms_per_request"] < 200
    assert result["server_cpu_ms_per_request"] > result["echo"]["server_cpu_ms_per_request"]


def test_refused_and_wrong_arguments_are_one_line(program, monkeypatch, capsys):
    def ended(*arguments):
        monkeypatch.setattr(sys, "argv", ["load_test.py", "--model=toy", *arguments])
        with pytest.raises(SystemExit) as end:
            program.main()
        return str(end.value.code)

    assert ended("--server=nowhere:x").startswith("load_test.py: nowhere:x: UNAVAILABLE: ")
    assert ended("--rows=0") == "load_test.py: Expected --rows above 0. Received: 0."
    assert ended("--rate=-1") == (
        "load_test.py: Expected --rate of 0 or more, and --echo without --rest."
    )
    assert ended("--rest", "--echo").endswith("and --echo without --rest.")
    with pytest.raises(program.MusicGanError, match=r"a process on this machine as --pid\. Rec"):
        program.cpu_seconds(2**30)


class _Rest(BaseHTTPRequestHandler):
    """A REST server that is full for odd numbers of seeds; remembers the requests."""

    asked: ClassVar[list] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.path, json.loads(body)))
        full = len(self.asked[-1][1]["instances"]) % 2
        self.send_response(503 if full else 200)
        self.end_headers()
        self.wfile.write(b'{"error": "full"}' if full else b'{"predictions": []}')

    def log_message(self, *_):
        pass


def test_over_rest_in_row_form(program):
    with ThreadingHTTPServer(("127.0.0.1", 0), _Rest) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        target = program.RestTarget(f"127.0.0.1:{server.server_port}", "toy", 20.0)
        loads = program.loops.Load(2, 0.1, 2), program.loops.Load(1, 0.1, 1)
        answered, refused = (program.measure(target, load) for load in loads)
        server.shutdown()
    # Two clients ask at once, so either of them may be the first.
    assert ("/v1/models/toy:predict", {"instances": [0, 1]}) in _Rest.asked[:2]
    assert answered["requests_per_second"] > 5 and answered["refusals"] == {}
    assert refused["requests_per_second"] == 0 and refused["refusals"].keys() == {"HTTP 503"}
