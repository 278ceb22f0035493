"""Melodies as tokens: one for the key that sounds at each point of a grid in seconds.

Source: Yu, Zhang, Wang, Yu (2017), "SeqGAN", section "Music Composition",
https://arxiv.org/abs/1609.05473: Nottingham tunes sampled every 0.4 s, keys 1 to 88, 32 to an
example. The paper does not say what stands for a rest; here it is token 0, the start symbol.
"""

import dataclasses
import math
from typing import ClassVar

import numpy as np

from tfmusicgan.errors import ConfigError, ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.base import Encoded, Example, FieldSpec
from tfmusicgan.representations.melody_messages import find_notes, tokens_to_note_sequence
from tfmusicgan.representations.melody_track import melody_notes
from tfmusicgan.representations.note_arrays import note_arrays
from tfmusicgan.representations.octaves import fold
from tfmusicgan.representations.parameters import (
    PlainParameters,
    check_pitches,
    check_whole_numbers,
)
from tfmusicgan.representations.piano_roll_grid import ROUNDING_STEPS, draw
from tfmusicgan.representations.score_header import MAX_QPM, MIN_QPM

# Over seven hours of 0.4 s each; what is longer is a damaged file, whose arrays would fill memory.
MAX_TOKENS = 65_536

_INT_RANGES = {
    "length": (1, 4096),
    "lowest_pitch": (0, 127),
    "num_pitches": (1, 128),
    "min_notes": (0, 10_000),
}


@dataclasses.dataclass(frozen=True)
class MelodyTokens(PlainParameters):
    """Windows of a melody as whole numbers.

    Array `tokens`: int32 [length]. Token i of a piece tells what sounds at `i * seconds_per_token`
    seconds from its beginning: 0 for silence, `pitch - lowest_pitch + 1` for a key (1 to 88 for A0
    to C8). A note sounds from its start until just before its end, so that at the moment where one
    note follows another the second counts. Times are what the tempo changes have made of them.

    The melody is played by one instrument (`melody_track.py` says which: the one named melody, else
    the first). Where its notes overlap the highest counts.

    A window is whole: what is left at a piece's end is shorter, and is left out and counted. (The
    model writes a fixed number of tokens and no end symbol: filled up, it would learn endings of
    silence that no tune has.) A piece ends at its `total_time`, or with its last note if that is
    later.

    Lost: notes between two sample points, notes outside the pitch range, velocity, program, tempo,
    all instruments but one, where within a token a note begins and ends, and whether equal tokens
    in a row are one long note or several: decoded they are one.

    Attributes:
      seconds_per_token: Distance of the sample points in seconds.
      length: Tokens in a window.
      lowest_pitch: MIDI number of the first key.
      num_pitches: Number of neighbouring keys.
      hop: Tokens from the beginning of a window to that of the next; by default `length`, so that
        windows neither overlap nor leave anything out between them.
      melody_name: In the name of the instrument that plays the melody, in lower case; empty: names
        do not count.
      min_notes: Windows with fewer notes, as decoded, are left out.
    """

    name: ClassVar[str] = "melody_tokens"
    version: ClassVar[int] = 1
    # Tokens last as long whatever the tempo of the music they are sampled from.
    grid_in_seconds: ClassVar[bool] = True

    seconds_per_token: float = 0.4
    length: int = 32
    lowest_pitch: int = 21
    num_pitches: int = 88
    hop: int | None = None
    melody_name: str = "melody"
    min_notes: int = 1

    def __post_init__(self):
        """Checks the ranges.

        Raises:
          ConfigError: If a parameter is out of range.
        """
        check_whole_numbers(self, _INT_RANGES | ({} if self.hop is None else {"hop": (1, 4096)}))
        check_pitches(self.lowest_pitch, self.num_pitches)
        seconds = self.seconds_per_token
        # What `decode` writes as a tempo that MIDI can hold.
        low, high = 60.0 / MAX_QPM, 60.0 / MIN_QPM
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            seconds = math.nan
        if not low <= seconds <= high:
            raise ConfigError(
                f"seconds_per_token: expected a number within {low:g}-{high:g}. "
                f"Received: {self.seconds_per_token!r}."
            )
        name = self.melody_name
        plain = isinstance(name, str) and name.isascii() and name.isprintable()
        if not plain or name != name.lower():
            raise ConfigError(
                f"melody_name: expected lower-case ASCII text, or none. Received: {name!r}."
            )

    @property
    def num_tokens(self) -> int:
        """Size of the vocabulary: silence and the keys."""
        return self.num_pitches + 1

    @property
    def start_token(self) -> int:
        """What stands before a melody: silence."""
        return 0

    @property
    def tokens_per_second(self) -> float:
        """Both halves multiply by it: the graph's optimiser would turn a division into that."""
        return 1.0 / self.seconds_per_token

    @property
    def default_qpm(self) -> float:
        """The tempo at which decoded tokens last `seconds_per_token`: one to a quarter note."""
        return 60.0 / self.seconds_per_token

    @property
    def spec(self) -> dict[str, FieldSpec]:
        """The one array of an example."""
        highest = self.lowest_pitch + self.num_pitches - 1
        meaning = (
            f"sample point (every {self.seconds_per_token:g} s); 0 is silence, 1 to "
            f"{self.num_pitches} are the keys from MIDI {self.lowest_pitch} to {highest}"
        )
        return {"tokens": FieldSpec((self.length,), "int32", meaning)}

    def encode(self, sequence: NoteSequence) -> list[Example]:
        """Cuts a piece's melody into windows.

        Args:
          sequence: The piece; it stays as it is.

        Returns:
          Windows in order, `{"tokens": int32 [length]}`. The arrays are read-only: windows that
          overlap share memory.

        Raises:
          ConversionError: With reason `"bad_times"`, `"no_melody"` (no instrument but drums, or
            no note of the melody within the pitch range), `"too_long"`, `"too_short"` (less than
            a window) or `"too_few_notes"` (all windows fall short of `min_notes`).
        """
        return self.encode_counted(sequence)[0]

    def encode_counted(self, sequence: NoteSequence) -> Encoded:
        """As `encode`, with the windows left out of a piece that is kept, by reason.

        `"too_few_notes"`: they fall short of `min_notes`; `"short_last_window"`: what is left at
        the end. Lost are `"notes_out_of_range"`, of the melody's.
        """
        name = _name_of(sequence)
        tokens, outside = self._sample(sequence)
        hop = self.length if self.hop is None else self.hop
        starts = range(0, len(tokens) - self.length + 1, hop)
        if not starts:
            raise ConversionError(
                f"Expected a melody of {self.length} tokens "
                f"({self.length * self.seconds_per_token:g} s). Received: {len(tokens)} in "
                f"{name!r}.",
                reason="too_short",
            )
        windows = [tokens[start : start + self.length] for start in starts]
        kept = [window for window in windows if len(find_notes(window)[0]) >= self.min_notes]
        if not kept:
            raise ConversionError(
                f"Expected windows of at least {self.min_notes} notes. Received: none in {name!r}.",
                reason="too_few_notes",
            )
        reached = max(starts[-1] + self.length, starts[-1] + hop)
        left_out = {
            "too_few_notes": len(windows) - len(kept),
            "short_last_window": int(reached < len(tokens)),
        }
        examples = [{"tokens": window} for window in kept]
        return Encoded(examples, left_out, {"notes_out_of_range": outside})

    def sample(self, sequence: NoteSequence, any_octave: bool = False) -> np.ndarray:
        """Samples the melody of a whole piece.

        Args:
          sequence: The piece; it stays as it is.
          any_octave: Whether MIDI notes outside the pitch range are moved into it by octaves
            (`octaves.fold`) in place of being left out: what a model goes on with keeps its notes.

        Returns:
          int32 [tokens], read-only: one for each sample point before the piece's end.

        Raises:
          ConversionError: With reason `"bad_times"`, `"no_melody"` or `"too_long"`.
        """
        return self._sample(sequence, any_octave)[0]

    def _sample(self, sequence: NoteSequence, any_octave: bool = False) -> tuple[np.ndarray, int]:
        """The tokens, and how many of the melody's notes no key plays."""
        name, notes = _name_of(sequence), note_arrays(sequence)
        times = np.concatenate([notes.start_seconds, notes.end_seconds, [sequence.total_time]])
        if not np.isfinite(times).all():
            raise ConversionError(f"Expected finite times in {name!r}.", reason="bad_times")
        melody = melody_notes(notes, sequence, self.melody_name)
        pitch = notes.pitch
        if any_octave:
            melody &= (pitch >= 0) & (pitch < 128)
            pitch = fold(pitch, self.lowest_pitch, self.num_pitches)
        pitch = pitch - self.lowest_pitch
        taken = melody & (pitch >= 0) & (pitch < self.num_pitches)
        if not taken.any():
            raise ConversionError(
                f"Expected a melody of pitches {self.lowest_pitch}-"
                f"{self.lowest_pitch + self.num_pitches - 1}. Received: {len(notes)} notes in "
                f"{name!r}, {np.count_nonzero(melody)} of them a melody's, none of those in range.",
                reason="no_melody",
            )
        length = self._next_points(times.max(initial=0.0))
        if length > MAX_TOKENS:
            raise ConversionError(
                f"Expected at most {MAX_TOKENS} tokens. Received: {length:g} in {name!r}.",
                reason="too_long",
            )
        points = [
            self._next_points(side[taken]).clip(0, length).astype(np.int64)
            for side in (notes.start_seconds, notes.end_seconds)
        ]
        grid = draw(*points, pitch[taken], int(length), self.num_pitches)
        keys = np.arange(1, self.num_tokens, dtype=np.int32)
        tokens = np.where(grid, keys, np.int32(0)).max(axis=1)
        tokens.flags.writeable = False
        return tokens, np.count_nonzero(melody & ~taken)

    def decode(self, example: Example, qpm: float | None = None) -> NoteSequence:
        """Builds the NoteSequence of one window, or of several that follow each other.

        A token is a quarter note, and equal tokens in a row are one note, on a piano (see
        `melody_messages.py`).

        Args:
          example: `{"tokens": [length]}` of any integer dtype and any number of tokens from one.
          qpm: Tempo in quarter notes (tokens) per minute, 4 to 1,000. By default `default_qpm`, at
            which a token lasts `seconds_per_token`; any other plays the melody faster or slower,
            and the grid in seconds of `encode` does not follow it.

        Returns:
          A valid NoteSequence with a total_time of all tokens, silence at the end included.

        Raises:
          ConversionError: If the array's shape, dtype or values are not the spec's.
          ConfigError: If `qpm` is out of range.
        """
        return tokens_to_note_sequence(
            np.asarray(example["tokens"]),
            self.lowest_pitch,
            self.num_pitches,
            self.default_qpm if qpm is None else qpm,
        )

    def _next_points(self, seconds: np.ndarray) -> np.ndarray:
        """The first sample point at or after each time, float64; noise does not matter."""
        return np.ceil(seconds * self.tokens_per_second - ROUNDING_STEPS)


def _name_of(sequence: NoteSequence) -> str:
    return sequence.id or sequence.filename or "the sequence"
