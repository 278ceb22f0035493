"""Where bar lines and beat lines fall, in seconds."""

import bisect
import collections
import dataclasses
import operator

from tfmusicgan.note_sequences.proto import NoteSequence

# More lines than this are no help on a picture, and a damaged tempo could ask for any number.
_MAX_BEATS = 20_000


@dataclasses.dataclass(frozen=True)
class Beats:
    """Lines of a time axis.

    Attributes:
      bars: Start of each bar and, last, the end of the last one, in seconds.
      beats: Every beat, bar starts included, in seconds.
    """

    bars: tuple[float, ...]
    beats: tuple[float, ...]


def find_beats(sequence: NoteSequence, end_seconds: float) -> Beats:
    """Walks through a sequence beat by beat.

    A beat is one unit of the time signature's denominator. Without a time signature the metre is
    4/4, without a tempo 120 quarters per minute (the MIDI standard's defaults). A change of metre
    starts a new bar where it stands.

    Args:
      sequence: The music.
      end_seconds: Lines are drawn up to the end of the bar that holds this time.

    Returns:
      The lines.
    """
    tempos = sorted((t.time, t.qpm) for t in sequence.tempos if t.qpm > 0)
    metres = _changes_of_metre(sequence)
    bars, beats = [], []
    now, in_bar, metre = 0.0, 0, (4, 4)
    while len(beats) < _MAX_BEATS:
        while metres and metres[0][0] <= now + 1e-6:
            metre, in_bar = metres.popleft()[1], 0
        if in_bar == 0:
            bars.append(now)
            if now >= end_seconds - 1e-6 and len(bars) > 1:
                break
        beats.append(now)
        now = _after(now, 4.0 / metre[1], tempos)
        if metres and metres[0][0] < now - 1e-6:
            now = metres[0][0]  # a bar cut short by a change of metre
        in_bar = (in_bar + 1) % metre[0]
    return Beats(tuple(bars), tuple(beats))


def _changes_of_metre(sequence: NoteSequence) -> collections.deque:
    """(seconds, (numerator, denominator)) wherever the metre differs from the one before."""
    changes = collections.deque()
    for signature in sorted(sequence.time_signatures, key=lambda s: s.time):
        metre = (signature.numerator, signature.denominator)
        if min(metre) > 0 and metre != (changes[-1][1] if changes else (4, 4)):
            changes.append((signature.time, metre))
    return changes


def _after(seconds: float, quarters: float, tempos: list[tuple[float, float]]) -> float:
    """The time some quarter notes later, through tempo changes."""
    while True:
        index = bisect.bisect_right(tempos, seconds + 1e-9, key=operator.itemgetter(0))
        qpm = tempos[index - 1][1] if index else 120.0
        end = seconds + quarters * 60.0 / qpm
        change = tempos[index][0] if index < len(tempos) else end
        if change >= end:
            return end
        quarters -= (change - seconds) * qpm / 60.0
        seconds = change
