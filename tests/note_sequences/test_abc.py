"""ABC books: split, read, refused tune by tune."""

import pathlib
import zipfile

import pytest

from tfmusicgan.errors import ChordSymbolError, ReadError
from tfmusicgan.note_sequences import abc, lead_sheet
from tfmusicgan.note_sequences.proto import NoteSequence

BOOK = """\
M:3/4
L:1/8

X:1
T:First
K:Dm
"Dm"D2 E2 F2|G4 A2|

Some words about the next tune.

X:7
T:Broken
K:C
(3CDE F|

X:8
T:Third
M:2/4
Q:1/4=90
Y:ignored
K:G
G,4|g2B2|
"""


def test_books_are_read_tune_by_tune():
    sequences, errors = abc.read_abc(BOOK.encode(), "book.abc")
    assert [sequence.id for sequence in sequences] == ["book.abc#0", "book.abc#2"]
    first, third = sequences
    notes = [(n.pitch, n.start_time, n.end_time) for n in first.notes]
    assert notes == [(62, 0, 0.5), (64, 0.5, 1), (65, 1, 1.5), (67, 1.5, 2.5), (69, 2.5, 3)]
    key = first.key_signatures[0]
    assert (key.key, key.mode) == (2, NoteSequence.KeySignature.MINOR)
    meters = [(m.time, m.numerator, m.denominator) for m in first.time_signatures]
    assert meters == [(0, 3, 4)]
    assert [t.qpm for t in first.tempos] == [120]
    assert [text.text for text in first.text_annotations] == ["Dm"]
    assert [t.qpm for t in third.tempos] == [90]
    assert [n.pitch for n in third.notes] == [55, 79, 71]
    assert third.total_time == pytest.approx(4 * 60 / 90)
    ((name, error),) = errors
    assert name == "book.abc#1"
    assert error.reason == "unreadable_abc"
    assert str(error).endswith("TupletError: Tuplets are not supported. in book.abc#1.")


def test_prose_before_the_first_tune_is_no_header():
    prose = b"Tunes of my village\n% by ear\nM:3/4\nA: no, X comes later.\nL:1/4\n\n"
    header, _ = abc.split_tunes(prose + b"X:1\nK:C\nCDE|\n", "x")
    assert header == "% by ear\nM:3/4\nA: no, X comes later.\nL:1/4"
    ((first, second), errors) = abc.read_abc(prose + b"X:1\nK:C\nCDE|\n\nX:2\nK:C\nGAB|\n", "x")
    assert not errors
    assert [n.pitch for n in (*first.notes, *second.notes)] == [60, 62, 64, 67, 69, 71]
    assert (first.time_signatures[0].numerator, first.total_time) == (3, 1.5)


def tune(music: str, meter: str = "3/4") -> bytes:
    return f"X:1\nT:A tune\nM:{meter}\nL:1/8\nQ:1/4=60\nK:D\n{music}\n".encode()


@pytest.mark.parametrize(
    ("music", "meter", "expected"),
    [
        ('A2|"D"d4 e2|d6|', "3/4", [(0, 1, 4), (1, 3, 4)]),
        ('"A7"A|:"D"d6|d6:|', "3/4", [(0, 1, 8), (0.5, 3, 4)]),
        ("|:AB|d8:|", "4/4", [(0, 1, 4), (1, 4, 4)]),
        # Over two lines, with a field between.
        ("|:\nw:words | here\nA2\nI:words\nB|d6:|", "6/8", [(0, 3, 8), (1.5, 6, 8)]),
        # A whole first bar; one that is too long; nothing but a short one; no bar line.
        ("d6|A2|", "3/4", [(0, 3, 4)]),
        ("d8|d6|", "3/4", [(0, 3, 4)]),
        ("A2|", "3/4", [(0, 3, 4)]),
        ("A2 B2", "3/4", [(0, 3, 4)]),
        # A chord symbol's letters, and its bar line, are no music.
        ('"A|m"A2|d6|', "3/4", [(0, 1, 4), (1, 3, 4)]),
        ("[|A2|]d6|", "3/4", [(0, 1, 4), (1, 3, 4)]),
    ],
)
def test_pick_ups(music, meter, expected):
    ((sequence,), errors) = abc.read_abc(tune(music, meter), "book.abc")
    assert not errors
    meters = [(m.time, m.numerator, m.denominator) for m in sequence.time_signatures]
    assert meters == expected


@pytest.mark.parametrize("sign", [":|", "::", ":||:"])
def test_a_repeat_behind_a_lines_first_note_makes_no_field(sign):
    end = "" if sign == ":|" else ":|"
    ((sequence,), errors) = abc.read_abc(tune(f"|:d6|d5\nE{sign}e6|f6{end}"), "book.abc")
    assert not errors
    assert [n.pitch for n in sequence.notes] == [74, 74, 64, 76, 78]
    # note_seq reads no rests: such a tune is refused, not read without the line.
    _, ((_, error),) = abc.read_abc(tune(f"d6|d5\nz{sign}e6|f6{end}"), "book.abc")
    assert "Unexpected character: [b'z']" in str(error)
    # The key may be the book's.
    sequence = abc.read_tune("M:4/4\nL:1/4\nK:C", f"X:1\nT:a\nCDEF|\nA{sign}c4{end}", "book.abc")
    assert 69 in [note.pitch for note in sequence.notes]


def test_a_meter_of_nothing():
    ((sequence,), errors) = abc.read_abc(tune("d6|d6|", meter="4/0"), "book.abc")
    assert not errors and len(sequence.notes) == 2


def test_a_lead_sheet_with_a_pick_up():
    ((sequence,), _) = abc.read_abc(tune('A2|"D"d4 e2|"A7/e"d4|'), "book.abc")
    sheet = lead_sheet.read_lead_sheet(sequence)
    assert [(n.start_quarter, n.end_quarter) for n in sheet.melody] == [
        *((2, 3), (3, 5), (5, 6), (6, 8)),
    ]
    assert sheet.chords_by(3) == ("N.C.", "D", "A7/E")


def test_quoted_texts_are_chord_symbols_unless_a_sign_of_place_says_otherwise():
    music = '"Am"A2"Hx9"B2"^slow"c2|"_p"A2"<("">x"B2"@1,2 y"c2|" D"A2" "B2"(D7)"c2|""A6|'
    ((sequence,), errors) = abc.read_abc(tune(music), "book.abc")
    assert not errors
    kinds = NoteSequence.TextAnnotation
    texts = [(text.text, text.annotation_type) for text in sequence.text_annotations]
    symbols = [text for text, kind in texts if kind == kinds.CHORD_SYMBOL]
    others = [text for text, kind in texts if kind == kinds.UNKNOWN]
    assert symbols == ["Am", "Hx9", " D"]
    assert others == ["^slow", "_p", "<(", ">x", "@1,2 y", " ", "(D7)", ""]


def test_a_lead_sheet_names_the_chord_symbol_that_it_cannot_read():
    ((sequence,), _) = abc.read_abc(tune('"Am"A6|"Hx9"B6|'), "book.abc")
    with pytest.raises(ChordSymbolError, match="'Hx9'"):
        lead_sheet.read_lead_sheet(sequence)
    ((sequence,), _) = abc.read_abc(tune('"Am"A6|"^slow"B6|" D"c6|"(D7)"d6|'), "book.abc")
    assert lead_sheet.read_lead_sheet(sequence).chords_by(3) == ("Am", "Am", "D", "D")


def test_a_tune_without_notes():
    _, ((_, error),) = abc.read_abc(b"X:1\nK:C\n|\n", "book.abc")
    assert (error.reason, str(error)) == (
        "no_notes",
        "Expected notes. Received a piece without any: book.abc#0.",
    )


def test_latin_1_and_a_mark_before_utf_8():
    _, (tune,) = abc.split_tunes("X:1\nT:Été\n".encode("latin-1"), "x")
    assert tune == "X:1\nT:Été"
    _, (tune,) = abc.split_tunes("\ufeffX:1\nT:Été\n".encode(), "x")
    assert tune == "X:1\nT:Été"


@pytest.mark.parametrize(
    ("data", "reason", "message"),
    [
        (b" \n", "empty_file", "empty file: book.abc"),
        (b"Dear reader,\n\nno tunes here.", "no_tunes", "Received none: book.abc"),
    ],
)
def test_bad_books(data, reason, message):
    with pytest.raises(ReadError, match=message) as caught:
        abc.read_abc(data, "book.abc")
    assert caught.value.reason == reason


def test_too_large_and_missing(tmp_path, monkeypatch):
    with pytest.raises(ReadError, match="No such file") as caught:
        abc.read_abc(tmp_path / "gone.abc")
    assert caught.value.reason == "unreadable_file"
    monkeypatch.setattr(abc, "MAX_BOOK_BYTES", 5)
    path = tmp_path / "book.abc"
    path.write_text(BOOK)
    with pytest.raises(ReadError, match="at most 5 bytes") as caught:
        abc.read_abc(path)
    assert caught.value.reason == "too_large"


def test_note_seq_agrees_on_a_real_book(test_data: pathlib.Path):
    from note_seq import abc_parser

    with zipfile.ZipFile(test_data / "nottingham/nottingham_abc_cleaned.zip") as archive:
        name = next(name for name in archive.namelist() if name.endswith("waltzes.abc"))
        data = archive.read(name)
    sequences, errors = abc.read_abc(data, "waltzes.abc")
    expected, refused = abc_parser.parse_abc_tunebook(data.decode())
    assert len(errors) == len(refused) > 10
    assert len(sequences) == len(expected) > 10
    for ours, theirs in zip(sequences, expected.values(), strict=True):
        assert sorted((n.start_time, n.pitch, n.end_time) for n in ours.notes) == sorted(
            (n.start_time, n.pitch, n.end_time) for n in theirs.notes
        )
