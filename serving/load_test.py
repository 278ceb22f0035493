"""Loads a server over gRPC or REST and prints throughput and latency, a line of JSON.

Each request asks for `--rows` pieces by seeds nobody else uses. In a closed loop every client sends
its next request when it has its answer; with `--rate` requests are sent at that rate whatever
becomes of the earlier ones, and latencies count from the moment they were due. Nothing is tried
again: refusals are counted by their code. Works against the stock server and tfmusicgan-serve
alike.

  python serving/load_test.py --model=chorales --clients=32 --seconds=10
  python serving/load_test.py --model=chorales --rate=500 --rows=4
  python serving/load_test.py --model=chorales --server=127.0.0.1:8501 --rest
  python serving/load_test.py --model=chorales --pid=4711 --echo
"""

import argparse
import asyncio
import json
import os
import pathlib

from load import echo, loops
from load.targets import GrpcTarget, RefusedError, RestTarget, Target

from tfmusicgan.errors import ConfigError, MusicGanError


def measure(target: Target, load: loops.Load, pid: int | None = None) -> dict:
    """Loads one server.

    Args:
      target: The server.
      load: What is asked of it.
      pid: The server's process on this machine, None if unknown.

    Returns:
      Requests and rows a second, latency percentiles in milliseconds, refusals by code, and the
      server's CPU milliseconds per answered request where its process is known.

    Raises:
      MusicGanError: If there is no such process.
    """

    async def run() -> tuple[loops.Tally, float, float]:
        async with target:
            before = 0.0 if pid is None else cpu_seconds(pid)
            tally, elapsed = await loops.run(target, load)
            return tally, elapsed, 0.0 if pid is None else cpu_seconds(pid) - before

    tally, elapsed, cpu = asyncio.run(run())
    found = tally.summary(load, elapsed)
    if pid is not None:
        found["server_cpu_ms_per_request"] = round(1000 * cpu / max(1, len(tally.latencies)), 4)
        found["server_cores"] = round(cpu / elapsed, 2)
    return found


def first_reply(target: Target, options: argparse.Namespace) -> bytes:
    """Asks once: is it there at all, and what does it answer?

    Raises:
      MusicGanError: If there is no answer.
    """

    async def ask() -> bytes:
        async with target:
            return await target.ask(range(options.rows))

    try:
        return asyncio.run(ask())
    except RefusedError as refusal:
        raise MusicGanError(f"{options.server}: {refusal}") from refusal


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has had, in user and system mode.

    Raises:
      MusicGanError: If there is no such process.
    """
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError as error:
        raise MusicGanError(
            f"Expected the id of a process on this machine as --pid. Received: {pid}."
        ) from error
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Parses the command line and prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="127.0.0.1:8500", help="host:port")
    parser.add_argument("--model", required=True)
    parser.add_argument("--rest", action="store_true", help="--server is a REST port")
    parser.add_argument("--clients", type=int, default=32, help="requests under way at a time")
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second, not --clients")
    parser.add_argument("--rows", type=int, default=1, help="pieces per request")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--timeout", type=float, default=60.0, help="a request's deadline, seconds")
    parser.add_argument("--pid", type=int, help="the server's process here: measures its CPU")
    parser.add_argument("--echo", action="store_true", help="and an echo of the same reply")
    options = parser.parse_args()
    try:
        result = execute(options)
    except MusicGanError as error:
        raise SystemExit(f"load_test.py: {error}") from error
    print(json.dumps(result))


def execute(options: argparse.Namespace) -> dict:
    """Measures what the command line asks for.

    Raises:
      MusicGanError: If a number is out of range, or the server does not answer.
    """
    for name in ("clients", "rows", "seconds", "timeout"):
        if not getattr(options, name) > 0:
            raise ConfigError(f"Expected --{name} above 0. Received: {getattr(options, name)}.")
    if options.rate < 0 or (options.rest and options.echo):
        raise ConfigError("Expected --rate of 0 or more, and --echo without --rest.")
    load = loops.Load(options.rows, options.seconds, options.clients, options.rate)
    kind = RestTarget if options.rest else GrpcTarget
    target = kind(options.server, options.model, options.timeout)
    reply = first_reply(target, options)
    result = measure(target, load, options.pid)
    if options.echo:
        with echo.running(reply) as (address, pid):
            result["echo"] = measure(GrpcTarget(address, "echo", options.timeout), load, pid)
    return result


if __name__ == "__main__":
    main()
