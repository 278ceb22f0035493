"""How many pieces of a dataset are lead sheets, and why the others are not."""

import collections
import dataclasses
import os

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.errors import PieceError
from tfmusicgan.note_sequences.chord_symbols import NO_CHORD, nearest_triad
from tfmusicgan.note_sequences.lead_sheet import LeadSheet, read_lead_sheet

LEAD_SHEET = "lead_sheet"
"""What pieces that are lead sheets are counted under."""


@dataclasses.dataclass
class LeadSheetCounts:
    """What became of a dataset's pieces.

    Attributes:
      pieces: `LEAD_SHEET`, or the reason for being none -> number of pieces.
      meters: (numerator, denominator) -> number of lead sheets.
      bars: Bars of all lead sheets.
      notes: Notes of all melodies.
      chords: Chord spans of all lead sheets, but for those of no chord.
      without_third: How many of those have no major or minor triad, see
        `chord_symbols.nearest_triad`.
      without_chords: Lead sheets with no chord at all.
    """

    pieces: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    meters: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    bars: int = 0
    notes: int = 0
    chords: int = 0
    without_third: int = 0
    without_chords: int = 0

    def add(self, found: LeadSheet | PieceError) -> None:
        """Counts one more piece: its lead sheet, or why it is none."""
        if isinstance(found, PieceError):
            self.pieces[found.reason] += 1
            return
        symbols = [span.symbol for span in found.chords if span.symbol != NO_CHORD]
        self.pieces[LEAD_SHEET] += 1
        self.meters[found.numerator, found.denominator] += 1
        self.bars += found.bars
        self.notes += len(found.melody)
        self.chords += len(symbols)
        self.without_third += sum(map(_has_no_third, symbols))
        self.without_chords += not symbols


def count_lead_sheets(
    dataset: Dataset, path: str | os.PathLike | None, meter: tuple[int, int] | None = None
) -> LeadSheetCounts:
    """Reads all pieces of a dataset as lead sheets.

    Args:
      dataset: The dataset.
      path: As for `dataset.files`.
      meter: Numerator and denominator that a lead sheet has to have; None for any.

    Returns:
      The counts. A file that cannot be read is counted by that reason.

    Raises:
      MusicGanError: See `dataset.files`.
    """
    counts = LeadSheetCounts()
    files = dataset.files(None if path is None else os.fspath(path))
    sources, errors = dataset.list_sources(*files)
    for _, error in errors:
        counts.add(error)
    for source in sources:
        try:
            counts.add(read_lead_sheet(dataset.read_source(source), meter=meter))
        except PieceError as error:
            counts.add(error)
    return counts


def _has_no_third(symbol: str) -> bool:
    try:
        nearest_triad(symbol)
    except PieceError:
        return True
    return False
