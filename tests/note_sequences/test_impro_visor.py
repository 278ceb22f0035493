"""Impro-Visor's lead sheets: a made-up waltz against what stands in it, and what is no sheet."""

import pathlib
import random
import re

import note_seq
import pytest

from tfmusicgan.errors import PieceError, ReadError
from tfmusicgan.note_sequences import impro_visor, impro_visor_forms
from tfmusicgan.note_sequences.impro_visor import parse_sheet, read_impro_visor
from tfmusicgan.note_sequences.lead_sheet import read_lead_sheet

WALTZ = pathlib.Path(__file__).parents[1] / "data" / "impro_visor" / "waltz.ls"
TEXT = WALTZ.read_text(encoding="utf-8")

# (pitch, start, end), 120 slots to a quarter note, counted by hand.
HEAD = (
    *((58, 0, 180), (72, 180, 240), (78, 360, 400), (79, 400, 440), (92, 440, 480)),
    *((71, 480, 510), (72, 510, 540), (38, 600, 720), (76, 720, 1080)),
)
SECOND = (*((64, 360 + 24 * n, 384 + 24 * n) for n in range(5)), (67, 720, 735))
CHORDS = ((0, "Gm7"), (360, "C7"), (600, "Bb7b9/D"), (840, "NC"), (960, "F"))


def _refused(text, name="a.ls"):
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ReadError) as caught:
        read_impro_visor(data, name)
    assert name in str(caught.value) and "\n" not in str(caught.value)
    return caught.value.reason, str(caught.value)


def test_what_a_sheet_says():
    sheet = parse_sheet(TEXT.encode(), "waltz.ls")
    assert (sheet.title, sheet.composer) == ("A Made-Up Waltz (In Two)", "Nobody")
    assert (sheet.numerator, sheet.denominator, sheet.qpm, sheet.sharps) == (3, 4, 90.0, -2)
    assert (sheet.num_slots, sheet.chords) == (1080, CHORDS)
    assert sheet.sections == ((0, "swing"), (720, ""))
    found = [(chorus.title, chorus.program, chorus.notes) for chorus in sheet.choruses]
    assert found == [("Head", 66, HEAD), ("Chorus 2", 11, SECOND)]


def test_choruses_follow_each_other_over_the_same_chords():
    sequence = read_impro_visor(WALTZ)
    slot = 60 / 90 / 120
    notes = [
        (n.pitch, round(n.start_time / slot), round(n.end_time / slot)) for n in sequence.notes
    ]
    assert notes == [*HEAD, *((pitch, 1080 + s, 1080 + e) for pitch, s, e in SECOND)]
    assert {(n.instrument, n.program, n.velocity, n.is_drum) for n in sequence.notes} == {
        (0, 66, 90, False)
    }
    symbols = [(round(text.time / slot), text.text) for text in sequence.text_annotations]
    spelled = ["Gm7", "C7", "Bb7(b9)/D", "N.C.", "F"]
    places = [slot for slot, _ in CHORDS]
    assert symbols == [*zip(places, spelled, strict=True)] + [
        (1080 + place, figure) for place, figure in zip(places, spelled, strict=True)
    ]
    sections = [(round(s.time / slot), s.section_id) for s in sequence.section_annotations]
    assert sections == [(0, 0), (720, 1), (1080, 0), (1800, 1)]
    assert round(sequence.total_time / slot) == 2160
    assert sequence.ticks_per_quarter == 120
    assert [(t.numerator, t.denominator) for t in sequence.time_signatures] == [(3, 4)]
    (key,) = sequence.key_signatures
    assert (key.key, key.mode) == (10, key.MAJOR)  # Two flats: B flat.
    assert sequence.sequence_metadata.composers == ["Nobody"]


def test_it_is_a_lead_sheet_and_on_a_grid():
    sequence = read_impro_visor(WALTZ)
    sheet = read_lead_sheet(sequence, meter=(3, 4))
    assert (sheet.bars, len(sheet.melody)) == (6, 15)
    # In the third bar F holds for one beat as B flat and no chord do.
    assert sheet.chords_by(3) == (*("Gm7", "C7", "Bb7(b9)/D"), *("Gm7", "C7", "Bb7(b9)/D"))
    quantised = note_seq.quantize_note_sequence(sequence, 12)
    assert [note.quantized_start_step for note in quantised.notes][:5] == [0, 18, 36, 40, 44]


def test_no_key_is_written_where_it_is_not_known():
    assert not read_impro_visor(TEXT.replace("(key -2)", "(key 0)").encode()).key_signatures
    assert not read_impro_visor(TEXT.replace("(key -2)\n(tempo", "(tempo").encode()).key_signatures


def test_other_line_ends_and_other_bytes():
    expected = read_impro_visor(TEXT.encode())
    assert read_impro_visor(TEXT.replace("\n", "\r\n").encode()) == expected
    assert read_impro_visor(b"\xef\xbb\xbf" + TEXT.encode()) == expected
    latin = read_impro_visor(TEXT.replace("Nobody", "Andr\u00e9").encode("latin-1"))
    assert latin.sequence_metadata.composers == ["Andr\u00e9"]


def test_a_bass_that_is_no_note_is_left_out():
    sequence = read_impro_visor(TEXT.replace("Bb7b9/D", "Eb7/B6").encode())
    assert sequence.text_annotations[2].text == "Eb7"


@pytest.mark.parametrize(
    ("old", "new", "reason", "message"),
    [
        ("d--4", "d--4.", "unreadable_lead_sheet", "'d--4[.]': line 44 of a.ls"),
        ("d--4", "h4", "unreadable_lead_sheet", "Expected a note such as c.4 or a rest"),
        ("d--4", "d", "unreadable_lead_sheet", "Expected a note"),
        ("d--4", "d+-4", "unreadable_lead_sheet", "'d[+]-4'"),
        ("d--4", "d--7", "unreadable_lead_sheet", "durations of whole slots of 480.*'d--7'"),
        ("d--4", "d--0", "unreadable_lead_sheet", "durations of whole slots"),
        ("d--4", "d--4/0", "unreadable_lead_sheet", "durations of whole slots"),
        ("d--4", "d++++++4", "unreadable_lead_sheet", "a pitch from 0 to 127. Received 134 in"),
        ("d--4", "d--2", "melody_length", "as its chords, 9 quarter notes. Received 10 from line"),
        ("e+2+4", "e+2", "melody_length", "Received 8 from line 41 of a.ls"),
        ("C7 / Bb7b9/D |", "C7 / / Bb7 |", "unreadable_lead_sheet", None),
        ("C7 / Bb7b9/D |", "C7 / / Bb7 / / / |", "unreadable_lead_sheet", "a bar of 7 chords"),
        ("C7 / Bb7b9/D |", "|", "unreadable_lead_sheet", "a bar of 0 chords in '.': line 28"),
        ("Gm7 |", "/ |", "unreadable_lead_sheet", "a `/` with none before it in '/': line 28"),
        ("Gm7 |", "Gm7!? |", "unknown_chord_symbol", "Received: 'Gm7!.'. It stands in a.ls"),
        ("NC F | ", "NC F ", "truncated_lead_sheet", "end with `.`.*from line 31 of a.ls"),
        ("(phrase", "F (phrase", "unreadable_lead_sheet", "a section at a bar line"),
        ("(meter 3 4)", "(meter 3)", "unreadable_lead_sheet", "Expected a .meter 4 4.. Received 3"),
        ("(meter 3 4)", "", "unreadable_lead_sheet", "Received none"),
        ("(meter 3 4)", "(meter 3 5)", "unreadable_lead_sheet", "a denominator from 1 to 32"),
        ("(meter 3 4)", "(meter x 4)", "unreadable_lead_sheet", "a numerator from 1 to 64.*x: l"),
        ("(tempo 90.0)", "(tempo nan)", "unreadable_lead_sheet", r"a \(tempo\) from 1 to 1000"),
        ("(tempo 90.0)", f"(tempo {'9' * 99})", "unreadable_lead_sheet", r"Received 9{40}: line 8"),
        ("(tempo 90.0)", "(tempo )", "unreadable_lead_sheet", r"Received none: line 8"),
        ("(key -2)\n(tempo", "(key 8)\n(tempo", "unreadable_lead_sheet", "a key from -7 to 7"),
        ("(instrument 66)", "(instrument 128)", "unreadable_lead_sheet", "an instrument from 0 to"),
        ("(type chords)", "(type drums)", "not_lead_sheet", "Received: drums, melody, melody, in"),
        ("(type melody)", "(kind melody)", "not_lead_sheet", "Received: chords, none, none, in"),
        ("(layout)", "(layout))", "not_lead_sheet", "a `\\)` without its `\\(` in line 11"),
        ("(layout)", "layout", "not_lead_sheet", "Received 'layout' in line 11 of a.ls"),
        ("(layout)", "(layout", "truncated_lead_sheet", "for the `\\(` in line 11"),
    ],
)
def test_what_no_sheet_has(old, new, reason, message):
    assert TEXT.count(old) >= 1
    text = TEXT.replace(old, new)
    if message is None:  # Four entries divide three quarter notes; the melody is as it was.
        assert [slot for slot, _ in parse_sheet(text.encode(), "").chords[1:3]] == [360, 630]
        return
    found, line = _refused(text)
    assert found == reason, line
    assert re.search(message, line), line


def test_files_that_are_something_else(tmp_path):
    assert _refused(b" \n")[0] == "empty_file"
    assert _refused(b"MThd\x00\x00\x00\x06\x00\x01")[0] == "not_lead_sheet"
    assert _refused("(title x)\n")[0] == "not_lead_sheet"
    rests = TEXT.split("(part\n    (type melody)")[0]
    rests += "(part (type melody) (instrument 1)) r2+4 r2+4 r2+4"
    assert _refused(rests)[0] == "no_notes"
    with pytest.raises(ReadError, match=r"Received No such file or directory: .*/none.ls"):
        read_impro_visor(tmp_path / "none.ls")


def test_small_files_do_not_claim_much(monkeypatch):
    assert _refused(b" " + b"(" * impro_visor.MAX_FILE_BYTES)[0] == "too_large"
    head = "(meter 4 4)(tempo 60)(part (type chords))"
    chords = "C C C C C C C C|" * 1200
    melody = "(part (type melody))" + "c" + "+".join(["1"] * 1200)
    assert _refused(head + chords + melody * 11)[0] == "too_many_events"
    long = f"(part (type melody))c{'+'.join(['1'] * 26_000)}"
    assert _refused(head + "C|" * 26_000 + long)[0] == "too_long"
    assert _refused("(" * 100_000)[0] == "truncated_lead_sheet"
    assert _refused("(meter " + "9" * 9999 + " 4)" + TEXT)[0] == "unreadable_lead_sheet"
    assert impro_visor_forms.MAX_FILE_BYTES == 2**20


def test_cut_and_changed_files_are_refused_by_name_or_read():
    """Whatever is cut off or changed, nothing but the named errors comes out."""
    rng = random.Random(5)
    data, reasons = TEXT.encode(), set()
    for _ in range(400):
        cut = data[: rng.randrange(len(data))]
        changed = bytearray(data)
        for _ in range(rng.randrange(1, 4)):
            changed[rng.randrange(len(data))] = rng.choice(b"()|/+-#b1248crCN \x00\xff")
        for one in (cut, bytes(changed)):
            try:
                read_impro_visor(one, "cut.ls")
            except PieceError as error:
                reasons.add(error.reason)
    assert {"truncated_lead_sheet", "melody_length", "unreadable_lead_sheet"} <= reasons
