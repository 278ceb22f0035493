"""What happens to a whole piece before it is encoded: filters by key and meter, transposition.

With them go the rules by which the Lakh Pianoroll Dataset (LPD) was cleansed and MuseGAN's first
release chose its songs: docs/dataset.md and src/cleanser.py in
github.com/salu133445/lakh-pianoroll-dataset; Dong et al. (2018), https://arxiv.org/abs/1709.06298.
"""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

from tfmusicgan.errors import ConfigError, ConversionError, unknown_name
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
      single_time_signature: A piece passes if it has one time signature in all; a pickup's counts,
        and so does one that repeats another (LPD). Where the first is written later than at time
        zero, it is the second: 4/4 holds until then. LPD leaves out files that write none; here
        they have the one that MIDI gives them, 4/4.
      whole_first_bar: A piece passes if its bars count from time zero: its first time signature
        holds for whole bars, and is no pickup's (LPD: first beat at time zero; MuseGAN: no
        incomplete first bar).
      transpose: `""`, `"tonic"` (every piece to C major or A minor by its first key signature, by
        six semitones at most), or `"LOW:HIGH"` (training pieces once more for every other shift
        within that range, in semitones; the drums stay).
    """

    keys: tuple[str, ...] = ()
    time_signatures: tuple[str, ...] = ()
    single_time_signature: bool = False
    whole_first_bar: bool = False
    transpose: str = ""

    def __post_init__(self):
        """Checks that everything parses.

        Raises:
          ConfigError: If a key, time signature or transposition does not parse, or a rule is
            neither true nor false.
        """
        for name in ("single_time_signature", "whole_first_bar"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(
                    f"{name}: expected true or false. Received: {getattr(self, name)!r}."
                )
        for key in self.keys:
            parse_key(key)
        for text in self.time_signatures:
            _parse_time_signature(text)
        parse_shifts(self.transpose)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """The inverse of `to_options`; what is not there has its default.

        Raises:
          ConfigError: If a name is unknown, or a value does not parse.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in options:
            if name not in known:
                raise unknown_name("filter", name, known)
        lists = {
            name: tuple(options[name])
            for name in ("keys", "time_signatures")
            if options.get(name) is not None
        }
        return cls(**{**options, **lists})

    def to_options(self) -> dict:
        """The fields as JSON-able values."""
        return {
            "keys": list(self.keys),
            "time_signatures": list(self.time_signatures),
            "single_time_signature": self.single_time_signature,
            "whole_first_bar": self.whole_first_bar,
            "transpose": self.transpose,
        }

    @property
    def asking_for_keys(self) -> tuple[str, ...]:
        """Names of the fields that no piece without a key passes."""
        asking = {"keys": bool(self.keys), "transpose": self.transpose == TONIC}
        return tuple(name for name, asks in asking.items() if asks)

    def check(self, sequence: NoteSequence, name: str) -> None:
        """Lets a piece pass.

        Raises:
          ConversionError: With reason `"incomplete_first_bar"`, `"several_time_signatures"`,
            `"other_time_signature"`, `"no_key"` or `"other_key"`.
        """
        if self.whole_first_bar:
            _check_first_bar(sequence, name)
        if self.single_time_signature and len(sequence.time_signatures) > 1:
            raise ConversionError(
                f"Expected one time signature. Received: {len(sequence.time_signatures)} in "
                f"{name!r}, the second at {sequence.time_signatures[1].time:.2f} s.",
                reason="several_time_signatures",
            )
        if self.time_signatures:
            self._check_time_signatures(sequence, name)
        if self.keys:
            self._check_key(sequence, name)

    def _check_time_signatures(self, sequence: NoteSequence, name: str) -> None:
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


def _check_first_bar(sequence: NoteSequence, name: str) -> None:
    segments = transforms.meter_segments(sequence)
    if len(segments) == 1:
        return
    first = segments[0]
    bars = (first.end_quarter - first.start_quarter) / first.quarters_per_bar
    is_whole = math.isclose(bars, round(bars), abs_tol=1e-5)
    if not is_whole or _without_pickup(segments) is not segments:
        raise ConversionError(
            f"Expected whole bars from time zero on. Received: {bars:.3g} bars of "
            f"{first.numerator}/{first.denominator} before the next time signature in {name!r}.",
            reason="incomplete_first_bar",
        )


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
