"""One example <-> one `tf.train.Example`, by the field specs of its representation.

Stored features:
  - every field under its own name, one bytes value. `bool` fields: all cells in C order, packed to
    bits, the first cell in the highest bit of the first byte (`np.packbits`), the last byte padded
    with zeros. Other dtypes: raw little-endian bytes in C order.
  - `piece` (bytes, UTF-8 name of the source piece), `source_index` (int64, its place in the plan's
    sorted list), `phrase_index` (int64, its place among the piece's kept phrases): for inspection
    and evaluation; training does not read them.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tfmusicgan.errors import RecordsError
from tfmusicgan.records.example_proto import parse_example, serialize_example
from tfmusicgan.representations.base import Example, FieldSpec
from tfmusicgan.representations.packing import pack_bits, packed_size, unpack_bits


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where an example comes from.

    Attributes:
      piece: Name of the source piece; a transposed copy carries its shift, e.g. `"a.mid+3"`.
      source_index: Place of the source in the plan's sorted list.
      phrase_index: Place among the piece's kept phrases.
    """

    piece: str
    source_index: int
    phrase_index: int


def stored_bytes(spec: FieldSpec) -> int:
    """Number of bytes that one field of one example takes."""
    cells = int(np.prod(spec.shape, dtype=np.int64))
    return packed_size(cells) if spec.dtype == "bool" else cells * np.dtype(spec.dtype).itemsize


def example_to_bytes(example: Example, spec: Mapping[str, FieldSpec], origin: Origin) -> bytes:
    """Serialises one example.

    Args:
      example: The arrays, as `spec` says.
      spec: The representation's fields.
      origin: Where the example comes from.

    Returns:
      A serialised `tf.train.Example`.

    Raises:
      RecordsError: If a field is missing, unknown, or of another shape or dtype.
    """
    if set(example) != set(spec):
        raise RecordsError(
            f"Expected the fields {sorted(spec)}. Received: {sorted(example)}, from piece "
            f"{origin.piece!r}. The representation's encode() and spec disagree."
        )
    features: dict[str, bytes | int] = {
        "piece": origin.piece.encode("utf-8"),
        "source_index": origin.source_index,
        "phrase_index": origin.phrase_index,
    }
    for name, field in spec.items():
        array = np.asarray(example[name])
        if array.shape != tuple(field.shape) or array.dtype != np.dtype(field.dtype):
            raise RecordsError(
                f"Field {name!r}: expected {field.dtype}{list(field.shape)}. Received: "
                f"{array.dtype}{list(array.shape)}, from piece {origin.piece!r}. The "
                "representation's encode() and spec disagree."
            )
        features[name] = _array_to_bytes(array)
    return serialize_example(features)


def bytes_to_example(serialized: bytes, spec: Mapping[str, FieldSpec]) -> tuple[Example, Origin]:
    """The inverse of `example_to_bytes`, in NumPy.

    Raises:
      RecordsError: If a field is missing or has another number of bytes than `spec` says.
    """
    features = parse_example(serialized)
    example = {}
    for name, field in spec.items():
        data = features.get(name)
        if not isinstance(data, bytes) or len(data) != stored_bytes(field):
            came = f"{len(data)} bytes" if isinstance(data, bytes) else "nothing"
            raise RecordsError(
                f"Field {name!r}: expected {stored_bytes(field)} bytes. Received: {came}. "
                "The record is of another representation; convert the data again."
            )
        example[name] = _bytes_to_array(data, field)
    origin = Origin(
        features["piece"].decode("utf-8"),
        features["source_index"],
        features["phrase_index"],
    )
    return example, origin


def _array_to_bytes(array: np.ndarray) -> bytes:
    if array.dtype == np.bool_:
        return pack_bits(array, array.ndim).tobytes()
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()


def _bytes_to_array(data: bytes, field: FieldSpec) -> np.ndarray:
    if field.dtype == "bool":
        return unpack_bits(np.frombuffer(data, np.uint8), field.shape)
    little = np.frombuffer(data, np.dtype(field.dtype).newbyteorder("<"))
    return little.astype(field.dtype).reshape(field.shape)
