"""Filters of whole pieces and transposition."""

import json

import pytest

from tests.records.pieces import piece
from tfmusicgan import recipes
from tfmusicgan.errors import ConfigError, ConversionError
from tfmusicgan.note_sequences.midi import read_midi, to_midi_bytes
from tfmusicgan.note_sequences.normalise import normalise
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


def test_keys_without_a_name_are_none():
    for key in ((15, MAJOR), (0, 99)):
        sequence = piece(0, key=key)
        normalise(sequence, "a.mid")  # As every source's is.
        for filters in (PieceFilters(keys=("C",)), PieceFilters(transpose="tonic")):
            with pytest.raises(ConversionError, match=r"Received: none in 'a.mid'") as error:
                filters.check(sequence, "a.mid")
                filters.shifts(sequence, "a.mid", True)
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


def test_one_time_signature_in_all():
    filters = PieceFilters(single_time_signature=True)
    filters.check(piece(0, meters=((3, 4),)), "a.mid")
    filters.check(piece(0, meters=()), "a.mid")
    for meters in (((4, 4), (3, 4)), ((4, 4), (4, 4), (4, 4))):
        message = rf"Expected one time signature. Received: {len(meters)} in 'a.mid', .* at 2.00 s"
        with pytest.raises(ConversionError, match=message) as error:
            filters.check(piece(0, meters=meters), "a.mid")
        assert error.value.reason == "several_time_signatures"


def test_a_first_beat_later_than_time_zero():
    """LPD leaves such a piece out; both rules do, for a file and as readers complete it."""
    for seconds, reason in ((0.5, "incomplete_first_bar"), (3.0, "incomplete_first_bar")):
        sequence = piece(0, meters=())
        sequence.time_signatures.add(time=seconds, numerator=4, denominator=4)
        sequence = read_midi(to_midi_bytes(sequence))
        assert [s.time for s in sequence.time_signatures] == [0.0, seconds]
        for field in ("whole_first_bar", "single_time_signature"):
            with pytest.raises(ConversionError) as error:
                PieceFilters(**{field: True}).check(sequence, "a.mid")
        with pytest.raises(ConversionError) as error:
            PieceFilters(single_time_signature=True, whole_first_bar=True).check(sequence, "a")
        assert error.value.reason == reason


def test_whole_first_bar():
    filters = PieceFilters(whole_first_bar=True)
    for meters in ((), ((4, 4),), ((4, 4), (3, 4)), ((2, 4), (1, 4)), ((2, 2), (4, 4))):
        filters.check(piece(0, meters=meters), "a.mid")
    pickup = piece(0, meters=((1, 4),))
    pickup.time_signatures.add(time=0.5, numerator=4, denominator=4)
    cut_short = piece(0, meters=((3, 4), (4, 4)))  # 3/4 for four quarters
    for sequence, bars in ((pickup, "1 bars of 1/4"), (cut_short, "1.33 bars of 3/4")):
        with pytest.raises(ConversionError, match=rf"time zero on. Received: {bars}") as error:
            filters.check(sequence, "a.mid")
        assert error.value.reason == "incomplete_first_bar"


def test_rules_are_true_or_false():
    for name in ("single_time_signature", "whole_first_bar"):
        with pytest.raises(ConfigError, match=rf"{name}: expected true or false. Received: 'yes'"):
            PieceFilters(**{name: "yes"})


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
    filters = PieceFilters(("C",), ("4/4",), True, True, "-3:3")
    assert filters.transpose == "-3:3"
    assert PieceFilters.from_options(filters.to_options()) == filters
    assert PieceFilters.from_options(PieceFilters().to_options()) == PieceFilters()


def test_the_filters_of_every_recipe_are_known():
    for name in recipes.names():
        for preset in recipes.get(name).presets.values():
            PieceFilters.from_options(preset.filters)
            json.dumps(preset.filters)


def test_the_papers_choice_of_pieces_is_lpds_and_of_musegan_those_in_c():
    cleansed = {"time_signatures": ["4/4"], "single_time_signature": True, "whole_first_bar": True}
    for name, keys in (("musegan_jamming", {"keys": ["C"]}), ("binary_musegan", {})):
        presets = recipes.get(name).presets
        assert presets["paper"].filters == {**cleansed, **keys}
        assert presets["small"].filters == recipes.get(f"{name}_chorales").presets["paper"].filters
        assert presets["small"].filters == {}


def test_options_that_are_not_there_have_their_defaults():
    assert PieceFilters.from_options({"keys": ["C"]}) == PieceFilters(keys=("C",))
    with pytest.raises(ConfigError, match=r"Unknown filter 'key'. Known: keys, single_time_sig"):
        PieceFilters.from_options({"key": ["C"]})
