"""Asks a served model for four times as much as it can do, for ten minutes.

    python scripts/soak/serving_overload.py --model=serving/models/chorales --seconds=600

First closed-loop clients find the capacity, then serving/load_test.py sends requests at a multiple
of it, whatever becomes of them. What the queue has no room for must be refused with UNAVAILABLE in
the stock server's words, sooner than answers come; 99 % of the others must be answered within three
times what a full queue takes, and a second; the server's memory must stay as it is; and afterwards
it must answer as before. The exit status is 1 if anything is wrong.
"""

import argparse
import dataclasses
import json
import pathlib
import re
import statistics
import subprocess
import sys
import time
from typing import Any

import grpc
import served

_LOAD_TEST = pathlib.Path(__file__).parents[2] / "serving/load_test.py"
_FULL = (
    r"The batch scheduling queue to which this task was submitted is full; currently (\d+) batches "
    r"enqueued and max_enqueued_batches is \1"
)
MAX_BATCH_SIZE, MAX_ENQUEUED, BATCH_THREADS = 64, 10, 2  # the server's defaults
_CAPACITY_SECONDS = 10.0
_CAPACITY_CLIENTS = 16
_PATIENCE = 3.0  # times what a full queue takes at the capacity, which other work may lower
_SLACK_SECONDS = 1.0  # for clients and server on the same cores
_SLACK_MB = 64.0
_PAUSE_SECONDS = 0.1
_SEEDS = range(4)


@dataclasses.dataclass
class Result:
    """What came of it.

    Attributes:
      capacity: Requests a second that closed-loop clients get answered.
      load: What serving/load_test.py said of the overload.
      bound_ms: What the latency of answers may be.
      memory_mb: The server's memory while the overload lasted.
      failures: What was wrong, a line each.
    """

    capacity: float
    load: dict[str, Any]
    bound_ms: float
    memory_mb: list[float]
    failures: list[str] = dataclasses.field(default_factory=list)

    def check(self) -> None:
        """Notes what is not as promised."""
        load = self.load
        if not load["refusals"].get("UNAVAILABLE"):
            self.failures.append(f"Nothing was refused for a full queue: {load['refusals']}.")
            return
        if set(load["refusals"]) != {"UNAVAILABLE"}:
            self.failures.append(f"Refused otherwise: {load['refusals']}, {load['refusal_texts']}")
        if not re.fullmatch(_FULL, load["refusal_texts"]["UNAVAILABLE"]):
            self.failures.append(f"Refused with {load['refusal_texts']['UNAVAILABLE']!r}.")
        if not load["p99_ms"] <= self.bound_ms:
            self.failures.append(
                f"99 % of the answers took up to {load['p99_ms']:.0f} ms, more than a full queue's "
                f"{self.bound_ms:.0f} ms."
            )
        if not load["refused_p50_ms"] < load["p50_ms"]:
            self.failures.append(
                f"Refusals took {load['refused_p50_ms']:.0f} ms, answers {load['p50_ms']:.0f} ms."
            )
        share = max(1, len(self.memory_mb) // 5)
        first = statistics.median(self.memory_mb[share : 2 * share] or self.memory_mb)
        last = statistics.median(self.memory_mb[-share:])
        if last > first + _SLACK_MB:
            self.failures.append(f"Memory grew from {first:.0f} to {last:.0f} MB.")


def overload(model: pathlib.Path, seconds: float, rows: int = 16, times: float = 4.0) -> Result:
    """Overloads a server.

    Args:
      model: Folder of an export's versions.
      seconds: How long.
      rows: Seeds in a request.
      times: Multiple of the capacity.

    Returns:
      What came of it.
    """
    flags = [f"--model_name={model.name}", f"--model_base_path={model}"]
    flags += [f"--max_batch_size={MAX_BATCH_SIZE}", f"--max_enqueued_batches={MAX_ENQUEUED}"]
    with (
        served.running(*flags, f"--num_batch_threads={BATCH_THREADS}") as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        request = served.predict_request(model.name, _SEEDS)
        expected = served.ask(channel, request)
        start = [sys.executable, str(_LOAD_TEST), f"--server={server.address}", f"--rows={rows}"]
        start.append(f"--model={model.name}")
        short = min(_CAPACITY_SECONDS, seconds)
        closed = [*start, f"--clients={_CAPACITY_CLIENTS}", f"--seconds={short}"]
        capacity = json.loads(subprocess.check_output(closed))["requests_per_second"]
        command = [*start, f"--rate={times * capacity}", f"--seconds={seconds}"]
        memory_mb = []
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            while process.poll() is None:
                memory_mb.append(server.usage().memory_mb)
                time.sleep(_PAUSE_SECONDS)
            load = json.loads(process.stdout.read())
        # What waits and what runs, at the rate at which it goes.
        batches = MAX_ENQUEUED + BATCH_THREADS + 1
        queue_seconds = batches * MAX_BATCH_SIZE / (capacity * rows)
        bound_ms = 1000 * (_PATIENCE * queue_seconds + _SLACK_SECONDS) + load["sent_late_p99_ms"]
        result = Result(capacity, load, bound_ms, memory_mb)
        result.check()
        if served.ask(channel, request) != expected:
            result.failures.append("Afterwards it answers something else.")
    return result


def main() -> None:
    """Parses flags, overloads, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="folder of an exported model's versions")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--rows", type=int, default=16, help="pieces per request")
    parser.add_argument("--times", type=float, default=4.0, help="multiple of the capacity")
    flags = parser.parse_args()
    model = pathlib.Path(flags.model).absolute()
    result = overload(model, flags.seconds, flags.rows, flags.times)
    load = result.load
    print("| | requests/s | p50 ms | p99 ms |\n| --- | ---: | ---: | ---: |")
    print(f"| capacity | {result.capacity} | | |\n| offered | {load['offered_per_second']} | | |")
    print(f"| answered | {load['requests_per_second']} | {load['p50_ms']} | {load['p99_ms']} |")
    refused = [load.get(f"refused_{name}_ms", "") for name in ("p50", "p99")]
    print(f"| refused | {sum(load['refusals'].values())} in all | {refused[0]} | {refused[1]} |")
    memory_mb = result.memory_mb
    print(
        f"\nMemory {memory_mb[0]:.0f} to {max(memory_mb):.0f} MB; a full queue may take "
        f"{result.bound_ms:.0f} ms; requests were sent up to {load['sent_late_p99_ms']} ms late."
    )
    print("\n".join(result.failures) or "Refused at once and in the stock server's words.")
    sys.exit(1 if result.failures else 0)


if __name__ == "__main__":
    main()
