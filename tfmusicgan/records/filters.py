"""What happens to a whole piece before it is encoded: filters by key and meter, transposition."""

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Self

from tfmusicgan.errors import ConfigError, ConversionError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.transforms import MeterSegment

TONIC = "tonic"
_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_LARGEST_SHIFT = 24


@dataclasses.dataclass(frozen=True)
class PieceFilters:
    """Rules for whole pieces. Empty fields let everything through.

    Attributes:
      keys: Key names such as `"C"`, `"F#"`, `"Bbm"`; a piece passes if its first key signature is
        one of them.
      time_signatures: Such as `"4/4"`; a piece passes if all its time signatures are among them (a
        piece without any counts as 4/4, as MIDI says). That of a pickup, one first bar that is
        shorter than the next, does not count.
      transpose: `""`, `"tonic"` (every piece to C major or A minor by its first key signature, by
        six semitones at most), or `"LOW:HIGH"` (training pieces once more for every other shift
        within that range, in semitones; the drums stay).
    """

    keys: tuple[str, ...] = ()
    time_signatures: tuple[str, ...] = ()
    transpose: str = ""

    def __post_init__(self):
        """Checks that everything parses.

        Raises:
          ConfigError: If a key, time signature or transposition does not parse.
        """
        for key in self.keys:
            parse_key(key)
        for text in self.time_signatures:
            _parse_time_signature(text)
        parse_shifts(self.transpose)

    @classmethod
    def from_options(cls, options: dict) -> Self:
        """The inverse of `to_options`."""
        lists = {name: tuple(options[name]) for name in ("keys", "time_signatures")}
        return cls(transpose=options["transpose"], **lists)

    def to_options(self) -> dict:
        """The fields as JSON-able values."""
        return {
            "keys": list(self.keys),
            "time_signatures": list(self.time_signatures),
            "transpose": self.transpose,
        }

    def check(self, sequence: NoteSequence, name: str) -> None:
        """Lets a piece pass.

        Raises:
          ConversionError: With reason `"no_key"`, `"other_key"` or `"other_time_signature"`.
        """
        if self.keys:
            self._check_key(sequence, name)
        if self.time_signatures:
            allowed = {_parse_time_signature(text) for text in self.time_signatures}
            for segment in _without_pickup(transforms.meter_segments(sequence)):
                if (segment.numerator, segment.denominator) not in allowed:
                    raise ConversionError(
                        f"Expected time signatures among {', '.join(self.time_signatures)}. "
                        f"Received: {segment.numerator}/{segment.denominator} in {name!r}.",
                        reason="other_time_signature",
                    )

    def _check_key(self, sequence: NoteSequence, name: str) -> None:
        key = _key_of(sequence, name)
        if key not in {parse_key(text) for text in self.keys}:
            raise ConversionError(
                f"Expected a key among {', '.join(self.keys)}. Received: {key_name(*key)} "
                f"in {name!r}.",
                reason="other_key",
            )

    def shifts(self, sequence: NoteSequence, name: str, is_training: bool) -> list[tuple[str, int]]:
        """How a piece is transposed before it is encoded: once, or in several copies.

        Args:
          sequence: The piece.
          name: Its name.
          is_training: Whether it belongs to the training split; others are never augmented.

        Returns:
          (name, semitones) of each copy, the untransposed first; the name of an augmented copy ends
          in its shift, e.g. `"a.mid+3"`.

        Raises:
          ConversionError: If `transpose` is `"tonic"` and the piece names no key (`"no_key"`).
        """
        if self.transpose == TONIC:
            return [(name, tonic_shift(*_key_of(sequence, name)))]
        copies = [(name, 0)]
        if is_training:
            shifts = parse_shifts(self.transpose)
            copies += [(f"{name}{shift:+d}", shift) for shift in shifts if shift]
        return copies


def parse_key(text: str) -> tuple[int, str]:
    """Parses a key name.

    Args:
      text: A letter, any accidentals (`#` or `b`), `m` for minor, e.g. `"F#m"`.

    Returns:
      (pitch class of the tonic, `"major"` or `"minor"`).

    Raises:
      ConfigError: If it does not parse.
    """
    match = re.fullmatch(r"([A-G])(#{0,2}|b{0,2})(m?)", text.strip())
    if match is None:
        raise ConfigError(f"Expected a key such as C, F#, Bb or Am. Received: {text!r}.")
    letter, accidentals, minor = match.groups()
    shift = len(accidentals) * (-1 if accidentals.startswith("b") else 1)
    return (_NATURALS[letter] + shift) % 12, "minor" if minor else "major"


def key_name(tonic: int, mode: str) -> str:
    """A short name of a key, e.g. `"F#m"` or `"D dorian"`."""
    suffixes = {"major": "", "minor": "m", "not_specified": " of no mode"}
    return _NAMES[tonic] + suffixes.get(mode, f" {mode}")


def tonic_shift(tonic: int, mode: str) -> int:
    """Semitones to C major (A minor for the minor and dorian modes), within -6 ... 5."""
    home = 9 if mode in ("minor", "dorian") else 0
    return (home - tonic + 6) % 12 - 6


def parse_shifts(text: str) -> Sequence[int]:
    """The shifts of `"LOW:HIGH"` in order; empty for `""` and `"tonic"`.

    Raises:
      ConfigError: If it does not parse, or is out of range.
    """
    if text in ("", TONIC):
        return ()
    match = re.fullmatch(r"([+-]?\d+):([+-]?\d+)", text)
    low, high = (int(match[1]), int(match[2])) if match else (1, 0)
    if not -_LARGEST_SHIFT <= low <= 0 <= high <= _LARGEST_SHIFT:
        raise ConfigError(
            f"Expected --transpose=tonic or LOW:HIGH with LOW <= 0 <= HIGH, within "
            f"{_LARGEST_SHIFT} semitones. Received: {text!r}."
        )
    return range(low, high + 1)


def _parse_time_signature(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d?)/(1|2|4|8|16|32)", text.strip())
    if match is None:
        raise ConfigError(f"Expected a time signature such as 4/4. Received: {text!r}.")
    return int(match[1]), int(match[2])


def _without_pickup(segments: list[MeterSegment]) -> list[MeterSegment]:
    if len(segments) < 2:
        return segments
    first, second = segments[:2]
    is_one_bar = math.isclose(
        first.end_quarter - first.start_quarter, first.quarters_per_bar, abs_tol=1e-5
    )
    is_short = first.quarters_per_bar < second.quarters_per_bar
    return segments[1:] if is_one_bar and is_short else segments


def _key_of(sequence: NoteSequence, name: str) -> tuple[int, str]:
    key = transforms.key_at_start(sequence)
    if key is None:
        raise ConversionError(f"Expected a key signature. Received: none in {name!r}.", "no_key")
    return key
