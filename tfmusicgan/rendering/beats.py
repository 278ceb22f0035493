"""Where bar lines and beat lines fall, in seconds."""

import dataclasses

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
    metres = sorted(
        (s.time, s.numerator, s.denominator)
        for s in sequence.time_signatures
        if s.numerator > 0 and s.denominator > 0
    )
    bars, beats = [], []
    now, in_bar, metre = 0.0, 0, (4, 4)
    while len(beats) < _MAX_BEATS:
        while metres and metres[0][0] <= now + 1e-6:
            changed = metres[0][1:] != metre
            metre = metres.pop(0)[1:]
            in_bar = 0 if changed else in_bar
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


def _after(seconds: float, quarters: float, tempos: list[tuple[float, float]]) -> float:
    """The time some quarter notes later, through tempo changes."""
    while True:
        past = [qpm for time, qpm in tempos if time <= seconds + 1e-9]
        qpm = past[-1] if past else 120.0
        end = seconds + quarters * 60.0 / qpm
        change = next((time for time, _ in tempos if seconds + 1e-9 < time < end), None)
        if change is None:
            return end
        quarters -= (change - seconds) * qpm / 60.0
        seconds = change
