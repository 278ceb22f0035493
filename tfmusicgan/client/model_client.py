"""Calls of a model server's services in NumPy, whatever a model makes: the client's middle part."""

import time
from collections.abc import Mapping, Sequence
from typing import Self

import grpc
import numpy as np

from tfmusicgan.client.calls import RETRIED_CODES, Caller, ServingError
from tfmusicgan.client.controls import TensorTypes
from tfmusicgan.errors import ConfigError
from tfmusicgan.serving import messages, tensors

DEFAULT_TIMEOUT_SECONDS = 60.0
_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
_POLL_SECONDS = 0.05


class ModelClient:
    """A connection to one server; may be used from several threads.

    Args:
      target: `"host:port"`, or any gRPC target (`"unix:/path"`, `"dns:///name:port"`).
      timeout_seconds: The deadline of every call, its retries included; above 0, never infinite.
      credentials: `grpc.ssl_channel_credentials(...)` for TLS; None is plain text.

    Raises:
      ConfigError: If the deadline is out of range.
    """

    def __init__(
        self,
        target: str,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        credentials: grpc.ChannelCredentials | None = None,
    ):
        self.target = target
        self._caller = Caller(target, timeout_seconds, credentials)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; calls under way are cancelled."""
        self._caller.close()

    def predict(
        self,
        model: str,
        inputs: Mapping[str, object],
        signature: str = messages.DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
        output_filter: Sequence[str] = (),
    ) -> dict[str, np.ndarray]:
        """Runs one signature of a model.

        Args:
          model: The model's name.
          inputs: Alias -> array, number, text, or nested list. The dtype is sent as it is: use
            NumPy's types, e.g. `np.int64`.
          signature: The signature's name.
          version: A version number; the latest available one when neither it nor `label` is given.
          label: A version label.
          output_filter: The outputs wanted; all when empty.

        Returns:
          Alias -> array; strings are bytes in object arrays.

        Raises:
          ServingError: With the server's code and text, after retries where these make sense.
          ConfigError: If both `version` and `label` are given.
          TensorError: If an input has no TensorProto form.
        """
        request = messages.PredictRequest(output_filter=output_filter)
        request.model_spec.CopyFrom(_model_spec(model, version, label))
        request.model_spec.signature_name = signature
        for alias, value in inputs.items():
            encoded = tensors.encode_tensor(tensors.as_array(value), as_content=True)
            request.inputs[alias].MergeFromString(encoded)
        reply = self._caller.call(_PREDICT, request, messages.PredictResponse)
        return {alias: tensors.decode_tensor(reply.outputs[alias]) for alias in reply.outputs}

    def metadata(
        self, model: str, version: int | None = None, label: str | None = None
    ) -> dict[str, dict[str, TensorTypes | dict[str, np.ndarray]]]:
        """What a model takes and gives.

        Args:
          model: The model's name.
          version: A version number.
          label: A version label.

        Returns:
          `{signature: {"inputs": {alias: (dtype, shape)}, "outputs": {...}, "defaults": {alias:
          array [1]}}}`, the defaults those of inputs that a request need not have.

        Raises:
          ServingError: With the server's code and text.
        """
        request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.CopyFrom(_model_spec(model, version, label))
        reply = self._caller.call(_METADATA, request, messages.GetModelMetadataResponse)
        packed = messages.SignatureDefMap.FromString(reply.metadata["signature_def"].value)
        return {
            name: {
                "inputs": _described(entry.inputs),
                "outputs": _described(entry.outputs),
                "defaults": {a: tensors.decode_tensor(t) for a, t in entry.defaults.items()},
            }
            for name, entry in sorted(packed.signature_def.items())
            if name != "__saved_model_init_op"
        }

    def status(self, model: str, version: int | None = None) -> dict[int, tuple[str, str]]:
        """The versions a server has, or had, of a model.

        Args:
          model: The model's name.
          version: One version alone.

        Returns:
          `{version: (state, error)}`, highest first; state as in `"AVAILABLE"`, error empty when
          all is well.

        Raises:
          ServingError: With the server's code and text.
        """
        return self._status(model, version, None)

    def wait_until_ready(self, model: str, timeout_seconds: float = 60.0) -> int:
        """Waits until a version of a model is available, the server's start included.

        Args:
          model: The model's name.
          timeout_seconds: How long at most.

        Returns:
          The highest available version.

        Raises:
          ServingError: If the time is over (the last refusal, or DEADLINE_EXCEEDED), or at once
            for a refusal that waiting does not mend.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            left = deadline - time.monotonic()
            try:
                states = self._status(model, None, max(left, _POLL_SECONDS))
            except ServingError as error:
                passing = (*RETRIED_CODES, grpc.StatusCode.NOT_FOUND)
                if error.code not in passing or time.monotonic() >= deadline:
                    raise
            else:
                available = [n for n, (state, _) in states.items() if state == "AVAILABLE"]
                if available:
                    return max(available)
                if time.monotonic() >= deadline:
                    text = f"{model} is not available after {timeout_seconds} s: {states}"
                    raise ServingError(grpc.StatusCode.DEADLINE_EXCEEDED, text, self.target)
            time.sleep(_POLL_SECONDS)

    def _status(
        self, model: str, version: int | None, timeout_seconds: float | None
    ) -> dict[int, tuple[str, str]]:
        request = messages.GetModelStatusRequest(model_spec=_model_spec(model, version, None))
        reply_class = messages.GetModelStatusResponse
        reply = self._caller.call(_STATUS, request, reply_class, timeout_seconds)
        names = messages.VersionState.values_by_number
        return {
            entry.version: (names[entry.state].name, entry.status.error_message)
            for entry in reply.model_version_status
        }


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
