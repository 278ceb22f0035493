"""Changes and measures of NoteSequences: quarter notes, meters, keys, transposition.

NumPy and the messages only. Nothing here changes its argument.
"""

import dataclasses
import re

import numpy as np

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence

DEFAULT_QPM = 120.0
"""Quarter notes a minute where a sequence doesn't say (Standard MIDI Files 1.0)."""

DEFAULT_METER = (4, 4)
"""Numerator and denominator where a sequence doesn't say (Standard MIDI Files 1.0)."""

MODE_TONICS = {
    "major": 0,
    "ionian": 0,
    "dorian": 2,
    "phrygian": 4,
    "lydian": 5,
    "mixolydian": 7,
    "minor": 9,
    "aeolian": 9,
    "locrian": 11,
}
"""Semitones from the tonic of the major key with the same signature up to each mode's own."""

_QUARTER_DECIMALS = 6  # Seconds to quarter notes and back keeps nine.

_PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SPELLINGS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_CHORD_PITCH = re.compile(r"(^|/)([A-G])(#{1,2}|b{1,2}|)")


@dataclasses.dataclass(frozen=True)
class MeterSegment:
    """A stretch of a piece in one meter; a new bar begins at its start.

    Attributes:
      start_quarter: Where it begins, in quarter notes from the start of the piece.
      end_quarter: Where the next one begins, or the piece ends.
      numerator: Beats in a bar.
      denominator: Note value of a beat: 4 for a quarter note.
    """

    start_quarter: float
    end_quarter: float
    numerator: int
    denominator: int

    @property
    def quarters_per_bar(self) -> float:
        """Length of one bar in quarter notes."""
        return 4.0 * self.numerator / self.denominator


def tempos_by_time(sequence: NoteSequence) -> dict[float, float]:
    """A piece's tempos, in quarter notes a minute, by the second from which each holds.

    Tempos may come unsorted; of several at one time the last one in the message counts. 120 holds
    before the first one.

    Args:
      sequence: Its `tempos` are read.

    Returns:
      At least the tempo at 0, in order.
    """
    by_time = {0.0: DEFAULT_QPM}
    by_time.update((max(tempo.time, 0.0), tempo.qpm) for tempo in sequence.tempos if tempo.qpm > 0)
    return dict(sorted(by_time.items()))


def _tempo_map(sequence: NoteSequence) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tempo changes as arrays [changes]: seconds, quarter notes, quarter notes a second."""
    by_time = tempos_by_time(sequence)
    seconds = np.array([*by_time])
    rate = np.array([*by_time.values()]) / 60.0
    quarters = np.concatenate([[0.0], np.cumsum(np.diff(seconds) * rate[:-1])])
    return seconds, quarters, rate


def seconds_to_quarters(sequence: NoteSequence, seconds: np.ndarray) -> np.ndarray:
    """Times in seconds to positions in quarter notes, by the sequence's tempo changes.

    Args:
      sequence: Its `tempos` are read; 120 quarter notes a minute before the first.
      seconds: Any shape.

    Returns:
      float64 of the same shape, quarter notes from the start of the piece.
    """
    starts, quarters, rate = _tempo_map(sequence)
    seconds = np.asarray(seconds, np.float64)
    index = np.maximum(np.searchsorted(starts, seconds, side="right") - 1, 0)
    return quarters[index] + (seconds - starts[index]) * rate[index]


def quarters_to_seconds(sequence: NoteSequence, quarters: np.ndarray) -> np.ndarray:
    """Positions in quarter notes to times in seconds: the inverse of `seconds_to_quarters`.

    Args:
      sequence: Its `tempos` are read; 120 quarter notes a minute before the first.
      quarters: Any shape.

    Returns:
      float64 of the same shape, seconds.
    """
    starts, positions, rate = _tempo_map(sequence)
    quarters = np.asarray(quarters, np.float64)
    index = np.maximum(np.searchsorted(positions, quarters, side="right") - 1, 0)
    return starts[index] + (quarters - positions[index]) / rate[index]


def meter_segments(sequence: NoteSequence) -> list[MeterSegment]:
    """A piece's meters in order, without gaps, from its start to its total time.

    Time signatures may come unsorted; of several at one time the last one in the message counts;
    those at or after the end are left out. 4/4 holds before the first one. A repetition of the
    current meter begins a new segment only where it is not on a bar line.

    Args:
      sequence: Its `time_signatures`, `tempos` and `total_time` (or the last note's end, if that is
        later) are read.

    Returns:
      At least one segment.
    """
    end_seconds = max([sequence.total_time, *(note.end_time for note in sequence.notes)])
    signatures = [s for s in sequence.time_signatures if s.numerator > 0 and s.denominator > 0]
    seconds = [end_seconds, *(max(signature.time, 0.0) for signature in signatures)]
    # Without the noise of the division.
    quarters = np.round(seconds_to_quarters(sequence, np.array(seconds)), _QUARTER_DECIMALS)
    end, *begins = quarters.tolist()
    meters = {0.0: DEFAULT_METER}
    for signature, start in zip(signatures, begins, strict=True):
        if start < end or start == 0:
            meters[start] = (signature.numerator, signature.denominator)
    starts: list[float] = []
    for start in sorted(meters):
        if starts and meters[start] == meters[starts[-1]]:
            numerator, denominator = meters[start]
            bars = (start - starts[-1]) * denominator / (4 * numerator)
            if abs(bars - round(bars)) < 10**-_QUARTER_DECIMALS:
                continue
        starts.append(start)
    ends = [*starts[1:], max(end, starts[-1])]
    return [
        MeterSegment(start, stop, *meters[start]) for start, stop in zip(starts, ends, strict=True)
    ]


def key_at_start(sequence: NoteSequence) -> tuple[int, str] | None:
    """The key in which a piece begins.

    Args:
      sequence: Its `key_signatures` and notes are read.

    Returns:
      (tonic pitch class, 0 for C; mode in lower case, e.g. `"major"`), or None if no key signature
      stands at or before the first note.
    """
    first_note = min((note.start_time for note in sequence.notes), default=0.0)
    early = [key for key in sequence.key_signatures if key.time <= first_note + 1e-6]
    if not early:
        return None
    key = max(early, key=lambda signature: signature.time)
    return key.key, NoteSequence.KeySignature.Mode.Name(key.mode).lower()


def transpose(sequence: NoteSequence, semitones: int) -> NoteSequence:
    """A copy with all notes but drums moved by semitones, keys and chord symbols with them.

    Args:
      sequence: Not changed.
      semitones: Upwards if positive.

    Returns:
      A new sequence. `pitch_name` is cleared, since spelling depends on the key.

    Raises:
      ConversionError: If a note would leave the range 0 to 127; reason `"pitch_out_of_range"`.
    """
    result = NoteSequence()
    result.CopyFrom(sequence)
    if not semitones:
        return result
    for note in result.notes:
        if note.is_drum:
            continue
        pitch = note.pitch + semitones
        if not 0 <= pitch <= 127:
            raise ConversionError(
                f"Expected pitches from 0 to 127 after transposing by {semitones} semitones. "
                f"Received {pitch} at {note.start_time:.3f} s in {sequence.id or 'a sequence'}. "
                f"Transpose by less.",
                "pitch_out_of_range",
            )
        note.pitch = pitch
        note.ClearField("pitch_name")
    for key in result.key_signatures:
        key.key = (key.key + semitones) % 12
    for text in result.text_annotations:
        if text.annotation_type == NoteSequence.TextAnnotation.CHORD_SYMBOL:
            text.text = transpose_chord(text.text, semitones)
    return result


def transpose_chord(figure: str, semitones: int) -> str:
    """Moves a chord symbol's root and bass, e.g. `"Am7/G"` up by 2: `"Bm7/A"`.

    Args:
      figure: A chord symbol; `"N.C."` (no chord) stays as it is.
      semitones: Upwards if positive.

    Returns:
      The symbol with roots spelled C Db D Eb E F F# G Ab A Bb B.
    """

    def move(match: re.Match) -> str:
        accidental = match[3].count("#") - match[3].count("b")
        pitch_class = (_PITCH_CLASSES[match[2]] + accidental + semitones) % 12
        return match[1] + _SPELLINGS[pitch_class]

    return _CHORD_PITCH.sub(move, figure)
