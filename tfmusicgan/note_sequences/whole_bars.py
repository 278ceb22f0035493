"""Pieces in one meter, but for a first and a last bar that are cut short."""

from fractions import Fraction

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.transforms import MeterSegment

TOLERANCE_QUARTERS = 1 / 48
"""Positions closer than that are one: half of a step of the finest grid, 24 to a quarter note."""

_MAX_DENOMINATOR = 128


def bars_of(sequence: NoteSequence, name: str) -> tuple[MeterSegment, float]:
    """A piece's one meter, and how much of its first bar is missing.

    A first and a last segment that are shorter than a bar of the meter beside them, a pick-up and
    what it is filled up with at the end, are parts of a bar of that meter.

    Args:
      sequence: Its time signatures are read.
      name: What messages call it.

    Returns:
      The meter's segment, and the quarter notes that the first bar lacks at its start.

    Raises:
      ConversionError: With reason `"several_time_signatures"`.
    """
    segments = transforms.meter_segments(sequence)
    shift = 0.0
    if len(segments) > 1 and _is_short(segments[0], segments[1]):
        shift = segments[1].quarters_per_bar - _length(segments[0])
        segments = segments[1:]
    if len(segments) > 1 and _is_short(segments[-1], segments[-2]):
        segments = segments[:-1]
    if len(segments) > 1:
        meters = ", ".join(f"{one.numerator}/{one.denominator}" for one in segments)
        raise ConversionError(
            "Expected one time signature, and bars of equal length but for the first and the last. "
            f"Received {meters[:80]} in {name}.",
            "several_time_signatures",
        )
    return segments[0], shift


def _length(segment: MeterSegment) -> float:
    return segment.end_quarter - segment.start_quarter


def _is_short(segment: MeterSegment, beside: MeterSegment) -> bool:
    """Whether a segment is but a part of a bar of the one beside it."""
    return _length(segment) < beside.quarters_per_bar - TOLERANCE_QUARTERS


def meter_of_length(length: Fraction, denominator: int) -> tuple[int, int] | None:
    """A time signature for a bar of some length.

    Args:
      length: In quarter notes.
      denominator: The note value of its beats, or of twice, four times... as many.

    Returns:
      (numerator, denominator), or None if there is none.
    """
    while denominator <= _MAX_DENOMINATOR:
        numerator = length * denominator / 4
        if numerator.denominator == 1 and 0 < numerator < 256:
            return numerator.numerator, denominator
        denominator *= 2
    return None
