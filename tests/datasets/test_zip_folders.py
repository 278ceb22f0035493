"""Folders on disk and inside archives, damaged ones among them."""

import pathlib
import zipfile

import pytest

from tests.datasets.nottingham_tunes import write_zip
from tfmusicgan.datasets import zip_folders
from tfmusicgan.datasets.listed_files import list_pieces, read_listed
from tfmusicgan.datasets.zip_folders import (
    files_below,
    files_in,
    find_folder,
    folders_in,
    one_path,
    read_bytes,
)
from tfmusicgan.errors import ConfigError, MusicGanError, ReadError

MEMBERS = {
    "A/MIDI/b.mid": b"bb",
    "A/MIDI/a.MID": b"a",
    "A/MIDI/.c.mid": b"hidden",
    "A/MIDI/notes.txt": b"text",
    "A/MIDI/melody/d.mid": b"deeper",
    "A/B/MIDI/e.mid": b"later",
}


def _names(paths):
    return [path.name for path in paths]


def test_files_of_one_folder(tmp_path):
    archive = write_zip(tmp_path / "x.ZIP", MEMBERS)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "disk")
    for folder in (archive / "A" / "MIDI", tmp_path / "disk" / "A" / "MIDI"):
        found = files_in(folder, ".mid")
        assert _names(found) == ["a.MID", "b.mid"]
        assert [read_bytes(path, path.name, 10) for path in found] == [b"a", b"bb"]
        assert all(path.parent == folder for path in found)
    for folder in (archive / "none", archive, tmp_path / "none", archive / "A/MIDI/b.mid"):
        assert files_in(folder, ".mid") == []


def test_pieces_are_listed_with_their_digests_and_refused_by_name(tmp_path):
    archive = write_zip(tmp_path / "x.zip", {"a.mid": b"abc", "b.mid": b"", "c.mid": b"longer"})
    files = [archive / name for name in ("a.mid", "b.mid", "c.mid", "gone.mid")]
    sources, errors = list_pieces(files, lambda file: f"set/{file.name}", "midi", 5)
    assert [(one.name, one.path, one.format, one.index) for one in sources] == [
        ("set/a.mid", str(archive / "a.mid"), "midi", None),
        ("set/c.mid", str(archive / "c.mid"), "midi", None),
    ]
    # Of "abc", FIPS 180-2's example; of one byte beyond the limit no more is read.
    assert sources[0].digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert [(name, error.reason) for name, error in errors] == [
        ("set/b.mid", "empty_file"),
        ("set/gone.mid", "unreadable_file"),
    ]
    assert str(errors[0][1]) == "Expected music. Received an empty file: set/b.mid."


def test_a_piece_that_is_another_by_now_is_not_read(tmp_path):
    files = [write_zip(tmp_path / "x.zip", {"a.mid": b"abc"}) / "a.mid", tmp_path / "b.mid"]
    files[1].write_bytes(b"abc")
    sources, _ = list_pieces(files, lambda file: file.name, "midi", 5)
    assert [read_listed(source, 5) for source in sources] == [b"abc", b"abc"]
    files[1].write_bytes(b"abd")
    write_zip(tmp_path / "x.zip", {"a.mid": b"abcd"})
    for source in sources:
        with pytest.raises(ReadError, match=r"changed since it was listed: [ab]\.mid") as error:
            read_listed(source, 5)
        assert error.value.reason == "file_changed"


def test_one_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tunes").mkdir()
    assert one_path(["tunes"], "folk") == tmp_path / "tunes"
    for paths in ([], ["tunes", "tunes"]):
        with pytest.raises(ConfigError, match="Dataset folk needs one --input, the folder"):
            one_path(paths, "folk")
    with pytest.raises(MusicGanError, match="Nothing is at 'none'"):
        one_path(["none"], "folk")


def test_files_of_a_folder_and_all_within(tmp_path):
    members = MEMBERS | {"A/.git/f.mid": b"hidden", "AB/g.mid": b"of another folder"}
    archive = write_zip(tmp_path / "x.zip", members)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "disk")
    for top in (archive, tmp_path / "disk"):
        found = files_below(top / "A", ".mid")
        names = [path.relative_to(top / "A").as_posix() for path in found]
        assert names == ["B/MIDI/e.mid", "MIDI/a.MID", "MIDI/b.mid", "MIDI/melody/d.mid"]
        assert len(files_below(top, ".mid")) == 5 and files_below(top / "none", ".mid") == []
        assert folders_in(top) == [top / "A", top / "AB"]
        assert folders_in(top / "A") == [top / "A" / "B", top / "A" / "MIDI"]
        assert folders_in(top / "none") == folders_in(top / "A/MIDI/b.mid") == []


def test_the_outermost_folder_is_found(tmp_path):
    archive = write_zip(tmp_path / "tunes 2.zip", MEMBERS)
    write_zip(tmp_path / "tunes 3.zip", {"MIDI/f.mid": b"f"})
    write_zip(tmp_path / "other.zip", {"MIDI/g.mid": b"g"})

    def find(within, levels=1, suffix=".mid"):
        return find_folder(pathlib.Path(within), "MIDI", suffix, "tunes", levels)

    assert find(archive) == archive / "A" / "MIDI"
    assert find(archive, levels=0) == archive / "A" / "MIDI"
    assert find(archive, suffix=".abc") is None
    assert find(archive / "A") == archive / "A" / "MIDI"
    assert find(archive / "A" / "MIDI") == archive / "A" / "MIDI"
    assert find(tmp_path) == archive / "A" / "MIDI"
    assert find(tmp_path, levels=0) is None
    assert find(tmp_path / "other.zip") == tmp_path / "other.zip" / "MIDI"
    # What lies on disk goes before what lies in an archive, and what lies higher before both.
    for folder in (tmp_path / "tunes 9" / "MIDI", tmp_path / "MIDI"):
        folder.mkdir(parents=True)
        assert find(tmp_path) == archive / "A" / "MIDI"  # It is empty yet.
        (folder / "h.mid").write_bytes(b"h")
        assert find(tmp_path) == folder
        (folder / "h.mid").rename(tmp_path / "h.mid")


def test_a_file_that_is_larger_comes_a_byte_longer(tmp_path):
    archive = write_zip(tmp_path / "x.zip", {"big": bytes(5000)})
    (tmp_path / "big").write_bytes(bytes(5000))
    for path in (archive / "big", tmp_path / "big"):
        assert len(read_bytes(path, "big", 4999)) == 5000
        assert len(read_bytes(path, "big", 100)) == 101
        assert len(read_bytes(path, "big", 10_000)) == 5000


def _unreadable(path):
    with pytest.raises(ReadError) as caught:
        read_bytes(path, "name", 100)
    assert caught.value.reason == "unreadable_file"
    return str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    archive = write_zip(tmp_path / "x.zip", {"a": b"music" * 9})
    assert "Received nothing there: name." in _unreadable(archive / "b")
    assert "Received No such file or directory: name." in _unreadable(tmp_path / "b")
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # The member's flag, in the list at the end.
    (tmp_path / "locked.zip").write_bytes(data)
    assert "it is encrypted or" in _unreadable(tmp_path / "locked.zip" / "a")
    data = bytearray(archive.read_bytes())
    data[32] ^= 0xFF  # Inside the member's data.
    (tmp_path / "bad.zip").write_bytes(data)
    assert "\n" not in _unreadable(tmp_path / "bad.zip" / "a")


def test_archives_that_are_none(tmp_path, monkeypatch):
    (tmp_path / "x.zip").write_bytes(b"PK no archive")
    with pytest.raises(MusicGanError, match=r"x.zip is damaged: .*Remove it and download it again"):
        files_in(tmp_path / "x.zip" / "MIDI", ".mid")
    (tmp_path / "folder.zip").mkdir()
    assert files_in(tmp_path / "folder.zip", ".mid") == []
    monkeypatch.setattr(zip_folders, "MAX_MEMBERS", 5)
    with pytest.raises(MusicGanError, match=r"y.zip has more than 5 members, which is refused"):
        files_in(write_zip(tmp_path / "y.zip", MEMBERS), ".mid")


def test_an_archive_that_changed_is_read_again(tmp_path):
    archive = write_zip(tmp_path / "x.zip", {"MIDI/a.mid": b"old"})
    assert read_bytes(archive / "MIDI" / "a.mid", "a", 10) == b"old"
    archive.unlink()
    write_zip(archive, {"MIDI/a.mid": b"new", "MIDI/b.mid": b"b"})
    assert read_bytes(archive / "MIDI" / "a.mid", "a", 10) == b"new"
    assert _names(files_in(archive / "MIDI", ".mid")) == ["a.mid", "b.mid"]
