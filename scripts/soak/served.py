"""A tfmusicgan-serve process to try hard, what it uses of the machine, and plain calls to it."""

import contextlib
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence

import grpc
import numpy as np

from tfmusicgan.serving import messages, tensors

PREDICT = "/tensorflow.serving.PredictionService/Predict"
_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
_METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
_READY = re.compile(r"serving \d+ models? on (\S+:\d+)(?:, REST on (\S+:\d+))?\n")
_LIMIT_SECONDS = 60.0


@dataclasses.dataclass(frozen=True)
class Usage:
    """What a process holds: resident memory in MB, threads, open files and connections."""

    memory_mb: float
    threads: int
    files: int


class Server:
    """A server that listens.

    Attributes:
      address: host:port of gRPC.
      rest: host:port of REST, None where it has none.
      pid: Its process.
    """

    def __init__(self, process: subprocess.Popen, address: str, rest: str | None):
        self.process, self.address, self.rest = process, address, rest
        self.pid = process.pid

    def usage(self) -> Usage:
        """What it holds now.

        Raises:
          RuntimeError: If it has ended.
        """
        if self.process.poll() is not None:
            raise RuntimeError(f"The server ended with status {self.process.returncode}.")
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        found = dict(re.findall(r"^(\w+):\s+(\d+)", status, re.MULTILINE))
        files = len(os.listdir(f"/proc/{self.pid}/fd"))
        return Usage(int(found["VmRSS"]) / 1024, int(found["Threads"]), files)


@contextlib.contextmanager
def running(*flags: str) -> Iterator[Server]:
    """Runs tfmusicgan-serve while the block does, on a free port.

    Args:
      *flags: What it serves, and how.

    Yields:
      The server, once it is ready.

    Raises:
      RuntimeError: If it ends before that, or was not stopped by SIGTERM in good order.
    """
    code = "from tfmusicgan.cli.serve import main; main()"
    command = [sys.executable, "-c", code, "--port=0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            ready = _READY.fullmatch(line)
            if not ready:
                raise RuntimeError(f"Expected the line that says it serves. Received: {line!r}.")
            yield Server(process, *ready.groups())
        finally:
            process.terminate()
    if process.returncode:
        raise RuntimeError(f"The server ended with status {process.returncode} after SIGTERM.")


def predict_request(model: str, seeds: Sequence[int]) -> bytes:
    """A request to `serving_default`."""
    request = messages.PredictRequest()
    request.model_spec.name = model
    tensor = tensors.encode_tensor(np.asarray(seeds, np.int64), as_content=True)
    request.inputs["seed"].MergeFromString(tensor)
    return request.SerializeToString()


def ask(channel: grpc.Channel, request: bytes) -> tuple[int, list[bytes]]:
    """Sends a request of `predict_request`.

    Returns:
      The version that answered, and the pieces.

    Raises:
      grpc.RpcError: If it is refused.
    """
    reply = messages.PredictResponse.FromString(
        channel.unary_unary(PREDICT)(request, timeout=_LIMIT_SECONDS)
    )
    (output,) = reply.outputs.values()
    return reply.model_spec.version.value, list(output.string_val)


def states(channel: grpc.Channel, model: str) -> dict[int, str]:
    """Version -> state of all versions that the server has had.

    Raises:
      grpc.RpcError: If it has had none.
    """
    request = messages.GetModelStatusRequest(model_spec=messages.ModelSpec(name=model))
    text = channel.unary_unary(_STATUS)(request.SerializeToString(), timeout=_LIMIT_SECONDS)
    names = messages.VersionState.values_by_number
    found = messages.GetModelStatusResponse.FromString(text).model_version_status
    return {entry.version: names[entry.state].name for entry in found}


def signatures(channel: grpc.Channel, model: str) -> dict[str, messages.SignatureDef]:
    """The signatures of a model's latest version that take and give something.

    Raises:
      grpc.RpcError: If there is no such model.
    """
    request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = model
    text = channel.unary_unary(_METADATA)(request.SerializeToString(), timeout=_LIMIT_SECONDS)
    packed = messages.GetModelMetadataResponse.FromString(text).metadata["signature_def"]
    found = messages.SignatureDefMap.FromString(packed.value).signature_def
    return {name: found[name] for name in sorted(found) if found[name].inputs}
