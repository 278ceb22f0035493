"""Chord symbols of MusicXML: from a `harmony` element to its figure.

Kinds are abbreviated as note_seq does it. One that it does not know (`Neapolitan`, `other`) stays
in the figure as it is, so that whoever needs the chord is told its name, and everyone else has the
notes. An added seventh is a minor one unless it is altered, as in a dominant chord. Several chords
over one long note follow each other, see `shares`, although many programs write no offset for the
later ones.

Source: MusicXML 4.0, elements harmony, kind and degree (W3C Music Notation Community Group).
"""

import xml.etree.ElementTree as ET
from fractions import Fraction

from tfmusicgan.note_sequences.proto import note_seq_module
from tfmusicgan.note_sequences.transforms import transpose_chord

_NO_CHORD_KIND = "none"


def chord_symbol(harmony: ET.Element, transposition: int = 0) -> str:
    """The figure of a chord, such as `"Em7(b5)/Bb"`.

    Args:
      harmony: The element. Of several chords in it, one over the other, the first counts.
      transposition: Semitones that the part sounds above what is written.

    Returns:
      The figure in note_seq's spelling, `"N.C."` for no chord. What cannot be meant (no root, a
      degree without a number) stands in it as `?`, which no reader of chord symbols takes.
    """
    kinds = note_seq_module("musicxml_parser").ChordSymbol.CHORD_KIND_ABBREVIATIONS
    element = harmony.find("kind")
    kind = (element.text or "").strip() if element is not None else ""
    if kind == _NO_CHORD_KIND:
        return kinds[kind]
    if kind == "other" and element.get("text"):
        kind = element.get("text")
    root = _pitch(harmony.find("root"), "root")
    degrees = "".join(_degree(degree) for degree in harmony.findall("degree"))
    figure = root + kinds.get(kind, kind) + degrees
    if (bass := harmony.find("bass")) is not None:
        figure += f"/{_pitch(bass, 'bass')}"
    return transpose_chord(figure, transposition) if transposition else figure


def shares(count: int, length: Fraction) -> list[Fraction]:
    """Where chords begin that are written together, over one note or rest that is as long as all.

    They follow each other: on whole quarter notes, the first ones longer where that is needed, if
    there are enough of them; otherwise all are as long as each other.

    Args:
      count: Number of chords, at least 1.
      length: Of the note, in quarter notes.

    Returns:
      `count` positions in quarter notes after the note's start, the first 0.
    """
    if length.denominator > 1 or length < count:
        return [length * index / count for index in range(count)]
    return [Fraction(-(-length * index // count)) for index in range(count)]


def _pitch(element: ET.Element | None, what: str) -> str:
    """The name of a root or a bass."""
    step = "?" if element is None else (element.findtext(f"{what}-step") or "?").strip()
    return step + ("" if element is None else _signs(element.findtext(f"{what}-alter")))


def _degree(element: ET.Element) -> str:
    """One change to a chord, in brackets; none if it alters by nothing."""
    value = (element.findtext("degree-value") or "?").strip()
    signs = _signs(element.findtext("degree-alter"))
    kind = (element.findtext("degree-type") or "?").strip()
    if kind == "subtract":
        return f"(no{value})"
    if kind == "alter":
        return f"({signs}{value})" if signs else ""
    if kind == "add":
        # Altered, any but the seventh may be in the chord already, and is altered there.
        return f"({signs}{value})" if signs and value != "7" else f"(add{signs}{value})"
    return f"({kind}{signs}{value})"


def _signs(alter: str | None) -> str:
    """Sharps or flats for a number of semitones; `?` for what is none."""
    try:
        semitones = float(alter or 0)
    except ValueError:
        return "?"
    if semitones not in (-2, -1, 0, 1, 2):
        return "?"
    return ("#" if semitones > 0 else "b") * abs(int(semitones))
