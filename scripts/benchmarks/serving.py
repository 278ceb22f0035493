"""The embedded server's own cost: beside the model in process, and beside an empty gRPC echo.

  scripts/benchmarks/serving.py --model=serving/models/chorales

One run measures, on the same machine and for the same model: the model alone (the Session that the
server runs, in this process), the server under closed-loop clients (serving/load_test.py in a
process of its own), and a gRPC server that answers at once with the same bytes. CPU is that of the
server's process. The last two lines are what is promised: the server's CPU per request of one row
over the model's own, and its throughput at 16 rows a request over that of the model in process.
"""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from tfmusicgan.cli.app import Command
from tfmusicgan.errors import MusicGanError

COMMAND = Command(
    "serving.py",
    "measures the embedded server beside the model in process and an empty gRPC echo.",
    ("scripts/benchmarks/serving.py --model=serving/models/chorales",),
)
MODEL = COMMAND.string("model", None, "Folder of an exported model.")
CLIENTS = COMMAND.integer("clients", 32, "Closed-loop clients with one row a request.", lower=1)
SECONDS = COMMAND.float("seconds", 5.0, "Length of each measurement, in seconds.", lower=0.1)
SERVER = COMMAND.repeated(
    "server",
    "name=value: a flag of tfmusicgan-serve, such as tensorflow_intra_op_parallelism=1; may be"
    " given several times.",
)

_LOAD_TEST = pathlib.Path(__file__).parents[2] / "serving/load_test.py"
_ROWS, _ROWS_CLIENTS = 16, 4
_MOST_OWN_MS, _LEAST_SHARE = 0.6, 0.9


def _execute() -> None:
    COMMAND.require(MODEL)
    folder = pathlib.Path(MODEL.value).absolute()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print(
        f"{len(os.sched_getaffinity(0))} cores; {CLIENTS.value} clients of 1 row, {_ROWS_CLIENTS} "
        f"clients of {_ROWS} rows{''.join(f'; {flag}' for flag in SERVER.value)}"
    )
    print("what                         requests/s   rows/s   p50 ms   p99 ms  CPU ms/request")
    alone = _in_process(folder)
    with _served(folder) as (address, pid):
        single = _load(address, pid, folder.name, CLIENTS.value, 1)
        wide = _load(address, pid, folder.name, _ROWS_CLIENTS, _ROWS)
    # Beside the cheapest rows that these clients can bring about, so that no more than its own is
    # taken off what the server needs.
    own = single["server_cpu_ms_per_request"] - alone[CLIENTS.value, 1][1] / CLIENTS.value
    share = wide["rows_per_second"] / max(alone[_ROWS, threads][0] for threads in (1, 2))
    print(
        f"server's CPU per request of 1 row, over the model's in batches of {CLIENTS.value}: "
        f"{own:.3f} ms (promised: at most {_MOST_OWN_MS})"
    )
    print(
        f"server's rows a second at {_ROWS} rows a request, over the model's in process: "
        f"{share:.2f} (promised: at least {_LEAST_SHARE})"
    )


def _in_process(folder: pathlib.Path) -> dict[tuple[int, int], tuple[float, float]]:
    """(Batch, threads that ask) -> rows a second and CPU milliseconds a run, of the Session."""
    import numpy as np

    from tfmusicgan.serving.server.servable import Servable
    from tfmusicgan.serving.server.storage import ModelSource

    (versions,) = ModelSource(name="model", base_path=str(folder)).scan().values()
    if not versions:
        raise MusicGanError(f"Expected a version folder in {folder}. Received: none.")
    servable = Servable(versions[max(versions)])
    signature = servable.signatures["serving_default"]
    feed, fetches = signature.inputs["seed"].tensor, list(signature.outputs.values())
    found = {}
    for rows, threads in dict.fromkeys([(2, 1), (_ROWS, 1), (_ROWS, 2), (CLIENTS.value, 1)]):
        servable.run({feed: np.arange(rows)}, fetches)

        def ask(end: float, rows: int = rows) -> int:
            runs = 0
            while time.perf_counter() < end:
                servable.run({feed: np.arange(rows) + runs * rows}, fetches)
                runs += 1
            return runs

        start, cpu = time.perf_counter(), time.process_time()
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            runs = sum(pool.map(ask, [start + SECONDS.value] * threads))
        elapsed, cpu = time.perf_counter() - start, time.process_time() - cpu
        found[rows, threads] = runs * rows / elapsed, 1000 * cpu / runs
        what = f"model, batch {rows}, {threads} thread{'s' if threads > 1 else ''}"
        rate, milliseconds = found[rows, threads]
        print(f"{what:28s}{runs / elapsed:11.1f}{rate:9.1f}{'':18s}{milliseconds:16.3f}")
    servable.close()
    return found


def _load(address: str, pid: int, model: str, clients: int, rows: int) -> dict[str, Any]:
    """Loads the server, and an echo of the same reply; prints a line for each."""
    command = [sys.executable, str(_LOAD_TEST), f"--server={address}", f"--model={model}"]
    command += [f"--clients={clients}", f"--rows={rows}", f"--seconds={SECONDS.value}"]
    done = subprocess.run([*command, f"--pid={pid}", "--echo"], capture_output=True, text=True)
    if done.returncode:
        raise MusicGanError(done.stderr)
    result = json.loads(done.stdout)
    plural = "s" if rows > 1 else ""
    for what, found in ((f"server, {rows} row{plural}", result), ("echo of it", result["echo"])):
        print(
            f"{what:28s}{found['requests_per_second']:11.1f}{found['rows_per_second']:9.1f}"
            f"{found['p50_ms']:9.2f}{found['p99_ms']:9.2f}"
            f"{found['server_cpu_ms_per_request']:16.3f}"
        )
    return result


@contextlib.contextmanager
def _served(folder: pathlib.Path) -> Iterator[tuple[str, int]]:
    """tfmusicgan-serve with one model: its address and its process id."""
    code = "from tfmusicgan.cli.serve import main; main()"
    flags = [f"--model_name={folder.name}", f"--model_base_path={folder}", "--port=0"]
    flags += [f"--{flag}" for flag in SERVER.value]
    with subprocess.Popen(
        [sys.executable, "-c", code, *flags], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            ready = re.search(r" on (\S+:\d+)", process.stdout.readline())
            if not ready:
                raise MusicGanError("The server ended before it was ready.")
            yield ready[1], process.pid
        finally:
            process.terminate()


if __name__ == "__main__":
    COMMAND.entry_point(_execute)()
