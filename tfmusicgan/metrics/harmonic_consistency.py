"""How the notes of jazz lines fit the chords under them.

JazzGAN's HC is Impro-Visor's colours of notes, and an empty stub in its code. Two measures stand
for it:

* `note_colours`, the recipe of JamBuddy (github.com/pdywilson/jambuddy, 2019), which ported the
  metrics: a note is *black* if it is in the chord; else *green* if it is in the chord's scale; else
  *blue* if it is shorter than a quarter note and in the next chord or that one's scale; else *red*.
* `chord_fit`: chord tones, approaches (a half step into a chord tone that follows at once), and
  what is neither.

The scale of a chord is the major one on its bass if there is a major third above that, the natural
minor one if there is a minor third alone; a chord without either has none. Rests do not count, nor
notes without a chord. A note's chord is the one at its onset.
"""

from typing import NamedTuple

import numpy as np

from tfmusicgan.metrics.jazz_lines import Line
from tfmusicgan.representations.jazz_phrases_rhythm import STEPS_PER_QUARTER

_MAJOR = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11))
_NATURAL_MINOR = np.isin(np.arange(12), (0, 2, 3, 5, 7, 8, 10))


class NoteColours(NamedTuple):
    """How many notes of a line have each colour."""

    black: int
    green: int
    blue: int
    red: int


class ChordFit(NamedTuple):
    """How many notes of a line are what to their chords."""

    chord_tone: int
    approach: int
    neither: int


class ExchangedChords(NamedTuple):
    """How many notes of a line are chord tones over their own chord, and over another of the line.

    `notes` are all that have another chord.
    """

    own_chord: int
    next_chord: int
    notes: int


def note_colours(line: Line) -> NoteColours:
    """JamBuddy's harmonic consistency."""
    starts = line.starts
    roots, tones = line.chords_at(starts)
    counted = line.is_note & tones.any(axis=1)
    black = _has(tones, roots, line.pitches)
    green = ~black & _has(_scales(tones), roots, line.pitches)
    following = _next_chord_starts(line)[starts.clip(max=len(line.chord_roots))]
    next_roots, next_tones = line.chords_at(following)
    fits = _has(next_tones | _scales(next_tones), next_roots, line.pitches)
    blue = ~black & ~green & (line.durations < STEPS_PER_QUARTER) & fits
    kinds = (black, green, blue, ~(black | green | blue))
    return NoteColours(*(int((kind & counted).sum()) for kind in kinds))


def chord_fit(line: Line) -> ChordFit:
    """Chord tones, approaches to them, and other notes."""
    roots, tones = line.chords_at(line.starts)
    counted = line.is_note & tones.any(axis=1)
    hits = counted & _has(tones, roots, line.pitches)
    half_step = np.abs(np.diff(line.pitches.astype(np.int64))) == 1
    into = np.append(half_step & hits[1:], False)[: len(hits)]
    approach = counted & ~hits & into
    return ChordFit(int(hits.sum()), int(approach.sum()), int((counted & ~hits & ~approach).sum()))


def exchanged_chords(line: Line) -> ExchangedChords:
    """Chord tones over their own chords, and over the next other one of the line in its place.

    The last is replaced by the first. What the key alone gives is in both: music over its own
    chords has more of them. Lines of one chord have no such notes.
    """
    runs, starts = _chord_runs(line), line.starts
    counted = line.is_note & line.chords_at(starts)[1].any(axis=1)
    others = _next_others(line, runs)[np.searchsorted(runs, starts[counted], side="right") - 1]
    known = others >= 0
    pitches = line.pitches[counted][known]
    hits = []
    for steps in (starts[counted][known], others[known]):
        roots, tones = line.chords_at(steps)
        hits.append(int(_has(tones, roots, pitches).sum()))
    return ExchangedChords(*hits, len(pitches))


def chord_degrees(line: Line) -> np.ndarray:
    """How many notes are so many semitones above the bass of their chord: int64 [12]."""
    roots, tones = line.chords_at(line.starts)
    counted = line.is_note & tones.any(axis=1)
    return np.bincount((line.pitches - roots)[counted] % 12, minlength=12)


def _has(members: np.ndarray, roots: np.ndarray, pitches: np.ndarray) -> np.ndarray:
    """Whether pitches are members, by semitones above the roots: bool [n]."""
    return members[np.arange(len(pitches)), (pitches - roots) % 12]


def _scales(tones: np.ndarray) -> np.ndarray:
    """The scales of chords, from their roots: bool [n, 12]."""
    major = tones[:, 4:5] & _MAJOR
    return major | (tones[:, 3:4] & ~tones[:, 4:5] & _NATURAL_MINOR)


def _next_chord_starts(line: Line) -> np.ndarray:
    """Where the chord behind each step's begins: int64 [steps + 1], the end where none does."""
    runs, steps = _chord_runs(line), len(line.chord_roots)
    following = np.append(runs[1:], steps)
    lengths = np.diff(np.append(runs, steps))
    return np.append(np.repeat(following[: len(runs)], lengths), steps)


def _chord_runs(line: Line) -> np.ndarray:
    """Steps at which another chord begins, the first among them: int64 [runs]."""
    if not len(line.chord_roots):
        return np.zeros(0, np.int64)
    changes = np.diff(line.chord_roots) != 0
    changes |= (line.chord_tones[1:] != line.chord_tones[:-1]).any(axis=1)
    return np.append(0, 1 + np.flatnonzero(changes))


def _next_others(line: Line, runs: np.ndarray) -> np.ndarray:
    """For each run the step of the next other chord's, the first behind the last; -1 for none."""
    chords = [(line.chord_roots[step], line.chord_tones[step].tobytes()) for step in runs]
    silent = np.zeros(12, line.chord_tones.dtype).tobytes()
    found = np.full(len(runs), -1, np.int64)
    for index, chord in enumerate(chords):
        following = [*range(index + 1, len(runs)), *range(index)]
        others = (i for i in following if chords[i][1] != silent and chords[i] != chord)
        other = next(others, None)
        found[index] = -1 if other is None else runs[other]
    return found
