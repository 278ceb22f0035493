"""A REST request's instances or inputs as the arrays of a signature, by TensorFlow Serving's rules.

The order of checks and the texts are the stock server's (read in tensorflow/serving's
json_tensor.cc); those of rows are in json_rows.py,
those of single values in json_values.py.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tfmusicgan.serving.server import json_body, json_rows, json_values, statuses
from tfmusicgan.serving.server.servable import Signature


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What a body asks to be run on.

    Attributes:
      arrays: One per input, in the signature's order.
      by_rows: Whether the answer is in row form.
    """

    arrays: list[np.ndarray]
    by_rows: bool


def read_inputs(body: Mapping[str, object], signature: Signature) -> Inputs:
    """Reads a body's `instances` or `inputs`.

    Raises:
      RequestError: With the stock server's code and text.
    """
    if not signature.inputs:
        raise statuses.invalid_argument(f"Failed to get input map for signature: {signature.name}")
    if "instances" in body and "inputs" in body:
        raise json_body.quoting(
            body,
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
        )
    if "instances" in body:
        instances = body["instances"]
        if not isinstance(instances, list):
            raise json_body.quoting(body, "Excepting 'instances' to be an list/array")
        if not instances:
            raise json_body.quoting(body, "No values in 'instances' array")
        return Inputs(json_rows.arrays(instances, signature), by_rows=True)
    if "inputs" in body:
        return Inputs(_from_columns(body["inputs"], signature), by_rows=False)
    raise statuses.invalid_argument("Missing 'inputs' or 'instances' key")


def _from_columns(value: object, signature: Signature) -> list[np.ndarray]:
    inputs = signature.inputs
    if not json_values.is_object(value):
        if len(inputs) > 1:
            raise statuses.invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        (entry,) = inputs.values()
        return [json_values.dense(value, entry.data_type)]
    arrays = []
    for alias, entry in inputs.items():
        if alias not in value:
            raise statuses.invalid_argument(f"Missing named input: {alias} in 'inputs' object.")
        arrays.append(json_values.dense(value[alias], entry.data_type))
    return arrays
