"""A model that accompanies, one that makes music alone, and melodies for the first."""

from tests import made_up

RECIPE = "musegan_hybrid_chorales_accompaniment"
PLAIN = "musegan_hybrid_chorales"


def soprano(number, bars, qpm):
    """A soprano alone, one note in each quarter."""
    sequence = made_up.chorale(number, bars, qpm)
    notes = [note for note in sequence.notes if note.part == 0]
    del sequence.notes[:], sequence.part_infos[1:]
    sequence.notes.extend(notes)
    return sequence
