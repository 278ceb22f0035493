"""The texts beside a song of POP909: beats, chords and keys, all in seconds.

`beat_midi.txt` has for every beat its time and two flags, which are 1 where a bar begins: the first
if beats are counted in twos or threes, the second if they are counted in fours or sixes.
`chord_midi.txt` has beginning, end and symbol (Harte's spelling, `N` for none) of every chord, and
`key_audio.txt` the same of every key, such as `Gb:maj`.
Upstream's beats and chords of the recordings, `beat_audio.txt` and `chord_audio.txt`, are not read:
those of the MIDI files lie on its beats.

Source: https://github.com/music-x-lab/POP909-Dataset, README.md.
"""

import dataclasses
import math
import re

import numpy as np

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences.normalise import MAX_SECONDS
from tfmusicgan.note_sequences.proto import NoteSequence

BEATS, CHORDS, KEYS = "beat_midi.txt", "chord_midi.txt", "key_audio.txt"

MAX_TEXT_BYTES = 2**20
"""Larger texts are refused: the longest real one has a thirtieth of this."""

_SECONDS_PER_BEAT = (0.05, 30.0)  # The real ones are between 0.3 and 3.5.
_KEY = re.compile(r"([A-G])([#b]?):(maj|min)")
_PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"": 0, "#": 1, "b": -1}


@dataclasses.dataclass(frozen=True)
class Span:
    """A chord or a key.

    Attributes:
      start: In seconds.
      end: In seconds, after the start.
      label: As it is written.
    """

    start: float
    end: float
    label: str


def read_beats(data: bytes, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads the beats.

    Args:
      data: The file.
      name: What messages call it.

    Returns:
      Times, float64 [beats], in seconds, rising; and for each reading, bool [beats], whether a bar
      begins: if beats are counted in twos or threes, and if in fours or sixes.

    Raises:
      ReadError: With reason `"empty_file"`, `"too_large"` or `"unreadable_text"`.
    """
    rows = _rows(data, name)
    times = np.array([_seconds(row[0], line, name) for line, row in rows])
    for line, row in rows:
        if not all(flag in ("0", "1", "0.0", "1.0") for flag in row[1:]):
            raise _unreadable("flags of 0 or 1", " ".join(row[1:]), line, name)
    low, high = _SECONDS_PER_BEAT
    steps = np.diff(times)
    bad = np.flatnonzero((steps < low) | (steps > high))
    if bad.size or not steps.size:
        line = rows[bad[0] + 1][0] if bad.size else rows[0][0]
        received = f"{steps[bad[0]]:g}" if bad.size else "one beat"
        raise _unreadable(f"beats {low:g} to {high:g} seconds apart", received, line, name)
    flags = np.array([[float(flag) for flag in row[1:]] for _, row in rows]) > 0
    return times, flags[:, 0], flags[:, 1]


def read_spans(data: bytes, name: str) -> list[Span]:
    """Reads chords or keys.

    Args:
      data: The file.
      name: What messages call it.

    Returns:
      In order; none begins before the one before it ends.

    Raises:
      ReadError: With reason `"empty_file"`, `"too_large"` or `"unreadable_text"`.
    """
    spans: list[Span] = []
    for line, (start, end, label) in _rows(data, name):
        span = Span(_seconds(start, line, name), _seconds(end, line, name), label)
        # Times are written with as few as six decimals.
        if span.end <= span.start or (spans and span.start < spans[-1].end - 1e-5):
            received = f"{span.start:g} to {span.end:g}"
            raise _unreadable("spans that follow each other", received, line, name)
        spans.append(span)
    return spans


def key_of(label: str, name: str) -> tuple[int, int]:
    """The pitch class of a key's tonic and its mode as `NoteSequence.KeySignature` has it.

    Raises:
      ReadError: With reason `"unreadable_text"`.
    """
    match = _KEY.fullmatch(label)
    if match is None:
        raise ReadError(
            f"Expected a key such as Gb:maj. Received {label[:40]!r} in {name}.", "unreadable_text"
        )
    modes = NoteSequence.KeySignature
    tonic = (_PITCH_CLASSES[match[1]] + _SIGNS[match[2]]) % 12
    return tonic, modes.MINOR if match[3] == "min" else modes.MAJOR


def _rows(data: bytes, name: str) -> list[tuple[int, list[str]]]:
    """(line, its three words) of every line that has any."""
    if not data.strip():
        raise ReadError(f"Expected lines of text. Received an empty file: {name}.", "empty_file")
    if len(data) > MAX_TEXT_BYTES:
        raise ReadError(
            f"Expected a text of at most {MAX_TEXT_BYTES} bytes. Received more: {name}.",
            "too_large",
        )
    rows = []
    for line, text in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        words = text.split()
        if words and len(words) != 3:
            raise _unreadable("three words", text, line, name)
        if words:
            rows.append((line, words))
    return rows


def _seconds(text: str, line: int, name: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= MAX_SECONDS:
        raise _unreadable(f"seconds from 0 to {MAX_SECONDS:g}", text, line, name)
    return seconds


def _unreadable(expected: str, received: str, line: int, name: str) -> ReadError:
    return ReadError(
        f"Expected {expected}. Received {received[:60]!r}: line {line} of {name}.",
        "unreadable_text",
    )
