"""JazzGAN's measures of jazz lines as its code has them, for comparison with figures of it.

github.com/Impro-Visor/sequence_gan at 8a8f626, metrics.py. Rests count as a pitch, two rests as a
repetition. Rhythm variations and, but for what follows, qualified rhythms are those of
`jazz_metrics.py`.

Of the duration encoding the code takes tokens for durations, which are a step shorter: pass
`durations_as_scored`. Off-beat recovery is another quantity than its name says.
"""

import dataclasses

import numpy as np

from tfmusicgan.metrics.jazz_lines import REST, Line
from tfmusicgan.metrics.jazz_metrics import LONG_RUN, ON_BEAT, WIDE, Share, runs

_LOOKED_AT = 99  # durations


def durations_as_scored(line: Line, encoding: str) -> Line:
    """The line with the durations that the code works with.

    Args:
      line: With the durations that sound.
      encoding: Of rhythm: those of `"duration"` are the tokens, a step less.
    """
    if encoding != "duration":
        return line
    return dataclasses.replace(line, durations=line.durations - 1)


def pitch_repetitions_as_published(line: Line, length: int = 2) -> Share:
    """CPR(length): runs of so many equal entries or more, and all runs."""
    _, entries, _ = runs(line)
    return int((entries >= length).sum()), len(entries)


def long_repetitions_as_published(line: Line, steps: int = LONG_RUN) -> Share:
    """DPR(steps): runs of two equal entries or more that last as long, and all runs."""
    _, entries, lengths = runs(line)
    return int(((entries > 1) & (lengths >= steps)).sum()), len(entries)


def tone_spans_as_published(line: Line, semitones: int = WIDE) -> Share:
    """TS(semitones): neighbouring notes that are farther apart, and all neighbouring entries."""
    both = (line.pitches[1:] != REST) & (line.pitches[:-1] != REST)
    leaps = np.abs(np.diff(line.pitches.astype(np.int64))) > semitones
    return int((leaps & both).sum()), len(both)


def off_beat_recovery_as_published(line: Line) -> Share:
    """OR: whether one of the first 99 durations is a whole number of eighths; of every line."""
    return int((line.durations[:_LOOKED_AT] % ON_BEAT == 0).any()), 1


def pitch_variations_as_published(line: Line) -> Share:
    """PV: different pitches, the rest among them, and entries."""
    return len(np.unique(line.pitches)), len(line.pitches)
