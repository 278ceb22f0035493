"""Pitches outside a model's range, moved into it by octaves."""

import numpy as np


def fold(pitch: np.ndarray, lowest_pitch: int, num_pitches: int) -> np.ndarray:
    """Moves pitches outside a range by octaves to the nearest within.

    A range of less than an octave may have none: then they stay outside.

    Args:
      pitch: int64, any shape, MIDI numbers.
      lowest_pitch: MIDI number of the first pitch of the range.
      num_pitches: Number of neighbouring pitches.

    Returns:
      int64, the same shape.
    """
    above = lowest_pitch + num_pitches
    pitch = np.where(pitch < lowest_pitch, lowest_pitch + (pitch - lowest_pitch) % 12, pitch)
    return np.where(pitch >= above, above - 12 + (pitch - above) % 12, pitch)
