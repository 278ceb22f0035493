"""The chunks of a Standard MIDI File, checked before anything is parsed.

Cheap structural checks and the limits that keep hostile files from exhausting memory or time: the
file's size, one kind of time division, chunks that end where the file does. The events inside a
chunk are symusic's work.

Source: Standard MIDI Files 1.0 (RP-001), MIDI Manufacturers Association.
"""

import dataclasses
import struct
from collections.abc import Iterator

from tfmusicgan.errors import ReadError

MAX_FILE_BYTES = 16 * 2**20
"""Larger MIDI files are refused: the longest real ones are a tenth of this."""

MAX_NOTES = 1_000_000
"""Notes in one file, and, counted separately, control changes and pitch bends together."""

MAX_META_EVENTS = 100_000
"""Tempo changes, time signatures and key signatures in one file."""

MAX_TRACKS = 4_096
"""Tracks in one file."""

_END_OF_TRACK = b"\xff\x2f\x00"


@dataclasses.dataclass(frozen=True)
class MidiChunks:
    """A file's header and the event bytes of its tracks.

    Attributes:
      ticks_per_quarter: Ticks in a quarter note, 1 to 32767.
      tracks: Event bytes of each MTrk chunk, in file order.
    """

    ticks_per_quarter: int
    tracks: tuple[bytes, ...]


def split_chunks(data: bytes, name: str) -> MidiChunks:
    """Splits a file into its tracks.

    Args:
      data: The whole file.
      name: The file's name, for messages.

    Returns:
      The header's time division and the tracks. Chunks of other types are passed over, as the
      standard asks; chunks after the declared number of tracks are not read.

    Raises:
      ReadError: With reason `"empty_file"`, `"too_large"`, `"not_midi"`, `"truncated_midi"`,
        `"midi_type_2"`, `"bad_time_division"` or `"too_many_events"`.
    """
    if not data:
        raise ReadError(f"Expected a MIDI file. Received an empty one: {name}.", "empty_file")
    if len(data) > MAX_FILE_BYTES:
        raise ReadError(
            f"Expected a MIDI file of at most {MAX_FILE_BYTES} bytes. "
            f"Received {len(data)} bytes: {name}.",
            "too_large",
        )
    if data[:4] != b"MThd":
        raise ReadError(
            f"Expected a MIDI file (first bytes b'MThd'). Received {data[:4]!r}: {name}.",
            "not_midi",
        )
    if len(data) < 14:
        raise _truncated(name, "inside the header", len(data))
    header_bytes, midi_type, num_tracks, division = struct.unpack(">IHHH", data[4:14])
    if midi_type > 1:
        raise ReadError(
            f"Expected MIDI of type 0 or 1. Received type {midi_type}: {name}.", "midi_type_2"
        )
    if not 0 < division < 0x8000:
        kind = "SMPTE frames" if division else "0 ticks"
        raise ReadError(
            f"Expected time in ticks per quarter note. Received {kind} as time division: {name}.",
            "bad_time_division",
        )
    if num_tracks > MAX_TRACKS:
        raise ReadError(
            f"Expected at most {MAX_TRACKS} tracks. Received {num_tracks}: {name}.",
            "too_many_events",
        )
    tracks = tuple(_tracks(data, 8 + header_bytes, num_tracks, name))
    return MidiChunks(ticks_per_quarter=division, tracks=tracks)


def _tracks(data: bytes, position: int, num_tracks: int, name: str) -> Iterator[bytes]:
    """Yields the event bytes of the declared number of MTrk chunks."""
    found = 0
    while found < num_tracks:
        if position + 8 > len(data):
            raise _truncated(name, f"after {found} of {num_tracks} tracks", len(data))
        (size,) = struct.unpack_from(">I", data, position + 4)
        if position + 8 + size > len(data):
            raise _truncated(name, f"inside track {found + 1} of {num_tracks}", len(data))
        if data[position : position + 4] == b"MTrk":
            found += 1
            yield data[position + 8 : position + 8 + size]
        position += 8 + size


def _truncated(name: str, where: str, size: int) -> ReadError:
    return ReadError(
        f"Expected a complete MIDI file. Received one that ends {where} (at byte {size}): {name}.",
        "truncated_midi",
    )


def ends_properly(track: bytes) -> bool:
    """Whether a track's last event is the End of Track that the standard demands."""
    return track.endswith(_END_OF_TRACK)


def without_end(track: bytes) -> bytes:
    """A track's bytes up to its End of Track event, that event's delta time included."""
    return track[: -len(_END_OF_TRACK)]


def single_track_file(ticks_per_quarter: int, track: bytes) -> bytes:
    """A type 0 file that holds one track."""
    header = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, ticks_per_quarter)
    return header + struct.pack(">4sI", b"MTrk", len(track)) + track
