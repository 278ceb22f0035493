"""Filters of whole pieces and transposition."""

import pytest

from tests.records.pieces import piece
from tfmusicgan.errors import ConfigError, ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.records.filters import (
    PieceFilters,
    key_name,
    parse_key,
    parse_shifts,
    tonic_shift,
)

MAJOR, MINOR = NoteSequence.KeySignature.MAJOR, NoteSequence.KeySignature.MINOR


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("C", (0, "major")),
        ("F#", (6, "major")),
        ("Bbm", (10, "minor")),
        ("Cb", (11, "major")),
        ("A##m", (11, "minor")),
        (" Am ", (9, "minor")),
    ],
)
def test_key_names(text, key):
    assert parse_key(text) == key


def test_key_names_back():
    keys = ((0, "major"), (6, "minor"), (10, "major"), (2, "dorian"), (0, "not_specified"))
    names = ["C", "F#m", "Bb", "D dorian", "C of no mode"]
    assert [key_name(*key) for key in keys] == names


@pytest.mark.parametrize(
    ("key", "shift"),
    [
        ((0, "major"), 0),
        ((7, "major"), 5),
        ((6, "major"), -6),
        ((5, "major"), -5),
        ((9, "minor"), 0),
        ((4, "minor"), 5),
        ((2, "dorian"), -5),
        ((7, "mixolydian"), 5),
    ],
)
def test_shift_to_the_tonic(key, shift):
    assert tonic_shift(*key) == shift
    assert (key[0] + shift) % 12 == (9 if key[1] in ("minor", "dorian") else 0)


def test_key_filter():
    filters = PieceFilters(keys=("C", "Em"))
    filters.check(piece(0, key=(0, MAJOR)), "a.mid")
    filters.check(piece(0, key=(4, MINOR)), "a.mid")
    with pytest.raises(ConversionError, match=r"among C, Em. Received: E in 'a.mid'") as error:
        filters.check(piece(0, key=(4, MAJOR)), "a.mid")
    assert error.value.reason == "other_key"
    with pytest.raises(ConversionError, match=r"Received: none in 'a.mid'") as error:
        filters.check(piece(0), "a.mid")
    assert error.value.reason == "no_key"


def test_time_signature_filter_looks_at_all_of_them():
    filters = PieceFilters(time_signatures=("4/4", "2/2"))
    filters.check(piece(0, meters=((4, 4), (2, 2), (4, 4))), "a.mid")
    filters.check(piece(0, meters=()), "a.mid")
    with pytest.raises(ConversionError, match=r"4/4, 2/2. Received: 3/4 in 'a.mid'") as error:
        filters.check(piece(0, meters=((4, 4), (3, 4))), "a.mid")
    assert error.value.reason == "other_time_signature"


def test_time_signature_filter_does_not_look_at_a_pickup():
    filters = PieceFilters(time_signatures=("4/4",))
    with_pickup = piece(0, meters=((1, 4),))
    with_pickup.time_signatures.add(time=0.5, numerator=4, denominator=4)
    filters.check(with_pickup, "a.mid")
    two_short_bars = piece(0, meters=((1, 4),))
    two_short_bars.time_signatures.add(time=1.0, numerator=4, denominator=4)
    long_first_bar = piece(0, meters=((5, 4),))
    long_first_bar.time_signatures.add(time=2.5, numerator=4, denominator=4)
    short_in_the_middle = piece(0, meters=((4, 4), (1, 4)))
    short_in_the_middle.time_signatures.add(time=2.5, numerator=4, denominator=4)
    for sequence in (two_short_bars, long_first_bar, short_in_the_middle):
        with pytest.raises(ConversionError, match=r"Expected time signatures among 4/4"):
            filters.check(sequence, "a.mid")


def test_without_filters_everything_passes():
    PieceFilters().check(piece(0, meters=((7, 8),)), "a.mid")


def test_augmentation_is_for_training_only():
    filters = PieceFilters(transpose="-1:2")
    assert filters.shifts(piece(0), "a.mid", True) == [
        ("a.mid", 0),
        ("a.mid-1", -1),
        ("a.mid+1", 1),
        ("a.mid+2", 2),
    ]
    assert filters.shifts(piece(0), "a.mid", False) == [("a.mid", 0)]


def test_tonic_transposition_is_for_all_splits():
    filters = PieceFilters(transpose="tonic")
    assert filters.shifts(piece(0, key=(7, MAJOR)), "a.mid", False) == [("a.mid", 5)]
    with pytest.raises(ConversionError, match=r"Expected a key signature") as error:
        filters.shifts(piece(0), "a.mid", True)
    assert error.value.reason == "no_key"


@pytest.mark.parametrize("text", ["up", "3", "1:5", "-5:-1", "5:-5", "-30:0", "1.5:2"])
def test_bad_transpositions(text):
    with pytest.raises(ConfigError, match=r"Expected --transpose=tonic or LOW:HIGH"):
        PieceFilters(transpose=text)


def test_shifts_by_hand():
    assert list(parse_shifts("-2:1")) == [-2, -1, 0, 1]
    assert list(parse_shifts("tonic")) == list(parse_shifts("")) == []


def test_bad_names():
    with pytest.raises(ConfigError, match=r"Expected a key such as C, F#, Bb or Am. Received: 'H'"):
        PieceFilters(keys=("C", "H"))
    with pytest.raises(ConfigError, match=r"time signature such as 4/4. Received: '4/3'"):
        PieceFilters(time_signatures=("4/3",))


def test_options_round_trip():
    filters = PieceFilters(keys=("C",), time_signatures=("4/4",), transpose="-3:3")
    assert PieceFilters.from_options(filters.to_options()) == filters
