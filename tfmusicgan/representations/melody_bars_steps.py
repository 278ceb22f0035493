"""Lead sheets as steps without rests, the NumPy half: drawing, filling, triads of bars."""

import numpy as np

from tfmusicgan.errors import PieceError
from tfmusicgan.note_sequences.chord_symbols import nearest_triad
from tfmusicgan.note_sequences.lead_sheet import LeadSheet
from tfmusicgan.representations.piano_roll_grid import ROUNDING_STEPS

SILENCE = -1
"""The pitch of a step in which nothing sounds."""

LOUDEST = 127

MINOR = 13
"""The chord number of C minor; those of the major triads are from 1 on."""


def draw_steps(
    sheet: LeadSheet, steps_per_beat: int, num_steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A melody's pitch, onset and velocity at each step.

    Args:
      sheet: The lead sheet.
      steps_per_beat: Steps in a quarter note; positions are rounded to them.
      num_steps: Of the whole sheet.

    Returns:
      int64 [num_steps] each: pitch, `SILENCE` where none sounds; 1 where a note begins; velocity.
    """
    pitch = np.full(num_steps, SILENCE)
    onset, velocity = np.zeros(num_steps, np.int64), np.zeros(num_steps, np.int64)
    for note in sheet.melody:
        start, end = (
            int(np.floor(quarters * steps_per_beat + (0.5 + ROUNDING_STEPS)))
            for quarters in (note.start_quarter, note.end_quarter)
        )
        if start < end and start < num_steps:
            pitch[start:end], velocity[start:end] = note.pitch, min(max(note.velocity, 1), LOUDEST)
            onset[start] = 1
    return pitch, onset, velocity


def find_triads(sheet: LeadSheet) -> np.ndarray:
    """The chord number of each bar, of the chord that sounds longest: int64 [bars].

    0 where there is none, or none with a third.
    """
    chord = np.zeros(sheet.bars, np.int64)
    for bar, symbol in enumerate(sheet.chords_by(sheet.quarters_per_bar)):
        try:
            root, kind = nearest_triad(symbol)
        except PieceError:
            continue
        chord[bar] = root + (1 if kind == "major" else MINOR)
    return chord


def fill_rests(pitch: np.ndarray, steps_per_bar: int) -> np.ndarray:
    """Which step each step sounds like, so that there are no rests.

    Args:
      pitch: [steps] of whole bars, `SILENCE` for none; the first bar has some.
      steps_per_bar: Steps in a bar.

    Returns:
      int64 [steps]: the last sounding step of the bar so far, else the first of the bar, else the
      last of all before.
    """
    steps = np.arange(len(pitch))
    last = np.maximum.accumulate(np.where(pitch != SILENCE, steps, -1))
    bar_start = steps // steps_per_bar * steps_per_bar
    sounds = np.where(pitch != SILENCE, steps, len(pitch)).reshape(-1, steps_per_bar)
    first = np.repeat(sounds.min(axis=1), steps_per_bar)
    return np.where(last >= bar_start, last, np.where(first < len(pitch), first, last))


def fill(parts: list[np.ndarray], steps_per_bar: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pitches, onsets and velocities without rests; a note that is moved begins at the bar's start.

    Args:
      parts: Pitches, onsets and velocities, [steps] each.
      steps_per_bar: Steps in a bar.
    """
    pitch, onset, velocity = parts
    source = fill_rests(pitch, steps_per_bar)
    steps = np.arange(len(source))
    moved = source > steps  # to a bar's beginning, from a later step of it
    begins = moved & (steps % steps_per_bar == 0)
    # Where it used to begin it goes on.
    still = np.append(False, moved[:-1]) & ~moved & (steps % steps_per_bar > 0)
    return pitch[source], np.where(begins, 1, np.where(moved | still, 0, onset)), velocity[source]
