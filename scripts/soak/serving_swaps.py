"""Swaps the version of a served model again and again under load: no request may fail.

    python scripts/soak/serving_swaps.py --model=serving/models/chorales --swaps=1000

Versions are hard links to one export, published by a rename as tfmusicgan-export does. Each is
waited for, and the one before it removed. Meanwhile clients ask for the same seeds, and must get
the same bytes from whatever version answers. Memory, threads and open files of the server are
noted after every swap; from a tenth of the swaps on, once all has been used, they must not grow.
The exit status is 1 if anything is wrong.
"""

import argparse
import dataclasses
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable

import grpc
import served

_SLACK_MB = 24.0  # what the allocator keeps varies by so much
_MOST_MB_PER_SWAP = 0.03  # the list of past versions grows, as the stock server's does
_LIMIT_SECONDS = 120.0
_SWAPS_A_LINE = 20
_SEEDS = range(5, 9)


@dataclasses.dataclass
class Result:
    """What came of it.

    Attributes:
      swaps: Versions that took over.
      requests: Requests that were answered right.
      seconds: How long it took.
      usages: What the server held after each swap.
      failures: What was wrong, a line each.
    """

    swaps: int = 0
    requests: int = 0
    seconds: float = 0.0
    usages: list[served.Usage] = dataclasses.field(default_factory=list)
    failures: list[str] = dataclasses.field(default_factory=list)

    def check_growth(self) -> None:
        """Compares the medians of the first and the last tenth after a tenth for warming up."""
        share = max(1, len(self.usages) // 10)
        first, last = self.usages[share : 2 * share], self.usages[-share:]
        distance = max(1, len(self.usages) - 2 * share)
        for name, most in (
            ("memory_mb", _SLACK_MB + _MOST_MB_PER_SWAP * distance),
            ("threads", 2),
            ("files", 2),
        ):
            before, after = (
                statistics.median(getattr(usage, name) for usage in usages)
                for usages in (first, last)
            )
            if after - before > most:
                self.failures.append(f"{name} grew from {before:.1f} to {after:.1f}.")


def swap(model: pathlib.Path, swaps: int, clients: int = 4) -> Result:
    """Swaps versions under load.

    Args:
      model: Folder of an export's versions, or of one version.
      swaps: How many.
      clients: Threads that ask all the time.

    Returns:
      What came of it.
    """
    export = model if (model / "saved_model.pb").exists() else _latest(model)
    result, started = Result(), time.monotonic()
    with tempfile.TemporaryDirectory(dir=model.parent, prefix=".swaps-") as root:
        folder = pathlib.Path(root, "swapped")
        _publish(export, folder, 1)
        poll = "--file_system_poll_wait_seconds=0.05"
        with served.running(f"--model_root={root}", poll) as server:
            stop = threading.Event()
            threads = [
                threading.Thread(target=_ask, args=(server.address, result, stop))
                for _ in range(clients)
            ]
            for thread in threads:
                thread.start()
            try:
                _swap_all(export, folder, swaps, server, result)
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
    result.seconds = time.monotonic() - started
    result.check_growth()
    return result


def _swap_all(
    export: pathlib.Path, folder: pathlib.Path, swaps: int, server: served.Server, result: Result
) -> None:
    with grpc.insecure_channel(server.address) as channel:
        for number in range(2, swaps + 2):
            _publish(export, folder, number)
            wanted = {number: "AVAILABLE", number - 1: "END"}

            def taken_over(wanted: dict[int, str] = wanted) -> bool:
                return wanted.items() <= served.states(channel, "swapped").items()

            if not _wait(taken_over):
                result.failures.append(f"Version {number} did not take over.")
                return
            shutil.rmtree(folder / str(number - 1))
            result.swaps += 1
            result.usages.append(server.usage())
            if result.swaps % _SWAPS_A_LINE == 0:
                print(_progress(result), file=sys.stderr, flush=True)


def _progress(result: Result) -> str:
    memory = result.usages[-1].memory_mb
    failures = f"{len(result.failures)} failures"
    return f"{result.swaps} swaps, {result.requests} requests, {memory:.0f} MB, {failures}"


def _ask(address: str, result: Result, stop: threading.Event) -> None:
    request, expected = served.predict_request("swapped", _SEEDS), None
    with grpc.insecure_channel(address) as channel:
        while not stop.is_set():
            try:
                version, pieces = served.ask(channel, request)
            except grpc.RpcError as error:
                result.failures.append(f"{error.code().name}: {error.details()}")
                continue
            expected = expected or pieces
            if pieces != expected:
                result.failures.append(f"Version {version} answered something else.")
            result.requests += 1


def _publish(export: pathlib.Path, folder: pathlib.Path, number: int) -> None:
    partial = folder / ".partial"
    shutil.copytree(export, partial, copy_function=os.link)
    partial.rename(folder / str(number))


def _latest(model: pathlib.Path) -> pathlib.Path:
    versions = [path for path in model.glob("*") if path.name.isdecimal()]
    if not versions:
        sys.exit(f"Expected an exported model in {model}. Received: a folder without versions.")
    return max(versions, key=lambda path: int(path.name))


def _wait(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def main() -> None:
    """Parses flags, swaps, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="folder of an exported model")
    parser.add_argument("--swaps", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=4)
    flags = parser.parse_args()
    result = swap(pathlib.Path(flags.model).absolute(), flags.swaps, flags.clients)
    print(table(result))
    print("\n".join(result.failures[:20]) or "No request failed, nothing grew.")
    sys.exit(1 if result.failures else 0)


def table(result: Result) -> str:
    """The result as a table in Markdown."""
    lines = ["| after swap | memory, MB | threads | files |", "| ---: | ---: | ---: | ---: |"]
    last = len(result.usages)
    for number in sorted({1, last // 10, last // 4, last // 2, 3 * last // 4, last} - {0}):
        usage = result.usages[number - 1]
        lines.append(f"| {number} | {usage.memory_mb:.1f} | {usage.threads} | {usage.files} |")
    text = f"{result.swaps} swaps in {result.seconds:.0f} s, {result.requests} requests answered."
    return "\n".join([*lines, "", text])


if __name__ == "__main__":
    main()
