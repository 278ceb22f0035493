"""Melodies with chords as bars: what sounds at each step, and the triad of each bar.

Source: Yang, Chou, Yang (2017), "MidiNet", section 3.2, https://arxiv.org/abs/1703.10847, and the
authors' code, https://github.com/RichardYang40148/MidiNet.

Differs from the paper: lead sheets of any chords can be read, a chord being the triad of its third;
pitches outside the two octaves are moved into them; onsets and velocities are options; windows of
eight bars are cut from sheets of any length.
"""

import dataclasses
from typing import ClassVar

import numpy as np

from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import melody_bars_messages as messages
from tfmusicgan.representations.base import Encoded, Example, FieldSpec
from tfmusicgan.representations.melody_bars_windows import bars_and_faults, cut_windows
from tfmusicgan.representations.parameters import (
    PlainParameters,
    check_part_names,
    check_pitches,
    check_whole_numbers,
)

NUM_PITCHES = 128
"""Pitches that a step may have, more than melodies use: others show that a model has collapsed."""

NUM_CHORDS = 25
"""Chord numbers: 0 for none, 12 major triads, 12 minor ones."""

CHORDS = ("triads", "none")
OUT_OF_RANGE = ("fold", "drop")

_INT_RANGES = {
    "bars": (1, 64),
    "beats_per_bar": (1, 16),
    "steps_per_beat": (1, 24),
    "lowest_pitch": (0, 116),
    "num_pitches": (12, 128),
}


@dataclasses.dataclass(frozen=True)
class MelodyBars(PlainParameters):
    """Windows of whole bars of a lead sheet.

    Array `melody_bars`: int32 [bars, columns]. Columns of a bar are

    * the MIDI pitch that sounds at each step (16 of 4/4 in sixteenths);
    * the bar's chord: 0 for none, 1 to 12 the major triads on C, C# to B, 13 to 24 the minor ones;
    * with `onsets`, 1 for each step where a note begins, otherwise 0;
    * with `velocities`, the velocity of the note at each step, 1-127.

    A melody has no rests: a note goes on over the rest behind it, as far as the bar line, and if a
    bar begins with a rest its first note is moved to the bar's beginning. Windows with a bar in
    which nothing sounds are left out, and so is what is before a sheet's first bar with a note, or
    with chords the first that has a triad, too: a pick-up has none.

    Without `onsets`, equal steps in a row are one note, which ends at the bar line at the latest:
    the published picture cannot say whether they are one long note or several. With them, a note
    goes on over bar lines until another one begins.

    A bar's chord is the one that sounds longest in it, as the triad of its third; windows with a
    chord that has none, or with a bar without chord, are left out. Positions are rounded to steps;
    notes that are shorter than half a step are lost.

    Lost: rests, tempo, program, chords beyond the triad and within the bar, other instruments, and
    unless asked for velocity and which equal steps are several notes.

    Attributes:
      bars: Bars in a window.
      beats_per_bar: Quarter notes in a bar; 4/4 and 2/2 are 4.
      steps_per_beat: Steps in a quarter note.
      lowest_pitch: MIDI number of the lowest pitch of the range; 60 to 83 is C4 to B5.
      num_pitches: Of the range, whole octaves.
      out_of_range: What happens to notes outside: `"fold"` moves them by octaves to the nearest
        that are inside, `"drop"` leaves their windows out.
      chords: `"triads"`, or `"none"`: chords are not read, the column is 0.
      hop_bars: Bars from the beginning of a window to that of the next; by default `bars`.
      onsets: Whether there are columns of onsets.
      velocities: Whether there are columns of velocities.
      melody_name: In the name of the instrument that plays the melody, in lower case; empty: names
        do not count (see `melody_track.py`).
    """

    name: ClassVar[str] = "melody_bars"
    version: ClassVar[int] = 1

    bars: int = 8
    beats_per_bar: int = 4
    steps_per_beat: int = 4
    lowest_pitch: int = 60
    num_pitches: int = 24
    out_of_range: str = "fold"
    chords: str = "triads"
    hop_bars: int | None = None
    onsets: bool = False
    velocities: bool = False
    melody_name: str = "melody"

    def __post_init__(self):
        """Checks the ranges.

        Raises:
          ConfigError: If a parameter is out of range.
        """
        hop = {} if self.hop_bars is None else {"hop_bars": (1, 4096)}
        check_whole_numbers(self, _INT_RANGES | hop)
        check_pitches(self.lowest_pitch, self.num_pitches)
        check_part_names(self, ("melody_name",))
        if self.num_pitches % 12:
            raise ConfigError(
                f"num_pitches: expected whole octaves, 12, 24 and so on. Received: "
                f"{self.num_pitches}."
            )
        for name, choices in (("chords", CHORDS), ("out_of_range", OUT_OF_RANGE)):
            if getattr(self, name) not in choices:
                raise ConfigError(
                    f"{name}: expected {' or '.join(choices)}. Received: {getattr(self, name)!r}."
                )
        for name in ("onsets", "velocities"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(
                    f"{name}: expected true or false. Received: {getattr(self, name)!r}."
                )

    @property
    def steps_per_bar(self) -> int:
        """Steps in a bar."""
        return self.beats_per_bar * self.steps_per_beat

    @property
    def chord_column(self) -> int:
        """The column of a bar's chord."""
        return self.steps_per_bar

    @property
    def onset_column(self) -> int:
        """The first of the columns of onsets, if there are any."""
        return self.steps_per_bar + 1

    @property
    def velocity_column(self) -> int:
        """The first of the columns of velocities, if there are any."""
        return self.onset_column + self.steps_per_bar * self.onsets

    @property
    def num_columns(self) -> int:
        """Columns of a bar."""
        return self.velocity_column + self.steps_per_bar * self.velocities

    @property
    def spec(self) -> dict[str, FieldSpec]:
        """The one array of an example."""
        steps = self.steps_per_bar
        meaning = f"bar, then {steps} MIDI pitches and a chord (0 none, 1-12 major, 13-24 minor)"
        meaning += f", {steps} onsets" * self.onsets + f", {steps} velocities" * self.velocities
        return {self.name: FieldSpec((self.bars, self.num_columns), "int32", meaning)}

    def encode(self, sequence: NoteSequence) -> list[Example]:
        """Cuts a lead sheet into windows of bars.

        Args:
          sequence: The piece; it stays as it is.

        Returns:
          Windows in order, `{"melody_bars": int32 [bars, columns]}`.

        Raises:
          PieceError: With a reason of `read_lead_sheet` or `find_bars`, or `"too_short"` (less
            than a window of bars), `"empty_bar"`, `"no_triad"` or `"pitch_out_of_range"`, of which
            all windows have some.
        """
        return self.encode_counted(sequence)[0]

    def encode_counted(self, sequence: NoteSequence) -> Encoded:
        """As `encode`, with the windows left out of a piece that is kept, by reason.

        `"short_last_window"`: what is left at the end; the others as for `encode`, each window by
        the first that it has.
        """
        windows, left_out = cut_windows(sequence, self)
        return Encoded([{self.name: window} for window in windows], left_out)

    def find_bars(self, sequence: NoteSequence) -> np.ndarray:
        """All bars of a lead sheet from its first note on.

        Bars in which nothing sounds have the last pitch before them, bars without triad chord 0.

        Args:
          sequence: The piece; it stays as it is.

        Returns:
          int32 [bars, columns].

        Raises:
          PieceError: With a reason of `read_lead_sheet`, or `"no_melody"`, `"no_bars_in_meter"`,
            `"too_long"`, or `"no_notes"` (none is as long as half a step).
        """
        return bars_and_faults(sequence, self)[0]

    def decode(
        self, example: Example, qpm: float = 120.0, sound_chords: bool = False
    ) -> NoteSequence:
        """Builds the NoteSequence of one window, or of several that follow each other.

        Args:
          example: `{"melody_bars": [bars, columns]}` of any integer dtype and any number of bars
            from one.
          qpm: Tempo in quarter notes per minute, 4 to 1,000.
          sound_chords: Whether the chords sound as well, on instrument 1, a triad a bar.

        Returns:
          A valid NoteSequence, the chords as annotations where they change.

        Raises:
          ConversionError: If the array's shape, dtype or values are not the spec's.
          ConfigError: If `qpm` is out of range.
        """
        return messages.bars_to_note_sequence(example[self.name], self, qpm, sound_chords)
