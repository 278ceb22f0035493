"""WAV files of whole numbers and of floats, read and written without a library.

Chunks may come in any order that the format allows, with others before and between them: `bext`,
`JUNK`, `LIST`. Headers that writers to a pipe leave, without the length of what follows, are read
to the file's end.

Source: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991),
RIFF and WAVE; Microsoft's `WAVEFORMATEXTENSIBLE`.
"""

import io
import struct
from typing import BinaryIO, NamedTuple

import numpy as np

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences.recorded_note import Audio

MAX_BYTES = 2**26
"""Larger files are not read whole: no single note takes six minutes."""

FULL_SCALE = 32768.0
"""What 1.0 is among samples of 16 bits."""

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_WIDTHS = {_PCM: (1, 2, 3, 4), _FLOAT: (4, 8)}  # bytes of a sample
_FORMAT_BYTES = 26  # with the kind of an extensible one
# Sizes from here on are what writers leave that cannot go back: sox 0x7ffff000, others 0xffffffff.
_UNKNOWN_SIZE = 0x7FFFF000
# More chunks than this before the samples are no music: a file of zeros is a chunk every 8 bytes.
_MOST_CHUNKS = 1_000


class Layout(NamedTuple):
    """How and where a WAV file holds its samples.

    Attributes:
      is_float: Whether they are floats, not whole numbers.
      width: Bytes of one.
      channels: How many, 1 or more.
      sample_rate: In Hz, as the header has it.
      start: The first byte of the first one.
      num_frames: Samples of each channel.
    """

    is_float: bool
    width: int
    channels: int
    sample_rate: int
    start: int
    num_frames: int


def read_wav(data: bytes, name: str) -> Audio:
    """Reads whole numbers of 8, 16, 24 or 32 bits, or floats of 32 or 64.

    Args:
      data: The file's bytes.
      name: What messages call it.

    Returns:
      float32 [samples], or [samples, channels] if there are several: whole numbers by their full
      scale, so that 16 bits are divided by 32,768; floats as they are.

    Raises:
      ReadError: With reason `"too_large"`, `"unreadable_wav"` or `"truncated_wav"`.
    """
    if len(data) > MAX_BYTES:
        raise ReadError(
            f"Expected a WAV file of at most {MAX_BYTES} bytes. Received: more, {name}.",
            "too_large",
        )
    file = io.BytesIO(data)
    layout = find_samples(file, name)
    if layout is None:
        raise _unreadable("another kind or coding", name)
    return read_samples(file, layout, layout.num_frames)


def find_samples(file: BinaryIO, name: str) -> Layout | None:
    """Walks over a file's chunks up to its samples.

    Args:
      file: At its beginning; it can be sought in.
      name: What messages call it.

    Returns:
      None if it is no WAV file, or one of a coding that is neither whole numbers nor floats.

    Raises:
      ReadError: With reason `"unreadable_wav"` or `"truncated_wav"`, if it is a damaged one.
    """
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    coding = None
    for _ in range(_MOST_CHUNKS):
        header = file.read(8)
        if len(header) < 8:
            raise _unreadable(f"its end before {'its samples' if coding else 'a format'}", name)
        kind, (size,) = header[:4], struct.unpack("<I", header[4:])
        if kind == b"data":
            break
        skipped = size + size % 2  # chunks begin at even places
        if kind == b"fmt ":
            found = file.read(min(size, _FORMAT_BYTES))
            skipped -= len(found)
            coding = _coding(found, name)
            if coding is None:
                return None
        file.seek(skipped, io.SEEK_CUR)
    else:
        raise _unreadable(f"{_MOST_CHUNKS} chunks without samples", name)
    if coding is None:
        raise _unreadable("samples before their format", name)
    start = file.tell()
    there = file.seek(0, io.SEEK_END) - start
    frame = coding[1] * coding[2]
    if size >= _UNKNOWN_SIZE:
        size = there
    if size > there:
        raise ReadError(
            f"Expected {size // frame} samples. Received {there // frame}, a truncated file: "
            f"{name}.",
            "truncated_wav",
        )
    return Layout(*coding, start, size // frame)


def read_samples(file: BinaryIO, layout: Layout, num_frames: int) -> Audio:
    """Reads the beginning of a file's samples; no more than that is held.

    Args:
      file: The one that `layout` was found in.
      layout: From `find_samples`.
      num_frames: How many samples of each channel are wanted; fewer come if there are fewer.

    Returns:
      As `read_wav`.
    """
    file.seek(layout.start)
    frames = min(num_frames, layout.num_frames)
    raw = file.read(frames * layout.channels * layout.width)
    samples = _floats(raw, layout.width) if layout.is_float else _whole(raw, layout.width)
    several = layout.channels > 1
    return Audio(samples.reshape(-1, layout.channels) if several else samples, layout.sample_rate)


def wav_bytes(samples: np.ndarray, sample_rate: int) -> bytes:
    """Writes 16-bit samples as a WAV file's bytes.

    Args:
      samples: int16 [samples], or [samples, channels].
      sample_rate: In Hz.
    """
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    data = samples.astype("<i2").tobytes()
    form = (_PCM, channels, sample_rate, 2 * channels * sample_rate, 2 * channels, 16)
    header = struct.pack("<4sI4s4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16)
    return header + struct.pack("<HHIIHH4sI", *form, b"data", len(data)) + data


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Rounds samples of full scale 1, float [...], to int16 [...]; what is beyond is clipped."""
    return np.clip(np.rint(samples * FULL_SCALE), -32768, 32767).astype(np.int16)


def from_int16(samples: np.ndarray) -> np.ndarray:
    """Samples of 16 bits, int16 [...], as float32 [...] of full scale 1."""
    return np.asarray(samples, np.float32) / np.float32(FULL_SCALE)


def _coding(found: bytes, name: str) -> tuple[bool, int, int, int] | None:
    """What a format chunk says: whether floats, bytes of a sample, channels, rate.

    None for another coding.
    """
    if len(found) < 16:
        raise _unreadable(f"a format of {len(found)} bytes", name)
    tag, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", found)
    if tag == _EXTENSIBLE and len(found) == _FORMAT_BYTES:
        (tag,) = struct.unpack_from("<H", found, 24)
    if tag not in _WIDTHS:
        return None
    width = -(-bits // 8)  # 12 bits are the upper ones of 16
    if width not in _WIDTHS[tag] or not channels or frame != channels * width:
        raise _unreadable(f"{channels} channels of {bits} bits in {frame} bytes", name)
    return tag == _FLOAT, width, channels, rate


def _floats(raw: bytes, width: int) -> np.ndarray:
    """Floats of 4 or 8 bytes as float32; what that has no room for becomes infinite."""
    with np.errstate(over="ignore"):
        return np.frombuffer(raw, f"<f{width}").astype(np.float32)


def _whole(raw: bytes, width: int) -> np.ndarray:
    """Samples of 1 to 4 bytes, those of one byte without a sign, as float32 of full scale 1."""
    if width == 1:
        return (np.frombuffer(raw, np.uint8).astype(np.float32) - 128.0) / 128.0
    if width == 2:
        return from_int16(np.frombuffer(raw, "<i2"))
    # Into the upper bytes of 32 bits: the sign comes along.
    whole = np.zeros((len(raw) // width, 4), np.uint8)
    whole[:, 4 - width :] = np.frombuffer(raw, np.uint8).reshape(-1, width)
    return whole.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)


def _unreadable(what: str, name: str) -> ReadError:
    return ReadError(
        f"Expected a WAV file of whole numbers or floats. Received {what}: {name}.",
        "unreadable_wav",
    )
