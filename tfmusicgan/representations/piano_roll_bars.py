"""Bars of a multi-track piano-roll from notes, the NumPy half.

`multitrack_piano_roll_graph_input.py` does the same inside the graph.
"""

import typing

import numpy as np

from tfmusicgan.representations.piano_roll_grid import draw, round_steps, separate

if typing.TYPE_CHECKING:
    from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll


def draw_bars(
    representation: "MultitrackPianoRoll",
    num_bars: int,
    start: np.ndarray,
    end: np.ndarray,
    cell: np.ndarray,
) -> np.ndarray:
    """Draws notes into consecutive bars.

    Args:
      representation: Gives the grid, the tracks and what becomes of short and repeated notes.
      num_bars: How many bars.
      start: float64 [notes], in quarter notes from the beginning of the first bar.
      end: float64 [notes].
      cell: int64 [notes], index of the pitch times the number of tracks, plus the track.

    Returns:
      bool [num_bars, steps_per_bar, num_pitches, tracks].
    """
    num_tracks, beat = representation.num_tracks, representation.steps_per_beat
    num_steps = num_bars * representation.steps_per_bar
    start, end = round_steps(start, beat, num_steps), round_steps(end, beat, num_steps)
    drum = np.array([track.is_drum for track in representation.tracks])[cell % num_tracks]
    kept = drum | (end - start >= representation.min_note_steps)
    start, end, cell, drum = start[kept], end[kept], cell[kept], drum[kept]
    end = np.maximum(end, start + 1)
    end = np.where(drum, end, separate(start, end, cell, representation.separate_notes))
    if representation.drum_onsets_only:
        end = np.where(drum, start + 1, end)
    shape = (num_bars, representation.steps_per_bar, representation.num_pitches, num_tracks)
    return draw(start, end, cell, num_steps, shape[2] * num_tracks).reshape(shape)
