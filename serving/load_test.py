"""Loads a server with closed-loop clients and prints throughput and latency.

Every client sends its next request when it has its answer; each request asks for `--rows` pieces by
seeds nobody else uses. Works against the stock server and tfmusicgan-serve alike.

  python serving/load_test.py --model=chorales --clients=32 --seconds=10
"""

import argparse
import collections
import itertools
import json
import threading
import time

import numpy as np

from tfmusicgan.client import MusicClient, ServingError
from tfmusicgan.errors import MusicGanError


def load(
    address: str, model: str, num_clients: int, rows: int, seconds: float
) -> dict[str, float | int | dict[str, int]]:
    """Runs closed-loop clients against a server.

    Args:
      address: The server's host:port.
      model: The model's name; its `serving_default` is asked.
      num_clients: Requests under way at a time.
      rows: Seeds in a request.
      seconds: How long.

    Returns:
      Requests and rows a second, latency percentiles in milliseconds, refusals by status code.
    """
    numbers = itertools.count()
    latencies: list[float] = []
    refusals: collections.Counter[str] = collections.Counter()
    end = time.perf_counter() + seconds

    def ask(client: MusicClient) -> None:
        while (start := time.perf_counter()) < end:
            first = next(numbers) * rows
            try:
                client.predict(model, {"seed": np.arange(first, first + rows)})
            except ServingError as error:
                refusals[error.code.name] += 1
            else:
                latencies.append(time.perf_counter() - start)

    with MusicClient(address) as client:
        client.predict(model, {"seed": np.arange(rows)})  # is it there at all
        start = time.perf_counter()
        threads = [threading.Thread(target=ask, args=(client,)) for _ in range(num_clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        elapsed = time.perf_counter() - start
    milliseconds = np.array(latencies or [np.nan]) * 1000
    percentiles = dict(
        zip(("p50", "p95", "p99"), np.percentile(milliseconds, (50, 95, 99)), strict=True)
    )
    return {
        "requests_per_second": round(len(latencies) / elapsed, 1),
        "rows_per_second": round(len(latencies) * rows / elapsed, 1),
        **{f"{name}_ms": round(float(value), 2) for name, value in percentiles.items()},
        "refusals": dict(refusals),
    }


def main() -> None:
    """Parses the command line and prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="127.0.0.1:8500", help="host:port")
    parser.add_argument("--model", required=True)
    parser.add_argument("--clients", type=int, default=32, help="requests under way at a time")
    parser.add_argument("--rows", type=int, default=1, help="pieces per request")
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    try:
        result = load(options.server, options.model, options.clients, options.rows, options.seconds)
    except MusicGanError as error:
        raise SystemExit(f"load_test.py: {error}") from error
    print(json.dumps(result))


if __name__ == "__main__":
    main()
