"""Chord symbols of MusicXML: elements written out by hand, and the lead sheets of OpenEWLD."""

import collections
import io
import pathlib
import xml.etree.ElementTree as ET
import zipfile
from fractions import Fraction

import pytest

from tests.note_sequences.scores import attributes, note, score, tempo
from tfmusicgan.errors import ChordSymbolError, ReadError
from tfmusicgan.note_sequences import chord_symbols, musicxml
from tfmusicgan.note_sequences.musicxml_chords import chord_symbol, shares


def harmony(kind: str, more: str = "", root: str = "D", alter: str = "") -> str:
    root_alter = f"<root-alter>{alter}</root-alter>" if alter else ""
    return (
        f"<harmony><root><root-step>{root}</root-step>{root_alter}</root>"
        f"<kind>{kind}</kind>{more}</harmony>"
    )


def degree(value: int, alter: int, kind: str) -> str:
    return (
        f"<degree><degree-value>{value}</degree-value><degree-alter>{alter}</degree-alter>"
        f"<degree-type>{kind}</degree-type></degree>"
    )


OTHER = '<harmony><kind text="m6">other</kind><root><root-step>E</root-step></root></harmony>'
BASS = "<bass><bass-step>A</bass-step><bass-alter>-1</bass-alter></bass>"


@pytest.mark.parametrize(
    ("element", "expected", "pitch_classes"),
    [
        (harmony("major"), "D", {2, 6, 9}),
        (harmony(""), "D", {2, 6, 9}),
        (harmony("minor-seventh", root="B", alter="-1"), "Bbm7", {10, 1, 5, 8}),
        (harmony("half-diminished", root="F", alter="1.0"), "F#m7b5", {6, 9, 0, 4}),
        (harmony("dominant", degree(5, 1, "alter") + degree(9, -1, "add")), None, {2, 6, 10, 0, 3}),
        (harmony("dominant-13th", degree(9, -1, "alter")), None, {2, 6, 9, 0, 3, 7, 11}),
        (harmony("major", degree(9, 0, "add")), "D(add9)", {2, 6, 9, 4}),
        (harmony("dominant", degree(5, 0, "subtract")), "D7(no5)", {2, 6, 0}),
        # An added seventh is that of a dominant chord; raised, a major one.
        (harmony("suspended-fourth", degree(7, 0, "add")), "Dsus(add7)", {2, 7, 9, 0}),
        (harmony("minor", degree(7, 1, "add")), "Dm(add#7)", {2, 5, 9, 1}),
        (harmony("minor", degree(5, 0, "alter")), "Dm", {2, 5, 9}),
        (harmony("dominant", BASS), "D7/Ab", {2, 6, 9, 0}),
        (harmony("none"), "N.C.", set()),
        (OTHER, "Em6", {4, 7, 11, 1}),
    ],
)
def test_figures(element, expected, pitch_classes):
    figure = chord_symbol(ET.fromstring(element))
    assert expected in (None, figure)
    assert chord_symbols.chord_pitch_classes(figure) == pitch_classes


def test_a_transposing_part_is_written_above_what_sounds():
    element = ET.fromstring(harmony("minor", BASS, root="E"))
    assert chord_symbol(element, -2) == "Dm/F#"


@pytest.mark.parametrize(
    "element",
    [
        harmony("Neapolitan"),
        harmony("dominant", root="D", alter="3"),
        harmony("dominant", root="D", alter="much"),
        harmony("dominant", "<degree><degree-type>add</degree-type></degree>"),
        harmony("dominant", degree(9, 0, "polish")),
        "<harmony><function>IV</function><kind>major</kind></harmony>",
        "<harmony/>",
    ],
)
def test_what_cannot_be_read_keeps_its_place_and_is_refused_by_name(element):
    data = score([attributes() + element + note("C", 5, 8)])
    (text,) = musicxml.read_musicxml(data).text_annotations
    with pytest.raises(ChordSymbolError, match=r"Received: '.+'"):
        chord_symbols.normalise_symbol(text.text)


def test_places_in_time():
    """At 60 a minute, a quarter note lasts a second; two divisions are one quarter note."""
    first = tempo(60) + harmony("major") + note("C", 5, 4) + harmony("minor") + note("D", 5, 4)
    second = harmony("dominant", "<offset>3</offset>") + note("E", 5, 8)
    last = note("E", 5, 8) + harmony("major", "<offset>-1</offset>", root="G")
    late = harmony("power", "<offset>1e30</offset>")
    data = score([attributes() + first, second, last + late])
    sequence = musicxml.read_musicxml(data)
    assert [(text.time, text.text) for text in sequence.text_annotations] == [
        *((0, "D"), (2, "Dm"), (5.5, "D7"), (11.5, "G")),
        (12, "D5"),  # As late as the piece goes.
    ]
    annotation = sequence.text_annotations[0]
    assert annotation.annotation_type == annotation.CHORD_SYMBOL


@pytest.mark.parametrize("offset", ["nan", "inf", "soon"])
def test_an_offset_that_is_no_number_makes_a_document_unreadable(offset):
    element = harmony("major", f"<offset>{offset}</offset>")
    with pytest.raises(ReadError, match="MusicXML that note_seq can read") as caught:
        musicxml.read_musicxml(score([attributes() + element + note("C", 5, 8)]))
    assert caught.value.reason == "unreadable_musicxml"


@pytest.mark.parametrize(
    ("count", "length", "expected"),
    [
        (1, 4, [0]),
        (2, 4, [0, 2]),
        (2, 3, [0, 2]),
        (3, 4, [0, 2, 3]),
        (4, 4, [0, 1, 2, 3]),
        (2, 1, [0, 0.5]),
        (3, 1.5, [0, 0.5, 1]),
        (2, 1.5, [0, 0.75]),
    ],
)
def test_chords_over_one_note_share_its_time(count, length, expected):
    assert shares(count, Fraction(length)) == expected


def test_chords_that_are_written_together_follow_each_other():
    """Not those with an offset, nor those that a note sets apart, nor any behind the last note."""
    together = harmony("major") + harmony("minor") + harmony("dominant")
    grace = "<note><grace/><pitch><step>C</step><octave>5</octave></pitch><voice>1</voice></note>"
    offset = harmony("power", "<offset>4</offset>")
    bars = [
        attributes() + tempo(60) + together + grace + note("C", 5, 8),
        harmony("minor") + note("C", 5, 4) + harmony("major") + offset + note("C", 5, 4),
        note("C", 5, 8) + harmony("minor") + harmony("major"),
    ]
    sequence = musicxml.read_musicxml(score(bars))
    assert [(text.time, text.text) for text in sequence.text_annotations] == [
        *((0, "D"), (2, "Dm"), (3, "D7")),
        *((4, "Dm"), (6, "D"), (8, "D5")),
        *((12, "Dm"), (12, "D")),
    ]


def test_a_transposed_document_sounds_lower():
    more = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    data = score([attributes(more=more) + harmony("major") + note("D", 5, 8)])
    sequence = musicxml.read_musicxml(data)
    assert sequence.text_annotations[0].text == "C"
    assert sequence.notes[0].pitch == 72


def test_every_symbol_of_open_lead_sheets_is_read(test_data: pathlib.Path):
    """The README of the data counts 20,030 symbols, 912 of them with a bass."""
    counts: collections.Counter = collections.Counter()
    with zipfile.ZipFile(test_data / "openewld/openewld_mxl.zip") as archive:
        for name in archive.namelist():
            if name.endswith(".mxl"):
                counts.update(_figures(archive.read(name)))
    assert sum(counts.values()) == 20_030
    assert sum(count for figure, count in counts.items() if "/" in figure) == 912
    for figure in counts:
        assert chord_symbols.chord_pitch_classes(figure)


def _figures(data: bytes) -> list[str]:
    """The symbols of one score, read from its text, which is faster than parsing all of it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (member,) = (name for name in archive.namelist() if "META-INF" not in name)
        pieces = archive.read(member).decode().split("<harmony")[1:]
    return [
        chord_symbol(ET.fromstring(f"<harmony{piece.partition('</harmony>')[0]}</harmony>"))
        for piece in pieces
    ]
