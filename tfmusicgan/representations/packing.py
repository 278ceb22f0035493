"""Boolean arrays as packed bits: eight cells to a byte, the first in the highest bit; tokens.

`packing_graph.py` does the same inside the graph.
"""

from collections.abc import Sequence

import numpy as np

from tfmusicgan.errors import RecordsError


def packed_size(num_bits: int) -> int:
    """Number of bytes that hold `num_bits` bits."""
    return -(-num_bits // 8)


def pack_bits(bits: np.ndarray, num_axes: int = 1) -> np.ndarray:
    """Packs the last axes of a boolean array.

    Args:
      bits: bool [..., *example].
      num_axes: Number of axes of one example; they are flattened in C order.

    Returns:
      uint8 [..., bytes]; the last byte is filled up with zeros.
    """
    flat = bits.reshape(*bits.shape[: bits.ndim - num_axes], -1)
    return np.packbits(flat, axis=-1)


def unpack_bits(packed: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Inverse of `pack_bits`.

    Args:
      packed: uint8 [..., bytes].
      shape: Axis sizes of one example.

    Returns:
      bool [..., *shape].

    Raises:
      RecordsError: If the number of bytes is not that of the shape.
    """
    num_bits = int(np.prod(shape, dtype=np.int64))
    if packed.shape[-1] != packed_size(num_bits):
        raise RecordsError(
            f"Expected {packed_size(num_bits)} bytes for an example of shape {tuple(shape)}. "
            f"Received: {packed.shape[-1]}. The records and their manifest do not go together."
        )
    bits = np.unpackbits(packed, axis=-1, count=num_bits).view(bool)
    return bits.reshape(*packed.shape[:-1], *shape)


def unpack_bytes(data: bytes, shape: Sequence[int]) -> np.ndarray:
    """Unpacks a piano-roll that a model sends: the inverse of `packing_graph.pack_bytes`.

    Args:
      data: The bytes of one piece of whole bars.
      shape: Axis sizes of one phrase, the first of them its bars; a piece of several phrases is as
        many bars longer.

    Returns:
      bool [bars, *shape[1:]].

    Raises:
      RecordsError: If the bytes are not those of whole bars.
    """
    bar_bits = int(np.prod(shape[1:], dtype=np.int64))
    num_bars = 8 * len(data) // bar_bits
    if packed_size(num_bars * bar_bits) != len(data):
        raise RecordsError(
            f"Expected whole bars of {bar_bits} bits (shape {tuple(shape[1:])}). Received: "
            f"{len(data)} bytes. The bytes and the representation do not go together."
        )
    packed = np.frombuffer(data, np.uint8)
    bits = np.unpackbits(packed, count=num_bars * bar_bits).view(bool)
    return bits.reshape(num_bars, *shape[1:])


def unpack_numbers(data: bytes) -> np.ndarray:
    """Unpacks the tokens that a model sends: the inverse of `packing_graph.pack_numbers`.

    Args:
      data: The bytes of one piece.

    Returns:
      int32 [tokens].

    Raises:
      RecordsError: If the bytes are not those of whole numbers of four bytes.
    """
    if len(data) % 4:
        raise RecordsError(
            f"Expected tokens of 4 bytes. Received: {len(data)} bytes. Ask for the output `tokens`."
        )
    return np.frombuffer(data, "<i4").astype(np.int32)
