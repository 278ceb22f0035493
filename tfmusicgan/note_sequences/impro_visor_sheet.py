"""What an Impro-Visor lead sheet says: its facts, chords, sections and choruses.

`impro_visor.py` has the notation.
"""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import impro_visor_forms
from tfmusicgan.note_sequences.impro_visor_forms import Part, Token

SLOTS_PER_QUARTER = 120
"""Impro-Visor's unit of time, which is also the ticks of a quarter note."""

_SLOTS_PER_WHOLE = 4 * SLOTS_PER_QUARTER
_MIDDLE_C = 60
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_SIGNS = {"": 0, "#": 1, "b": -1}
_QPM_RANGE = (1.0, 1000.0)
_NUMERATORS = range(1, 65)
_DENOMINATORS = (1, 2, 4, 8, 16, 32)
_SHARPS = range(-7, 8)
_PROGRAMS = range(128)
_CHORDS, _MELODY = "chords", "melody"

_VALUE = r"\d{1,3}(?:/\d{1,2})?"
_NOTE = re.compile(
    r"(?:r|(?P<step>[a-g])(?P<sign>[#b]?)(?P<octave>\+*|-*))"
    rf"(?P<duration>{_VALUE}(?:\+{_VALUE})*)"
)


@dataclasses.dataclass(frozen=True)
class Chorus:
    """One time through the chords.

    Attributes:
      title: Such as `"Chorus 2"`, or `""`.
      program: MIDI program, from 0.
      notes: (MIDI pitch, start, end), in slots from the start of the chorus, in order.
    """

    title: str
    program: int
    notes: tuple[tuple[int, int, int], ...]


@dataclasses.dataclass(frozen=True)
class Sheet:
    """What a lead sheet says.

    Attributes:
      title: Of the tune, or `""`.
      composer: Or `""`.
      numerator: Of the meter.
      denominator: Of the meter.
      qpm: Quarter notes a minute.
      sharps: Of the key signature; flats if negative.
      num_slots: Length of a chorus.
      chords: (slot in a chorus, symbol as it is written), where each begins.
      sections: (slot in a chorus, name of the style, or `""` for the one before), in order.
      choruses: At least one.
    """

    title: str
    composer: str
    numerator: int
    denominator: int
    qpm: float
    sharps: int
    num_slots: int
    chords: tuple[tuple[int, str], ...]
    sections: tuple[tuple[int, str], ...]
    choruses: tuple[Chorus, ...]


def parse_sheet(data: bytes, name: str) -> Sheet:
    """Parses a file's contents (UTF-8, or else Latin-1).

    Raises:
      ReadError: With reason `"empty_file"`, `"too_large"`, `"not_lead_sheet"`,
        `"truncated_lead_sheet"` (it ends within a form or a bar), `"unreadable_lead_sheet"` (an
        unknown word, or a number out of range), `"melody_length"` (a chorus is longer or shorter
        than the chords) or `"no_notes"`.
    """
    facts, parts = impro_visor_forms.split_parts(data, name)
    chord_parts = [part for part in parts if part.fields.get("type") == _CHORDS]
    melodies = [part for part in parts if part.fields.get("type") == _MELODY]
    if len(chord_parts) != 1 or not melodies or len(parts) != 1 + len(melodies):
        kinds = ", ".join(part.fields.get("type", "none") for part in parts)[:100]
        raise ReadError(
            "Expected an Impro-Visor lead sheet: one part of chords, and one or more of melody. "
            f"Received: {kinds or 'no parts'}, in {name}.",
            "not_lead_sheet",
        )
    numerator, denominator = _read_meter(facts, name)
    bar = numerator * _SLOTS_PER_WHOLE // denominator
    num_slots, chords, sections = _read_chords(chord_parts[0], bar, name)
    choruses = tuple(_read_chorus(part, num_slots, name) for part in melodies)
    if not any(chorus.notes for chorus in choruses):
        raise ReadError(f"Expected notes. Received a sheet without any: {name}.", "no_notes")
    return Sheet(
        title=facts.get("title", ("", 0))[0],
        composer=facts.get("composer", ("", 0))[0],
        numerator=numerator,
        denominator=denominator,
        qpm=_read_qpm(facts, name),
        sharps=_whole(*facts.get("key", ("0", 0)), _SHARPS, "a key", name),
        num_slots=num_slots,
        chords=chords,
        sections=sections,
        choruses=choruses,
    )


def _read_chords(
    part: Part, bar_slots: int, name: str
) -> tuple[int, tuple[tuple[int, str], ...], tuple[tuple[int, str], ...]]:
    """A chorus's length in slots, (slot, symbol) of its chords, and (slot, style) of sections."""
    now = 0
    bar: list[Token] = []
    chords: list[tuple[int, str]] = []
    sections: list[tuple[int, str]] = []
    for token in part.tokens:
        if token.is_form:
            if bar:
                raise _unreadable("a section at a bar line", "one within a bar", token, name)
            sections.append((now, impro_visor_forms.fields_of(token.text).get("style", "")))
            continue
        if token.text != "|":
            bar.append(token)
            continue
        if not bar or bar_slots % len(bar):
            what = f"a bar of {len(bar)} chords"
            raise _unreadable("chords that divide their bar evenly", what, token, name)
        for index, entry in enumerate(bar):
            if entry.text != "/":
                chords.append((now + index * bar_slots // len(bar), entry.text))
            elif not chords:
                raise _unreadable("a chord", "a `/` with none before it", entry, name)
        now += bar_slots
        bar = []
    if bar or not now:
        line = bar[0].line if bar else part.line
        raise ReadError(
            f"Expected bars of chords that end with `|`. Received one that does not, or none, from "
            f"line {line} of {name}.",
            "truncated_lead_sheet",
        )
    return now, tuple(chords), tuple(sections)


def _read_chorus(part: Part, num_slots: int, name: str) -> Chorus:
    program = part.fields.get("instrument", "0")
    now = 0
    notes: list[tuple[int, int, int]] = []
    for token in part.tokens:
        match = None if token.is_form else _NOTE.fullmatch(token.text)
        if match is None:
            raise _unreadable("a note such as c+4 or a rest such as r8", "", token, name)
        end = now + sum(_slots(value, token, name) for value in match["duration"].split("+"))
        if match["step"]:
            notes.append((_pitch(match, token, name), now, end))
        now = end
    if now != num_slots:
        raise ReadError(
            f"Expected a chorus as long as its chords, {num_slots / SLOTS_PER_QUARTER:g} quarter "
            f"notes. Received {now / SLOTS_PER_QUARTER:g} from line {part.line} of {name}.",
            "melody_length",
        )
    number = _whole(program, part.line, _PROGRAMS, "an instrument", name)
    return Chorus(part.fields.get("title", ""), number, tuple(notes))


def _slots(value: str, token: Token, name: str) -> int:
    """Slots of one value such as `4` or `8/3`."""
    base, _, tuplet = value.partition("/")
    parts = int(tuplet or 1)
    share = max(parts - 1, 1)
    whole = int(base) * parts
    if not whole or share * _SLOTS_PER_WHOLE % whole:
        raise _unreadable(f"durations of whole slots of {_SLOTS_PER_WHOLE}", "", token, name)
    return share * _SLOTS_PER_WHOLE // whole


def _pitch(match: re.Match, token: Token, name: str) -> int:
    octave = match["octave"].count("+") - match["octave"].count("-")
    pitch = _MIDDLE_C + 12 * octave + (_STEPS[match["step"]] + _SIGNS[match["sign"]]) % 12
    if not 0 <= pitch <= 127:
        raise _unreadable("a pitch from 0 to 127", f"{pitch}", token, name)
    return pitch


def _read_meter(facts: Mapping[str, tuple[str, int]], name: str) -> tuple[int, int]:
    text, line = facts.get("meter", ("", 1))
    values = text.split()
    if len(values) != 2:
        raise _unreadable("a (meter 4 4)", text or "none", Token("", line), name)
    numerator = _whole(values[0], line, _NUMERATORS, "a numerator", name)
    return numerator, _whole(values[1], line, _DENOMINATORS, "a denominator", name)


def _read_qpm(facts: Mapping[str, tuple[str, int]], name: str) -> float:
    text, line = facts.get("tempo", ("", 1))
    low, high = _QPM_RANGE
    try:
        qpm = float(text)
    except ValueError:
        qpm = math.nan
    if not low <= qpm <= high:
        raise _unreadable(f"a (tempo) from {low:g} to {high:g}", text, Token("", line), name)
    return qpm


def _whole(text: str, line: int, allowed: Sequence[int], what: str, name: str) -> int:
    if not re.fullmatch(r"-?\d{1,3}", text) or int(text) not in allowed:
        expected = f"{what} from {min(allowed)} to {max(allowed)}"
        raise _unreadable(expected, text or "none", Token("", line), name)
    return int(text)


def _unreadable(expected: str, received: str, token: Token, name: str) -> ReadError:
    parts = (received[:40], repr(token.text[:40]) if token.text else "")
    what = " in ".join(part for part in parts if part)
    return ReadError(
        f"Expected {expected}. Received {what or 'none'}: line {token.line} of {name}.",
        "unreadable_lead_sheet",
    )
