"""Which pieces are converted: lists of names, the best file of each song."""

import dataclasses
import hashlib
import json
import re

import pytest

from tests.records.pieces import OPTIONS, write_pieces
from tfmusicgan import datasets
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.records.convert import convert, dry_run
from tfmusicgan.records.manifest import Drop, Manifest
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.selection import PieceList, message
from tfmusicgan.records.summary import counts_table

MIDI = datasets.get("midi")
NAMES = ["A/TRONE/aa.mid", "A/TRTWO/aa.mid", "A/TRTWO/bb.mid", "ABBA/Dancing Queen.2.mid", "cc.npz"]


def _list(tmp_path, text):
    path = tmp_path / "list.txt"
    path.write_text(text, encoding="utf-8")
    return PieceList.read(path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("TRTWO\n", NAMES[1:3]),
        ("aa\n", NAMES[:2]),
        ("aa    TRTWO\n", NAMES[1:2]),
        ("TRTWO\taa\n\n  cc  \n", [NAMES[1], NAMES[4]]),
        ("bb    TRONE\n", []),
        ("A/TRONE/aa.mid\nA/TRTWO/bb\n", [NAMES[0], NAMES[2]]),
        ("ABBA/Dancing Queen.2.mid\r\n", [NAMES[3]]),
        ("ABBA/Dancing Queen\n", []),
        ("aa.mid\nABBA\n", [*NAMES[:2], NAMES[3]]),
        ("\ufeffcc\nABBA\n", NAMES[3:]),
    ],
)
def test_lists(tmp_path, text, found):
    assert _list(tmp_path, text).find(NAMES)[0] == set(found)


def test_a_line_that_is_a_name_is_not_taken_for_columns(tmp_path):
    names = ["My  Song.mid", "My/Song.mid", "My   Song.mid", "Other/Song.mid"]
    assert _list(tmp_path, "My  Song\n").find(names) == ({names[0]}, [])
    assert _list(tmp_path, "My   Song.mid\nMy\n").find(names) == ({*names[1:3]}, [])
    assert _list(tmp_path, "My  Song\n").find(names[1:]) == ({names[1]}, [])


def test_lines_that_list_no_piece(tmp_path):
    lines = "waltz\naa  TRONE\nbb    TRONE\ncc\nA/TRONE/aa.mid\nwaltz\naa  TRTWO  B\n"
    found, without_piece = _list(tmp_path, lines).find(NAMES)
    assert found == {NAMES[0], NAMES[4]}
    assert without_piece == ["waltz", "bb    TRONE", "aa  TRTWO  B"]


def test_bad_lists(tmp_path):
    with pytest.raises(ConfigError, match=r"--only: No such file or directory: /no/list\."):
        PieceList.read("/no/list")
    with pytest.raises(ConfigError, match=r"--only: expected names of pieces. Received none: .*l"):
        _list(tmp_path, " \n\n")
    (tmp_path / "a.bin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(
        ConfigError, match=r"--only: expected a text file of names. Received: .*bin"
    ):
        PieceList.read(tmp_path / "a.bin")


def test_the_digest_is_of_the_names(tmp_path):
    entries = _list(tmp_path, "aa  TRTWO\n\ncc\n")
    assert entries.digest == hashlib.sha256(b"aa\tTRTWO\ncc\n").hexdigest()
    options = dataclasses.replace(OPTIONS, only=entries)
    assert options.to_json()["only"] == entries.digest
    assert ConvertOptions.from_json(options.to_json()) == OPTIONS


def test_pieces_that_are_not_listed_are_counted(tmp_path):
    music = write_pieces(tmp_path / "m", 6)
    only = _list(tmp_path, "song_001\nsong_004\nsong_099\n")
    options = dataclasses.replace(OPTIONS, only=only)
    everything = dry_run(MIDI, OPTIONS, [str(music)])
    manifest = convert(MIDI, options, tmp_path / "out", [str(music)])
    assert (manifest.sources["num_listed"], manifest.sources["num_read"]) == (6, 2)
    assert manifest.drops["not_listed"].num_pieces == 4
    assert manifest.drops["no_such_piece"] == Drop(1, 0, ("song_099",))
    assert re.search(r"no_such_piece +1 +0  song_099\n?", counts_table(manifest))
    drops = json.loads((tmp_path / "out" / "report.json").read_text())["dropped"]
    assert "'song_099' is in the list of --only, and no piece has such a name." in {
        drop["message"] for drop in drops
    }
    assert manifest.options["only"] == only.digest
    assert Manifest.read(tmp_path / "out") == manifest
    # A list moves no piece to another split.
    for split in manifest.shards:
        assert manifest.num_pieces(split) <= everything.num_pieces(split)
    assert sum(manifest.num_pieces(split) for split in manifest.shards) == 2


def test_a_list_may_name_any_copy_of_a_piece(tmp_path):
    # As in Lakh's matched files: one file with two recordings, of which the second is listed.
    music = write_pieces(tmp_path / "m", 3)
    (file,) = music.rglob("song_001.mid")
    for copy in ("AAA/copy.mid", "ZZZ/copy.mid"):
        (music / copy).parent.mkdir()
        (music / copy).write_bytes(file.read_bytes())
    for listed in ("AAA", "ZZZ", "song_001"):
        options = dataclasses.replace(OPTIONS, only=_list(tmp_path, f"{listed}\n"))
        manifest = dry_run(MIDI, options, [str(music)])
        drops = {reason: drop.num_pieces for reason, drop in manifest.drops.items()}
        assert (manifest.sources["num_read"], drops) == (1, {"duplicate": 2, "not_listed": 2})


def test_a_list_may_name_what_cannot_be_read(tmp_path):
    music = write_pieces(tmp_path / "m", 3)
    (music / "broken.mid").touch()
    options = dataclasses.replace(OPTIONS, only=_list(tmp_path, "song_001\nbroken\n"))
    assert set(dry_run(MIDI, options, [str(music)]).drops) == {"empty_file", "not_listed"}


def test_lists_of_nothing_that_is_there(tmp_path):
    music = write_pieces(tmp_path / "m", 3)
    options = dataclasses.replace(OPTIONS, only=_list(tmp_path, "waltz\n"))
    with pytest.raises(
        MusicGanError, match=r"selected. Received: none of 3. The last: 'album/song"
    ):
        dry_run(MIDI, options, [str(music)])


def test_sentences():
    assert message("a.mid", "not_listed") == "'a.mid' is not in the list of --only."
    assert message("a.mid", "no_match_score") == "'a.mid' matches no recording that has a score."
