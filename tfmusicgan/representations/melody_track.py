"""Which notes of a piece are its melody."""

import numpy as np

from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.note_arrays import NoteArrays

# More than there are instrument numbers: those that carry the melody's name come before all others.
NAMED_FIRST = 2**32


def melody_notes(notes: NoteArrays, sequence: NoteSequence, melody_name: str) -> np.ndarray:
    """Finds the notes of the instrument that plays the melody.

    It is the one whose name contains the given text, whatever its case; without such a name, or of
    several such, the one with the lowest number. Drum notes have no part in it, and names without
    any other note do not count.

    Args:
      notes: The sequence's notes.
      sequence: Where they come from; its `instrument_infos` are read.
      melody_name: Lower-case ASCII; empty: names do not count.

    Returns:
      bool [notes], nowhere true in a piece of drums alone.
    """
    named = [
        info.instrument
        for info in sequence.instrument_infos
        # As bytes, because TensorFlow lowers ASCII letters alone.
        if melody_name and melody_name.encode() in info.name.encode().lower()
    ]
    order = notes.instrument + np.where(np.isin(notes.instrument, named), 0, NAMED_FIRST)
    first = order[~notes.is_drum].min(initial=2 * NAMED_FIRST)
    return ~notes.is_drum & (order == first)
