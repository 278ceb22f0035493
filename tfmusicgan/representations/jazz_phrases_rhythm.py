"""The three encodings of a melody's rhythm: tokens to lengths and places, and back.

Grid steps are twelfths of a quarter note, 48 to a bar of 4/4. All functions take one melody or a
batch; `jazz_phrases_rhythm_graph.py` has the same ones inside the graph.

Source: Trieu and Keller (2018), "JazzGAN", and the authors' code,
https://github.com/Impro-Visor/sequence_gan.
"""

import numpy as np

from tfmusicgan.representations.piano_roll_grid import ROUNDING_STEPS

STEPS_PER_QUARTER = 12
STEPS_PER_BAR = 48

BEAT_POSITION, DURATION, TIME_STEP = "beat_position", "duration", "time_step"
ENCODINGS = (BEAT_POSITION, DURATION, TIME_STEP)


def round_to_steps(quarters: np.ndarray) -> np.ndarray:
    """The nearest step of each position in quarter notes, halves up: int64 of the same shape."""
    return np.floor(quarters * STEPS_PER_QUARTER + (0.5 + ROUNDING_STEPS)).astype(np.int64)


def durations(rhythm: np.ndarray, first_step: np.ndarray | int, encoding: str) -> np.ndarray:
    """Lengths of notes and rests in steps, from 1 to 48; of padding any.

    Args:
      rhythm: int [..., notes], rhythm tokens, 0 to 47.
      first_step: int [...], the place in the bar where the first note begins, 0 to 47.
      encoding: One of `ENCODINGS`: tokens are the place in the bar where a note ends (the place of
        its beginning stands for a whole bar), its length less one, or always 0, each note being one
        step.

    Returns:
      int64 [..., notes].
    """
    rhythm = np.asarray(rhythm, np.int64)
    if encoding == BEAT_POSITION:
        first = np.asarray(first_step, np.int64)[..., np.newaxis]
        before = np.concatenate([first, rhythm], axis=-1)[..., : rhythm.shape[-1]]
        return (rhythm - before + STEPS_PER_BAR - 1) % STEPS_PER_BAR + 1
    return rhythm + 1 if encoding == DURATION else np.ones_like(rhythm)


def rhythm_tokens(lengths: np.ndarray, first_step: np.ndarray | int, encoding: str) -> np.ndarray:
    """The inverse of `durations`.

    Args:
      lengths: int [..., notes], steps, 1 to 48; with `TIME_STEP` 1.
      first_step: int [...], the place in the bar where the first note begins, 0 to 47.
      encoding: One of `ENCODINGS`.

    Returns:
      int64 [..., notes], 0 to 47.
    """
    lengths = np.asarray(lengths, np.int64)
    if encoding == BEAT_POSITION:
        first = np.asarray(first_step, np.int64)[..., np.newaxis]
        return (first + np.cumsum(lengths, axis=-1)) % STEPS_PER_BAR
    return lengths - 1 if encoding == DURATION else np.zeros_like(lengths)
