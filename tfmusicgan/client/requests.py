"""Requests of TensorFlow Serving's services, and how their answers are read. No I/O."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

import grpc
import numpy as np
from google.protobuf.message import DecodeError

from tfmusicgan.client.controls import TensorTypes
from tfmusicgan.client.retries import RETRIED_CODES, ServingError, check_seconds
from tfmusicgan.errors import ConfigError
from tfmusicgan.serving import messages, tensors

T = TypeVar("T")
U = TypeVar("U")
# {signature: {"inputs": {alias: (dtype, shape)}, "outputs": ..., "defaults": {alias: [1, ...]}}}
Metadata = dict[str, dict[str, TensorTypes | dict[str, np.ndarray]]]
States = dict[int, tuple[str, str]]
POLL_SECONDS = 0.05
_PREDICTION_SERVICE = "/tensorflow.serving.PredictionService"
_MODEL_SERVICE = "/tensorflow.serving.ModelService"


@dataclasses.dataclass(frozen=True)
class Call(Generic[T]):
    """One call of a service.

    Attributes:
      method: `"/package.Service/Method"`.
      request: The message's bytes.
      read: The reply's bytes to what the caller wants.
    """

    method: str
    request: bytes
    read: Callable[[bytes], T]

    def then(self, function: Callable[[T], U]) -> "Call[U]":
        """The same call, whose reply is read further by a function."""
        return Call(self.method, self.request, lambda reply: function(self.read(reply)))

    def answer(self, reply: bytes, target: str, request_id: str) -> T:
        """Reads a reply.

        Args:
          reply: The message's bytes.
          target: The server's address, for the error.
          request_id: Of the request, for the error.

        Raises:
          ServingError: INTERNAL, if the reply is not what the method answers.
        """
        try:
            return self.read(reply)
        except (DecodeError, KeyError, ValueError) as error:
            text = f"{self.method} answered {len(reply)} bytes that cannot be read: {error}"
            raise ServingError(grpc.StatusCode.INTERNAL, text, target, request_id) from error


@dataclasses.dataclass(frozen=True)
class Prediction:
    """An answer.

    Attributes:
      outputs: Alias -> array; strings are bytes in object arrays.
      version: The version that ran.
    """

    outputs: dict[str, np.ndarray]
    version: int


@dataclasses.dataclass(frozen=True)
class Described:
    """What a version takes and gives.

    Attributes:
      version: Its number; 0 where the server does not say.
      signatures: What it takes and gives.
    """

    version: int
    signatures: Metadata


def predict(
    model: str,
    inputs: Mapping[str, object],
    signature: str,
    version: int | None,
    label: str | None,
    output_filter: Sequence[str],
) -> Call[Prediction]:
    """Runs one signature of a model; the arguments are those of `MusicClient.predict`.

    Raises:
      ConfigError: If both `version` and `label` are given.
      TensorError: If an input has no TensorProto form.
    """
    request = messages.PredictRequest(output_filter=output_filter)
    request.model_spec.CopyFrom(_model_spec(model, version, label))
    request.model_spec.signature_name = signature
    for alias, value in inputs.items():
        encoded = tensors.encode_tensor(tensors.as_array(value), as_content=True)
        request.inputs[alias].MergeFromString(encoded)

    def read(content: bytes) -> Prediction:
        reply = messages.PredictResponse.FromString(content)
        outputs = {alias: tensors.decode_tensor(reply.outputs[alias]) for alias in reply.outputs}
        return Prediction(outputs, reply.model_spec.version.value)

    return Call(f"{_PREDICTION_SERVICE}/Predict", request.SerializeToString(), read)


def described(model: str, version: int | None, label: str | None) -> Call[Described]:
    """What a model takes and gives, and which version of it.

    Raises:
      ConfigError: If both `version` and `label` are given.
    """
    request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.CopyFrom(_model_spec(model, version, label))

    def read(content: bytes) -> Described:
        reply = messages.GetModelMetadataResponse.FromString(content)
        packed = messages.SignatureDefMap.FromString(reply.metadata["signature_def"].value)
        signatures = {
            name: {
                "inputs": _described(entry.inputs),
                "outputs": _described(entry.outputs),
                "defaults": {a: tensors.decode_tensor(t) for a, t in entry.defaults.items()},
            }
            for name, entry in sorted(packed.signature_def.items())
            if name != "__saved_model_init_op"
        }
        return Described(reply.model_spec.version.value, signatures)

    return Call(f"{_PREDICTION_SERVICE}/GetModelMetadata", request.SerializeToString(), read)


def metadata(model: str, version: int | None, label: str | None) -> Call[Metadata]:
    """The same without the version."""
    return described(model, version, label).then(lambda answer: answer.signatures)


def status(model: str, version: int | None) -> Call[States]:
    """The versions a server has, or had, of a model: `{version: (state, error)}`."""
    request = messages.GetModelStatusRequest(model_spec=_model_spec(model, version, None))

    def read(content: bytes) -> States:
        reply = messages.GetModelStatusResponse.FromString(content)
        names = messages.VersionState.values_by_number
        return {
            entry.version: (names[entry.state].name, entry.status.error_message)
            for entry in reply.model_version_status
        }

    return Call(f"{_MODEL_SERVICE}/GetModelStatus", request.SerializeToString(), read)


def latest_available(states: States) -> int | None:
    """The version that answers where none is named; None where none is available."""
    available = [number for number, (state, _) in states.items() if state == "AVAILABLE"]
    return max(available, default=None)


class Readiness:
    """The wait for a version of a model.

    Args:
      model: The model's name.
      timeout_seconds: How long at most.
      target: The server's address, for the error.

    Raises:
      ConfigError: If the time is not above 0 and finite.
    """

    def __init__(self, model: str, timeout_seconds: float, target: str):
        check_seconds("timeout_seconds", timeout_seconds)
        self._model = model
        self._seconds = timeout_seconds
        self._deadline = time.monotonic() + timeout_seconds
        self._target = target

    def seconds_left(self) -> float:
        """For the next look, above 0."""
        return max(self._deadline - time.monotonic(), POLL_SECONDS)

    def available(self, states: States) -> int | None:
        """The highest available version, None where it has to be waited for.

        Raises:
          ServingError: DEADLINE_EXCEEDED, if the time is over.
        """
        version = latest_available(states)
        if version is not None:
            return version
        if time.monotonic() >= self._deadline:
            text = f"{self._model} is not available after {self._seconds} s: {states}"
            raise ServingError(grpc.StatusCode.DEADLINE_EXCEEDED, text, self._target)
        return None

    def check(self, error: ServingError) -> None:
        """Raises a refusal that waiting does not mend, and any if the time is over."""
        # A server that starts may take a call and be too busy to answer it in time.
        passing = (
            *RETRIED_CODES,
            grpc.StatusCode.NOT_FOUND,
            grpc.StatusCode.DEADLINE_EXCEEDED,
        )
        if error.code not in passing or time.monotonic() >= self._deadline:
            raise error


def _model_spec(model: str, version: int | None, label: str | None):
    if version is not None and label is not None:
        raise ConfigError(f"Expected a version or a label. Received: {version} and {label!r}.")
    spec = messages.ModelSpec(name=model)
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label
    return spec


def _described(infos: Mapping[str, object]) -> TensorTypes:
    return {
        alias: (
            messages.data_type_name(info.dtype).lower(),
            tuple(dim.size for dim in info.tensor_shape.dim),
        )
        for alias, info in sorted(infos.items())
    }
