"""JazzGAN's measures of jazz lines: plain functions of lines, as they are meant.

Trieu and Keller 2018, "JazzGAN: Improvising with Generative Adversarial Networks", MuMe 2018;
github.com/Impro-Visor/sequence_gan, metrics.py. The coded ones are in
`jazz_metrics_as_published.py` where they differ. They count rests as a pitch; here

* a rest is no pitch: it ends a run of equal pitches and is none itself, and pairs with one are not
  among the pairs that could leap;
* durations are those that sound, whatever the encoding;
* getting back onto the beat is a matter of where notes begin, and not of how long they are.

Functions return how many there are and of how many, so that the shares of a set can be of all its
lines together. Shares of a line by itself, variations, fall with its length: give that beside them.
"""

from collections.abc import Sequence

import numpy as np

from tfmusicgan.metrics.jazz_lines import REST, Line

_PLAIN = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 48)
QUALIFIED = frozenset(first + second for first in _PLAIN for second in _PLAIN)
"""Conventional durations in steps: whole notes to sixteenths, triplets, and two of them tied."""

RUN_LENGTHS = (2, 3)
LONG_RUN = 24  # steps, a half note
WIDE = 12  # semitones
ON_BEAT = 6  # steps, an eighth
NGRAMS = (3, 4, 5, 6)
REST_INTERVAL = 2 * REST  # far from those of notes

Share = tuple[int, int]


def qualified_rhythm(line: Line) -> Share:
    """QR: durations, of notes and rests, that are conventional, and all."""
    return sum(steps in QUALIFIED for steps in line.durations.tolist()), len(line.durations)


def pitch_repetitions(line: Line, length: int = 2) -> Share:
    """CPR(length): runs of so many equal pitches or more, and all runs, those of one included."""
    pitches, notes, _ = runs(line)
    sounds = pitches != REST
    return int((sounds & (notes >= length)).sum()), int(sounds.sum())


def long_repetitions(line: Line, steps: int = LONG_RUN) -> Share:
    """DPR(steps): runs of two equal pitches or more that last as long, and all runs."""
    pitches, notes, lengths = runs(line)
    sounds = pitches != REST
    return int((sounds & (notes > 1) & (lengths >= steps)).sum()), int(sounds.sum())


def tone_spans(line: Line, semitones: int = WIDE) -> Share:
    """TS(semitones): steps from a note to the next, no rest between, that are wider, and all."""
    both = line.is_note[1:] & line.is_note[:-1]
    leaps = np.abs(np.diff(line.pitches.astype(np.int64))) > semitones
    return int((leaps & both).sum()), int(both.sum())


def off_beat_recovery(line: Line) -> Share:
    """OR: whether a line that is off the eighths gets back onto them, and whether it is off.

    It is off where an entry that is not the last begins between two eighths, and back where a later
    one begins on one. Where the last one ends does not count, which the end of the chords cuts.
    The published figure is of lines whose primers were moved by 7 steps: these are off from the
    first entry on.
    """
    off = (line.first_step + line.starts) % ON_BEAT != 0
    first = np.flatnonzero(off[:-1])
    if not len(first):
        return 0, 0
    return int(not off[first[0] :].all()), 1


def pitch_variations(line: Line) -> Share:
    """PV: different pitches, and notes."""
    pitches = line.pitches[line.is_note]
    return len(np.unique(pitches)), len(pitches)


def rhythm_variations(line: Line) -> Share:
    """RV: different durations of notes and rests, and notes and rests."""
    return len(np.unique(line.durations)), len(line.durations)


def rote_memorisation(
    lines: Sequence[Line],
    known: Sequence[Line],
    length: int,
    with_durations: bool = False,
    any_key: bool = False,
    own: Sequence[int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """RM(length): how many of each line's sequences of so many entries the known lines have.

    Rests count as entries. Give lines without their primers, which generated ones have from the
    corpus, and known lines with them.

    Args:
      lines: Lines to judge.
      known: Lines that they may be copied from.
      length: Entries of a sequence.
      with_durations: Whether durations must be the same, too.
      any_key: Whether sequences that are moved by an interval are the same.
      own: int [lines], for each line the place among `known` of the line that it is a part of,
        which does not count, or -1; by default none is a part of any.

    Returns:
      Two int64 [lines]: sequences that are known, and all.
    """
    ours, owners = _windows(lines, length, with_durations, any_key)
    theirs, knowers = _windows(known, length, with_durations, any_key)
    totals = np.bincount(owners, minlength=len(lines))
    if not len(owners):
        return totals, totals
    numbers = np.unique(np.concatenate([ours, theirs]), axis=0, return_inverse=True)[1].reshape(-1)
    ours, theirs = numbers[: len(owners)], numbers[len(owners) :]
    # (sequence, known line that has it), each pair once, as one number.
    pairs = np.unique(theirs * (len(known) + 1) + knowers)
    has = np.bincount(pairs // (len(known) + 1), minlength=numbers.max() + 1)[ours]
    if own is not None:
        parts = np.asarray(own, np.int64)[owners]
        has -= (parts >= 0) & np.isin(ours * (len(known) + 1) + parts, pairs)
    return np.bincount(owners[has > 0], minlength=len(lines)), totals


def _windows(
    lines: Sequence[Line], length: int, with_durations: bool, any_key: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of entries as rows: int64 [sequences, columns], and whose they are [sequences]."""
    owners = np.repeat(
        np.arange(len(lines)), np.array([len(line.pitches) for line in lines], np.int64)
    )
    if len(owners) < length:
        return np.zeros((0, length * (1 + with_durations)), np.int64), owners[:0]
    firsts = owners[: len(owners) - length + 1]
    whole = firsts == owners[length - 1 :]

    def view(parts: list[np.ndarray]) -> np.ndarray:
        joined = np.concatenate(parts).astype(np.int64)
        return np.lib.stride_tricks.sliding_window_view(joined, length)[whole]

    pitches = view([line.pitches for line in lines])
    if any_key:
        pitches = intervals_from_first(pitches)
    if with_durations:
        pitches = np.concatenate([pitches, view([line.durations for line in lines])], axis=1)
    return pitches, firsts[whole]


def intervals_from_first(pitches: np.ndarray) -> np.ndarray:
    """Semitones from the first entry that is no rest: the same in all keys.

    Args:
      pitches: int64 [lines, entries], pitch tokens.

    Returns:
      int64 [lines, entries], within -72 and 72; of rests `REST_INTERVAL`.
    """
    sounds = pitches != REST
    first = np.take_along_axis(pitches, sounds.argmax(axis=1)[:, np.newaxis], axis=1)
    return np.where(sounds, pitches - first, REST_INTERVAL)


def runs(line: Line) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The longest runs of equal entries, rests as well.

    Returns:
      Three arrays [runs]: pitches, entries, and steps.
    """
    begins = np.flatnonzero(np.diff(line.pitches, prepend=-1))
    bounds = np.append(begins, len(line.pitches))
    total = np.append(0, np.cumsum(line.durations, dtype=np.int64))
    return line.pitches[begins], np.diff(bounds), np.diff(total[bounds])
