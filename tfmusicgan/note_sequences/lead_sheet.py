"""Lead sheets: one melody and its chords, as a view of a NoteSequence.

Positions are quarter notes from the start of the first bar, whatever the tempo does. Reading and
writing undo each other but for what a lead sheet has not: other instruments, changes of tempo,
keys, names. What is read is put in order like this:

* The first bar is whole: what comes before the first bar line, a pick-up, stands at its end. So is
  the last; a note that ends less than `TOLERANCE_QUARTERS` behind it ends with it.
* Chord symbols have one spelling, see `chord_spellings.py`, and hold until the next; of several at
  one place the last in the message counts. Before the first is `NO_CHORD`.
* Notes that overlap by less than `TOLERANCE_QUARTERS` end where the next begins. All positions are
  rounded to a millionth of a quarter note.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence

import numpy as np

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.chord_symbols import NO_CHORD, chord_pitches, normalise_symbol
from tfmusicgan.note_sequences.melody import choose_melody, name_of
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.whole_bars import TOLERANCE_QUARTERS, bars_of

__all__ = [
    "NO_CHORD",
    "ChordSpan",
    "LeadSheet",
    "MelodyNote",
    "read_lead_sheet",
    "write_lead_sheet",
]

MELODY, CHORDS = 0, 1
"""Instruments of a piece that `write_lead_sheet` writes."""

_TICKS_PER_QUARTER = 240  # A multiple of the finest grid's steps.
_CHORD_SYMBOL = NoteSequence.TextAnnotation.CHORD_SYMBOL
_DECIMALS = 6  # Of quarter notes: without the noise of seconds and back.


@dataclasses.dataclass(frozen=True)
class MelodyNote:
    """A note of a melody.

    Attributes:
      pitch: MIDI pitch number.
      velocity: 1 to 127.
      start_quarter: Where it begins, in quarter notes from the start.
      end_quarter: Where it ends.
    """

    pitch: int
    velocity: int
    start_quarter: float
    end_quarter: float


@dataclasses.dataclass(frozen=True)
class ChordSpan:
    """A chord and how long it holds.

    Attributes:
      symbol: As `chord_symbols.normalise_symbol` spells it, or `NO_CHORD`.
      start_quarter: Where it begins, in quarter notes from the start.
      end_quarter: Where it ends.
    """

    symbol: str
    start_quarter: float
    end_quarter: float


@dataclasses.dataclass(frozen=True)
class LeadSheet:
    """One melody and its chords, in one meter.

    Attributes:
      melody: In the order of time; no two sound at once.
      chords: In the order of time, without gaps from the start to the end.
      numerator: Beats in a bar.
      denominator: Note value of a beat: 4 for a quarter note.
      qpm: Quarter notes a minute, at the start.
      total_quarters: Length, a whole number of bars.
    """

    melody: tuple[MelodyNote, ...]
    chords: tuple[ChordSpan, ...]
    numerator: int
    denominator: int
    qpm: float
    total_quarters: float

    @property
    def quarters_per_bar(self) -> float:
        """Length of one bar in quarter notes."""
        return 4.0 * self.numerator / self.denominator

    @property
    def bars(self) -> int:
        """Number of bars."""
        return round(self.total_quarters / self.quarters_per_bar)

    def chords_by(self, quarters: float) -> tuple[str, ...]:
        """The chord that stands for each stretch of time.

        Args:
          quarters: Length of a stretch in quarter notes: `quarters_per_bar` for one chord a bar.

        Returns:
          For each stretch, a last one that is cut short included, the symbol that holds longest in
          it, counting all its spans there; of several as long the one that begins first.

        Raises:
          ValueError: If `quarters` is not positive.
        """
        if not quarters > 0:
            raise ValueError(f"Expected a positive number of quarter notes. Received: {quarters}.")
        num_stretches = math.ceil(round(self.total_quarters / quarters, _DECIMALS))
        held: list[dict[str, float]] = [{} for _ in range(num_stretches)]
        for span in self.chords:
            first = int(span.start_quarter / quarters + 10**-_DECIMALS)
            for index in range(first, num_stretches):
                start, end = index * quarters, (index + 1) * quarters
                length = min(span.end_quarter, end) - max(span.start_quarter, start)
                if length <= 0:
                    break
                held[index][span.symbol] = held[index].get(span.symbol, 0.0) + length
        # Without noise, or of equals the later might be longer; max takes the first.
        return tuple(
            max(symbols, key=lambda symbol: round(symbols[symbol], _DECIMALS)) for symbols in held
        )


def read_lead_sheet(
    sequence: NoteSequence,
    instrument: int | None = None,
    meter: tuple[int, int] | None = None,
    read_chords: bool = True,
) -> LeadSheet:
    """Reads a piece as a lead sheet.

    Args:
      sequence: Not changed. Chords are its chord symbols (text annotations).
      instrument: That of the melody; None: `melody.choose_melody` finds it.
      meter: Numerator and denominator that it has to have; None for any.
      read_chords: Whether its chord symbols count. If not, they are not looked at, whatever they
        are, and `NO_CHORD` holds all the time.

    Returns:
      The lead sheet.

    Raises:
      ConversionError: With reason `"no_melody"`, `"polyphonic_melody"` (two notes of the instrument
        at once), `"several_time_signatures"`, `"other_time_signature"` or `"bad_times"`.
      ChordSymbolError: If a chord symbol is to be read and cannot be.
    """
    name = name_of(sequence)
    if instrument is None:
        instrument = choose_melody(sequence)
    notes = [n for n in sequence.notes if n.instrument == instrument and not n.is_drum]
    if not notes:
        raise ConversionError(
            f"Expected a melody. Received: no note of instrument {instrument} in {name}.",
            "no_melody",
        )
    main, shift = bars_of(sequence, name)
    if meter is not None and meter != (main.numerator, main.denominator):
        raise ConversionError(
            f"Expected {meter[0]}/{meter[1]}. Received {main.numerator}/{main.denominator} in "
            f"{name}.",
            "other_time_signature",
        )
    melody = _melody_of(sequence, notes, shift, name)
    end = float(transforms.seconds_to_quarters(sequence, np.float64(sequence.total_time))) + shift
    last = melody[-1]
    # What is just behind a bar line ends there, but for a note that begins there.
    end = max(max(end, last.end_quarter) - TOLERANCE_QUARTERS, last.start_quarter + 10**-_DECIMALS)
    total = max(math.ceil(end / main.quarters_per_bar), 1) * main.quarters_per_bar
    last = dataclasses.replace(last, end_quarter=min(last.end_quarter, total))
    no_chords = (ChordSpan(NO_CHORD, 0.0, total),)
    return LeadSheet(
        melody=(*melody[:-1], last),
        chords=_chords_of(sequence, shift, total) if read_chords else no_chords,
        numerator=main.numerator,
        denominator=main.denominator,
        qpm=transforms.tempos_by_time(sequence)[0.0],
        total_quarters=total,
    )


def write_lead_sheet(
    sheet: LeadSheet, sounding_chords: bool = False, chord_velocity: int = 64
) -> NoteSequence:
    """Writes a lead sheet as a piece: the inverse of `read_lead_sheet`.

    Args:
      sheet: The lead sheet.
      sounding_chords: Whether the chords sound, too, on an instrument of their own: each as
        `chord_symbols.chord_pitches` has it, for as long as it holds.
      chord_velocity: Of those notes.

    Returns:
      A valid NoteSequence with the instrument `MELODY`, and `CHORDS` if they sound; programs are 0
      (piano), the chords' symbols are text annotations.

    Raises:
      ChordSymbolError: If a chord symbol cannot be read.
    """
    sequence = NoteSequence(collection_name="tfmusicgan", ticks_per_quarter=_TICKS_PER_QUARTER)
    sequence.source_info.source_type = NoteSequence.SourceInfo.SCORE_BASED
    sequence.time_signatures.add(numerator=sheet.numerator, denominator=sheet.denominator)
    sequence.tempos.add(qpm=sheet.qpm)
    notes = [
        (note.start_quarter, MELODY, note.pitch, note.end_quarter, note.velocity)
        for note in sheet.melody
    ]
    if sounding_chords:
        notes += [
            (span.start_quarter, CHORDS, pitch, span.end_quarter, chord_velocity)
            for span in sheet.chords
            for pitch in chord_pitches(span.symbol)
        ]
    seconds = 60.0 / sheet.qpm
    for start, instrument, pitch, end, velocity in sorted(notes):
        note = sequence.notes.add(pitch=pitch, velocity=velocity, instrument=instrument)
        note.start_time, note.end_time = start * seconds, end * seconds
    for instrument, name in ((MELODY, "melody"), (CHORDS, "chords"))[: 1 + sounding_chords]:
        sequence.instrument_infos.add(instrument=instrument, name=name)
    for span in sheet.chords:
        text, time = normalise_symbol(span.symbol), span.start_quarter * seconds
        sequence.text_annotations.add(time=time, text=text, annotation_type=_CHORD_SYMBOL)
    sequence.total_time = sheet.total_quarters * seconds
    return sequence


def _melody_of(
    sequence: NoteSequence, notes: Sequence[NoteSequence.Note], shift: float, name: str
) -> tuple[MelodyNote, ...]:
    """The notes in order of time; tiny overlaps are cut.

    Raises:
      ConversionError: With reason `"polyphonic_melody"`, or `"bad_times"` for notes without length.
    """
    seconds = np.array([(note.start_time, note.end_time) for note in notes], np.float64)
    quarters = np.round(transforms.seconds_to_quarters(sequence, seconds) + shift, _DECIMALS)
    if not (np.isfinite(quarters).all() and (quarters[:, 0] < quarters[:, 1]).all()):
        raise ConversionError(f"Expected notes of positive length in {name}.", "bad_times")
    order = np.lexsort((quarters[:, 1], quarters[:, 0]))
    starts, ends = quarters[order].T.tolist()
    for index, (end, start) in enumerate(zip(ends, starts[1:], strict=False)):
        if end - start > TOLERANCE_QUARTERS or start - starts[index] < TOLERANCE_QUARTERS:
            raise ConversionError(
                f"Expected a melody, one note at a time. Received two at quarter note {start:g} of "
                f"{name}.",
                "polyphonic_melody",
            )
        ends[index] = min(end, start)
    return tuple(
        MelodyNote(notes[index].pitch, notes[index].velocity, start, end)
        for index, start, end in zip(order, starts, ends, strict=True)
    )


def _chords_of(sequence: NoteSequence, shift: float, total: float) -> tuple[ChordSpan, ...]:
    """The chord symbols, each until the next, from the start to the end of a piece."""
    texts = [text for text in sequence.text_annotations if text.annotation_type == _CHORD_SYMBOL]
    seconds = np.array([text.time for text in texts], np.float64)
    quarters = np.round(transforms.seconds_to_quarters(sequence, seconds) + shift, _DECIMALS)
    symbols = {0.0: NO_CHORD}
    for quarter, text in zip(quarters.tolist(), texts, strict=True):
        symbols[max(quarter, 0.0)] = normalise_symbol(text.text)
    starts = sorted(quarter for quarter in symbols if quarter < total)
    spans = itertools.pairwise([*starts, total])
    return tuple(ChordSpan(symbols[start], start, end) for start, end in spans)
