"""A Predict request against a signature, and the reply's bytes.

Checks run in the stock server's order, with its texts. Two are made here though the runtime would
make them: a wrong dtype must not fail the requests it would share a batch with, and a value is not
repeated over a large shape that is wrong. One limit is this server's own: how much may be repeated,
since a few bytes must not take all memory.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from tfmusicgan.serving import messages, tensors, wire
from tfmusicgan.serving.server import beside, statuses
from tfmusicgan.serving.server.servable import Signature

MAX_FILLED_BYTES = 64 << 20  # of a request's tensors, what repeats a value and is not sent
_VARINT_COST = 32  # bytes that are copied while an integer is written


@dataclasses.dataclass(frozen=True)
class SessionRun:
    """What a Session is to run.

    Attributes:
      signature: The signature asked for.
      arrays: One per input, in the signature's order.
      outputs: Aliases to compute, in alphabetical order.
    """

    signature: Signature
    arrays: list[np.ndarray]
    outputs: list[str]


def prepare(request: messages.PredictRequest, signatures: Mapping[str, Signature]) -> SessionRun:
    """Checks and decodes a `messages.PredictRequest`.

    Raises:
      RequestError: With the stock server's code and text.
    """
    name = request.model_spec.signature_name or messages.DEFAULT_SIGNATURE
    if name not in signatures:
        raise statuses.unknown_signature(name)
    signature = signatures[name]
    arrays = _inputs(request.inputs, signature)
    return SessionRun(signature, arrays, _outputs(request.output_filter, signature))


async def prepare_beside(
    request: messages.PredictRequest, signatures: Mapping[str, Signature]
) -> SessionRun:
    """As `prepare`; large tensors are decoded beside the event loop."""
    num_bytes = sum(tensors.decoded_sizes(proto)[0] for proto in request.inputs.values())
    return await beside.run(num_bytes, prepare, request, signatures)


def _inputs(sent: Mapping[str, object], signature: Signature) -> list[np.ndarray]:
    expected = signature.inputs
    if len(sent) > len(expected) or (len(sent) < len(expected) and not signature.defaults):
        raise statuses.wrong_input_count(sent, expected)
    arrays, filled = [], 0
    for position, (alias, entry) in enumerate(expected.items()):
        proto = sent[alias] if alias in sent else signature.defaults.get(alias)
        if proto is None:
            raise statuses.missing_input(alias, entry.tensor, sent, signature.defaults)
        if proto.dtype != entry.data_type and tensors.numpy_dtype(proto.dtype) is not None:
            expected_name, received_name = (
                messages.data_type_name(number).lower() for number in (entry.data_type, proto.dtype)
            )
            raise statuses.wrong_dtype(position, expected_name, received_name)
        filled += _checked_fill(alias, proto, signature, filled)
        try:
            arrays.append(tensors.decode_tensor(proto))
        except tensors.TensorError as error:
            raise statuses.unparsable_tensor(alias) from error
    if any(alias not in expected for alias in sent):
        raise statuses.unused_input(set(sent) & set(expected), sent)
    return arrays


def _checked_fill(alias: str, proto, signature: Signature, filled: int) -> int:
    """Bytes that a tensor adds to the `filled` ones of those before it.

    Raises:
      RequestError: If they are too many, or are many and the signature has no input of that shape.
    """
    added = tensors.decoded_sizes(proto)[1]
    if added <= beside.LARGE_BYTES:
        return added
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if math.prod(shape) * tensors.numpy_dtype(proto.dtype).itemsize > tensors.MAX_DECODED_BYTES:
        return added  # it will not be decoded at all
    expected = signature.proto.inputs[alias].tensor_shape
    if signature.proto.inputs[alias].HasField("tensor_shape") and not expected.unknown_rank:
        sizes = [dim.size for dim in expected.dim]
        inner = zip(sizes[1:], shape[1:], strict=False)
        if len(shape) != len(sizes) or any(size not in (-1, sent) for size, sent in inner):
            raise statuses.wrong_shape(alias, sizes, shape)
    if filled + added > MAX_FILLED_BYTES:
        raise statuses.too_much_filled(alias, shape, filled + added, MAX_FILLED_BYTES)
    return added


def _outputs(asked: Sequence[str], signature: Signature) -> list[str]:
    seen = set()
    for alias in asked:
        if alias not in signature.outputs:
            raise statuses.unknown_output(alias, signature.outputs)
        if alias in seen:
            raise statuses.duplicate_output(alias)
        seen.add(alias)
    # One order for all, so that requests for the same outputs share a queue.
    return sorted(seen or signature.outputs)


def reply(
    spec: messages.ModelSpec,
    version: int,
    signature: Signature,
    outputs: Sequence[str],
    arrays: Sequence[np.ndarray],
) -> bytes:
    """Serialises a PredictResponse, the tensors in their typed fields.

    Args:
      spec: The request's ModelSpec.
      version: The version that ran.
      signature: The signature that ran.
      outputs: Aliases.
      arrays: One per alias.
    """
    entries = [
        wire.delimited(
            1,
            wire.delimited(1, alias.encode()) + wire.delimited(2, tensors.encode_tensor(array)),
        )
        for alias, array in zip(outputs, arrays, strict=True)
    ]
    return b"".join(entries) + _answered_by(spec.name, version, signature.name)


async def reply_beside(
    spec: messages.ModelSpec, version: int, run: SessionRun, arrays: Sequence[np.ndarray]
) -> bytes:
    """As `reply`; large tensors are encoded beside the event loop."""
    cost = sum(map(_encoding_cost, arrays))
    return await beside.run(cost, reply, spec, version, run.signature, run.outputs, arrays)


def _encoding_cost(array: np.ndarray) -> int:
    """Bytes that are copied in the time that encoding takes."""
    if array.dtype.kind == "O":
        return sum(map(len, array.flat))
    return array.nbytes if array.dtype.kind in "fcb" else _VARINT_COST * array.size


@functools.lru_cache(maxsize=256)
def _answered_by(name: str, version: int, signature: str) -> bytes:
    """The reply's field `model_spec`."""
    effective = messages.ModelSpec(name=name, signature_name=signature)
    effective.version.value = version
    return wire.delimited(2, effective.SerializeToString())
