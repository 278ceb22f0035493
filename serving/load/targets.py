"""A server under load: one request for pieces, over gRPC or REST, with as little work as can be.

The clients share the machine with the server, so a request's bytes are put together by hand and the
reply is not decoded.
"""

import json
from collections.abc import Sequence
from typing import Protocol, Self

import aiohttp
import grpc
import numpy as np

from tfmusicgan.serving import messages, tensors, wire

PREDICT = "/tensorflow.serving.PredictionService/Predict"
_UNLIMITED = -1
_CHANNEL_OPTIONS = (
    ("grpc.max_send_message_length", _UNLIMITED),
    ("grpc.max_receive_message_length", _UNLIMITED),
)


class RefusedError(Exception):
    """No answer.

    Attributes:
      code: The gRPC status' name, `"HTTP 503"`, or the class of a broken connection.
      text: What the server said.
    """

    def __init__(self, code: str, text: str):
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class Target(Protocol):
    """A connection to one server, within one event loop: `async with`, then `ask`."""

    async def ask(self, seeds: Sequence[int]) -> bytes:
        """Asks `serving_default` for one piece per seed.

        Returns:
          The reply's bytes.

        Raises:
          RefusedError: If there is no answer.
        """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc_info: object) -> None: ...


class GrpcTarget:
    """PredictionService.

    Args:
      address: The server's host:port.
      model: The model's name.
      timeout_seconds: The deadline of a request.
    """

    def __init__(self, address: str, model: str, timeout_seconds: float):
        self._address = address
        self._timeout_seconds = timeout_seconds
        self._head = messages.PredictRequest(
            model_spec=messages.ModelSpec(name=model)
        ).SerializeToString()

    async def __aenter__(self) -> Self:
        self._channel = grpc.aio.insecure_channel(self._address, _CHANNEL_OPTIONS)
        self._call = self._channel.unary_unary(PREDICT)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._channel.close()

    async def ask(self, seeds: Sequence[int]) -> bytes:
        """See `Target`."""
        tensor = tensors.encode_tensor(np.asarray(seeds, np.int64), as_content=True)
        entry = wire.delimited(1, b"seed") + wire.delimited(2, tensor)
        request = self._head + wire.delimited(2, entry)  # PredictRequest.inputs
        try:
            return await self._call(request, timeout=self._timeout_seconds)
        except grpc.aio.AioRpcError as error:
            raise RefusedError(error.code().name, error.details() or "") from error


class RestTarget:
    """The REST API, in its row form.

    Args:
      address: The REST port's host:port.
      model: The model's name.
      timeout_seconds: The deadline of a request.
    """

    def __init__(self, address: str, model: str, timeout_seconds: float):
        self._url = f"http://{address}/v1/models/{model}:predict"
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0)  # as many connections as requests under way
        self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._session.close()

    async def ask(self, seeds: Sequence[int]) -> bytes:
        """See `Target`."""
        body = json.dumps({"instances": list(map(int, seeds))})
        try:
            async with self._session.post(self._url, data=body) as answer:
                text = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RefusedError(type(error).__name__, str(error)) from error
        if answer.status != 200:
            raise RefusedError(f"HTTP {answer.status}", text.decode(errors="replace"))
        return text
