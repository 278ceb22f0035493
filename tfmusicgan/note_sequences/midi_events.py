"""One MIDI track event by event, in plain Python: the exact rules of pretty_midi.

A microsecond or two an event, against almost nothing for symusic's arrays: `midi_tracks.py` comes
here only with tracks in which the order of events at one tick, program changes or overlapping notes
of one pitch could make a difference.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from tfmusicgan.errors import ReadError

_SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}


@dataclasses.dataclass(frozen=True)
class Instrument:
    """The notes of one (track, channel, program); times in ticks.

    Attributes:
      name: The track's name, or "".
      program: 0 to 127.
      is_drum: Whether it plays on MIDI channel 10.
      start, end: [notes] int64 ticks.
      pitch, velocity: [notes] integers, 0 to 127.
      controls: Arrays `time`, `number`, `value`, each [control changes].
      bends: Arrays `time`, `value` (-8192 to 8191), each [pitch bends].
    """

    name: str
    program: int
    is_drum: bool
    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    controls: dict[str, np.ndarray]
    bends: dict[str, np.ndarray]


class _Events:
    """The events of one instrument while a track is walked."""

    def __init__(self, controls: list[tuple[int, int, int]], bends: list[tuple[int, int]]):
        self.notes: list[tuple[int, int, int, int]] = []
        self.controls = list(controls)
        self.bends = list(bends)


def walk_track(track: bytes, title: str, name: str) -> list[Instrument]:
    """Groups a track's notes into instruments.

    A note belongs to the program that its channel has when it ends. A note-off ends all notes of
    its pitch and channel that began at earlier ticks; if there are none, it takes back those that
    began at its own tick. Events before a channel's first note go to each instrument made on it.

    Args:
      track: Event bytes of one MTrk chunk that symusic has parsed without complaint.
      title: The track's name.
      name: The file's name, for messages.

    Returns:
      Instruments with at least one note, in the order in which their first notes end.

    Raises:
      ReadError: With reason `"unreadable_midi"` if a data byte is over 127.
    """
    programs = [0] * 16
    sounding: dict[tuple[int, int], list[tuple[int, int]]] = {}
    early = [_Events([], []) for _ in range(16)]
    found: dict[tuple[int, int], _Events] = {}
    for tick, status, first, second in _channel_events(track):
        if (first | second) > 127:
            raise ReadError(
                f"Expected MIDI data bytes up to 127. Received {max(first, second)} in a channel "
                f"event at tick {tick} of {name}.",
                "unreadable_midi",
            )
        kind, channel = status & 0xF0, status & 0x0F
        key = (channel, programs[channel])
        if kind == 0x90 and second:
            sounding.setdefault((channel, first), []).append((tick, second))
        elif kind in (0x80, 0x90):
            begun = sounding.pop((channel, first), [])
            ended = [note for note in begun if note[0] < tick]
            if not ended:
                continue
            if len(ended) < len(begun):
                sounding[channel, first] = begun[len(ended) :]
            if key not in found:
                found[key] = _Events(early[channel].controls, early[channel].bends)
            found[key].notes.extend((start, tick, first, velocity) for start, velocity in ended)
        elif kind == 0xB0:
            found.get(key, early[channel]).controls.append((tick, first, second))
        elif kind == 0xC0:
            programs[channel] = first
        elif kind == 0xE0:
            bend = (second << 7 | first) - 8192
            found.get(key, early[channel]).bends.append((tick, bend))
    return [_instrument(title, *key, events) for key, events in found.items()]


def _instrument(title: str, channel: int, program: int, events: _Events) -> Instrument:
    """Turns lists of tuples into arrays."""
    start, end, pitch, velocity = np.array(events.notes, np.int64).reshape(-1, 4).T
    time, number, value = np.array(events.controls, np.int64).reshape(-1, 3).T
    bend_time, bend_value = np.array(events.bends, np.int64).reshape(-1, 2).T
    return Instrument(
        name=title,
        program=program,
        is_drum=channel == 9,
        start=start,
        end=end,
        pitch=pitch,
        velocity=velocity,
        controls={"time": time, "number": number, "value": value},
        bends={"time": bend_time, "value": bend_value},
    )


def copied_events(track: bytes) -> tuple[int, int]:
    """What a track's events can grow to.

    Args:
      track: Event bytes of one MTrk chunk.

    Returns:
      The number of its note-ons, and the most control changes and pitch bends that may be held:
      each channel's times the number of its programs.
    """
    num_notes = 0
    num_events = [0] * 16
    programs: list[set[int]] = [{0} for _ in range(16)]
    for _, status, first, second in _channel_events(track):
        kind, channel = status & 0xF0, status & 0x0F
        if kind == 0x90 and second:
            num_notes += 1
        elif kind == 0xC0:
            programs[channel].add(first)
        elif kind in (0xB0, 0xE0):
            num_events[channel] += 1
    return num_notes, sum(n * len(p) for n, p in zip(num_events, programs, strict=True))


def _channel_events(track: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yields (tick, status, first data byte, second or 0) up to the End of Track event."""
    position = tick = status = 0
    size = len(track)
    while position < size:
        # Inlined for its most frequent length, one byte.
        delta = track[position]
        position += 1
        if delta > 0x7F:
            delta, position = _read_length(track, position - 1)
        tick += delta
        if position >= size:
            return
        byte = track[position]
        if byte in (0xF0, 0xF7, 0xFF):
            # Meta and system exclusive events: a length, then bytes that are not ours to read.
            if track[position : position + 2] == b"\xff\x2f":
                return
            length, position = _read_length(track, position + (2 if byte == 0xFF else 1))
            position += length
            continue
        if byte >= 0xF0:
            # System messages other than those have no business in files, but a known size.
            position += 1 + _SYSTEM_DATA_BYTES.get(byte, 0)
            continue
        if byte >= 0x80:
            status = byte
            position += 1
        num_data = 1 if 0xC0 <= status < 0xE0 else 2
        if not status or position + num_data > size:
            return
        yield tick, status, track[position], track[position + 1] if num_data == 2 else 0
        position += num_data


def _read_length(track: bytes, position: int) -> tuple[int, int]:
    """Reads a variable-length quantity; returns it and the position after it."""
    value = 0
    while position < len(track):
        byte = track[position]
        position += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, position
