"""Phrases of jazz melodies over chords: discrete pitches with rests, in three encodings of rhythm.

Source: Trieu, Keller (2018), "JazzGAN: Improvising with Generative Adversarial Networks", MuMe, and
the authors' code, https://github.com/Impro-Visor/sequence_gan.

Differs from the paper: melodies are cut at rests, since none of the 460 lead sheets of
`impro_visor` has the marks of harmonic bricks at which the authors cut; any lead sheets in 4/4 can
be read; a note longer than a bar becomes several, where the authors' tokens lose whole bars; chords
are on the grid of steps, not at the onsets of the melody, and a bass that is no tone of its chord
is one of its tones.
"""

import dataclasses
from typing import ClassVar

from tfmusicgan.errors import ConfigError, ConversionError
from tfmusicgan.note_sequences.melody import name_of
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import jazz_phrases_messages as messages
from tfmusicgan.representations.base import Encoded, Example, FieldSpec
from tfmusicgan.representations.jazz_phrases_cutting import (
    HIGHEST_PITCH,
    LOWEST_PITCH,
    REST,
    Line,
    cut_phrases,
    join,
    read_piece,
)
from tfmusicgan.representations.jazz_phrases_rhythm import (
    BEAT_POSITION,
    ENCODINGS,
    STEPS_PER_BAR,
    TIME_STEP,
)
from tfmusicgan.representations.parameters import (
    PlainParameters,
    check_part_names,
    check_whole_numbers,
)

__all__ = ["HIGHEST_PITCH", "LOWEST_PITCH", "NUM_PITCHES", "PHRASES", "REST", "JazzPhrases"]

NUM_PITCHES = REST + 1
"""Pitch tokens, the rest among them."""

PHRASES = ("rests", "bars", "sections", "whole")

_INT_RANGES = {
    "max_steps": (12, 4096),
    "max_notes": (2, 4096),
    "primer_notes": (1, 16),
    "phrase_bars": (1, 64),
    "min_rest_steps": (1, 48),
}


@dataclasses.dataclass(frozen=True)
class JazzPhrases(PlainParameters):
    """Phrases of a melody over chords; notes and rests follow each other without gaps.

    Steps are twelfths of a quarter note, 48 to a bar of 4/4. Arrays of an example, with N =
    `max_notes` and T = `max_steps`; places that are not counted are padding, 0:

    * `pitches` int32 [N]: MIDI pitch - 36, from 0 to 72, or 73 for a rest;
    * `rhythm` int32 [N]: 0 to 47, see `encoding`;
    * `num_notes` int32 []: how many notes and rests there are, those of the primer among them;
    * `first_step` int32 []: the place in the bar where the phrase begins, 0 to 47;
    * `chord_roots` int32 [T] and `chord_tones` uint8 [T, 12]: the chord at each step from the
      beginning of the phrase, its bass as the root, and which semitones above it belong to the
      chord. The root does wherever there is a chord; for no chord all are 0;
    * `num_steps` int32 []: length of the phrase and of its chords.

    Notes and rests longer than a bar become several, all but the last of a bar; such notes are then
    repeated ones, to models as to listeners. Of the lead sheets of `impro_visor` 457 are in 4/4,
    with 68,407 notes: 274 are longer than a bar, and 296 are not on the grid. Cut at rests of a
    quarter note and more, 4,296 phrases hold 66,994 notes and 2,053 rests (16 entries and 106 steps
    a phrase); 803 are left out for having too few, and one for having too many. Three bars at a
    time there are 3,935 phrases with 68,580 notes, some of them split; cut where sections begin
    there are 55, since most sections are longer; whole pieces of at most four bars are 303, the
    ii-V-I phrases among them.

    Lost: tempo, velocity, programs, other instruments, the spelling of chords, what is shorter than
    half a step, and with time steps which equal ones are several notes. Pitches outside the range
    are moved into it by octaves.

    Attributes:
      encoding: `"beat_position"`: the place in the bar where a note ends; `"duration"`: its length
        in steps, less one; `"time_step"`: 0, each entry being one step of a note or of a rest.
      max_steps: Longest phrase; the authors train on three bars, with time steps on one.
      max_notes: Most notes and rests of a phrase; with time steps as many as steps.
      primer_notes: How many of them are given to a model; a phrase has one more at least.
      phrase: Where a melody is cut: at `"rests"`, and where more than `max_steps` are between two,
        at the last bar line that is near enough; after so many `"bars"`, or where `"sections"`
        begin, a note that crosses the border being split in two; or nowhere, `"whole"`.
      phrase_bars: For `"bars"`.
      min_rest_steps: For `"rests"`: shorter ones belong to a phrase.
      melody_name: In the name of the instrument that plays the melody, in lower case; empty: names
        do not count (see `melody_track.py`).
    """

    name: ClassVar[str] = "jazz_phrases"
    version: ClassVar[int] = 1

    encoding: str = BEAT_POSITION
    max_steps: int = 144
    max_notes: int = 48
    primer_notes: int = 4
    phrase: str = "rests"
    phrase_bars: int = 3
    min_rest_steps: int = 12
    melody_name: str = "melody"

    def __post_init__(self):
        """Checks the ranges.

        Raises:
          ConfigError: If a parameter is out of range.
        """
        for name, choices in (("encoding", ENCODINGS), ("phrase", PHRASES)):
            if getattr(self, name) not in choices:
                raise ConfigError(
                    f"{name}: expected one of {', '.join(choices)}. Received: "
                    f"{getattr(self, name)!r}."
                )
        check_whole_numbers(self, _INT_RANGES)
        check_part_names(self, ("melody_name",))
        if self.primer_notes >= self.max_notes:
            raise ConfigError(
                f"Expected max_notes above primer_notes. Received: {self.max_notes} and "
                f"{self.primer_notes}."
            )
        if self.encoding == TIME_STEP and self.max_notes != self.max_steps:
            raise ConfigError(
                f"Expected max_notes equal to max_steps, since every step is an entry. Received: "
                f"{self.max_notes} and {self.max_steps}."
            )

    @property
    def longest(self) -> int:
        """Steps of the longest note or rest that is one entry."""
        return 1 if self.encoding == TIME_STEP else STEPS_PER_BAR

    @property
    def spec(self) -> dict[str, FieldSpec]:
        """The arrays of an example."""
        notes, steps = (self.max_notes,), (self.max_steps,)
        rhythm = {
            BEAT_POSITION: "step of the bar where the note ends",
            TIME_STEP: "0, each note is one step",
        }.get(self.encoding, "steps less one")

        def whole(shape: tuple[int, ...], meaning: str) -> FieldSpec:
            return FieldSpec(shape, "int32", meaning)

        tones = "step, semitones above the root: 1 for tones of the chord"
        return {
            "pitches": whole(notes, "note: MIDI pitch - 36, or 73 for a rest; 0 behind the last"),
            "rhythm": whole(notes, f"note: {rhythm}, of 12 to a quarter note"),
            "num_notes": whole((), "notes and rests, with the primer"),
            "first_step": whole((), "place in the bar of the first note, 0-47"),
            "chord_roots": whole(steps, "step: pitch class of the bass, 0 for C and for no chord"),
            "chord_tones": FieldSpec((*steps, 12), "uint8", tones),
            "num_steps": whole((), "steps of the phrase"),
        }

    def encode(self, sequence: NoteSequence) -> list[Example]:
        """Cuts a lead sheet into phrases.

        Args:
          sequence: The piece; it stays as it is.

        Returns:
          The phrases in order, the representation's fields each.

        Raises:
          PieceError: With a reason of `read_piece`, or `"too_few_notes"`, `"too_many_notes"` or
            `"too_long"`, of which all phrases have one.
        """
        return self.encode_counted(sequence)[0]

    def encode_counted(self, sequence: NoteSequence) -> Encoded:
        """As `encode`, with the phrases left out of a piece that is kept, by reason.

        `"too_few_notes"`: not one more than the primer has; `"too_long"` and `"too_many_notes"`:
        longer, or of more notes and rests, than an example holds.
        """
        piece = read_piece(sequence, self.melody_name)
        kept: list[Example] = []
        left_out = {"too_few_notes": 0, "too_long": 0, "too_many_notes": 0}
        for line in cut_phrases(sequence, piece.line, self):
            entries = join(line, self.longest)
            reason = self._reason_against(line, len(entries))
            if reason is None:
                kept.append(piece.fields(entries, self.encoding, self.max_notes, self.max_steps))
            else:
                left_out[reason] += 1
        if kept:
            return Encoded(kept, left_out)
        raise ConversionError(
            f"Expected a phrase of {self.primer_notes + 1} to {self.max_notes} notes and rests and "
            f"at most {self.max_steps} steps. Received: none in {name_of(sequence)!r}.",
            reason=max(left_out, key=left_out.get),
        )

    def find_phrase(self, sequence: NoteSequence, max_notes: int, max_steps: int) -> Example:
        """The end of a whole melody, with its rests: what a model goes on with.

        Args:
          sequence: The piece; it stays as it is.
          max_notes: How many notes and rests are read at most: of more the last.
          max_steps: Likewise; a note that begins before them is cut.

        Returns:
          The fields, for `max_notes` and `max_steps`.

        Raises:
          PieceError: With a reason of `read_piece`.
        """
        piece = read_piece(sequence, self.melody_name)
        end = int(piece.line.ends[-1])
        entries = join(piece.line.between(end - max_steps, end), self.longest)
        return piece.fields(entries.last(max_notes), self.encoding, max_notes, max_steps)

    def decode(
        self, example: Example, qpm: float = 120.0, sound_chords: bool = False
    ) -> NoteSequence:
        """Builds the NoteSequence of one phrase.

        Args:
          example: The representation's fields, of any integer dtypes and any number of notes and
            steps from one.
          qpm: Tempo in quarter notes per minute, 4 to 1,000.
          sound_chords: Whether the chords sound as well, on instrument 1.

        Returns:
          A valid NoteSequence from the bar line before the phrase to the one behind it, the chords
          as annotations where they change.

        Raises:
          ConversionError: If the arrays' shapes, dtypes or values are not the spec's.
          ConfigError: If `qpm` is out of range.
        """
        return messages.phrase_to_note_sequence(example, self, qpm, sound_chords)

    def _reason_against(self, line: Line, num_entries: int) -> str | None:
        if len(join(line, STEPS_PER_BAR)) <= self.primer_notes:
            return "too_few_notes"
        if line.num_steps > self.max_steps:
            return "too_long"
        return "too_many_notes" if num_entries > self.max_notes else None
