"""NoteSequence events written as protocol buffer bytes straight from arrays.

Making a message per note from Python takes over a microsecond; one structured NumPy array in the
wire format, parsed by protobuf in C, takes a tenth. Every event has a fixed size because small
numbers that need it are written as varints of a fixed length (a continuation bit and zeros are
valid padding); what is parsed from them, and serialised again, is canonical.

Source: https://protobuf.dev/programming-guides/encoding and music.proto of note-seq 0.0.5, whose
field numbers are read from its descriptors.
"""

from collections.abc import Mapping

import numpy as np

from tfmusicgan.note_sequences.proto import NoteSequence

_MAX_PADDED = 2**21 - 1  # Largest number in a varint of three bytes.


def add_notes(sequence: NoteSequence, columns: Mapping[str, np.ndarray]) -> None:
    """Appends notes to a sequence.

    Args:
      sequence: Changed in place.
      columns: Arrays of one length: `start_time`, `end_time` (seconds), `pitch`, `velocity`,
        `program` (0 to 127), `instrument` (0 to 2097151), `is_drum` (bool).
    """
    _add(sequence, "notes", columns)


def add_control_changes(sequence: NoteSequence, columns: Mapping[str, np.ndarray]) -> None:
    """Appends control changes to a sequence.

    Args:
      sequence: Changed in place.
      columns: Arrays of one length: `time` (seconds), `control_number`, `control_value`,
        `program` (0 to 127), `instrument` (0 to 2097151), `is_drum` (bool).
    """
    _add(sequence, "control_changes", columns)


def add_pitch_bends(sequence: NoteSequence, columns: Mapping[str, np.ndarray]) -> None:
    """Appends pitch bends to a sequence.

    Args:
      sequence: Changed in place.
      columns: Arrays of one length: `time` (seconds), `bend` (-8192 to 8191), `program` (0 to
        127), `instrument` (0 to 2097151), `is_drum` (bool).
    """
    _add(sequence, "pitch_bends", columns)


def _add(sequence: NoteSequence, field: str, columns: Mapping[str, np.ndarray]) -> None:
    """Encodes one repeated field and merges it into `sequence`."""
    repeated = NoteSequence.DESCRIPTOR.fields_by_name[field]
    event_fields = repeated.message_type.fields_by_name
    size = len(next(iter(columns.values())))
    parts = []
    for name, values in columns.items():
        descriptor = event_fields[name]
        is_double = descriptor.type == descriptor.TYPE_DOUBLE
        tag = descriptor.number << 3 | (1 if is_double else 0)
        parts.append(np.full((size, 1), tag, np.uint8))
        parts.append(_ENCODERS.get(name, _double if is_double else _byte)(values))
    body = np.concatenate(parts, axis=1)
    head = np.array([repeated.number << 3 | 2, body.shape[1]], np.uint8)
    events = np.concatenate([np.broadcast_to(head, (size, 2)), body], axis=1)
    sequence.MergeFromString(events.tobytes())


def _double(values: np.ndarray) -> np.ndarray:
    """[n] float64 to [n, 8] little-endian bytes."""
    return np.ascontiguousarray(values, "<f8").view(np.uint8).reshape(-1, 8)


def _byte(values: np.ndarray) -> np.ndarray:
    """[n] of 0 to 127 to [n, 1] bytes."""
    values = np.asarray(values)
    if values.size and not 0 <= int(values.min()) <= int(values.max()) < 128:
        raise ValueError(
            f"Expected numbers from 0 to 127. Received {values.min()} to {values.max()}."
        )
    return values.astype(np.uint8).reshape(-1, 1)


def _padded(values: np.ndarray) -> np.ndarray:
    """[n] of 0 to 2097151 to [n, 3] bytes, a varint with continuation bits throughout."""
    values = np.asarray(values, np.int64)
    if values.size and not 0 <= int(values.min()) <= int(values.max()) <= _MAX_PADDED:
        raise ValueError(
            f"Expected numbers from 0 to {_MAX_PADDED}. Received {values.min()} to {values.max()}."
        )
    return np.stack([values | 0x80, values >> 7 | 0x80, values >> 14], axis=1).astype(np.uint8)


def _signed(values: np.ndarray) -> np.ndarray:
    """[n] signed integers to [n, 10] bytes: the varint of their 64-bit two's complement."""
    values = np.asarray(values, np.int64)
    groups = [(values >> shift & 0x7F) | 0x80 for shift in range(0, 63, 7)]
    return np.stack([*groups, values >> 63 & 1], axis=1).astype(np.uint8)


_ENCODERS = {"instrument": _padded, "bend": _signed}
