"""The grid of a song of POP909: bars and beats, from its beats' times instead of its MIDI events.

Songs counted in twos are taken in fours where the second reading puts bar lines, so that most bars
have four beats; songs counted in threes in threes. Bars of other lengths, two in the median song,
keep them. A beat is a quarter note, or a dotted one in songs of three quavers a beat: bars of four
beats are 4/4 or 12/8, of three 3/4 or 9/8. Beyond the beats that are written the grid goes on
evenly, in whole bars.
"""

import dataclasses
import itertools
import math

import numpy as np

from tfmusicgan.datasets.pop909_files import Song
from tfmusicgan.errors import ReadError

_TOLERANCE_SECONDS = 1e-4  # Between a beat and where the tempos put it.
_ON_BEAT = 0.01  # Of a beat: chords begin on beats, but for the decimals.


@dataclasses.dataclass(frozen=True)
class Grid:
    """Bars and beats.

    Attributes:
      beats: float64 [beats], seconds. The first is the first bar line, where music begins or
        before.
      bars: Numbers of the beats on which bars begin, from 0, rising.
      beats_per_bar: 4 or 3: that of bars which are not of another length.
      quavers_per_beat: 2 or 3.
    """

    beats: np.ndarray
    bars: tuple[int, ...]
    beats_per_bar: int
    quavers_per_beat: int

    @property
    def quarters_per_beat(self) -> float:
        """1 or 1.5."""
        return self.quavers_per_beat / 2

    def to_beats(self, seconds: np.ndarray) -> np.ndarray:
        """[n] times in seconds to [n] float64 positions in beats."""
        times, numbers = self.beats, np.arange(len(self.beats))
        position = np.interp(seconds, times, numbers)
        early, late = seconds < times[0], seconds > times[-1]
        position += early * (seconds - times[0]) / (times[1] - times[0])
        return position + late * (seconds - times[-1]) / (times[-1] - times[-2])

    def to_beats_of_chords(self, seconds: np.ndarray) -> np.ndarray:
        """`to_beats`, with what is on a beat but for rounding put on it."""
        position = self.to_beats(seconds)
        nearest = np.round(position)
        return np.where(np.abs(position - nearest) < _ON_BEAT, nearest, position)

    def signature(self, num_beats: int) -> tuple[int, int]:
        """Numerator and denominator of a bar of so many beats."""
        return (num_beats, 4) if self.quavers_per_beat == 2 else (3 * num_beats, 8)

    def time_signatures(self) -> list[tuple[int, int, int]]:
        """(number of the beat, numerator, denominator) where meters begin."""
        lengths = [*np.diff(self.bars).tolist(), self.beats_per_bar]
        changes: list[tuple[int, int, int]] = []
        for bar, length in zip(self.bars, lengths, strict=True):
            signature = self.signature(length)
            if not changes or changes[-1][1:] != signature:
                changes.append((bar, *signature))
        return changes

    def tempos(self) -> list[tuple[float, float]]:
        """(seconds after the first beat, quarter notes a minute) where tempos begin.

        As few as put every beat within a ten-thousandth of a second of its time. Where a tempo
        begins is a beat by the tempos before, so that errors do not add up.
        """
        times = self.beats - self.beats[0]
        start, anchor = 0.0, 0
        step = float(times[1])
        found = [(0.0, step)]
        for number in range(1, len(times) - 1):
            if abs(start + (number + 1 - anchor) * step - times[number + 1]) > _TOLERANCE_SECONDS:
                start += (number - anchor) * step
                anchor, step = number, float(times[number + 1]) - start
                found.append((start, step))
        return [(seconds, 60 * self.quarters_per_beat / step) for seconds, step in found]

    def regular_stretches(self, least_bars: int) -> list[tuple[int, int]]:
        """(number of the first beat, number of bars) of runs of bars of `beats_per_bar` beats.

        Args:
          least_bars: Shorter runs are left out.
        """
        last = self.bars[-1]
        ends = [last + self.beats_per_bar] if len(self.beats) - last >= self.beats_per_bar else []
        lines = [*self.bars, *ends]
        runs: list[list[int]] = []
        for start, end in itertools.pairwise(lines):
            if end - start != self.beats_per_bar:
                continue
            if runs and runs[-1][0] + runs[-1][1] * self.beats_per_bar == start:
                runs[-1][1] += 1
            else:
                runs.append([start, 1])
        return [(start, bars) for start, bars in runs if bars >= least_bars]


def make_grid(
    times: np.ndarray,
    in_twos: np.ndarray,
    in_fours: np.ndarray,
    song: Song,
    first_second: float,
    name: str,
) -> Grid:
    """Makes a song's grid.

    Args:
      times: [beats], seconds, rising.
      in_twos: bool [beats], bar lines if beats are counted in twos or threes.
      in_fours: bool [beats], bar lines if they are counted in fours or sixes.
      song: How they are counted.
      first_second: Where the first note begins; the grid begins there or before.
      name: The piece's name, for messages.

    Raises:
      ReadError: With reason `"no_bars"` if no beat begins a bar.
    """
    length, flags = (3, in_twos) if song.beats_per_bar == 3 else (4, in_fours)
    lines = np.flatnonzero(flags)
    if not lines.size:
        raise ReadError(f"Expected beats that begin bars. Received none: {name}.", "no_bars")
    step = times[1] - times[0]
    first_beat = min(0.0, (first_second - times[0]) / step)
    missing = math.ceil((lines[0] - first_beat) / length) * length - lines[0]
    before = times[0] - step * np.arange(missing, 0, -1)
    beats = np.concatenate([before, times])
    first, last = lines[0] + missing, lines[-1] + missing
    bars = [
        *range(0, first, length),
        *(lines + missing).tolist(),
        *range(last + length, len(beats), length),
    ]
    return Grid(beats, tuple(bars), length, song.quavers_per_beat)
