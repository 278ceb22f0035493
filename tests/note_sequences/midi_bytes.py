"""MIDI files built byte by byte, independent of every MIDI library."""

import struct

END = (0, b"\xff\x2f\x00")


def length(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def track(*events: tuple[int, bytes], end: bool = True) -> bytes:
    """A chunk of (delta ticks, event bytes)."""
    body = b"".join(length(delta) + event for delta, event in (*events, *((END,) if end else ())))
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi(
    *tracks: bytes, kind: int = 1, division: int = 480, num_tracks: int | None = None
) -> bytes:
    num_tracks = len(tracks) if num_tracks is None else num_tracks
    return b"MThd" + struct.pack(">IHHH", 6, kind, num_tracks, division) + b"".join(tracks)


def on(pitch: int, velocity: int = 80, channel: int = 0) -> bytes:
    return bytes([0x90 | channel, pitch, velocity])


def off(pitch: int, channel: int = 0) -> bytes:
    return bytes([0x80 | channel, pitch, 0])


def program(number: int, channel: int = 0) -> bytes:
    return bytes([0xC0 | channel, number])


def tempo(microseconds: int) -> bytes:
    return b"\xff\x51\x03" + microseconds.to_bytes(3, "big")


def meter(numerator: int, power: int) -> bytes:
    return bytes([0xFF, 0x58, 4, numerator, power, 24, 8])


def key(sharps: int, minor: int) -> bytes:
    return bytes([0xFF, 0x59, 2, sharps & 0xFF, minor])


def name(text: bytes) -> bytes:
    return b"\xff\x03" + length(len(text)) + text
