"""Where a piece keeps one meter: stretches of consecutive whole bars, and the bar of a pick-up."""

import dataclasses

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.whole_bars import TOLERANCE_QUARTERS
from tfmusicgan.representations.piano_roll_grid import ROUNDING_STEPS

# Over two hours of 4/4 at 120; what is longer is a damaged file, whose arrays would fill memory.
MAX_BARS = 4096


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Consecutive bars of one meter.

    Attributes:
      start_quarter: Where the first bar begins, in quarter notes from the piece's beginning.
      num_bars: Number of whole bars.
    """

    start_quarter: float
    num_bars: int


def bar_stretches(sequence: NoteSequence, beats_per_bar: int, steps_per_beat: int) -> list[Stretch]:
    """Finds the stretches of a piece in a meter of quarter-note beats.

    4/4 and 2/2 are both meters of four quarters; compound meters are not (12/8 has four beats, but
    its beat is no quarter note). Neighbouring segments of such meters are one stretch if the second
    begins on a bar line of the first. An incomplete bar in front of another meter is left out. The
    piece's last bar counts as whole if the music reaches into its last beat.

    Args:
      sequence: The piece.
      beats_per_bar: Quarter notes in a bar.
      steps_per_beat: The grid, on which the piece's end is rounded.

    Returns:
      The stretches that have at least one bar, in order.

    Raises:
      ConversionError: If no whole bar is in the meter (reason `"no_bars_in_meter"`), or a stretch
        is longer than `MAX_BARS` (`"too_long"`).
    """
    name = sequence.id or sequence.filename or "the sequence"
    segments = transforms.meter_segments(sequence)
    runs = []
    for segment in segments:
        if not _is_meter(segment.numerator, segment.denominator, beats_per_bar):
            continue
        if runs and _on_bar_line(runs[-1], segment.start_quarter, beats_per_bar, steps_per_beat):
            runs[-1] = (runs[-1][0], segment.end_quarter)
        else:
            runs.append((segment.start_quarter, segment.end_quarter))
    stretches = []
    for start, end in runs:
        num_steps = (end - start) * steps_per_beat
        if num_steps > MAX_BARS * beats_per_bar * steps_per_beat:
            raise ConversionError(
                f"Expected at most {MAX_BARS} bars. Received: "
                f"{(end - start) / beats_per_bar:.0f} in {name!r}.",
                reason="too_long",
            )
        end_step = int(num_steps + 0.5 + ROUNDING_STEPS)
        if end == segments[-1].end_quarter:
            end_step += steps_per_beat - 1
        num_bars = end_step // (beats_per_bar * steps_per_beat)
        if num_bars > 0:
            stretches.append(Stretch(start, num_bars))
    if not stretches:
        found = sorted({f"{segment.numerator}/{segment.denominator}" for segment in segments})
        raise ConversionError(
            f"Expected whole bars of {beats_per_bar}/4. Received: {', '.join(found) or 'none'} "
            f"in {name!r}.",
            reason="no_bars_in_meter",
        )
    return stretches


def missing_quarters(sequence: NoteSequence, beats_per_bar: int) -> float:
    """What the first bar of a piece in one meter lacks at its start.

    A time signature less than a bar after the start begins the first whole bar; what is before it
    is a pick-up. A last segment shorter than a bar is part of one. A piece without time signatures
    is in the meter.

    Args:
      sequence: The piece.
      beats_per_bar: Quarter notes in a bar.

    Returns:
      Quarter notes; 0 without a pick-up.

    Raises:
      ConversionError: If music is in another meter (reason `"no_bars_in_meter"`).
    """
    if not any(s.numerator > 0 and s.denominator > 0 for s in sequence.time_signatures):
        return 0.0
    segments, missing = transforms.meter_segments(sequence), 0.0
    shortest = beats_per_bar - TOLERANCE_QUARTERS
    if len(segments) > 1 and segments[0].end_quarter < shortest:
        missing = beats_per_bar - segments[0].end_quarter
        segments = segments[1:]
    if len(segments) > 1 and segments[-1].end_quarter - segments[-1].start_quarter < shortest:
        segments = segments[:-1]
    meters = [(segment.numerator, segment.denominator) for segment in segments]
    others = [meter for meter in meters if not _is_meter(*meter, beats_per_bar)]
    if others:
        name = sequence.id or sequence.filename or "the sequence"
        raise ConversionError(
            f"Expected music in {beats_per_bar}/4. Received: {others[0][0]}/{others[0][1]} in "
            f"{name!r}.",
            reason="no_bars_in_meter",
        )
    return missing


def _is_meter(numerator: int, denominator: int, beats_per_bar: int) -> bool:
    return denominator in (1, 2, 4) and numerator * 4 == beats_per_bar * denominator


def _on_bar_line(
    run: tuple[float, float], quarter: float, beats_per_bar: int, steps_per_beat: int
) -> bool:
    tolerance_bars = ROUNDING_STEPS / (steps_per_beat * beats_per_bar)
    bars = (quarter - run[0]) / beats_per_bar
    return quarter == run[1] and abs(bars - round(bars)) <= tolerance_bars
