"""Sends a served model thousands of malformed requests, over gRPC, REST and bare connections.

    python scripts/soak/serving_fuzz.py --model=serving/models/chorales --requests=10000 --seed=0

Wrong names, versions, labels, dtypes, shapes, numbers of rows; requests cut short, with bits
flipped, or of noise; giant tensors; clients that stop in the middle or never read; bytes that are
no HTTP/2, and a TLS handshake at a port without it. Each must get the stock server's code and text.
`--tls_clients` with bad certificates, or none, knock at a second server, one with mutual TLS.
Every hundred requests a right one must still get its right answer, as at the end, and the server
may hold no more memory in the last tenth than in the first. `--seed` repeats a run, `--first` goes
on in one from the request that failed. The exit status is 1 if anything is wrong.
"""

import argparse
import collections
import contextlib
import dataclasses
import http.client
import pathlib
import random
import socket
import sys
import tempfile
from collections.abc import Iterator

import bad_tls
import grpc
import malformed
import malformed_rest
import served

MAX_BATCH_SIZE = 64
_REST_SHARE, _CONNECTION_SHARE = 0.25, 0.02
_MOST_FAULTS = 20
_SLACK_MB = 64.0
_LIMIT_SECONDS = 60.0
_SEEDS = (3, 1 << 40)
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_CLIENT_HELLO = bytes.fromhex("16030100050100000100")


@dataclasses.dataclass
class Result:
    """What came of it.

    Attributes:
      kinds: Requests by kind.
      usages: What the server held after every hundred requests.
      faults: What was wrong, a line each, with the request's number.
    """

    kinds: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    usages: list[served.Usage] = dataclasses.field(default_factory=list)
    faults: list[str] = dataclasses.field(default_factory=list)

    def memory(self) -> tuple[float, float]:
        """The least memory in the first and in the last tenth of the usages, in MB.

        The least, since a giant that has just been refused may be on its way out.
        """
        share = max(1, len(self.usages) // 10)
        first, last = self.usages[:share], self.usages[-share:]
        return tuple(min(usage.memory_mb for usage in usages) for usages in (first, last))


class Fuzzer:
    """Draws and sends; request number n depends on the seed and n alone.

    Args:
      server: It serves one model, over REST too.
      model: The model's name.
      seed: Of all draws.
    """

    def __init__(self, server: served.Server, model: str, seed: int):
        self._server, self._model, self._seed = server, model, seed
        self._channel = grpc.insecure_channel(server.address)
        self._signatures = {
            name: signature
            for name, signature in served.signatures(self._channel, model).items()
            if "seed" in signature.inputs
        }
        self._good = served.predict_request(model, _SEEDS)
        self._version, self._pieces = served.ask(self._channel, self._good)
        self._open = collections.deque[socket.socket](maxlen=50)  # slow clients, the latest ones

    def close(self) -> None:
        """Ends all connections."""
        self._channel.close()
        for connection in self._open:
            connection.close()

    def send(self, number: int) -> tuple[str, str]:
        """Sends one request; its kind, and what is wrong with the answer."""
        rng = random.Random(f"{self._seed} {number}")
        share = rng.random()
        if share < _CONNECTION_SHARE:
            return self._connect(rng)
        if share < _CONNECTION_SHARE + _REST_SHARE:
            return self._post(rng)
        drawn = malformed.Malformed(
            self._model, self._signatures, self._version, MAX_BATCH_SIZE, rng
        ).draw()
        try:
            self._channel.unary_unary(served.PREDICT)(drawn.request, timeout=_LIMIT_SECONDS)
        except grpc.RpcError as error:
            return drawn.kind, drawn.fault(error.code(), error.details() or "")
        return drawn.kind, drawn.fault(grpc.StatusCode.OK, "")

    def _post(self, rng: random.Random) -> tuple[str, str]:
        drawn = malformed_rest.draw(self._model, self._version, MAX_BATCH_SIZE, rng)
        connection = http.client.HTTPConnection(self._server.rest, timeout=_LIMIT_SECONDS)
        with contextlib.closing(connection):
            try:
                connection.request("POST", drawn.path, drawn.body)
                answer = connection.getresponse()
                fault = drawn.fault(answer.status, answer.read())
            except (OSError, http.client.HTTPException) as error:
                fault = f"REST {drawn.kind}: no answer: {error!r}"
        return f"REST {drawn.kind}", fault

    def _connect(self, rng: random.Random) -> tuple[str, str]:
        """A connection with something else on it; some are left open, to read nothing."""
        rest = rng.random() < 0.5
        head = f"POST /v1/models/{self._model}:predict HTTP/1.1\r\nContent-Length: 99\r\n\r\n{{"
        kind, sent = rng.choice(
            [
                ("noise", rng.randbytes(rng.randint(1, 2000))),
                ("TLS", _CLIENT_HELLO + rng.randbytes(rng.randint(0, 200))),
                ("nothing", b""),
                ("half a request", head.encode() if rest else _PREFACE + rng.randbytes(5)),
            ]
        )
        host, _, port = (self._server.rest if rest else self._server.address).rpartition(":")
        try:
            connection = socket.create_connection((host, int(port)), timeout=_LIMIT_SECONDS)
            connection.sendall(sent)
        except OSError as error:
            return f"connection: {kind}", f"connection: {kind}: {error!r}"
        if len(self._open) == self._open.maxlen:
            self._open.popleft().close()
        self._open.append(connection)
        return f"connection: {kind}", ""

    def check(self) -> str:
        """Asks what was asked at the start; what is wrong with the answer."""
        try:
            answer = served.ask(self._channel, self._good)
        except grpc.RpcError as error:
            return f"a right request: {error.code().name}: {error.details()}"
        right = answer == (self._version, self._pieces)
        return "" if right else "a right request: answered something else than at the start"


def fuzz(model: pathlib.Path, requests: int, seed: int, first: int = 0) -> Result:
    """Sends malformed requests to a model of its own server.

    Args:
      model: Folder of an export's versions.
      requests: How many.
      seed: Of all draws.
      first: Number of the first one.

    Returns:
      What came of it.
    """
    result = Result()
    flags = [f"--model_name={model.name}", f"--model_base_path={model}"]
    flags += [f"--max_batch_size={MAX_BATCH_SIZE}", f"--rest_api_port={_free_port()}"]
    with served.running(*flags) as server, _fuzzer(server, model.name, seed) as fuzzer:
        for number in range(first, first + requests):
            kind, fault = fuzzer.send(number)
            result.kinds[kind] += 1
            if (number - first) % 100 == 99:
                fault = fault or fuzzer.check()
                result.usages.append(server.usage())
            if fault:
                result.faults.append(f"request {number}: {fault}")
            if len(result.faults) == _MOST_FAULTS:
                break
        if fault := fuzzer.check():
            result.faults.append(f"at the end: {fault}")
        result.usages.append(server.usage())
    before, after = result.memory()
    if after > before + _SLACK_MB:
        result.faults.append(f"memory grew from {before:.0f} to {after:.0f} MB")
    return result


def fuzz_tls(model: pathlib.Path, clients: int, seed: int) -> Result:
    """Sends clients to a server with mutual TLS that it must turn away.

    Args:
      model: Folder of an export's versions.
      clients: How many.
      seed: Of all draws.

    Returns:
      What came of it.
    """
    result, rng = Result(), random.Random(f"{seed} TLS")
    flags = [f"--model_name={model.name}", f"--model_base_path={model}"]
    request = served.predict_request(model.name, _SEEDS)
    with tempfile.TemporaryDirectory() as folder:
        knocking = bad_tls.Clients(pathlib.Path(folder))
        flags.append(f"--ssl_config_file={knocking.config}")
        with served.running(*flags) as server, contextlib.closing(knocking):
            expected = knocking.ask_rightly(server.address, request)
            for number in range(clients):
                kind, fault = knocking.ask_badly(server.address, request, rng)
                result.kinds[f"mutual TLS: {kind}"] += 1
                if fault:
                    result.faults.append(f"TLS client {number}: {kind}: {fault}")
                # A grpc.RpcError of the right client is a fault that ends the program.
                if knocking.ask_rightly(server.address, request) != expected:
                    result.faults.append(f"TLS client {number}: the right one's answer is wrong")
    return result


@contextlib.contextmanager
def _fuzzer(server: served.Server, model: str, seed: int) -> Iterator[Fuzzer]:
    fuzzer = Fuzzer(server, model, seed)
    try:
        yield fuzzer
    finally:
        fuzzer.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def main() -> None:
    """Parses flags, sends, prints what was sent and what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="folder of an exported model's versions")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="of all draws")
    parser.add_argument("--first", type=int, default=0, help="number of the first request")
    parser.add_argument("--tls_clients", type=int, default=200, help="at a port with mutual TLS")
    flags = parser.parse_args()
    model = pathlib.Path(flags.model).absolute()
    result = fuzz(model, flags.requests, flags.seed, flags.first)
    if flags.tls_clients:
        result.faults += (tls := fuzz_tls(model, flags.tls_clients, flags.seed)).faults
        result.kinds += tls.kinds
    print("| kind | requests |\n| --- | ---: |")
    for kind, count in sorted(result.kinds.items()):
        print(f"| {kind.replace('_', ' ')} | {count} |")
    before, after = result.memory()
    print(f"\nSeed {flags.seed}. Memory: at first {before:.0f} MB, at the end {after:.0f} MB.")
    print("\n".join(result.faults) or "Each got its answer; the server is as it was.")
    sys.exit(1 if result.faults else 0)


if __name__ == "__main__":
    main()
