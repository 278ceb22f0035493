"""Positions in a score as seconds, where the tempo changes."""

import numpy as np


class TempoMap:
    """Positions, in ticks or steps, to seconds.

    Args:
      positions: int64 [changes], where the tempo changes, in order; the first is 0.
      qpm: float64 [changes], quarter notes a minute from there on, above 0.
      positions_per_quarter: Ticks or steps of a quarter note.

    Attributes:
      positions: int64 [changes], where the tempo changes; the first is 0.
      seconds: float64 [changes], the same in seconds.
      qpm: float64 [changes], quarter notes a minute from there on.
    """

    def __init__(self, positions: np.ndarray, qpm: np.ndarray, positions_per_quarter: int):
        self.positions, self.qpm = positions, qpm
        self._seconds_per_position = 60.0 / (qpm * positions_per_quarter)
        spans = np.diff(positions) * self._seconds_per_position[:-1]
        self.seconds = np.concatenate([[0.0], np.cumsum(spans)])

    def to_seconds(self, positions: np.ndarray) -> np.ndarray:
        """Positions to float64 seconds, of the same shape."""
        if len(self.positions) == 1:
            return positions * self._seconds_per_position[0]
        index = np.searchsorted(self.positions, positions, side="right") - 1
        since = positions - self.positions[index]
        return self.seconds[index] + since * self._seconds_per_position[index]
