"""C-RNN-GAN's statistics of notes: pure functions, as they are meant, and as they were coded.

Mogren 2016, arXiv 1611.09904, section 4.2; github.com/olofmogren/c-rnn-gan, midi_statistics.py.
Notes are arrays [notes] by onset: onsets in ticks, MIDI pitches.
"""

import numpy as np

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_NATURAL_MINOR = (0, 2, 3, 5, 7, 8, 10)
_HARMONIC_MINOR = (0, 2, 3, 5, 7, 8, 11)
SCALES = (_MAJOR, _NATURAL_MINOR, _HARMONIC_MINOR)
REPETITION_LENGTHS = range(2, 10)
"""Tones of the repetitions that are counted."""


def polyphony(onset: np.ndarray) -> tuple[int, int]:
    """Onset ticks at which at least two tones begin, and all different ones: `(few, all)`."""
    counts = np.unique(onset, return_counts=True)[1]
    return int((counts > 1).sum()), len(counts)


def polyphony_as_published(onset: np.ndarray) -> tuple[int, int]:
    """What the released code counts as polyphonic, and in all: `(few, all)`.

    A tone counts as polyphonic unless it is its tick's first, and beside that every tick counts
    once as what it is, but for the last. Chords of k tones alone come to k / (k + 1).
    """
    counts = np.unique(onset, return_counts=True)[1]
    finished = counts[:-1]
    first, later = len(counts), int(counts.sum()) - len(counts)
    poly = later + int((finished > 1).sum())
    mono = first + int((finished == 1).sum())
    return poly, poly + mono


def scale_fit(pitch: np.ndarray) -> int:
    """Tones of the scale that most of them fit, of 12 major, natural and harmonic minor each."""
    return _best_fit(pitch, modulo=True)


def scale_fit_as_published(pitch: np.ndarray) -> int:
    """The same as coded: pitch classes below a root never fit its scales."""
    return _best_fit(pitch, modulo=False)


def repetitions(pitch: np.ndarray, tones: int) -> int:
    """Pairs of equal runs of so many pitches that do not overlap, whatever their rhythm."""
    last = len(pitch) - tones  # where the last run begins
    return _pairs(pitch, tones, last - tones, last)


def repetitions_as_published(pitch: np.ndarray, tones: int) -> int:
    """The same as coded: without the last run, and none of half a piece's tones and more."""
    if tones >= min(len(pitch) // 2, 10):
        return 0
    last = len(pitch) - tones
    return _pairs(pitch, tones, last - tones - 1, last - 1)


def _pairs(pitch: np.ndarray, tones: int, last_first: int, last_second: int) -> int:
    """Pairs of equal runs that begin at i <= last_first and i + tones <= j <= last_second."""
    if last_first < 0 or last_second < tones:
        return 0
    runs = np.lib.stride_tricks.sliding_window_view(pitch, tones)
    numbers = np.unique(runs, axis=0, return_inverse=True)[1].reshape(-1)
    same = numbers[: last_first + 1, np.newaxis] == numbers[: last_second + 1]
    return int(np.triu(same, tones).sum())


def _best_fit(pitch: np.ndarray, modulo: bool) -> int:
    counts = np.bincount(pitch % 12, minlength=12)
    found = 0
    for root in range(12):
        for scale in SCALES:
            above = [root + step for step in scale]
            members = [place % 12 for place in above] if modulo else [p for p in above if p < 12]
            found = max(found, int(counts[members].sum()))
    return found
