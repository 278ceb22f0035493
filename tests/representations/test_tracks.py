import numpy as np
import pytest

from tfmusicgan.errors import ConfigError, ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.note_arrays import note_arrays
from tfmusicgan.representations.tracks import (
    FAMILIES,
    TRACK_SETS,
    Track,
    assign_tracks,
    check_tracks,
    parse_tracks,
)


def assign(tracks, notes, parts=()):
    """Tracks of notes given as keyword dicts, of a sequence that declares some parts."""
    sequence = NoteSequence(id="tune")
    for note in notes:
        sequence.notes.add(pitch=60, **note)
    for part in parts:
        sequence.part_infos.add(part=part)
    return assign_tracks(note_arrays(sequence), sequence, tracks).tolist()


def test_families_share_out_all_programs():
    programs = [p for track in FAMILIES.values() for p in track.programs]
    assert sorted(programs) == list(range(128))
    for track in FAMILIES.values():
        assert track.is_drum or track.program in track.programs


def test_track_sets_have_the_published_orders_and_programs():
    names = {key: [track.name for track in tracks] for key, tracks in TRACK_SETS.items()}
    assert names == {
        "voices": ["soprano", "alto", "tenor", "bass"],
        "lpd5": ["drums", "piano", "guitar", "bass", "strings"],
        "musegan": ["bass", "drums", "guitar", "strings", "piano"],
    }
    assert [track.program for track in TRACK_SETS["musegan"]] == [33, 0, 25, 49, 0]
    assert [track.program for track in TRACK_SETS["lpd5"]] == [0, 0, 24, 32, 48]


@pytest.mark.parametrize(
    ("program", "lpd5", "musegan"),
    [
        *((0, 1, 4), (7, 1, 4), (8, 4, 3), (23, 4, 3), (24, 2, 2), (31, 2, 2), (32, 3, 0)),
        *((39, 3, 0), (40, 4, 3), (95, 4, 3), (96, -1, -1), (103, -1, -1), (104, 4, 3)),
        *((111, 4, 3), (112, -1, -1), (127, -1, -1), (128, -1, -1), (-1, -1, -1)),
    ],
)
def test_lpd_rules(program, lpd5, musegan):
    assert assign(TRACK_SETS["lpd5"], [{"program": program}]) == [lpd5]
    assert assign(TRACK_SETS["musegan"], [{"program": program}]) == [musegan]


def test_drums_go_by_their_flag_alone():
    drum = {"program": 30, "is_drum": True}
    assert assign(TRACK_SETS["lpd5"], [drum, {"program": 30}]) == [0, 2]
    assert assign(parse_tracks("piano,guitar"), [drum, {"program": 30}]) == [-1, 1]


def test_the_first_of_several_tracks_has_the_program():
    tracks = (Track("low", 3, programs=(3, 4)), Track("high", 4, programs=(4, 5)))
    assert assign(tracks, [{"program": p} for p in (3, 4, 5, 6)]) == [0, 0, 1, -1]


def test_voices_follow_the_order_of_parts():
    notes = [{"part": p, "instrument": 9} for p in (7, 2, 5, 3, 7)]
    assert assign(TRACK_SETS["voices"], notes) == [3, 0, 2, 1, 3]


def test_voices_follow_instruments_where_there_are_no_parts():
    notes = [{"instrument": i} for i in (4, 1, 0, 8)] + [{"instrument": 3, "is_drum": True}]
    assert assign(TRACK_SETS["voices"], notes) == [2, 1, 0, 3, -1]


def test_a_declared_part_that_rests_counts():
    notes = [{"part": 0}, {"part": 3}, {"part": 1}]
    assert assign(TRACK_SETS["voices"], notes, parts=(3, 2, 1, 0)) == [0, 3, 1]
    # Five declared parts, of which four have notes: those four.
    notes = [{"part": p} for p in (0, 1, 2, 4)]
    assert assign(TRACK_SETS["voices"], notes, parts=range(5)) == [0, 1, 2, 3]


def test_tracks_by_part_in_another_order():
    tracks = (Track("low", 0, part=1), Track("high", 0, part=0))
    assert assign(tracks, [{"part": 4}, {"part": 6}]) == [1, 0]


@pytest.mark.parametrize("parts", [(0, 1, 2), (0, 1, 2, 3, 4)])
def test_wrong_part_count(parts):
    with pytest.raises(ConversionError, match=rf"Received: {len(parts)} in 'tune'") as raised:
        assign(TRACK_SETS["voices"], [{"part": p} for p in parts])
    assert raised.value.reason == "wrong_part_count"


def test_parse_tracks():
    assert parse_tracks("lpd5") is TRACK_SETS["lpd5"]
    assert parse_tracks("drums, piano,bass") == tuple(
        FAMILIES[name] for name in ("drums", "piano", "bass")
    )
    entries = ["reed", TRACK_SETS["lpd5"][4], {"name": "kit", "is_drum": True}]
    assert parse_tracks(entries) == (
        FAMILIES["reed"],
        TRACK_SETS["lpd5"][4],
        Track("kit", is_drum=True),
    )


def test_parse_tracks_with_programs():
    drums, piano, strings = parse_tracks("drums,piano,strings", "piano:0-2+17,strings:50-52")
    assert drums == FAMILIES["drums"]
    assert (piano.program, piano.programs) == (0, (0, 1, 2, 17))
    assert (strings.program, strings.programs) == (50, (50, 51, 52))


@pytest.mark.parametrize(
    ("tracks", "programs", "message"),
    [
        ("piano,violin", "", "Unknown track 'violin'. Known sets: voices, .*Known tracks: drums"),
        ("piano,lpd5", "", "Track set 'lpd5' stands alone"),
        ("piano,piano", "", "Received twice: piano"),
        ([], "", "Expected at least one track"),
        ([{"name": "a", "colour": 1}], "", "Unknown track field 'colour'. Known: is_drum, name"),
        ([{"program": 1}], "", "Expected a track with a name"),
        ("piano", "piano", "Expected programs such as .* Received: 'piano'"),
        ("drums,piano", "drums:1", "Unknown track with programs 'drums'. Known: piano"),
        ("piano", "piano:9-3", "Expected a program or a range .* Received: '9-3'"),
        ("piano", "piano:0-128", "Received: '0-128'"),
        ("piano", "piano:x", "Received: 'x'"),
    ],
)
def test_parse_tracks_refuses(tracks, programs, message):
    with pytest.raises(ConfigError, match=message):
        parse_tracks(tracks, programs)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "Left Hand", "is_drum": True}, "Received: 'Left Hand'"),
        ({"name": "a", "program": 128, "is_drum": True}, "programs within 0-127. Received: 128"),
        ({"name": "a", "programs": (3, -1)}, "programs within 0-127. Received: -1"),
        ({"name": "a", "part": -1}, "part >= 0. Received: -1"),
        ({"name": "a"}, "exactly one of is_drum, programs and part"),
        ({"name": "a", "part": 0, "is_drum": True}, "exactly one of"),
    ],
)
def test_track_refuses(fields, message):
    with pytest.raises(ConfigError, match=message):
        Track(**fields)


def test_parts_do_not_mix_with_programs():
    with pytest.raises(ConfigError, match=r"parts 0 to 1 once each. Received: parts \[0\] of 2"):
        check_tracks((Track("a", part=0), FAMILIES["piano"]))


def test_note_arrays_of_no_notes():
    notes = note_arrays(NoteSequence())
    assert len(notes) == 0
    assert notes.pitch.dtype == np.int64
