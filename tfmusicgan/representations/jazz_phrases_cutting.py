"""Lead sheets to phrases: the melody on the grid, where it is cut, and its notes and rests."""

from __future__ import annotations

import dataclasses
import itertools
import typing
from collections.abc import Iterable, Iterator

import numpy as np

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.lead_sheet import LeadSheet
from tfmusicgan.note_sequences.melody import name_of
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.whole_bars import bars_of
from tfmusicgan.representations.base import Example
from tfmusicgan.representations.jazz_phrases_chords import chord_steps, to_bits
from tfmusicgan.representations.jazz_phrases_rhythm import (
    STEPS_PER_BAR,
    STEPS_PER_QUARTER,
    rhythm_tokens,
    round_to_steps,
)
from tfmusicgan.representations.melody_bars_windows import read_melody_sheet

if typing.TYPE_CHECKING:
    from tfmusicgan.representations.jazz_phrases import JazzPhrases

LOWEST_PITCH, HIGHEST_PITCH = 36, 108
"""MIDI numbers of pitch tokens 0 and 72."""

REST = HIGHEST_PITCH - LOWEST_PITCH + 1
"""The pitch token of a rest, 73."""


@dataclasses.dataclass(frozen=True)
class Line:
    """Notes on the grid, in order, no two at once.

    Attributes:
      pitches: int64 [notes], pitch tokens, none of them a rest.
      starts: int64 [notes], steps from the beginning of the sheet.
      ends: int64 [notes].
    """

    pitches: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.pitches)

    @property
    def num_steps(self) -> int:
        """Steps from the beginning of the first note to the end of the last."""
        return int(self.ends[-1] - self.starts[0])

    def between(self, first: int, last: int) -> Line:
        """The notes from one step to another; those that go over a border are cut there."""
        starts, ends = self.starts.clip(min=first), self.ends.clip(max=last)
        inside = starts < ends
        return Line(self.pitches[inside], starts[inside], ends[inside])


@dataclasses.dataclass(frozen=True)
class Entries:
    """Notes and rests that follow each other.

    Attributes:
      start: Steps from the beginning of the sheet to the first one's.
      pitches: int64 [entries], pitch tokens.
      lengths: int64 [entries], in steps.
    """

    start: int
    pitches: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.pitches)

    def last(self, count: int) -> Entries:
        """Those at the end."""
        before = max(len(self) - count, 0)
        start = self.start + int(self.lengths[:before].sum())
        return Entries(start, self.pitches[before:], self.lengths[before:])


@dataclasses.dataclass(frozen=True)
class Piece:
    """A lead sheet on the grid.

    Attributes:
      line: Its melody, at least one note.
      basses: int64 [steps], see `chord_steps`.
      tones: int64 [steps].
    """

    line: Line
    basses: np.ndarray
    tones: np.ndarray

    def fields(self, entries: Entries, encoding: str, max_notes: int, max_steps: int) -> Example:
        """The fields of `JazzPhrases` of some notes and rests, and the chords under them."""
        first_step, num_steps = entries.start % STEPS_PER_BAR, int(entries.lengths.sum())
        chords = slice(entries.start, entries.start + num_steps)

        def padded(values: np.ndarray, size: int, dtype: type = np.int32) -> np.ndarray:
            filled = np.zeros((size, *values.shape[1:]), dtype)
            filled[: len(values)] = values
            return filled

        rhythm = rhythm_tokens(entries.lengths, first_step, encoding)
        return {
            "pitches": padded(entries.pitches, max_notes),
            "rhythm": padded(rhythm, max_notes),
            "num_notes": np.array(len(entries), np.int32),
            "first_step": np.array(first_step, np.int32),
            "chord_roots": padded(self.basses[chords], max_steps),
            "chord_tones": padded(to_bits(self.tones[chords]), max_steps, np.uint8),
            "num_steps": np.array(num_steps, np.int32),
        }


def read_piece(sequence: NoteSequence, melody_name: str) -> Piece:
    """Reads a lead sheet in 4/4.

    Positions are rounded to the nearest step; notes that are shorter than half a step are lost.
    Pitches outside the range are moved into it by octaves.

    Args:
      sequence: The piece; it stays as it is.
      melody_name: In the name of the instrument that plays the melody, in lower case.

    Raises:
      PieceError: With a reason of `read_melody_sheet`, or `"no_notes"` (none is as long as half a
        step).
    """
    sheet = read_melody_sheet(sequence, melody_name, STEPS_PER_BAR // STEPS_PER_QUARTER)
    line = _draw_line(sheet)
    if not len(line):
        raise ConversionError(
            f"Expected notes of half a step and more ({0.5 / STEPS_PER_QUARTER:g} quarter notes). "
            f"Received: none in {name_of(sequence)!r}.",
            reason="no_notes",
        )
    return Piece(line, *chord_steps(sheet.chords, sheet.bars * STEPS_PER_BAR))


def _draw_line(sheet: LeadSheet) -> Line:
    quarters = np.array([(note.start_quarter, note.end_quarter) for note in sheet.melody])
    steps = round_to_steps(quarters)
    pitches = to_tokens(np.array([note.pitch for note in sheet.melody], np.int64))
    long_enough = steps[:, 0] < steps[:, 1]
    return Line(pitches[long_enough], *steps[long_enough].T)


def to_tokens(pitches: np.ndarray) -> np.ndarray:
    """MIDI pitches to tokens of notes, those outside the range moved into it by octaves."""
    octaves_up = -((pitches - LOWEST_PITCH) // 12)
    octaves_down = -((HIGHEST_PITCH - pitches) // 12)
    return pitches - LOWEST_PITCH + 12 * (octaves_up.clip(min=0) - octaves_down.clip(min=0))


def cut_phrases(sequence: NoteSequence, line: Line, representation: JazzPhrases) -> Iterator[Line]:
    """Yields a melody's phrases as the representation says, those that do not fit it included."""
    rep = representation
    if rep.phrase == "rests":
        yield from _at_rests(line, rep)
        return
    end = int(line.ends[-1])
    borders = [0, end]
    if rep.phrase == "bars":
        borders = [*range(0, end, rep.phrase_bars * STEPS_PER_BAR), end]
    elif rep.phrase == "sections":
        borders = [0, *_section_steps(sequence, end), end]
    yield from _at_borders(line, borders)


def join(line: Line, longest: int) -> Entries:
    """Notes, and the rests between them, as they follow each other.

    Args:
      line: At least one note.
      longest: Steps of the longest entry; what is longer becomes several, all but the last of that
        length.
    """
    count = 2 * len(line) - 1
    tokens, lengths = np.full(count, REST), np.empty(count, np.int64)
    tokens[::2], lengths[::2] = line.pitches, line.ends - line.starts
    lengths[1::2] = line.starts[1:] - line.ends[:-1]
    parts = -(-lengths // longest)  # none of rests without length
    split = np.full(parts.sum(), longest)
    last = np.cumsum(parts)[parts > 0] - 1
    split[last] = (lengths - (parts - 1) * longest)[parts > 0]
    return Entries(int(line.starts[0]), np.repeat(tokens, parts), split)


def _at_rests(line: Line, rep: JazzPhrases) -> Iterator[Line]:
    """What is between long rests; if that is too long, cut at the last bar line that fits."""
    gaps = line.starts[1:] - line.ends[:-1]
    begins = np.flatnonzero(np.append(True, gaps >= rep.min_rest_steps))
    for first, last in zip(begins, np.append(begins[1:], len(line)), strict=True):
        start, end = int(line.starts[first]), int(line.ends[last - 1])
        borders = [start]
        while end - borders[-1] > rep.max_steps:
            reach = borders[-1] + rep.max_steps
            bar_line = reach // STEPS_PER_BAR * STEPS_PER_BAR
            borders.append(bar_line if bar_line > borders[-1] else reach)
        yield from _at_borders(line, [*borders, end])


def _at_borders(line: Line, borders: Iterable[int]) -> Iterator[Line]:
    borders = sorted(set(borders))
    for first, last in itertools.pairwise(borders):
        phrase = line.between(first, last)
        if len(phrase):
            yield phrase


def _section_steps(sequence: NoteSequence, end: int) -> list[int]:
    """The steps at which a piece's sections begin, but for the first."""
    times = np.array([mark.time for mark in sequence.section_annotations], np.float64)
    if not np.isfinite(times).all():
        raise ConversionError(
            f"Expected finite times of sections in {name_of(sequence)!r}.", reason="bad_times"
        )
    quarters = transforms.seconds_to_quarters(sequence, times)
    quarters = quarters + bars_of(sequence, name_of(sequence))[1]
    steps = round_to_steps(quarters)
    return [step for step in steps.tolist() if 0 < step < end]
