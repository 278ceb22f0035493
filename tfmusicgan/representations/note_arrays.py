"""The notes of a NoteSequence as NumPy arrays, read in one pass."""

import dataclasses

import numpy as np

from tfmusicgan.note_sequences.proto import NoteSequence


@dataclasses.dataclass(frozen=True)
class NoteArrays:
    """One entry per note, in the sequence's order.

    Attributes:
      start_seconds: float64 [notes].
      end_seconds: float64 [notes].
      pitch: int64 [notes], MIDI pitch number.
      program: int64 [notes], General MIDI program, 0-127.
      is_drum: bool [notes].
      part: int64 [notes], the score's part number; 0 where the source has none.
      instrument: int64 [notes], the source's instrument group.
    """

    start_seconds: np.ndarray
    end_seconds: np.ndarray
    pitch: np.ndarray
    program: np.ndarray
    is_drum: np.ndarray
    part: np.ndarray
    instrument: np.ndarray

    def __len__(self) -> int:
        return len(self.pitch)


def note_arrays(sequence: NoteSequence) -> NoteArrays:
    """Reads the notes of a sequence, which stays as it is."""
    rows = [
        (n.start_time, n.end_time, n.pitch, n.program, n.is_drum, n.part, n.instrument)
        for n in sequence.notes
    ]
    columns = zip(*rows, strict=True) if rows else ((),) * 7
    dtypes = (np.float64, np.float64, np.int64, np.int64, bool, np.int64, np.int64)
    return NoteArrays(*(np.array(c, dtype) for c, dtype in zip(columns, dtypes, strict=True)))
