"""NoteSequence events written as protocol buffer bytes straight from arrays.

Making a message per note from Python takes over a microsecond; one structured NumPy array in the
wire format, parsed by protobuf in C, takes a tenth. Every event has a fixed size because small
numbers that need it are written as varints of a fixed length (a continuation bit and zeros are
valid padding); what is parsed from them, and serialised again, is canonical.

Source: https://protobuf.dev/programming-guides/encoding and music.proto of note-seq 0.0.5, whose
field numbers are read from its descriptors.
"""

import functools
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
    template = _template(field, tuple(columns))
    events = np.repeat(template, len(next(iter(columns.values()))))
    for name, values in columns.items():
        if name == "bend":
            events[name] = _signed(values)
        elif name == "instrument":
            events[name] = _padded(values)
        elif template.dtype[name] == np.uint8:
            _check(values, 127)
            events[name] = values
        else:
            events[name] = values
    sequence.MergeFromString(events.tobytes())


@functools.cache
def _template(field: str, names: tuple[str, ...]) -> np.ndarray:
    """One event of a field, [1] of a structured type: tags filled in, the columns zero.

    Args:
      field: A repeated field of NoteSequence.
      names: The event's fields that follow each other on the wire.

    Returns:
      Packed bytes: the field's tag and the event's size, then a tag before each value.
    """
    repeated = NoteSequence.DESCRIPTOR.fields_by_name[field]
    types: list[tuple] = [("head", np.uint8, (2,))]
    tags = []
    for name in names:
        descriptor = repeated.message_type.fields_by_name[name]
        is_double = descriptor.type == descriptor.TYPE_DOUBLE
        tags.append(descriptor.number << 3 | (1 if is_double else 0))
        types.append((f"{name} tag", np.uint8))
        types.append((name, "<f8") if is_double else _VARINTS.get(name, (name, np.uint8)))
    template = np.zeros(1, np.dtype(types))
    template["head"] = repeated.number << 3 | 2, template.dtype.itemsize - 2
    for name, tag in zip(names, tags, strict=True):
        template[f"{name} tag"] = tag
    return template


def _check(values: np.ndarray, largest: int) -> None:
    """Refuses numbers that would not fit their bytes; `largest` is a power of two less one."""
    if len(values) and not 0 <= int(np.bitwise_or.reduce(values)) <= largest:
        raise ValueError(
            f"Expected numbers from 0 to {largest}. Received {values.min()} to {values.max()}."
        )


def _padded(values: np.ndarray) -> np.ndarray:
    """[n] of 0 to 2097151 to [n, 3] bytes, a varint with continuation bits throughout."""
    _check(values, _MAX_PADDED)
    encoded = np.empty((len(values), 3), np.uint8)
    encoded[:, 0] = values & 0x7F | 0x80
    encoded[:, 1] = values >> 7 & 0x7F | 0x80
    encoded[:, 2] = values >> 14
    return encoded


def _signed(values: np.ndarray) -> np.ndarray:
    """[n] of -16384 to 16383 to [n, 10] bytes: the varint of their 64-bit two's complement."""
    values = np.asarray(values, np.int64)
    encoded = np.empty((len(values), 10), np.uint8)
    encoded[:, 0] = values & 0x7F | 0x80
    encoded[:, 1] = values >> 7 & 0x7F | 0x80
    # From bit 14 on there is only the sign, in seven bits a byte and one in the last.
    encoded[:, 2:9] = (values >> 14 & 0x7F | 0x80)[:, None]
    encoded[:, 9] = values >> 14 & 1
    return encoded


_VARINTS = {"instrument": ("instrument", np.uint8, (3,)), "bend": ("bend", np.uint8, (10,))}
