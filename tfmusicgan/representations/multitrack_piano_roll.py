"""Multi-track piano-rolls: phrases of a few bars as booleans of step, pitch and track.

Source: Dong et al. (2018), "MuseGAN", section "Data", https://arxiv.org/abs/1709.06298, and its
first release (github.com/salu133445/musegan, folder v1).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from tfmusicgan.errors import ConfigError, ConversionError, unknown_name
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.bar_stretches import bar_stretches
from tfmusicgan.representations.base import Encoded, Example, FieldSpec
from tfmusicgan.representations.note_arrays import note_arrays
from tfmusicgan.representations.parameters import (
    check_names,
    check_pitches,
    check_whole_numbers,
)
from tfmusicgan.representations.piano_roll_bars import draw_bars
from tfmusicgan.representations.piano_roll_grid import count_notes
from tfmusicgan.representations.piano_roll_messages import decode_batch, hit_cells
from tfmusicgan.representations.track_assignment import assign_tracks
from tfmusicgan.representations.tracks import TRACK_SETS, Track, check_tracks, parse_tracks

SEPARATE_NOTES = ("repeats", "always", "never")

_INT_RANGES = {
    "bars": (1, 64),
    "beats_per_bar": (1, 16),
    "steps_per_beat": (1, 96),
    "lowest_pitch": (0, 127),
    "num_pitches": (1, 128),
    "hop_bars": (1, 64),
    "min_note_steps": (0, 96),
    "min_notes": (0, 10_000),
    "min_active_tracks": (0, 128),
    "min_piece_tracks": (0, 128),
}


@dataclasses.dataclass(frozen=True)
class MultitrackPianoRoll:
    """Phrases of consecutive bars as one boolean array.

    Array `piano_roll`: bool [bars, steps_per_bar, num_pitches, tracks]; pitch 0 is `lowest_pitch`.
    Times are rounded to the nearest step in quarter notes, so the tempo does not matter. Pitched
    notes are runs of ones along time and go on over bar lines; drum hits are single ones.

    Lost: velocity, tempo, notes outside the pitch range or of no track, anything shorter than a
    step, which of several overlapping notes of one pitch and track began when, drum lengths, and
    the beginning or end of notes that cross a phrase's borders.

    Attributes:
      tracks: The tracks in order.
      bars: Bars in a phrase.
      beats_per_bar: Quarter notes in a bar; bars of other meters are left out.
      steps_per_beat: Time steps in a quarter note.
      lowest_pitch: MIDI number of the first pitch.
      num_pitches: Number of neighbouring pitches.
      hop_bars: Bars from the beginning of a phrase to that of the next.
      separate_notes: `"always"`: pitched notes of more than one step lose their last step, as in
        MuseGAN's first release; `"repeats"`: only those at whose end another note of the same pitch
        and track begins; `"never"`: none, so that repeated notes become one.
      min_note_steps: Pitched notes of fewer steps after rounding are left out (MuseGAN: 2); 0 keeps
        all, as notes of one step at least.
      drum_onsets_only: Whether drum notes are reduced to their first step; then every one in a drum
        track is a hit of its own.
      min_notes: Phrases with fewer notes are left out.
      min_active_tracks: Phrases with fewer tracks that sound are left out.
      min_piece_tracks: Pieces with fewer tracks that have notes are left out (MuseGAN: all five).
    """

    name: ClassVar[str] = "multitrack_piano_roll"
    version: ClassVar[int] = 1

    tracks: tuple[Track, ...] = TRACK_SETS["lpd5"]
    bars: int = 4
    beats_per_bar: int = 4
    steps_per_beat: int = 24
    lowest_pitch: int = 24
    num_pitches: int = 84
    hop_bars: int = 4
    separate_notes: str = "repeats"
    min_note_steps: int = 0
    drum_onsets_only: bool = True
    min_notes: int = 1
    min_active_tracks: int = 1
    min_piece_tracks: int = 1

    def __post_init__(self):
        """Checks the ranges.

        Raises:
          ConfigError: If a parameter is out of range, or the tracks do not go together.
        """
        check_tracks(self.tracks)
        check_whole_numbers(self, _INT_RANGES)
        check_pitches(self.lowest_pitch, self.num_pitches)
        for name in ("min_active_tracks", "min_piece_tracks"):
            if getattr(self, name) > len(self.tracks):
                raise ConfigError(
                    f"{name}: expected at most the {len(self.tracks)} tracks. "
                    f"Received: {getattr(self, name)}."
                )
        if self.separate_notes not in SEPARATE_NOTES:
            raise unknown_name("separate_notes", self.separate_notes, SEPARATE_NOTES)
        if not isinstance(self.drum_onsets_only, bool):
            raise ConfigError(
                f"drum_onsets_only: expected true or false. Received: {self.drum_onsets_only!r}."
            )

    @property
    def num_tracks(self) -> int:
        """Number of tracks."""
        return len(self.tracks)

    @property
    def steps_per_bar(self) -> int:
        """Time steps in a bar."""
        return self.beats_per_bar * self.steps_per_beat

    @property
    def phrase_steps(self) -> int:
        """Time steps in a phrase."""
        return self.bars * self.steps_per_bar

    @property
    def spec(self) -> dict[str, FieldSpec]:
        """The one array of an example."""
        shape = (self.bars, self.steps_per_bar, self.num_pitches, self.num_tracks)
        names = ", ".join(track.name for track in self.tracks)
        meaning = (
            f"bar, step ({self.steps_per_beat} to a quarter note), pitch (from MIDI "
            f"{self.lowest_pitch}), track ({names}); one where a note sounds"
        )
        return {"piano_roll": FieldSpec(shape, "bool", meaning)}

    def encode(self, sequence: NoteSequence) -> list[Example]:
        """Cuts a piece into phrases.

        Args:
          sequence: The piece, unquantised; it stays as it is.

        Returns:
          Phrases in order, `{"piano_roll": bool [bars, steps_per_bar, num_pitches, tracks]}`.
          The arrays are read-only: phrases that overlap share memory.

        Raises:
          ConversionError: With reason `"no_notes"`, `"bad_times"`, `"wrong_part_count"`,
            `"too_few_tracks"`, `"no_bars_in_meter"`, `"too_long"`, `"too_short"` or
            `"too_few_notes"` (all phrases fall short of `min_notes` or `min_active_tracks`).
        """
        return self.encode_counted(sequence)[0]

    def encode_counted(self, sequence: NoteSequence) -> Encoded:
        """As `encode`, with the phrases left out of a piece that is kept, by reason.

        `"too_few_notes"`: they fall short of `min_notes` or `min_active_tracks`. Lost are
        `"notes_of_no_track"`, and of the others `"notes_out_of_range"`.
        """
        name = sequence.id or sequence.filename or "the sequence"
        notes = note_arrays(sequence)
        tempos = [value for tempo in sequence.tempos for value in (tempo.time, tempo.qpm)]
        times = [notes.start_seconds, notes.end_seconds, tempos, [sequence.total_time]]
        if not np.isfinite(np.concatenate(times)).all():
            raise ConversionError(
                f"Expected finite times and tempos in {name!r}.", reason="bad_times"
            )
        track = assign_tracks(notes, sequence, self.tracks) if len(notes) else np.zeros(0, np.int64)
        pitch = notes.pitch - self.lowest_pitch
        has_track, in_range = track >= 0, (pitch >= 0) & (pitch < self.num_pitches)
        taken = has_track & in_range
        if not taken.any():
            raise ConversionError(
                f"Expected notes of the tracks {', '.join(t.name for t in self.tracks)}. Received: "
                f"{len(notes)} notes in {name!r}, none of them in range.",
                reason="no_notes",
            )
        num_active = len(np.unique(track[taken]))
        if num_active < self.min_piece_tracks:
            raise ConversionError(
                f"Expected at least {self.min_piece_tracks} tracks with notes. "
                f"Received: {num_active} in {name!r}.",
                reason="too_few_tracks",
            )
        stretches = bar_stretches(sequence, self.beats_per_bar, self.steps_per_beat)
        stretches = [stretch for stretch in stretches if stretch.num_bars >= self.bars]
        if not stretches:
            raise ConversionError(
                f"Expected {self.bars} bars of {self.beats_per_bar}/4 on end. Received: fewer "
                f"in {name!r}.",
                reason="too_short",
            )
        start = transforms.seconds_to_quarters(sequence, notes.start_seconds)
        end = transforms.seconds_to_quarters(sequence, notes.end_seconds)
        cell = pitch * self.num_tracks + track
        phrases, num_windows = [], 0
        for stretch in stretches:
            origin = stretch.start_quarter
            roll = draw_bars(
                self, stretch.num_bars, start[taken] - origin, end[taken] - origin, cell[taken]
            )
            phrases.extend(self._windows(roll))
            num_windows += (stretch.num_bars - self.bars) // self.hop_bars + 1
        if not phrases:
            raise ConversionError(
                f"Expected phrases of at least {self.min_notes} notes in "
                f"{self.min_active_tracks} tracks. Received: none in {name!r}.",
                reason="too_few_notes",
            )
        lost = {
            "notes_of_no_track": np.count_nonzero(~has_track),
            "notes_out_of_range": np.count_nonzero(has_track & ~in_range),
        }
        left_out = {"too_few_notes": num_windows - len(phrases)}
        return Encoded([{"piano_roll": phrase} for phrase in phrases], left_out, lost)

    def decode(self, example: Example, qpm: float = 120.0) -> NoteSequence:
        """Builds the NoteSequence of one phrase, or of several that follow each other.

        Args:
          example: `{"piano_roll": bool [bars, steps_per_bar, num_pitches, tracks]}`, of any number
            of bars from one.
          qpm: Tempo in quarter notes per minute.

        Returns:
          A valid NoteSequence (see `piano_roll_messages.decode_batch`).

        Raises:
          ConversionError: If the array's shape (but for the bars) or dtype is not the spec's.
          ConfigError: If `qpm` is out of range.
        """
        return decode_batch(np.asarray(example["piano_roll"])[np.newaxis], self, qpm)[0]

    def to_parameters(self) -> dict[str, Any]:
        """The fields as JSON-able values."""
        parameters = dataclasses.asdict(self)
        for track in parameters["tracks"]:
            track["programs"] = list(track["programs"])
        return {**parameters, "tracks": list(parameters["tracks"])}

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """The inverse of `to_parameters`; `tracks` may be anything that `parse_tracks` reads.

        Raises:
          ConfigError: If a parameter is unknown or out of range.
        """
        check_names(cls, parameters)
        parameters = dict(parameters)
        if "tracks" in parameters:
            parameters["tracks"] = parse_tracks(parameters["tracks"])
        return cls(**parameters)

    def _windows(self, roll: np.ndarray) -> list[np.ndarray]:
        """The phrases of a stretch that have enough notes and tracks, as read-only views."""
        roll.flags.writeable = False
        hits = hit_cells(self)
        phrases = []
        for first in range(0, len(roll) - self.bars + 1, self.hop_bars):
            phrase = roll[first : first + self.bars]
            steps = phrase.reshape(self.phrase_steps, -1)
            # One axis after the other: NumPy reduces several at once 20 times more slowly.
            active = steps.any(axis=0).reshape(self.num_pitches, self.num_tracks).any(axis=0)
            num_active = np.count_nonzero(active)
            num_notes = count_notes(steps, hits)
            if num_active >= self.min_active_tracks and num_notes >= self.min_notes:
                phrases.append(phrase)
        return phrases
