"""Meters out of measures' lengths, by hand."""

import xml.etree.ElementTree as ET
from fractions import Fraction

import pytest

from tfmusicgan.note_sequences.musicxml_meters import bar_meters
from tfmusicgan.note_sequences.musicxml_score import Layout, take_layout


def layout(lengths: list[float], written: dict[int, tuple[int, int]]) -> Layout:
    lengths = [Fraction(length) for length in lengths]
    starts = [sum(lengths[:index], Fraction(0)) for index in range(len(lengths))]
    return Layout(starts, lengths, written, [], [])


@pytest.mark.parametrize(
    ("lengths", "written", "expected"),
    [
        ([4, 4, 4], {0: (4, 4)}, [(0, 4, 4)]),
        # Pickup, and the short last bar that completes it.
        ([1, 4, 3], {0: (4, 4)}, [(0, 1, 4), (1, 4, 4)]),
        # A bar split at a repeat.
        ([4, 3, 1, 4], {0: (4, 4)}, [(0, 4, 4)]),
        ([4, 1, 2, 1, 4], {0: (4, 4)}, [(0, 4, 4)]),
        # A pickup and the short bar after it would fill a bar, but don't make one.
        ([1, 3, 4], {0: (4, 4)}, [(0, 1, 4), (1, 3, 4), (4, 4, 4)]),
        # Too short without a complement, and too long.
        ([4, 2, 4, 4], {0: (4, 4)}, [(0, 4, 4), (4, 2, 4), (6, 4, 4)]),
        ([4, 6, 4], {0: (4, 4)}, [(0, 4, 4), (4, 6, 4), (10, 4, 4)]),
        ([4, 4.5], {0: (4, 4)}, [(0, 4, 4), (4, 9, 8)]),
        # The meter changes; a complement does not reach across the change.
        ([4, 3, 3, 3], {0: (4, 4), 2: (3, 4)}, [(0, 4, 4), (4, 3, 4)]),
        ([3, 3, 1.5], {0: (6, 8), 2: (3, 8)}, [(0, 6, 8), (6, 3, 8)]),
        # Nothing written; nothing in the first measure; nothing at all.
        ([4, 4], {}, [(0, 4, 4)]),
        ([0, 3, 3], {0: (3, 4)}, [(0, 3, 4)]),
        ([], {}, [(0, 4, 4)]),
        # Where no time signature is written, most measures tell.
        ([1, 3, 3, 3, 2], {}, [(0, 1, 4), (1, 3, 4)]),
        ([3, 3, 3], {}, [(0, 3, 4)]),
        ([3, 4, 4], {}, [(0, 3, 4), (3, 4, 4)]),
        ([Fraction(1, 3)], {}, [(0, 4, 4)]),
        # A length that no time signature has.
        ([4, Fraction(1, 3), 4], {0: (4, 4)}, [(0, 4, 4)]),
    ],
)
def test_bar_meters(lengths, written, expected):
    meters = bar_meters(layout(lengths, written))
    assert [(m.quarter, m.numerator, m.denominator) for m in meters] == expected


def element(measure: str) -> ET.Element:
    return ET.fromstring(
        f"<score-partwise><part><measure>{measure}</measure></part></score-partwise>"
    )


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("<beats>3+2</beats><beat-type>8</beat-type>", (5, 8)),
        (
            "<beats>2</beats><beat-type>4</beat-type><beats>3</beats><beat-type>4</beat-type>",
            (5, 4),
        ),
        ("<beats>2</beats><beat-type>4</beat-type><beats>3</beats><beat-type>8</beat-type>", None),
        ("<senza-misura/>", None),
    ],
)
def test_unusual_meters(time, expected):
    root = element(f"<attributes><time>{time}</time></attributes>")
    found = take_layout(root).written_meters
    assert found == ({0: expected} if expected else {})
    assert root.find(".//time") is None


def test_layout_of_one_measure():
    root = element(
        "<attributes><divisions>3</divisions><key><fifths>-1</fifths></key></attributes>"
        "<note><duration>3</duration></note><note><chord/><duration>3</duration></note>"
        '<direction><sound tempo="90"/></direction><sound tempo="0"/>'
        "<forward><duration>2</duration></forward><backup><duration>4</duration></backup>"
        "<attributes><divisions>6</divisions></attributes><note><duration>1</duration></note>"
    )
    found = take_layout(root)
    assert found.lengths == [Fraction(5, 3)]
    assert found.tempos == [(Fraction(1), 90.0)]
    assert [(key.quarter, key.tonic, key.mode) for key in found.keys] == [(0, 5, "")]
    # 1/3 + 1/6 of a quarter note passed; 7/6 are missing, of six divisions each.
    assert root.find(".//measure")[-1].findtext("duration") == "7"
    assert root.find(".//sound").attrib == {}
