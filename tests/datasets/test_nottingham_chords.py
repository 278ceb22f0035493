"""Chord symbols from ABC on the notes of a MIDI file: only where the two agree."""

import pytest

from tests.datasets import nottingham_tunes as tunes
from tfmusicgan.datasets.nottingham_chords import (
    add_chord_symbols,
    find_chord_symbols,
    pitch_classes,
    to_note_seq,
)
from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences import abc
from tfmusicgan.note_sequences.midi import read_midi

HEAD = "X: 1\nM:2/4\nL:1/4\nK:D\n"
TUNE = abc.read_tune("", tunes.JIGS.partition("\n\n")[0], "jigs1")


def _piece(melody=tunes.PICK_UP, chords=tunes.PICK_UP_CHORDS):
    return read_midi(tunes.tune(melody, chords), "jigs1.mid")


def _changed(notes, index, **changes):
    """Notes with one of them changed: start, length, pitch by name."""
    note = dict(zip(("start", "length", "pitch"), notes[index], strict=True)) | changes
    return (*notes[:index], tuple(note.values()), *notes[index + 1 :])


def _refused(tune, piece):
    with pytest.raises(ConversionError) as caught:
        find_chord_symbols(tune, piece)
    return caught.value.reason


def test_the_symbols_of_the_tune():
    piece = _piece()
    before = piece.SerializeToString()
    found = find_chord_symbols(TUNE, piece)
    assert found.placed == tunes.PICK_UP_SYMBOLS
    assert (found.unread, found.unplayed) == ((), ("G", "G"))
    assert piece.SerializeToString() == before
    add_chord_symbols(piece, found.placed[:2])
    # 100 quarter notes a minute in the MIDI file.
    assert [(text.time, text.text) for text in piece.text_annotations] == [(0.6, "A7"), (1.2, "D")]


@pytest.mark.parametrize(
    "melody",
    [
        tunes.PICK_UP[:-1],
        (*tunes.PICK_UP, (14, 1, 81)),
        _changed(tunes.PICK_UP, 5, length=2),
        _changed(tunes.PICK_UP, 1, start=3, length=1),
        _changed(tunes.PICK_UP, 0, pitch=71),
        # With the F natural three of ten.
        _changed(_changed(tunes.PICK_UP, 0, pitch=70), 6, pitch=80),
    ],
    ids=["fewer", "more", "longer", "later", "a tone higher", "too many semitones"],
)
def test_another_melody(melody):
    assert _refused(TUNE, _piece(melody)) == "other_melody"


def test_a_fifth_of_the_notes_may_be_a_semitone_off():
    two = _changed(tunes.PICK_UP, 0, pitch=70)
    assert find_chord_symbols(TUNE, _piece(two)).placed == tunes.PICK_UP_SYMBOLS
    for pitch in (77, 78, 79):  # The ABC has an F sharp.
        melody = _changed(tunes.PICK_UP, 5, pitch=pitch)
        assert find_chord_symbols(TUNE, _piece(melody)).placed == tunes.PICK_UP_SYMBOLS


@pytest.mark.parametrize(
    "chords",
    [
        (),
        # The G diminished comes early, as chords do in the MIDI files of three tunes.
        (*tunes.PICK_UP_CHORDS[:2], (6, 3, tunes.D), (9, 3, tunes.G_DIM), (12, 2, tunes.A)),
        # No symbol says so.
        (*tunes.PICK_UP_CHORDS[:3], (10, 1, tunes.G_DIM), (11, 1, tunes.D), (12, 2, tunes.A)),
        # Before the first symbol.
        ((0, 1, tunes.D), *tunes.PICK_UP_CHORDS),
    ],
    ids=["none", "early", "more", "before"],
)
def test_other_chords(chords):
    assert _refused(TUNE, _piece(chords=chords)) == "other_chords"


def test_a_symbol_that_does_not_sound_is_left_out():
    """The E minor that MIDI does not play, and what is no chord: D goes on."""
    tune = abc.read_tune("", HEAD + '"D"d "Em"d|"x"d "A"c|', "x")
    piece = _piece(
        ((0, 1, 74), (1, 1, 74), (2, 1, 74), (3, 1, 73)), ((0, 3, tunes.D), (3, 1, tunes.A))
    )
    found = find_chord_symbols(tune, piece)
    assert found.placed == ((0, "D"), (3, "A"))
    assert (found.unread, found.unplayed) == (("x",), ("Em",))


def test_the_same_chord_twice_at_one_place():
    """C6 and Am7 have the same tones: the first is played."""
    tune = abc.read_tune("", HEAD.replace("K:D", "K:C") + '"C6""Am7"c c|', "x")
    found = find_chord_symbols(tune, _piece(((0, 1, 72), (1, 1, 72)), ((0, 2, (48, 52, 55, 57)),)))
    assert (found.placed, found.unplayed) == (((0, "C6"),), ("Am7",))


def test_a_section_begins_without_a_chord_of_its_own():
    """After a repeat the last bar's chord holds, not that of the bar before the section."""
    tune = abc.read_tune("", HEAD + '"D"d2|:d2|"A"A2:|', "x")
    melody = ((0, 2, 74), (2, 2, 74), (4, 2, 69), (6, 2, 74), (8, 2, 69))
    found = find_chord_symbols(tune, _piece(melody, ((0, 4, tunes.D), (4, 6, tunes.A))))
    assert found.placed == ((0, "D"), (4, "A"), (8, "A"))
    assert not found.unplayed


def test_repeats_without_end():
    """ABC can ask for any number of repeats: no more are played than the piece has notes for."""
    tune = abc.read_tune("", f'{HEAD}|{":" * 100_000}"D"d2 f2{":" * 100_000}|', "x")
    assert tune.section_groups[0].num_times > 100_000
    assert _refused(tune, _piece()) == "other_melody"


def test_a_tune_without_symbols():
    tune = abc.read_tune("", HEAD + "d2|", "x")
    assert _refused(tune, _piece(((0, 2, 74),), ())) == "no_chord_symbols"


@pytest.mark.parametrize(
    ("text", "figure", "classes"),
    [
        ("D", "D", {2, 6, 9}),
        ("Am7", "Am7", {9, 0, 4, 7}),
        ("Gd", "Gdim", {7, 10, 1}),
        ("C#d", "C#dim", {1, 4, 7}),
        ("Da", "Daug", {2, 6, 10}),
        ("Fa7", "Faug7", {5, 9, 1, 3}),
        ("D/f+", "D/F#", {2, 6, 9}),
        ("Gm/bb", "Gm/Bb", {7, 10, 2}),
        ("A7/g", "A7/G", {9, 1, 4, 7}),
        ("Cd/e", "Cdim/E", {0, 3, 6}),
        ("(E7)", "E7", {4, 8, 11, 2}),
        (" B7", "B7", {11, 3, 6, 9}),
        ("Cadd9", "Cadd9", {0, 4, 7, 2}),
        ("D m", "D m", set()),
        (" ", "", set()),
        ("From the top", "From the top", set()),
    ],
)
def test_spellings(text, figure, classes):
    assert to_note_seq(text) == figure
    assert pitch_classes(figure) == classes
