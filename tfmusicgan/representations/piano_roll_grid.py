"""Notes on a grid of steps and cells, the NumPy half: rounding, separating, drawing, finding runs.

A cell is one pitch of one track. `multitrack_piano_roll_graph.py` does the same inside the graph.
"""

import dataclasses

import numpy as np

# Positions come through a tempo map in floating point, and beginnings of meters are rounded to a
# millionth of a quarter note: what is this close below the middle of a step rounds up as the exact
# position would.
ROUNDING_STEPS = 1e-4

# Steps outside a grid that are still told apart; more than any shortest note length.
MARGIN_STEPS = 128


@dataclasses.dataclass(frozen=True)
class Runs:
    """Runs of ones along time, one entry per note, by row, then start, then cell.

    Attributes:
      row: int64 [notes], index in the batch.
      start: int64 [notes], first step.
      end: int64 [notes], step after the last.
      cell: int64 [notes].
    """

    row: np.ndarray
    start: np.ndarray
    end: np.ndarray
    cell: np.ndarray


def round_steps(quarters: np.ndarray, steps_per_beat: int, num_steps: int) -> np.ndarray:
    """Nearest step of each position, halves up.

    Args:
      quarters: float64 [notes], quarter notes since the grid's beginning, finite.
      steps_per_beat: Steps in a quarter note.
      num_steps: Steps of the grid.

    Returns:
      int64 [notes], within `-MARGIN_STEPS` and `num_steps + MARGIN_STEPS`.
    """
    steps = np.floor(quarters * steps_per_beat + (0.5 + ROUNDING_STEPS))
    return steps.clip(-MARGIN_STEPS, num_steps + MARGIN_STEPS).astype(np.int64)


def separate(
    start: np.ndarray, end: np.ndarray, cell: np.ndarray, separate_notes: str
) -> np.ndarray:
    """Ends of pitched notes with a one-step rest where they need one; a step is the least.

    Args:
      start: int64 [notes], first steps.
      end: int64 [notes], steps after the last; at least `start + 1`.
      cell: int64 [notes].
      separate_notes: `"always"`, `"repeats"` (another note of the cell starts where this one ends)
        or `"never"`.

    Returns:
      int64 [notes], the new ends.
    """
    if separate_notes == "never" or not len(start):
        return end
    shortened = np.maximum(end - 1, start + 1)
    if separate_notes == "always":
        return shortened
    span = end.max() + MARGIN_STEPS + 1
    meets = np.isin(cell * span + end + MARGIN_STEPS, cell * span + start + MARGIN_STEPS)
    return np.where(meets, shortened, end)


def draw(
    start: np.ndarray, end: np.ndarray, cell: np.ndarray, num_steps: int, num_cells: int
) -> np.ndarray:
    """Bool [num_steps, num_cells] with every note's steps set, those outside the grid left out."""
    start, end = start.clip(0), end.clip(0, num_steps)
    order = np.lexsort((start, cell))
    start, end, cell = start[order], end[order], cell[order]
    # What notes of a cell have drawn already is not drawn again, so that the work is bounded by the
    # grid, whatever the notes: cells laid end to end, the furthest end so far is a running maximum.
    offset = cell * (num_steps + 1)
    drawn = np.maximum.accumulate(np.concatenate([[0], offset + end]))[:-1]
    start = np.maximum(start, drawn - offset)
    grid = np.zeros((num_steps, num_cells), bool)
    fresh = start < end
    notes = zip(start[fresh].tolist(), end[fresh].tolist(), cell[fresh].tolist(), strict=True)
    for first, last, column in notes:
        grid[first:last, column] = True
    return grid


def find_runs(grids: np.ndarray, hits: np.ndarray) -> Runs:
    """Finds the notes of a batch of grids.

    Args:
      grids: bool [batch, steps, cells].
      hits: bool [cells]: where every one is a note of its own.

    Returns:
      The runs of ones, by row, then start, then cell.
    """
    grids = np.ascontiguousarray(grids.transpose(0, 2, 1))
    held = grids & ~hits[:, np.newaxis]
    first, last = grids.copy(), grids.copy()
    first[..., 1:] &= ~held[..., :-1]
    last[..., :-1] &= ~held[..., 1:]
    row, cell, start = np.nonzero(first)
    # Runs begin and end in the same order within a cell.
    end = np.nonzero(last)[2] + 1
    order = np.lexsort((cell, start, row))
    return Runs(row[order], start[order], end[order], cell[order])


def count_notes(grid: np.ndarray, hits: np.ndarray) -> int:
    """Number of runs in a grid: bool [steps, cells], `hits` as in `find_runs`."""
    held = grid[:-1] & grid[1:] & ~hits
    return int(np.count_nonzero(grid) - np.count_nonzero(held))
