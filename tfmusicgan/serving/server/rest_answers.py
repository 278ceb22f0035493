"""What the REST API answers: from a path and a body to the body of the reply."""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping

import numpy as np
from google.protobuf import json_format

from tfmusicgan.serving import messages
from tfmusicgan.serving.server import (
    examples,
    json_body,
    json_tensors,
    json_text,
    services,
    statuses,
)
from tfmusicgan.serving.server.manager import ModelManager
from tfmusicgan.serving.server.predict import SessionRun
from tfmusicgan.serving.server.recording import Call
from tfmusicgan.serving.server.version import Version
from tfmusicgan.serving.versions import MAX_VERSION

_MODEL = r"/v1/models{}(?:(?:/versions/([0-9]+))|(?:/labels/([^/:]+)))?"
_INFERENCE = re.compile(_MODEL.format("/([^/:]+)") + ":(classify|regress|predict)", re.IGNORECASE)
_STATE = re.compile(_MODEL.format("(?:/([^/:]+))?") + "(?:/(metadata))?", re.IGNORECASE)
_VERSION_DIGITS = len(str(MAX_VERSION))
_MAX_READERS = 2  # of large bodies: as Python's objects they take many times their size
_LARGE_ANSWER = 1 << 16  # bytes of text, roughly, that are written beside the event loop


@dataclasses.dataclass(frozen=True)
class Resource:
    """What a path names.

    Attributes:
      spec: The `messages.ModelSpec`.
      method: `predict`, `classify`, `regress`; `metadata`; or empty for the status.
    """

    spec: object
    method: str


def resource(verb: str, path: str) -> Resource:
    """Reads a path.

    Args:
      verb: The HTTP method.
      path: The path as it came, percent-encoded, with its query.

    Raises:
      RequestError: With the stock server's text.
    """
    pattern = {"POST": _INFERENCE, "GET": _STATE}.get(verb)
    match = pattern.fullmatch(path) if pattern is not None else None
    # The stock server's pattern takes methods in capitals, but does nothing with them.
    if match is None or (verb == "POST" and not match[4].islower()):
        raise statuses.invalid_argument(f"Malformed request: {verb} {path}")
    spec = messages.ModelSpec(name=urllib.parse.unquote(match[1] or ""))
    if match[2]:
        digits = match[2].lstrip("0") or "0"
        # By their number first: Python refuses to read numbers of thousands of digits.
        if len(digits) > _VERSION_DIGITS or int(digits) > MAX_VERSION:
            raise statuses.invalid_argument(f"Failed to convert version: {match[2]} to numeric.")
        spec.version.value = int(digits)
    if match[3]:
        spec.version_label = urllib.parse.unquote(match[3])
    return Resource(spec, "" if match[4] is None else match[4])


class Answers:
    """Answers requests.

    Args:
      manager: The models.
      pool: Threads for what would keep the event loop busy.
    """

    def __init__(self, manager: ModelManager, pool: concurrent.futures.Executor):
        self._manager = manager
        self._pool = pool
        self._readers = asyncio.Semaphore(_MAX_READERS)

    async def answer(self, asked: Resource, body: bytes, call: Call) -> bytes:
        """Answers one request.

        Args:
          asked: What its path names.
          body: Its body.
          call: What is recorded of it.

        Returns:
          JSON.

        Raises:
          RequestError: With the stock server's code and text.
        """
        if asked.method == "predict":
            return await self._predict(asked.spec, body, call)
        if asked.method in ("classify", "regress"):
            return await self._refuse_examples(asked, body)
        if not asked.spec.name:
            raise statuses.invalid_argument("Missing model name in request.")
        if asked.method == "metadata":
            return self._metadata(asked.spec)
        return _proto_json(services.status_response(self._manager, asked.spec)).encode()

    async def _predict(self, spec, body: bytes, call: Call) -> bytes:
        large = len(body) > json_body.LARGE_BODY_BYTES
        with contextlib.ExitStack() as used:
            async with self._readers if large else contextlib.nullcontext():
                parsed = await self._do(large, json_body.parse, body)
                name = json_body.signature_name(parsed) or messages.DEFAULT_SIGNATURE
                version = self._manager.find(spec)
                servable = used.enter_context(version.in_use())
                if name not in servable.signatures:
                    raise statuses.invalid_argument(
                        f'Serving signature name: "{name}" not found in signature def'
                    )
                signature = servable.signatures[name]
                inputs = await self._do(large, json_tensors.read_inputs, parsed, signature)
                del parsed  # many times as large as the body
            run = SessionRun(signature, inputs.arrays, sorted(signature.outputs))
            arrays = dict(zip(run.outputs, await _in_time(call, version, run), strict=True))
        write = json_text.rows if inputs.by_rows else json_text.columns
        return await self._do(_text_size(arrays) > _LARGE_ANSWER, write, arrays)

    async def _do(self, beside: bool, function: Callable, *arguments: object):
        """Calls a function, beside the event loop if it takes long."""
        if not beside:
            return function(*arguments)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, function, *arguments)

    async def _refuse_examples(self, asked: Resource, body: bytes) -> bytes:
        parsed = await self._do(len(body) > json_body.LARGE_BODY_BYTES, json_body.parse, body)
        spec = messages.ModelSpec()
        spec.CopyFrom(asked.spec)
        spec.signature_name = json_body.signature_name(parsed)
        json_body.require_examples(parsed)
        method = {"classify": examples.CLASSIFY_METHOD, "regress": examples.REGRESS_METHOD}
        version, num_examples = self._manager.find(spec), len(parsed["examples"])
        return examples.refuse(version, spec, method[asked.method], num_examples)

    def _metadata(self, spec) -> bytes:
        version = self._manager.find(spec)
        spec_text = _proto_json(services.answered_by(version))
        signatures = _proto_json(services.signature_map(version))
        return (
            f'{{\n"model_spec":{spec_text},\n"metadata": {{"signature_def": {signatures}}}\n}}\n'
        ).encode()


async def _in_time(call: Call, version: Version, run: SessionRun) -> list[np.ndarray]:
    """Runs a signature, and waits for its turn, within the request's time.

    Nobody else ends the wait: a client over gRPC cancels its request when its time is over.
    """
    try:
        async with asyncio.timeout(call.time_remaining()):
            return await call.run(version, run)
    except TimeoutError:
        raise statuses.timed_out() from None


def _proto_json(message) -> str:
    """A message as protobuf's printer writes it: with defaults, numbers of 64 bits as text."""
    fields = json_format.MessageToDict(
        message, including_default_value_fields=True, preserving_proto_field_name=True
    )
    return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"


def _text_size(arrays: Mapping[str, np.ndarray]) -> int:
    size = 0
    for array in arrays.values():
        strings = array.dtype.kind == "O"
        size += sum(map(len, array.ravel())) if strings else 8 * array.size
    return size
