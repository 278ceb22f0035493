"""MusicXML reading against scores written out by hand, and the corpus against its own XML."""

import collections
import importlib.util
import io
import pathlib
import xml.etree.ElementTree as ET
import zipfile

import numpy as np
import pytest

from tests.note_sequences.scores import attributes, note, score, tempo
from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import musicxml, musicxml_file, transforms
from tfmusicgan.note_sequences.proto import NoteSequence

MODES = NoteSequence.KeySignature


def notes(sequence) -> list[tuple]:
    return [(n.instrument, n.pitch, n.start_time, n.end_time) for n in sequence.notes]


def meters(sequence) -> list[tuple]:
    return [(s.time, s.numerator, s.denominator) for s in sequence.time_signatures]


def test_two_parts_with_a_pickup():
    upper = [attributes() + note("C", 5, 2), note("D", 5, 8), note("E", 5, 6)]
    lower = [attributes() + note("C", 3, 2), note("B", 2, 4) + note("A", 2, 4), note("G", 2, 6)]
    sequence = musicxml.read_musicxml(score(upper, lower, programs=((1, 53), (10, 1))))
    assert notes(sequence) == [
        *((1, 48, 0, 0.5), (0, 72, 0, 0.5), (1, 47, 0.5, 1.5), (0, 74, 0.5, 2.5)),
        *((1, 45, 1.5, 2.5), (1, 43, 2.5, 4), (0, 76, 2.5, 4)),
    ]
    assert {(n.part, n.program, n.is_drum) for n in sequence.notes} == {
        (0, 52, False),
        (1, 0, True),
    }
    # The last bar is short because of the pickup; that is no new meter.
    assert meters(sequence) == [(0, 1, 4), (0.5, 4, 4)]
    assert [(t.time, t.qpm) for t in sequence.tempos] == [(0, 120)]
    assert [info.name for info in sequence.part_infos] == ["Part 0", "Part 1"]
    assert [(i.instrument, i.name) for i in sequence.instrument_infos] == [
        (0, "Part 0"),
        (1, "Part 1"),
    ]
    assert sequence.total_time == 4
    source = NoteSequence.SourceInfo
    assert sequence.source_info.encoding_type == source.MUSIC_XML
    assert sequence.source_info.parser == source.MAGENTA_MUSIC_XML


@pytest.mark.parametrize(
    ("fifths", "mode", "tonic", "name"),
    [
        (0, "major", 0, MODES.MAJOR),
        (-3, "minor", 0, MODES.MINOR),
        (2, "minor", 11, MODES.MINOR),
        (2, "dorian", 4, MODES.DORIAN),
        (-1, "phrygian", 9, MODES.PHRYGIAN),
        (1, "mixolydian", 2, MODES.MIXOLYDIAN),
        (1, "lydian", 0, MODES.LYDIAN),
        (3, "aeolian", 6, MODES.MINOR),
        (5, "", 11, MODES.NOT_SPECIFIED),
    ],
)
def test_keys_keep_their_mode(fifths, mode, tonic, name):
    data = score([attributes(fifths=fifths, mode=mode) + note("C", 4, 8)])
    (key,) = musicxml.read_musicxml(data).key_signatures
    assert (key.time, key.key, key.mode) == (0, tonic, name)


def test_keys_of_transposing_instruments_sound():
    # A trumpet in B flat, written in D major, sounds in C.
    trumpet = "<transpose><chromatic>-2</chromatic></transpose>"
    data = score([attributes(fifths=2, more=trumpet) + note("D", 5, 8)])
    sequence = musicxml.read_musicxml(data)
    assert (sequence.key_signatures[0].key, sequence.notes[0].pitch) == (0, 72)


def test_tempo_changes_hold_for_all_parts():
    first = [attributes() + tempo(60) + note("C", 5, 8), tempo(240) + note("D", 5, 8)]
    second = [attributes() + note("C", 3, 8), note("D", 3, 8)]
    sequence = musicxml.read_musicxml(score(first, second))
    assert [(t.time, t.qpm) for t in sequence.tempos] == [(0, 60), (4, 240)]
    assert notes(sequence) == [(1, 48, 0, 4), (0, 72, 0, 4), (1, 50, 4, 5), (0, 74, 4, 5)]


def test_a_late_first_tempo_holds_from_the_start():
    data = score([attributes() + note("C", 5, 8), tempo(60) + note("D", 5, 8)])
    assert notes(musicxml.read_musicxml(data)) == [(0, 72, 0, 4), (0, 74, 4, 8)]


def test_tied_notes_are_one():
    data = score(
        [
            attributes() + note("C", 5, 8, tie="start"),
            note("C", 5, 8, tie="stop start"),
            note("C", 5, 4, tie="stop") + note("C", 5, 4),
        ]
    )
    assert notes(musicxml.read_musicxml(data)) == [(0, 72, 0, 5), (0, 72, 5, 6)]


def test_grace_notes_are_left_out():
    grace = "<note><grace/><pitch><step>B</step><octave>4</octave></pitch><voice>1</voice></note>"
    data = score([attributes() + note("C", 5, 8), grace + note("D", 5, 8)])
    assert [n[1] for n in notes(musicxml.read_musicxml(data))] == [72, 74]


def test_measures_are_as_long_as_their_longest_voice():
    # The second voice of the first part ends early, and so does the second part's measure.
    voices = note("C", 5, 8) + "<backup><duration>8</duration></backup>" + note("E", 4, 2)
    upper = [attributes() + voices, note("D", 5, 8)]
    lower = [attributes() + note("C", 3, 6), note("D", 3, 8)]
    sequence = musicxml.read_musicxml(score(upper, lower))
    assert [n[2] for n in notes(sequence)] == [0, 0, 0, 2, 2]
    assert meters(sequence) == [(0, 4, 4)]


def mxl(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def container(*rootfiles: str) -> bytes:
    files = "".join(f'<rootfile full-path="{file}"/>' for file in rootfiles)
    return f"<container><rootfiles>{files}</rootfiles></container>".encode()


PLAIN = score([attributes() + note("C", 5, 8)])
CONTAINER = "META-INF/container.xml"


def test_compressed_files(tmp_path):
    path = tmp_path / "score.mxl"
    path.write_bytes(mxl({CONTAINER: container("a/b.xml", "c.pdf"), "a/b.xml": PLAIN}))
    assert musicxml.read_musicxml(path) == musicxml.read_musicxml(PLAIN)


MALFORMED = b"<container><rootfiles><rootfile full-path='it's.xml'/></rootfiles></container>"


def test_a_container_that_is_not_xml_gives_way_to_the_only_score():
    members = {CONTAINER: MALFORMED, "it's.xml": PLAIN, "META-INF/other.xml": b"<a/>", "b.pdf": b""}
    assert musicxml.read_musicxml(mxl(members)) == musicxml.read_musicxml(PLAIN)


@pytest.mark.parametrize(
    ("data", "reason", "message"),
    [
        (b"", "empty_file", "empty file: x"),
        (b"PK\x03\x04 and so on", "malformed_mxl", "File is not a zip file"),
        (mxl({"a.xml": PLAIN}), "malformed_mxl", "no item named 'META-INF/container.xml'"),
        (mxl({CONTAINER: b"<a b='it's'/>"}), "malformed_mxl", "is not XML: not well-formed"),
        (mxl({CONTAINER: MALFORMED}), "malformed_mxl", "and it has 0 scores"),
        (
            mxl({CONTAINER: MALFORMED, "a.xml": PLAIN, "b.musicxml": PLAIN}),
            "malformed_mxl",
            "and it has 2 scores",
        ),
        (mxl({CONTAINER: container()}), "malformed_mxl", "names no score"),
        (mxl({CONTAINER: container("b.xml")}), "malformed_mxl", "no item named 'b.xml'"),
        (b"<score-partwise><part>", "unreadable_musicxml", "not XML"),
        (b"just text", "unreadable_musicxml", "not XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "unreadable_musicxml", "entity"),
        (b"<svg/>", "not_musicxml", "Received <svg>"),
        (score([attributes()]), "no_notes", "without any: x"),
        (score([attributes() + note("H", 5, 8)]), "unreadable_musicxml", "PitchStepParseError"),
        (
            score([attributes() + "<note><duration>x</duration></note>"]),
            "unreadable_musicxml",
            "'x'",
        ),
        (score([attributes(meter="0/4") + note("C", 5, 8)]), "unreadable_musicxml", "meter 0/4"),
        (
            score([attributes(meter="3000000000/4") + note("C", 5, 8)]),
            "unreadable_musicxml",
            "meter 3000000000/4",
        ),
        (score([attributes() + note("C", 12, 8)]), "invalid_notes", "pitch 156"),
        (score([attributes() + note("C", 5, 10**6)]), "too_long", "500000 quarter notes"),
    ],
)
def test_bad_files_have_reasons(data, reason, message):
    with pytest.raises(ReadError, match=message) as caught:
        musicxml.read_musicxml(data, "x")
    assert caught.value.reason == reason
    assert "\n" not in str(caught.value)


def test_bombs_are_not_unpacked(monkeypatch, tmp_path):
    monkeypatch.setattr(musicxml_file, "MAX_XML_BYTES", 1000)
    bomb = mxl({CONTAINER: container("a.xml"), "a.xml": bytes(5_000_000)})
    for data in (bomb, b"<a>" + bytes(1000)):
        with pytest.raises(ReadError, match="at most 1000 bytes") as caught:
            musicxml.read_musicxml(data)
        assert caught.value.reason == "too_large"


def test_missing_file(tmp_path):
    with pytest.raises(ReadError, match="No such file") as caught:
        musicxml.read_musicxml(tmp_path / "gone.xml")
    assert caught.value.reason == "unreadable_file"


def chorales() -> list[pathlib.Path]:
    package = importlib.util.find_spec("music21")
    folder = pathlib.Path(package.submodule_search_locations[0], "corpus", "bach")
    return sorted(folder.glob("*.mxl"))


def raw(path: pathlib.Path) -> ET.Element:
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if not n.startswith("META-INF"))
        return ET.fromstring(archive.read(name))


def test_chorales_against_their_xml():
    """Every fifth chorale: parts, keys, and that bar lines are where measures begin."""
    counts = collections.Counter()
    for path in chorales()[::5]:
        root = raw(path)
        sequence = musicxml.read_musicxml(path)
        assert {n.instrument for n in sequence.notes} == set(range(len(root.findall("part"))))
        measures = root.find("part").findall("measure")
        key = measures[0].find("attributes/key")
        tonic = (7 * int(key.findtext("fifths")) + 9 * (key.findtext("mode") == "minor")) % 12
        mode = key.findtext("mode") or "not_specified"
        assert transforms.key_at_start(sequence) == (tonic, mode)
        segments = transforms.meter_segments(sequence)
        written = measures[0].find("attributes/time")
        nominal = (int(written.findtext("beats")), int(written.findtext("beat-type")))
        first_bar = sum(
            int(n.findtext("duration"))
            for n in measures[0].findall("note")
            if n.findtext("voice", "1") == "1" and n.find("chord") is None
        ) / int(measures[0].findtext("attributes/divisions"))
        assert segments[0].quarters_per_bar == first_bar
        has_pickup = first_bar < 4 * nominal[0] / nominal[1]
        counts["pickup" if has_pickup else "full"] += 1
        second = segments[1] if has_pickup else segments[0]
        assert (second.numerator, second.denominator) == nominal
        # A bar line in the middle of a note that lasts across is rare; one amid all is wrong.
        onsets = {round(float(q), 6) for q in starts(sequence)}
        lines = [
            q
            for s in segments
            for q in np.arange(s.start_quarter, s.end_quarter, s.quarters_per_bar)
        ]
        counts["lines"] += len(lines)
        counts["hit"] += sum(round(float(q), 6) in onsets for q in lines)
    assert counts["pickup"] > 30 and counts["full"] > 10
    assert counts["hit"] > 0.97 * counts["lines"]


def starts(sequence) -> np.ndarray:
    seconds = np.array([note.start_time for note in sequence.notes])
    return transforms.seconds_to_quarters(sequence, seconds)


def test_open_lead_sheets(test_data: pathlib.Path):
    """Of every ninth piece; those with an apostrophe in the title have a malformed container."""
    malformed = 0
    with zipfile.ZipFile(test_data / "openewld/openewld_mxl.zip") as archive:
        for name in sorted(name for name in archive.namelist() if name.endswith(".mxl"))[::9]:
            data = archive.read(name)
            with zipfile.ZipFile(io.BytesIO(data)) as score_archive:
                container_data = score_archive.read(CONTAINER)
            malformed += container_data.count(b"'") % 2
            sequence = musicxml.read_musicxml(data, name)
            assert sequence.notes and sequence.text_annotations
    assert malformed > 5
