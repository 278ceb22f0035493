"""The bars of a MusicXML document: its time signatures, from the lengths of its measures."""

import collections
import dataclasses
from fractions import Fraction

from tfmusicgan.note_sequences.musicxml_score import Layout
from tfmusicgan.note_sequences.whole_bars import meter_of_length

# A repeat or a change of page splits a bar in two; a few more bound the search in hostile files.
_MAX_MEASURES_IN_BAR = 8


@dataclasses.dataclass(frozen=True)
class Meter:
    """A time signature that begins a bar.

    Attributes:
      quarter: Where it stands, in quarter notes from the start.
      numerator: Beats in a bar.
      denominator: Note value of a beat.
    """

    quarter: Fraction
    numerator: int
    denominator: int

    @property
    def quarters_per_bar(self) -> Fraction:
        """Length of one bar in quarter notes."""
        return Fraction(4 * self.numerator, self.denominator)


def bar_meters(layout: Layout) -> list[Meter]:
    """The time signatures whose bars are the document's real ones.

    A short first measure (pickup) has a time signature of its own length. Later short measures that
    together fill one bar, as around a repeat in mid-bar, are that bar. Any other measure that is
    not as long as written (but for a short last one) gets its own length, and the written meter
    begins anew after it. Where none is written at all, the most frequent length is the meter's.

    Args:
      layout: From `take_layout`.

    Returns:
      Meters in the order of time, the first at 0, none like the one before it.
    """
    meters: list[Meter] = []
    written = layout.written_meters.get(0, (4, 4) if layout.written_meters else _usual(layout))
    index = 0
    while index < len(layout.lengths):
        written = layout.written_meters.get(index, written)
        bar = Fraction(4 * written[0], written[1])
        count = _measures_in_bar(layout, index, bar)
        length = sum(layout.lengths[index : index + count], Fraction(0))
        is_last = index + count >= len(layout.lengths)
        meter = written
        if length != bar and not (is_last and index > 0 and length < bar):
            meter = meter_of_length(length, written[1]) or written
        previous = (meters[-1].numerator, meters[-1].denominator) if meters else None
        if length and meter != previous:
            meters.append(Meter(layout.starts[index], *meter))
        index += count
    return meters or [Meter(Fraction(0), *written)]


def _usual(layout: Layout) -> tuple[int, int]:
    """The meter of most measures, 4/4 if none."""
    counts = collections.Counter(layout.lengths).most_common(1)
    length = counts[0][0] if counts else Fraction(4)
    return meter_of_length(length, 4) or (4, 4)


def _measures_in_bar(layout: Layout, index: int, bar: Fraction) -> int:
    """How many measures from `index` on make up one bar; 1 if they don't."""
    length = layout.lengths[index]
    if index == 0:
        return 1  # A pickup and the measure after it are not one bar, even if their sum is.
    count = 1
    last = min(index + _MAX_MEASURES_IN_BAR, len(layout.lengths))
    while length < bar and index + count < last:
        if index + count in layout.written_meters:
            break
        length += layout.lengths[index + count]
        count += 1
    return count if length == bar else 1
