"""Jazz lines as the metrics see them: notes and rests one after the other, over chords.

A line is what sounds, whatever the encoding of rhythm that a model has for it.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.melody import choose_melody
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.jazz_phrases import REST, JazzPhrases
from tfmusicgan.representations.jazz_phrases_chords import chord_numbers, to_bits
from tfmusicgan.representations.jazz_phrases_cutting import to_tokens
from tfmusicgan.representations.jazz_phrases_rhythm import (
    STEPS_PER_BAR,
    TIME_STEP,
    durations,
    round_to_steps,
)

__all__ = ["REST", "Line", "read_examples", "read_line"]


@dataclasses.dataclass(frozen=True)
class Line:
    """One melody, and the chords under it.

    Attributes:
      pitches: int [entries], MIDI pitches - 36, from 0 to 72, or `REST`, 73.
      durations: int [entries], in steps, 12 to a quarter note.
      chord_roots: int [steps], pitch classes of the chords' basses from the first entry on. Entries
        that begin behind the last step have no chord.
      chord_tones: uint8 [steps, 12], 1 for tones of the chord, by semitones above its bass; none
        where there is no chord.
      first_step: Where in its bar the first entry begins, 0 to 47.
      primer: How many entries, at the beginning, a model was given.
    """

    pitches: np.ndarray
    durations: np.ndarray
    chord_roots: np.ndarray
    chord_tones: np.ndarray
    first_step: int = 0
    primer: int = 0

    @property
    def is_note(self) -> np.ndarray:
        """Which entries are no rests: bool [entries]."""
        return self.pitches != REST

    @property
    def starts(self) -> np.ndarray:
        """Where entries begin, in steps from the first one's beginning: int64 [entries]."""
        return np.cumsum(self.durations, dtype=np.int64) - self.durations

    def modelled(self) -> "Line":
        """The line without its primer, over what is left of the chords."""
        given = int(self.durations[: self.primer].sum())
        return Line(
            self.pitches[self.primer :],
            self.durations[self.primer :],
            self.chord_roots[given:],
            self.chord_tones[given:],
            (self.first_step + given) % STEPS_PER_BAR,
        )

    def chords_at(self, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The chords that hold at some steps.

        Args:
          steps: int [n], from the first entry's beginning.

        Returns:
          int [n], roots, and bool [n, 12], chord tones above them; none behind the last chord.
        """
        if not len(self.chord_roots):
            return np.zeros(len(steps), np.int64), np.zeros((len(steps), 12), bool)
        there = np.minimum(steps, len(self.chord_roots) - 1)
        tones = self.chord_tones[there].astype(bool) & (steps == there)[:, np.newaxis]
        return self.chord_roots[there], tones


def read_examples(examples: Mapping[str, np.ndarray], representation: JazzPhrases) -> list[Line]:
    """Examples of a representation as lines; their primers are marked.

    With time steps, entries of equal pitch in a row are one, as they are when decoded, and those
    that begin in the primer belong to it.

    Args:
      examples: The fields of `jazz_phrases`, [n, ...] each.
      representation: That they are of.
    """
    rhythm, first = examples["rhythm"], examples["first_step"]
    lengths = durations(rhythm, first, representation.encoding)
    lines = []
    for row, count in enumerate(examples["num_notes"].tolist()):
        steps = int(examples["num_steps"][row])
        line = Line(
            examples["pitches"][row, :count].astype(np.int64),
            lengths[row, :count],
            examples["chord_roots"][row, :steps],
            examples["chord_tones"][row, :steps],
            int(first[row]),
            min(representation.primer_notes, count),
        )
        lines.append(_joined(line) if representation.encoding == TIME_STEP else line)
    return lines


def _joined(line: Line) -> Line:
    """The line with entries of equal pitch in a row as one."""
    begins = np.flatnonzero(np.diff(line.pitches, prepend=-1))
    bounds = np.append(begins, len(line.pitches))
    total = np.append(0, np.cumsum(line.durations))
    return dataclasses.replace(
        line,
        pitches=line.pitches[begins],
        durations=np.diff(total[bounds]),
        primer=int((begins < line.primer).sum()),
    )


def read_line(sequence: NoteSequence, instrument: int | None = None) -> Line | None:
    """A piece as one line, of whatever model or file.

    Times are rounded to steps. Where notes of the melody overlap, one ends as the next begins, and
    of several that begin together the highest counts. Notes beyond MIDI 36 to 108 come by octaves.
    Rests before the first note and behind the last are left out; bars are those of 4/4 from the
    beginning.

    Args:
      sequence: Not changed. Chords are its chord symbols; a symbol holds until the next.
      instrument: That of the melody; None: `melody.choose_melody` finds it.

    Returns:
      The line; None where there is no note of the instrument, or only drums.

    Raises:
      ChordSymbolError: If a chord symbol cannot be read.
    """
    notes = [note for note in sequence.notes if not note.is_drum]
    if notes and instrument is None:
        instrument = choose_melody(sequence)
    notes = [note for note in notes if note.instrument == instrument]
    if not notes:
        return None
    seconds = np.array([(note.start_time, note.end_time) for note in notes])
    steps = _round_to_steps(sequence, seconds)
    tokens = to_tokens(np.array([note.pitch for note in notes], np.int64))
    entries = _entries(tokens.tolist(), *steps.T.tolist())
    pitches, lengths = np.array(list(entries), np.int64).T
    first = int(steps[:, 0].min())
    roots, tones = _chords(sequence, first, first + int(lengths.sum()))
    return Line(pitches, lengths, roots, tones, first % STEPS_PER_BAR)


def _entries(
    pitches: Sequence[int], starts: Sequence[int], ends: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Yields (pitch, steps) of notes and of the rests between them."""
    highest: dict[int, tuple[int, int]] = {}
    for pitch, start, end in zip(pitches, starts, ends, strict=True):
        highest[start] = max(highest.get(start, (0, 0)), (pitch, max(end, start + 1)))
    order = sorted(highest)
    for start, following in zip(order, [*order[1:], None], strict=True):
        pitch, end = highest[start]
        end = end if following is None else min(end, following)
        yield pitch, end - start
        if following is not None and following > end:
            yield REST, following - end


def _chords(sequence: NoteSequence, first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Basses and tones of the steps from `first` to `end`."""
    roots = np.zeros(end - first, np.int64)
    tones = np.zeros(end - first, np.int64)
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    texts = [text for text in sequence.text_annotations if text.annotation_type == kind]
    steps = _round_to_steps(sequence, np.array([text.time for text in texts], np.float64))
    for index in np.argsort(steps, kind="stable"):
        begin = max(steps[index] - first, 0)
        roots[begin:], tones[begin:] = chord_numbers(texts[index].text)
    return roots, to_bits(tones)


def _round_to_steps(sequence: NoteSequence, seconds: np.ndarray) -> np.ndarray:
    quarters = transforms.seconds_to_quarters(sequence, seconds)
    return round_to_steps(quarters)
