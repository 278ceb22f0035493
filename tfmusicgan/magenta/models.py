"""A served model and a SavedModel in this process, asked alike for one piece at a time."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from tfmusicgan.client import MusicClient
from tfmusicgan.client.controls import control_rows, seed_rows
from tfmusicgan.client.requests import Metadata
from tfmusicgan.errors import SequenceGeneratorError
from tfmusicgan.serving.exported import (
    check_range,
    find_export,
    load_export,
    stated_defaults,
)
from tfmusicgan.serving.graph_errors import graph_error_text

# TensorFlow's own names of types are not those of its DataType.
_TYPE_NAMES = {"float16": "half", "float32": "float", "float64": "double"}


class Model(Protocol):
    """A model with named signatures.

    Attributes:
      name: For messages.
    """

    name: str

    def signatures(self) -> Metadata:
        """What the model takes and gives, as `MusicClient.metadata` has it."""

    def ask(
        self, signature: str, seed: int, controls: Mapping[str, object], outputs: Sequence[str]
    ) -> dict[str, Any]:
        """Asks for one piece.

        Args:
          signature: The signature's name.
          seed: The piece's seed.
          controls: Its other inputs; those left out take the model's defaults.
          outputs: The outputs wanted.

        Returns:
          Output -> its value.

        Raises:
          MusicGanError: If the model refuses, or a control is none of its.
        """


class ServedModel:
    """A model behind a client.

    Args:
      client: Of the server.
      name: The model's name.
      version: A version number.
      label: A version label.
    """

    def __init__(self, client: MusicClient, name: str, version: int | None, label: str | None):
        self.name = name
        self._client, self._version, self._label = client, version, label
        self._known: Metadata = {}

    def signatures(self) -> Metadata:
        """See `Model`."""
        self._known = self._client.metadata(self.name, self._version, self._label)
        return self._known

    def ask(
        self, signature: str, seed: int, controls: Mapping[str, object], outputs: Sequence[str]
    ) -> dict[str, Any]:
        """See `Model`. A server takes the nearer bound for what is out of range."""
        rows = _rows(self._known, signature, seed, controls)
        answer = self._client.predict(
            self.name, rows, signature, self._version, self._label, outputs
        )
        return {name: answer[name][0] for name in outputs}


class LocalModel:
    """An exported SavedModel.

    Args:
      path: A version's folder, or a model's, whose highest version is taken.

    Raises:
      ExportError: If there is none that the suite exported.
    """

    def __init__(self, path: str | pathlib.Path):
        self._export = find_export(path)
        self.name = self._export.parent.name
        self._known: Metadata = {}

    def signatures(self) -> Metadata:
        """See `Model`; loads it when it is first called."""
        if not self._known:
            loaded = load_export(str(self._export)).signatures
            self._known = {name: self._described(name, loaded[name]) for name in sorted(loaded)}
        return self._known

    def ask(
        self, signature: str, seed: int, controls: Mapping[str, object], outputs: Sequence[str]
    ) -> dict[str, Any]:
        """See `Model`. A number that is out of its range is refused.

        Raises:
          SequenceGeneratorError: If the model refuses a value, such as music in another meter.
          ConfigError: If a number is out of its range, or a control is none of the model's.
        """
        import tensorflow as tf

        for name, value in controls.items():
            if isinstance(value, int | float):
                check_range(self._export, signature, name, value)
        rows = _rows(self._known, signature, seed, controls)
        # Two rows, as servers pad them: with one some products are added up in another order.
        tensors = {name: tf.constant(np.repeat(row, 2, axis=0)) for name, row in rows.items()}
        try:
            answer = load_export(str(self._export)).signatures[signature](**tensors)
        except tf.errors.OpError as error:
            raise SequenceGeneratorError(graph_error_text(error.message)) from error
        return {name: answer[name].numpy()[0] for name in outputs}

    def _described(self, name: str, function: Any) -> dict[str, Any]:
        inputs = function.structured_input_signature[1]
        types = {key: _type(spec) for key, spec in sorted(inputs.items())}
        stated = stated_defaults(self._export, name)
        return {
            "inputs": types,
            "outputs": {k: _type(spec) for k, spec in function.structured_outputs.items()},
            "defaults": {
                key: np.array([stated[key]], inputs[key].dtype.as_numpy_dtype)
                for key in types
                if key in stated
            },
        }


def _type(spec: Any) -> tuple[str, tuple[int, ...]]:
    """A TensorSpec as a client knows it."""
    shape = tuple(-1 if size is None else size for size in spec.shape)
    return _TYPE_NAMES.get(spec.dtype.name, spec.dtype.name), shape


def _rows(
    known: Metadata, signature: str, seed: int, controls: Mapping[str, object]
) -> dict[str, np.ndarray]:
    """A request's inputs, [1, ...] each.

    Raises:
      ConfigError: If a control is unknown, missing, or of another type.
    """
    entry = known[signature]
    rows = control_rows(entry["inputs"], controls, 1, entry["defaults"])
    return {"seed": seed_rows([seed]), **rows}
