"""One named way to ask an exported model for music."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Signature:
    """One named way to ask an exported model for music.

    Attributes:
      function: Takes the inputs by name, returns a dict of batch-major tensors; a pure function of
        the weights and its inputs.
      inputs: Name to spec, batch-major (`[batch]` or `[batch, ...]`); the first of them has as many
        rows as the request.
      defaults: Name to the value that a warm-up request uses.
      ranges: Name to inclusive (low, high) bounds of a control. An export takes what is outside as
        the nearer bound and NaN as the default: an error would fail every request of a batch.
    """

    function: Callable[..., dict[str, tf.Tensor]]
    inputs: Mapping[str, tf.TensorSpec]
    defaults: Mapping[str, Any]
    ranges: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
