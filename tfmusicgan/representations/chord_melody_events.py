"""Two parts to words, the NumPy half: what begins where, and how long it lasts.

A part's events are notes (or chords) and the rests between them: they fill the time from its first
note to the end of its last without gaps. A word is what the two parts begin at one time.
`chord_melody_events_graph.py` does the same inside the graph.
"""

import numpy as np

from tfmusicgan.representations.piano_roll_grid import ROUNDING_STEPS

# Positions of a piece in steps; further ones are a damaged file's.
MAX_STEPS = 2**30

# MIDI pitches of octaves 0 to 9, so that an octave is one digit.
LOWEST_PITCH = 12
NUM_OCTAVES = 10

NUM_COLUMNS = 6
"""Melody steps, octave and pitch; chord steps, octaves and pitch classes."""


def round_steps(quarters: np.ndarray, steps_per_quarter: int) -> np.ndarray:
    """Nearest step of each position, halves up.

    Args:
      quarters: float64 [notes], quarter notes, finite.
      steps_per_quarter: Steps in a quarter note.

    Returns:
      int64 [notes], within `-MAX_STEPS` and `MAX_STEPS`.
    """
    steps = np.floor(quarters * steps_per_quarter + (0.5 + ROUNDING_STEPS))
    return steps.clip(-MAX_STEPS, MAX_STEPS).astype(np.int64)


def melody_events(start: np.ndarray, end: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """The events of a melody; of notes that begin together the highest counts.

    Args:
      start: int64 [notes], first steps.
      end: int64 [notes], steps after the last.
      pitch: int64 [notes], at least `LOWEST_PITCH`.

    Returns:
      int64 [events, 4]: first step, steps, octave, pitch class + 1; the last two 0 for a rest.
    """
    order = np.lexsort((end, pitch, start))
    start, end, pitch = start[order], end[order], pitch[order]
    highest = np.append(start[1:] != start[:-1], True)[: len(start)]
    start, end, pitch = start[highest], end[highest], pitch[highest]
    return _with_rests(start, end, pitch // 12 - 1, pitch % 12 + 1)


def chord_events(start: np.ndarray, end: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """The events of a part of chords: notes that begin together are one, as long as the longest.

    Args:
      start: int64 [notes], first steps.
      end: int64 [notes], steps after the last.
      pitch: int64 [notes], at least `LOWEST_PITCH`.

    Returns:
      int64 [events, 4]: first step, steps, octaves, pitch classes; the last two 0 for a rest.
      Pitch class k is bit k. Octaves are decimal digits, one for each pitch class from the lowest
      class on; of several notes of one class the lowest counts.
    """
    onsets, index = np.unique(start, return_inverse=True)
    ends = np.full(len(onsets), -2 * MAX_STEPS)
    np.maximum.at(ends, index, end)
    octaves = np.full((len(onsets), 12), NUM_OCTAVES)
    np.minimum.at(octaves, (index, pitch % 12), pitch // 12 - 1)
    present = (octaves < NUM_OCTAVES).astype(np.int64)
    behind = np.cumsum(present[:, ::-1], axis=1)[:, ::-1] - present
    digits = (present * octaves * 10**behind).sum(axis=1)
    return _with_rests(onsets, ends, digits, present @ (1 << np.arange(12)))


def merge(melody: np.ndarray, chords: np.ndarray) -> np.ndarray:
    """Words of two parts: one wherever an event of either begins, zeros for the other.

    Args:
      melody: int64 [events, 4], of `melody_events`.
      chords: int64 [events, 4], of `chord_events`.

    Returns:
      int64 [words, 6], in order of time.
    """
    times = np.union1d(melody[:, 0], chords[:, 0])
    words = np.zeros((len(times), NUM_COLUMNS), np.int64)
    words[np.searchsorted(times, melody[:, 0]), :3] = melody[:, 1:]
    words[np.searchsorted(times, chords[:, 0]), 3:] = chords[:, 1:]
    return words


def _with_rests(
    start: np.ndarray, end: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """[events, 4] of notes in order, each cut where the next begins, with the rests between."""
    following = np.append(start[1:], 2 * MAX_STEPS)[: len(start)]
    # A step is the least, or there would be an event that takes no time.
    end = np.minimum(np.maximum(end, start + 1), following)
    notes = np.stack([start, end - start, first, second], axis=1)
    rests = np.stack([end, following - end, 0 * end, 0 * end], axis=1)[:-1]
    return np.concatenate([notes, rests[rests[:, 1] > 0]])
