"""The embedded server's own cost: beside the model in process, and beside an empty gRPC echo.

  scripts/benchmarks/serving.py --model=serving/models/chorales

One run measures, on the same machine and for the same model: the model alone (the Session that the
server runs, in this process), the server under closed-loop clients (serving/load_test.py in a
process of its own), and a gRPC server that answers at once with the same bytes. CPU is that of the
server's process.
"""

import asyncio
import json
import multiprocessing
import os
import pathlib
import subprocess
import sys
import time

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

_LOAD_TEST = pathlib.Path(__file__).parents[2] / "serving/load_test.py"
_ROWS = 16


def _execute() -> None:
    COMMAND.require(MODEL)
    folder = pathlib.Path(MODEL.value).absolute()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print(f"{os.cpu_count()} cores; {CLIENTS.value} clients of 1 row, 4 clients of {_ROWS} rows")
    print("what                        requests/s   rows/s   p50 ms   p99 ms  server CPU ms/row")
    for rows in (2, _ROWS, 64):
        rate, cpu = _in_process(folder, rows)
        print(f"model alone, batch {rows:3d} {'':14s}{rate:9.1f} {'':17s}{cpu:19.3f}")
    with _Served(folder) as served:
        reply = served.one_reply()
        for clients, rows in ((CLIENTS.value, 1), (4, _ROWS)):
            served.measure(f"server, {rows} rows", clients, rows)
    with _Echo(reply) as echo:
        echo.measure("echo of the 1-row reply", CLIENTS.value, 1)


def _in_process(folder: pathlib.Path, rows: int) -> tuple[float, float]:
    """Rows a second, and CPU milliseconds a row, of the Session itself."""
    import numpy as np

    from tfmusicgan.serving.server.servable import Servable
    from tfmusicgan.serving.server.storage import ModelSource

    (versions,) = ModelSource(name="model", base_path=str(folder)).scan().values()
    if not versions:
        raise MusicGanError(f"Expected a version folder in {folder}. Received: none.")
    servable = Servable(versions[max(versions)])
    signature = servable.signatures["serving_default"]
    feed, fetches = signature.inputs["seed"].tensor, list(signature.outputs.values())
    servable.run({feed: np.arange(rows)}, fetches)
    runs, start, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < SECONDS.value:
        servable.run({feed: np.arange(rows) + runs * rows}, fetches)
        runs += 1
    elapsed, cpu = time.perf_counter() - start, time.process_time() - cpu
    servable.close()
    return runs * rows / elapsed, 1000 * cpu / (runs * rows)


class _Target:
    """A server process that load_test.py is turned on."""

    model = "echo"
    address = ""
    pid = 0

    def measure(self, what: str, clients: int, rows: int) -> None:
        command = [sys.executable, str(_LOAD_TEST), f"--server={self.address}"]
        command += [f"--model={self.model}", f"--clients={clients}", f"--rows={rows}"]
        before = _cpu_seconds(self.pid)
        done = subprocess.run(
            [*command, f"--seconds={SECONDS.value}"], check=True, capture_output=True, text=True
        )
        cpu = _cpu_seconds(self.pid) - before
        result = json.loads(done.stdout)
        per_row = 1000 * cpu / (result["rows_per_second"] * SECONDS.value)
        print(
            f"{what:28s}{result['requests_per_second']:10.1f} {result['rows_per_second']:8.1f} "
            f"{result['p50_ms']:8.2f} {result['p99_ms']:8.2f} {per_row:18.3f}"
        )


class _Served(_Target):
    """tfmusicgan-serve with one model."""

    def __init__(self, folder: pathlib.Path):
        self.model = folder.name
        code = "from tfmusicgan.cli.serve import main; main()"
        flags = [f"--model_name={folder.name}", f"--model_base_path={folder}", "--port=0"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, *flags], stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid

    def __enter__(self) -> "_Served":
        line = self._process.stdout.readline()
        if not line:
            raise MusicGanError("The server ended before it was ready.")
        self.address = line.split()[-1]
        return self

    def __exit__(self, *exc_info) -> None:
        self._process.terminate()
        self._process.wait()

    def one_reply(self) -> bytes:
        import grpc
        import numpy as np

        from tfmusicgan.serving import messages, tensors

        request = messages.PredictRequest()
        request.model_spec.name = self.model
        request.inputs["seed"].MergeFromString(tensors.encode_tensor(np.arange(1)))
        with grpc.insecure_channel(self.address) as channel:
            call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
            return call(request.SerializeToString(), timeout=60)


class _Echo(_Target):
    """An asyncio gRPC server that answers every Predict with the same bytes."""

    def __init__(self, reply: bytes):
        context = multiprocessing.get_context("spawn")
        self._mine, theirs = context.Pipe()
        self._process = context.Process(target=_run_echo, args=(theirs, reply), daemon=True)
        self._process.start()
        self.pid = self._process.pid

    def __enter__(self) -> "_Echo":
        self.address = self._mine.recv()
        return self

    def __exit__(self, *exc_info) -> None:
        self._process.terminate()
        self._process.join()


def _run_echo(pipe, reply: bytes) -> None:
    import grpc

    from tfmusicgan.serving import messages

    status = messages.GetModelStatusResponse()
    status.model_version_status.add(version=1, state=30)

    async def answer(request, context):
        return reply

    async def answer_status(request, context):
        return status.SerializeToString()

    async def serve() -> None:
        server = grpc.aio.server()
        for service, method, handler in (
            ("PredictionService", "Predict", answer),
            ("ModelService", "GetModelStatus", answer_status),
        ):
            methods = {method: grpc.unary_unary_rpc_method_handler(handler)}
            name = f"tensorflow.serving.{service}"
            handlers = grpc.method_handlers_generic_handler(name, methods)
            server.add_generic_rpc_handlers((handlers,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        pipe.send(f"127.0.0.1:{port}")
        await server.wait_for_termination()

    asyncio.run(serve())


def _cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    COMMAND.entry_point(_execute)()
