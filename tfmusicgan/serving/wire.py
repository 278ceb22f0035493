"""The few pieces of protobuf's wire format that are written by hand."""

import numpy as np

_LENGTH_DELIMITED = 2
_ONE_BYTE = [bytes([value]) for value in range(0x80)]


def varints(values: np.ndarray) -> bytes:
    """Protobuf varints of integers [n]; negative ones as 64-bit two's complement, like protobuf.

    The n-th bytes of all values are made at once.
    """
    if values.dtype == np.uint8:
        # Packed piano-rolls: at most two bytes each, and no 64-bit intermediates.
        columns = np.stack([values, np.ones_like(values)], axis=-1)
        return columns[np.stack([np.ones_like(values, bool), values >= 128], axis=-1)].tobytes()
    wide = values.astype(np.int64) if values.dtype.kind == "i" else values
    wide = wide.astype(np.uint64, copy=False)
    columns, kept = [], []
    while True:
        rest = wide >> np.uint64(7)
        kept.append(np.ones(len(wide), bool) if not kept else columns[-1] >= 0x80)
        columns.append((wide & np.uint64(0x7F)) | np.where(rest > 0, 0x80, 0).astype(np.uint64))
        if not rest.any():
            break
        wide = rest
    return np.stack(columns, axis=-1).astype(np.uint8)[np.stack(kept, axis=-1)].tobytes()


def varint(value: int) -> bytes:
    """One non-negative integer as a protobuf varint."""
    if value < 0x80:
        return _ONE_BYTE[value]
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varints(content: bytes, count: int) -> tuple[list[int], int]:
    """Reads varints at the beginning of some bytes.

    Args:
      content: The bytes.
      count: How many varints to read.

    Returns:
      Their values, fewer where the bytes end before or are no varint of 64 bits, and the place
      behind them.
    """
    values, position = [], 0
    while len(values) < count:
        value = shift = 0
        while True:
            if position >= len(content) or shift > 63:
                return values, position
            byte = content[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        values.append(value)
    return values, position


def delimited(field: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field: tag, length, payload."""
    return varint(field << 3 | _LENGTH_DELIMITED) + varint(len(payload)) + payload
