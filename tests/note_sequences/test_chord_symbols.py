"""Chord symbols: spellings by eye, pitch classes by hand and by music21, those of real data."""

import collections
import pathlib
import re
import zipfile

import pytest

from tfmusicgan.errors import ChordSymbolError, ConversionError
from tfmusicgan.note_sequences import chord_symbols
from tfmusicgan.note_sequences.chord_symbols import (
    chord_bass,
    chord_pitch_classes,
    chord_pitches,
    nearest_triad,
    normalise_symbol,
    read_progression,
    root_and_quality,
    transpose_symbol,
)

# (symbol, its one spelling, semitones above the root).
SPELLINGS = [
    ("C", "C", {0, 4, 7}),
    ("Cmaj", "C", {0, 4, 7}),
    ("C♯min", "C#m", {0, 3, 7}),
    ("D♭-", "Dbm", {0, 3, 7}),
    ("CM7", "Cmaj7", {0, 4, 7, 11}),
    ("C^", "Cmaj7", {0, 4, 7, 11}),
    ("CΔ9", "Cmaj9", {0, 2, 4, 7, 11}),
    ("A-7", "Am7", {0, 3, 7, 10}),
    ("Ami7", "Am7", {0, 3, 7, 10}),
    ("D7b9#5", "D7(b9)(#5)", {0, 1, 4, 8, 10}),
    ("G7(b9,#11)", "G7(b9)(#11)", {0, 1, 4, 6, 7, 10}),
    ("C7-5", "C7(b5)", {0, 4, 6, 10}),
    ("C7+9", "C7(#9)", {0, 3, 4, 7, 10}),
    ("C7omit5", "C7(no5)", {0, 4, 10}),
    ("Em7b5", "Em7b5", {0, 3, 6, 10}),
    ("Em7(b5)", "Em7b5", {0, 3, 6, 10}),
    ("Bø7", "Bm7b5", {0, 3, 6, 10}),
    ("F#o7", "F#dim7", {0, 3, 6, 9}),
    ("F#°", "F#dim", {0, 3, 6}),
    ("Bb+", "Bbaug", {0, 4, 8}),
    ("Bb7+", "Bbaug7", {0, 4, 8, 10}),
    ("BbmM7", "Bbm(maj7)", {0, 3, 7, 11}),
    ("Bb-(maj7)", "Bbm(maj7)", {0, 3, 7, 11}),
    ("Bbmmaj9", "Bbm(maj7)(add9)", {0, 2, 3, 7, 11}),
    ("AMI7", "Am7", {0, 3, 7, 10}),
    ("AMin9", "Am9", {0, 2, 3, 7, 10}),
    # An a behind an m that belongs to `add`, not to `maj`.
    ("Amadd9", "Am(add9)", {0, 2, 3, 7}),
    ("Am add9", "Am(add9)", {0, 2, 3, 7}),
    ("C-add11", "Cm(add11)", {0, 3, 5, 7}),
    ("Cmadd2", "Cm(add2)", {0, 2, 3, 7}),
    ("CMadd9", "C(add9)", {0, 2, 4, 7}),
    ("Cmajadd9", "C(add9)", {0, 2, 4, 7}),
    ("CmMadd9", "Cm(maj7)(add9)", {0, 2, 3, 7, 11}),
    ("Cm69", "Cm6(add9)", {0, 2, 3, 7, 9}),
    ("CM69", "C6/9", {0, 2, 4, 7, 9}),
    ("C69#11", "C6/9(#11)", {0, 2, 4, 6, 7, 9}),
    ("Csus4", "Csus", {0, 5, 7}),
    ("Csus(add7)", "Csus7", {0, 5, 7, 10}),
    ("C7sus4", "Csus7", {0, 5, 7, 10}),
    ("C9sus", "Csus7(add9)", {0, 2, 5, 7, 10}),
    ("C13sus4", "Csus7(add9)(add13)", {0, 2, 5, 7, 9, 10}),
    ("C7sus2", "Csus2(add7)", {0, 2, 7, 10}),
    ("G7alt", "G7(#5)(#9)", {0, 3, 4, 8, 10}),
    ("Bb5", "Bb5", {0, 7}),
    # Both ninths, which note_seq's own reading would make a natural one.
    ("C7b9#9", "C7(b9)(#9)", {0, 1, 3, 4, 7, 10}),
    ("C7b5#5b9#9", "C7(b5)(#5)(b9)(#9)", {0, 1, 3, 4, 6, 8, 10}),
    # Harte's, as in POP909.
    ("C:maj", "C", {0, 4, 7}),
    ("C:", "C", {0, 4, 7}),
    ("Eb:min7", "Ebm7", {0, 3, 7, 10}),
    ("A:sus4(b7)", "Asus7", {0, 5, 7, 10}),
    ("A:maj(9)", "A(add9)", {0, 2, 4, 7}),
    ("A:min(7)", "Am(add#7)", {0, 3, 7, 11}),
    ("A:9(*5)", "A9(no5)", {0, 2, 4, 10}),
    ("B:hdim7", "Bm7b5", {0, 3, 6, 10}),
    ("F#:minmaj7", "F#m(maj7)", {0, 3, 7, 11}),
]
ROOTS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@pytest.mark.parametrize(("symbol", "spelled", "above"), SPELLINGS)
def test_one_spelling_and_its_pitch_classes(symbol, spelled, above):
    assert normalise_symbol(symbol) == spelled
    assert normalise_symbol(spelled) == spelled
    root = ROOTS[spelled[0]] + (spelled[1:2] == "#") - (spelled[1:2] == "b")
    assert chord_pitch_classes(symbol) == {(root + semitones) % 12 for semitones in above}
    assert root_and_quality(symbol)[0] == root % 12


@pytest.mark.parametrize(
    ("symbol", "spelled", "bass"),
    [
        ("D/F#", "D/F#", 6),
        ("Am7/A", "Am7", 9),
        ("C6/9", "C6/9", 0),
        ("C6/9/E", "C6/9/E", 4),
        ("G:maj/3", "G/B", 11),
        ("G:min/b3", "Gm/Bb", 10),
        ("Eb:7/b7", "Eb7/Db", 1),
        ("Gb:maj7/7", "Gbmaj7/F", 5),
        ("C/D", "C/D", 2),
        ("D7/f#", "D7/F#", 6),
        ("Gm/bb", "Gm/Bb", 10),
    ],
)
def test_basses(symbol, spelled, bass):
    assert normalise_symbol(symbol) == spelled
    assert chord_bass(symbol) == bass
    # A bass is none of the chord's tones for that.
    assert chord_pitch_classes(symbol) == chord_pitch_classes(re.sub(r"/[A-G].*", "", spelled))


@pytest.mark.parametrize("symbol", ["N.C.", "NC", "N", "n.c.", "N.C"])
def test_no_chord(symbol):
    assert normalise_symbol(symbol) == chord_symbols.NO_CHORD == "N.C."
    assert chord_pitch_classes(symbol) == frozenset()
    assert chord_pitches(symbol) == ()
    assert transpose_symbol(symbol, 5) == "N.C."
    for function in (root_and_quality, chord_bass, nearest_triad):
        with pytest.raises(ChordSymbolError, match="Expected a chord") as caught:
            function(symbol)
        assert caught.value.reason == "no_chord"


@pytest.mark.parametrize(
    "symbol",
    [
        *("", "H", "c", "Cfoo", "C/", "C//E", "C/H", "Eb7/B6", "Csus2(add2)", "C:foo", "C:maj/99"),
        *("C###", "C7no9", "C" * 3000, "N.C.!", "C Am"),
    ],
)
def test_what_is_no_chord_symbol(symbol):
    with pytest.raises(ChordSymbolError, match="Expected a chord symbol such as") as caught:
        normalise_symbol(symbol)
    assert caught.value.reason == "unknown_chord_symbol"
    assert isinstance(caught.value, ConversionError)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("Am7", (9, "minor")),
        ("E7#9", (4, "major")),
        ("Bm7b5", (11, "diminished")),
        ("Db+", (1, "augmented")),
        ("C7b5", (0, "other")),
        ("Fsus", (5, "other")),
    ],
)
def test_qualities(symbol, expected):
    assert root_and_quality(symbol) == expected


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("C", (0, "major")),
        ("Db13", (1, "major")),
        ("E7#9", (4, "major")),  # Both thirds, of which the lower is a ninth.
        ("F+", (5, "major")),
        ("F#7b5", (6, "major")),
        ("Gm(maj7)", (7, "minor")),
        ("Abdim7", (8, "minor")),
        ("Bm7b5/A", (11, "minor")),
    ],
)
def test_nearest_triads_follow_the_third(symbol, expected):
    assert nearest_triad(symbol) == expected


@pytest.mark.parametrize(
    "symbol", ["Csus", "D7sus4", "Esus2", "F5", "G7(no3)", "A13sus", "Bsus7#9"]
)
def test_chords_without_a_third_have_no_nearest_triad(symbol):
    with pytest.raises(ChordSymbolError, match="Expected a chord with a third") as caught:
        nearest_triad(symbol)
    assert caught.value.reason == "no_third"


def test_chords_as_they_are_played():
    assert chord_pitches("C") == (48, 52, 55)
    assert chord_pitches("Bm7") == (59, 62, 66, 69)
    assert chord_pitches("D/F#") == (42, 50, 54, 57)
    assert chord_pitches("C/D") == (38, 48, 52, 55)


def test_transposition():
    assert transpose_symbol("Em7b5/Bb", 3) == "Gm7b5/Db"
    assert transpose_symbol("A-7", -2) == "Gm7"
    assert transpose_symbol("B:maj/3", 1) == "C/E"
    for semitones in range(-11, 12):
        moved = {(pitch + semitones) % 12 for pitch in chord_pitch_classes("F#7b9")}
        assert chord_pitch_classes(transpose_symbol("F#7b9", semitones)) == moved


def test_progressions():
    assert read_progression("C Am F G") == ("C", "Am", "F", "G")
    assert read_progression("| Cm7 | F7b9  NC|Bb:maj7/3 |") == ("Cm7", "F7(b9)", "N.C.", "Bbmaj7/D")
    with pytest.raises(ChordSymbolError, match="'Xm'"):
        read_progression("C Xm F")
    with pytest.raises(ChordSymbolError, match="such as 'C Am F G'") as caught:
        read_progression(" | ")
    assert caught.value.reason == "no_chord_symbols"


# Where music21's tables and ours have the same definition, in its spelling: flats of roots are `-`.
MUSIC21 = [
    *("C", "Am", "Ddim", "Aaug", "E-m", "Bm7", "B-7", "E-maj7", "F#m7b5", "Gdim7", "CmM7", "C+7"),
    *("G7+", "C6", "Cm6", "G9", "Dm9", "C11", "C13", "E7b9", "A7#9", "Csus4", "Csus2", "C7sus4"),
    *("C5", "A-m7", "Am7/G", "C/E", "F#m/C#", "B-7/A-", "Gmaj7/F#"),
]


def test_pitch_classes_and_basses_as_music21_has_them():
    harmony = pytest.importorskip("music21.harmony")
    for symbol in MUSIC21:
        theirs = harmony.ChordSymbol(symbol)
        ours = re.sub(r"(^|/)([A-G])-", r"\1\2b", symbol)
        assert chord_pitch_classes(ours) == {p.pitchClass for p in theirs.pitches}, symbol
        assert chord_bass(ours) == theirs.bass().pitchClass, symbol
        assert root_and_quality(ours)[0] == theirs.root().pitchClass, symbol


def test_every_symbol_of_impro_visors_sheets_is_read_but_for_chords_over_chords(
    test_data: pathlib.Path,
):
    """`Eb7/B6` is a chord over a chord; all others have a spelling and a root."""
    counts = _impro_visor_symbols(test_data)
    unread: collections.Counter = collections.Counter()
    for symbol, count in counts.items():
        try:
            spelled = normalise_symbol(symbol)
        except ChordSymbolError:
            unread[symbol] += count
            continue
        assert normalise_symbol(spelled) == spelled
        assert spelled == "N.C." or chord_pitch_classes(spelled)
    assert unread == {"Eb7/B6": 6, "Fm6/E6": 1}
    assert sum(counts.values()) == 7_838


def _impro_visor_symbols(test_data: pathlib.Path) -> collections.Counter:
    """What begins with a capital letter outside of all brackets."""
    counts: collections.Counter = collections.Counter()
    with zipfile.ZipFile(
        test_data / "impro_visor_leadsheets/impro_visor_leadsheets.zip"
    ) as archive:
        for name in archive.namelist():
            text = archive.read(name).decode("latin-1") if name.endswith(".ls") else ""
            depth, outside = 0, []
            for character in text:
                depth = max(depth + (character == "(") - (character == ")"), 0)
                outside.append(character if not depth and character not in ")|" else " ")
            words = "".join(outside).split()
            counts.update(word for word in words if word[0].isupper())
    return counts


def test_every_symbol_of_pop909_is_read(test_data: pathlib.Path):
    counts: collections.Counter = collections.Counter()
    with zipfile.ZipFile(test_data / "pop909/pop909.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith("chord_midi.txt")]
        for name in names[::9]:
            lines = archive.read(name).decode().splitlines()
            counts.update(line.split()[-1] for line in lines if line.strip())
    assert sum(counts.values()) > 10_000
    spelled = {symbol: normalise_symbol(symbol) for symbol in counts}
    assert spelled.pop("N") == "N.C."
    # Root and bass by this file's own reckoning.
    steps = {"1": 0, "b3": 3, "3": 4, "5": 7, "b7": 10, "7": 11}
    for symbol in spelled:
        root, _, kind = symbol.partition(":")
        root = ROOTS[root[0]] + root.count("#") - root.count("b")
        assert root_and_quality(symbol)[0] == root % 12
        assert chord_bass(symbol) == (root + steps[(kind.partition("/")[2]) or "1"]) % 12
