"""Measures of tunes with chords, which are words of `chord_melody_words`, for the table of metrics.

Tokens are int32 [sequences, length]; what a token stands for is in the representation's vocabulary.
Times are those of the decoded music: durations laid end to end in each part.
"""

import numpy as np

from tfmusicgan.metrics.estimates import Estimate, PhraseMeans
from tfmusicgan.metrics.registry import metric
from tfmusicgan.representations.chord_melody_words import ChordMelodyWords

_FIELD = "tokens"
_PARTS = ("melody", "chords")
# Columns of a word.
_DURATIONS, _PITCH_CLASS, _CHORD_CLASSES = [0, 3], 2, 5


@metric("onsets", scale=1.0, field=_FIELD)
def _onsets(tokens: np.ndarray, representation: ChordMelodyWords) -> dict[str, Estimate]:
    """Share of words where a note or a rest of the part begins."""
    begins = representation.table[tokens][..., _DURATIONS] > 0
    return _means(begins.sum(axis=1).astype(np.float64), tokens)


@metric("quarters", scale=100.0, field=_FIELD)
def _quarters(tokens: np.ndarray, representation: ChordMelodyWords) -> dict[str, Estimate]:
    """Quarter notes in 100 words of each part; the two are as long as each other in data."""
    steps = representation.table[tokens][..., _DURATIONS].sum(axis=1)
    return _means(100.0 * steps / representation.steps_per_quarter, tokens)


@metric("chord_tones", scale=1.0, field=_FIELD)
def _chord_tones(tokens: np.ndarray, representation: ChordMelodyWords) -> dict[str, Estimate]:
    """Share of melody notes whose pitch class is in the chord that sounds where they begin.

    Notes over a rest of the chords do not count. `next_chord` is the same with each chord replaced
    by the one that follows it, the last by the first: how much of it comes with the key.
    """
    words = representation.table[tokens]
    starts = _starts(words[..., _DURATIONS])
    found = {}
    for name, shift in (("melody", 0), ("next_chord", 1)):
        counts = [_count(*row, shift) for row in zip(words, starts, strict=True)]
        hits, notes = np.array(counts, np.int64).reshape(-1, 2).T
        found[name] = PhraseMeans(hits.astype(np.float64), notes)
    return found


def _count(words: np.ndarray, starts: np.ndarray, shift: int) -> tuple[int, int]:
    """Chord tones and notes of one melody over chords: int64 [length, 6] and [length, 2]."""
    played = (words[:, 0] > 0) & (words[:, _PITCH_CLASS] > 0)
    times, classes = starts[played, 0], words[played, _PITCH_CLASS] - 1
    begins = words[:, 3] > 0
    chords = np.roll(words[begins, _CHORD_CLASSES], -shift)
    if not len(chords):
        return 0, 0
    first, ends = starts[begins, 1], starts[begins, 1] + words[begins, 3]
    event = np.searchsorted(first, times, side="right") - 1
    sounds = (event >= 0) & (times < ends[event]) & (chords[event] > 0)
    hits = (chords[event] >> classes) & 1
    return int(hits[sounds].sum()), int(sounds.sum())


def _starts(durations: np.ndarray) -> np.ndarray:
    """First steps of both parts' events as decoding lays them: int64 [sequences, length, 2]."""
    starts = np.cumsum(durations, axis=1) - durations
    both = (durations > 0).all(axis=2)
    first = starts[np.arange(len(starts)), both.argmax(axis=1)]
    first = np.where(both.any(axis=1, keepdims=True), first, 0)
    return starts + (first.max(axis=1, keepdims=True) - first)[:, np.newaxis]


def _means(totals: np.ndarray, tokens: np.ndarray) -> dict[str, Estimate]:
    """Means over words of both parts, from [sequences, 2]."""
    length = np.full(len(tokens), tokens.shape[1])
    return {part: PhraseMeans(totals[:, p], length) for p, part in enumerate(_PARTS)}
