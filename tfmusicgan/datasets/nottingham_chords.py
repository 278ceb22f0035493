"""Chord symbols of the Nottingham tunes: from a tune's ABC to the piece that its MIDI file gives.

The MIDI files have chords as notes; what they are called stands in the ABC alone. The two are laid
side by side, and symbols are taken over only as far as they agree:

* The melodies are the same: ABC's notes, with the repeats played, begin and end where the MIDI
  file's do, all moved by one and the same time (a pick-up fills a whole bar in MIDI). No pitch
  differs by more than a semitone, and four fifths are equal. They need not all be: note_seq and
  the maker of the MIDI files do not agree on how far an accidental holds.
* A symbol is placed where the chord that sounds has exactly its pitch classes; the bass aside,
  which the MIDI files leave out. Of two symbols at one place, alternatives for the repeats, the
  MIDI files play the first every time.
* Whenever a chord begins in the MIDI file, the symbol that holds has its pitch classes. A tune
  where one does not gets no symbols at all.

Spelling, as upstream's README has it: `Cd` is diminished, `Ca` augmented, `C/e` a chord over a
bass. A sharp bass is `D/f+`, and `(D7)` a chord that may be left out. note_seq reads `Cdim`,
`Caug`, `C/E`, `D/F#` and `D7`, which they become.

Source: https://github.com/jukedeck/nottingham-dataset, README.md.
"""

import collections
import dataclasses
import functools
import re
from collections.abc import Iterator, Sequence

import numpy as np

from tfmusicgan.errors import ConversionError, PieceError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence, note_seq_module

MELODY, CHORDS = 0, 1
"""Instruments of a piece: the first and the second track of its file."""

NONE_WRITTEN, OTHER_MELODY, OTHER_CHORDS = "no_chord_symbols", "other_melody", "other_chords"

_LEAST_EQUAL = 0.8  # Share of equal pitches; of the 404 real tunes that agree the worst has 0.85.
_TOLERANCE = 1e-3  # Quarter notes; a tick is as long in the MIDI files.

_IN_BRACKETS = re.compile(r"\((.*)\)")
_FIGURE = re.compile(
    r"(?P<root>[A-G][#b]?)(?:(?P<kind>[ad])(?=7?(?:/|$)))?(?P<rest>[^/]*)"
    r"(?:/(?P<bass>[a-g])(?P<sign>[+b]?))?"
)
_KINDS = {None: "", "a": "aug", "d": "dim"}
_SIGNS = {"": "", "+": "#", "b": "b"}


@dataclasses.dataclass(frozen=True)
class ChordSymbols:
    """What became of a tune's chord symbols, every time they come.

    Attributes:
      placed: (quarter notes from the start of the piece, symbol), in order.
      unread: Symbols that note_seq cannot read, as they stand in the ABC.
      unplayed: Symbols that are not what sounds at their place, as they stand in the ABC.
    """

    placed: tuple[tuple[float, str], ...] = ()
    unread: tuple[str, ...] = ()
    unplayed: tuple[str, ...] = ()


@dataclasses.dataclass
class ChordCounts:
    """How many tunes got chord symbols, and what became of the symbols.

    Attributes:
      tunes: `"chord_symbols"`, or the reason for having none -> number of tunes.
      placed: Symbols that were placed.
      unread: Symbol -> how often it was left out as one that note_seq cannot read.
      unplayed: Symbol -> how often it was left out as not what sounds.
    """

    tunes: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    placed: int = 0
    unread: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    unplayed: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def add(self, found: ChordSymbols | PieceError) -> None:
        """Counts one more tune: its symbols, or why it has none."""
        if isinstance(found, PieceError):
            self.tunes[found.reason] += 1
            return
        self.tunes["chord_symbols"] += 1
        self.placed += len(found.placed)
        self.unread.update(found.unread)
        self.unplayed.update(found.unplayed)


def find_chord_symbols(tune: NoteSequence, piece: NoteSequence) -> ChordSymbols:
    """Finds where in a piece the chord symbols of its tune belong.

    Args:
      tune: As note_seq reads it from ABC; its section groups are the repeats. Not changed.
      piece: The MIDI file's, with instruments `MELODY` and `CHORDS`. Not changed.

    Raises:
      ConversionError: With reason `"no_chord_symbols"`, or, where the two do not agree,
        `"other_melody"` or `"other_chords"`.
    """
    if not tune.text_annotations:
        raise ConversionError(f"Expected chord symbols. Received none: {piece.id}.", NONE_WRITTEN)
    melody = _notes_of(piece, MELODY)
    notes, symbols = _played(tune, len(melody))
    shift = _shift_between(notes, melody)
    if shift is None:
        raise ConversionError(
            f"Expected one melody in ABC and MIDI. Received two in {piece.id}.", OTHER_MELODY
        )
    chords = _notes_of(piece, CHORDS)
    placed: list[tuple[float, str]] = []
    unread, unplayed = [], []
    for quarter, text in symbols:
        figure, at = to_note_seq(text), quarter + shift
        expected = pitch_classes(figure)
        if not expected:
            unread.append(text)
        elif expected != _sounding(chords, at) or (placed and placed[-1][0] == at):
            unplayed.append(text)
        else:
            placed.append((at, figure))
    if not placed or not _hold(placed, chords):
        raise ConversionError(
            f"Expected the chords of the ABC in the MIDI file. Received others: {piece.id}.",
            OTHER_CHORDS,
        )
    return ChordSymbols(tuple(placed), tuple(unread), tuple(unplayed))


def add_chord_symbols(piece: NoteSequence, placed: Sequence[tuple[float, str]]) -> None:
    """Writes chord symbols into a piece, as text annotations.

    Args:
      piece: Changed.
      placed: (quarter notes from its start, symbol), in order.
    """
    quarters = np.array([quarter for quarter, _ in placed], np.float64)
    seconds = transforms.quarters_to_seconds(piece, quarters).tolist()
    for time, (_, figure) in zip(seconds, placed, strict=True):
        kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
        piece.text_annotations.add(time=time, text=figure, annotation_type=kind)


def to_note_seq(text: str) -> str:
    """A chord symbol of the Nottingham tunes as note_seq spells it; others come back unchanged."""
    text = text.strip()
    if brackets := _IN_BRACKETS.fullmatch(text):
        text = brackets[1]
    match = _FIGURE.fullmatch(text)
    if match is None:
        return text
    chord = match["root"] + _KINDS[match["kind"]] + match["rest"]
    return f"{chord}/{match['bass'].upper()}{_SIGNS[match['sign']]}" if match["bass"] else chord


@functools.cache
def pitch_classes(figure: str) -> frozenset[int]:
    """The pitch classes of a chord symbol without its bass; none if note_seq cannot read it."""
    chord_symbols_lib = note_seq_module("chord_symbols_lib")
    try:
        chord_symbols_lib.chord_symbol_pitches(figure)
        pitches = chord_symbols_lib.chord_symbol_pitches(figure.partition("/")[0])
    except chord_symbols_lib.ChordSymbolError:
        return frozenset()
    return frozenset(pitch % 12 for pitch in pitches)


def _played(tune: NoteSequence, most_notes: int) -> tuple[np.ndarray, list[tuple[float, str]]]:
    """A tune's notes, float64 [notes, 3], and (quarter notes, symbol), with its repeats played.

    It ends with the section that brings more than `most_notes`: repeats can be without end.
    note_seq's own `expand_section_groups` is not asked: it begins every section with the chord of
    the bar before it, which is another bar the second time.
    """
    notes = _notes_of(tune, MELODY)
    texts = [text.text for text in tune.text_annotations]
    seconds = np.array([text.time for text in tune.text_annotations], np.float64)
    places = transforms.seconds_to_quarters(tune, seconds)
    played, symbols, now = [notes[:0]], [], 0.0
    for start, end in _stretches(tune):
        inside = (notes[:, 0] > start - _TOLERANCE) & (notes[:, 0] < end - _TOLERANCE)
        played.append(notes[inside] + [now - start, now - start, 0])
        for place, text in zip(places.tolist(), texts, strict=True):
            if start - _TOLERANCE < place < end - _TOLERANCE:
                symbols.append((place + now - start, text))
        now += end - start
        if sum(map(len, played)) > most_notes:
            break
    return np.concatenate(played), symbols


def _stretches(tune: NoteSequence) -> Iterator[tuple[float, float]]:
    """Yields the stretches of a tune, in quarter notes, in the order in which they are played."""
    seconds = [*(section.time for section in tune.section_annotations), tune.total_time]
    quarters = transforms.seconds_to_quarters(tune, np.array(seconds)).tolist()
    if not tune.section_groups:
        yield 0.0, quarters[-1]
    ends = zip(tune.section_annotations, quarters, quarters[1:], strict=False)
    sections = {section.section_id: (start, end) for section, start, end in ends}
    for group in tune.section_groups:
        for _ in range(group.num_times):
            yield from (sections[section.section_id] for section in group.sections)


def _notes_of(sequence: NoteSequence, instrument: int) -> np.ndarray:
    """float64 [notes, 3]: start and end in quarter notes, pitch; sorted by start, then pitch."""
    notes = [note for note in sequence.notes if note.instrument == instrument]
    rows = np.array([(n.start_time, n.end_time, n.pitch) for n in notes], np.float64)
    rows = rows.reshape(-1, 3)
    rows[:, :2] = transforms.seconds_to_quarters(sequence, rows[:, :2])
    return rows[np.lexsort((rows[:, 2], rows[:, 0]))]


def _shift_between(tune: np.ndarray, piece: np.ndarray) -> float | None:
    """Quarter notes by which a melody comes later in a piece; None if it is another one.

    Args:
      tune: [notes, 3], from `_notes_of`.
      piece: [notes, 3].
    """
    if not len(tune) or len(tune) != len(piece):
        return None
    apart = piece - tune
    shift = apart[0, 0]
    if np.abs(apart[:, :2] - shift).max() > _TOLERANCE or np.abs(apart[:, 2]).max() > 1:
        return None
    return float(shift) if np.mean(apart[:, 2] == 0) >= _LEAST_EQUAL else None


def _sounding(chords: np.ndarray, quarter: float) -> frozenset[int]:
    """The pitch classes that sound at a place."""
    begun = chords[:, 0] < quarter + _TOLERANCE
    pitches = chords[begun & (chords[:, 1] > quarter + _TOLERANCE), 2]
    return frozenset((pitches.astype(int) % 12).tolist())


def _hold(placed: Sequence[tuple[float, str]], chords: np.ndarray) -> bool:
    """Whether at every chord's beginning the symbol that holds is that chord's."""
    places = np.array([quarter for quarter, _ in placed])
    for start in np.unique(chords[:, 0]).tolist():
        index = int(np.searchsorted(places, start + _TOLERANCE)) - 1
        if index < 0 or pitch_classes(placed[index][1]) != _sounding(chords, start):
            return False
    return True
