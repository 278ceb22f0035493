"""Defaults of controls in an export's SignatureDefs, where every client can see them.

`SignatureDef.defaults` is TensorFlow's own place for them. `GetModelMetadata` answers them, so a
client can fill in what it is not given; and TensorFlow Serving takes them itself where a request
leaves an input out. It takes them as they are, with one row, whatever rows the request has: an
export's signatures repeat it, and a server that merges requests to batches, which compares rows
first, refuses such a request of several rows with INVALID_ARGUMENT.
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.saved_model import fingerprinting_utils

from tfmusicgan.models.signature import Signature

# What makes a request its own: music without being asked for is never a default.
REQUIRED = ("seed", "other_seed", "latent", "note_sequence", "audio", "wav")


def control_defaults(signature: Signature) -> dict[str, Any]:
    """The values of a signature's controls where a request leaves them out, by name."""
    return {name: signature.defaults[name] for name in signature.inputs if name not in REQUIRED}


def write_defaults(folder: str | pathlib.Path, signatures: Mapping[str, Signature]) -> None:
    """Adds the controls' defaults to a SavedModel, [1] each, and makes its fingerprint anew.

    Args:
      folder: The SavedModel.
      signatures: Its signatures by name.
    """
    path = pathlib.Path(folder) / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for name, signature in signatures.items():
        definition = model.meta_graphs[0].signature_def[name]
        for key, value in control_defaults(signature).items():
            dtype = signature.inputs[key].dtype.as_numpy_dtype
            definition.defaults[key].CopyFrom(tf.make_tensor_proto([value], dtype))
    path.write_bytes(model.SerializeToString(deterministic=True))
    fingerprinting_utils.write_fingerprint(str(folder))
