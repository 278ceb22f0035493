"""Phrases of jazz melodies over chords: discrete pitches with rests, in three encodings of rhythm.

Source: Trieu, Keller (2018), "JazzGAN: Improvising with Generative Adversarial Networks", MuMe, and
the authors' code, https://github.com/Impro-Visor/sequence_gan.
"""

import dataclasses
from typing import ClassVar

from tfmusicgan.errors import ConfigError
from tfmusicgan.representations.base import FieldSpec
from tfmusicgan.representations.jazz_phrases_rhythm import (
    BEAT_POSITION,
    ENCODINGS,
    STEPS_PER_BAR,
    TIME_STEP,
)
from tfmusicgan.representations.parameters import PlainParameters, check_whole_numbers

LOWEST_PITCH, HIGHEST_PITCH = 36, 108
"""MIDI numbers of pitch tokens 0 and 72."""

REST = HIGHEST_PITCH - LOWEST_PITCH + 1
"""The pitch token of a rest, 73."""

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

    Attributes:
      encoding: `"beat_position"`: the place in the bar where a note ends; `"duration"`: its length
        in steps, less one; `"time_step"`: 0, each entry being one step of a note or of a rest.
      max_steps: Longest phrase; the authors train on three bars, with time steps on one.
      max_notes: Most notes and rests of a phrase; with time steps as many as steps.
      primer_notes: How many of them are given to a model; a phrase has one more at least.
      phrase: Where a melody is cut: at `"rests"`, after so many `"bars"`, where `"sections"` begin,
        or nowhere, `"whole"`.
      phrase_bars: For `"bars"`.
      min_rest_steps: For `"rests"`: shorter ones belong to a phrase.
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
