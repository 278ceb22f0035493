"""Archives, hostile ones among them."""

import errno
import gzip
import io
import stat
import tarfile
import zipfile

import numpy as np
import pytest

from tfmusicgan.datasets import archives
from tfmusicgan.datasets.archives import Limits, unpack
from tfmusicgan.errors import MusicGanError


def _zip(path, members, mode=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if mode:
                info.external_attr = mode << 16
            archive.writestr(info, data)
    return path


def _tar(path, members, kind=tarfile.REGTYPE, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def _files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


MEMBERS = {"set/a.mid": b"aa", "set/deep/b.mid": b"b" * 70_000, "c.txt": b""}


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_plain_archives(tmp_path, mode):
    path = tmp_path / "a"
    (_zip if mode == "zip" else _tar)(path, MEMBERS, **({} if mode == "zip" else {"mode": mode}))
    folder = unpack(path, tmp_path / "out" / "music")
    assert _files(folder) == MEMBERS
    (folder / "c.txt").write_text("kept")
    assert _files(unpack(path, folder))["c.txt"] == b"kept"


@pytest.mark.parametrize("name", ["../a", "x/../../a", "/a", "C:/a", "..\\a", "\\a"])
def test_members_outside_the_folder_are_refused(tmp_path, name):
    for path in (_zip(tmp_path / "a.zip", {name: b""}), _tar(tmp_path / "a.tgz", {name: b""})):
        with pytest.raises(MusicGanError, match=r"is refused: it would land outside its folder"):
            unpack(path, tmp_path / "in" / "out")
    assert list((tmp_path / "in").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz", "a.zip", "in"]


def test_links_are_left_out_or_refused(tmp_path):
    path = _tar(tmp_path / "a.tgz", {"link": b""}, tarfile.SYMTYPE)
    assert _files(unpack(path, tmp_path / "a")) == {}
    path = _zip(tmp_path / "b.zip", {"link": b"/etc/passwd"}, stat.S_IFLNK | 0o777)
    assert _files(unpack(path, tmp_path / "b")) == {}
    for kind in (tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
        path = _tar(tmp_path / "c.tgz", {"odd": b""}, kind)
        with pytest.raises(MusicGanError, match=r"'odd', which is refused: it is a link or a dev"):
            unpack(path, tmp_path / "c")


def test_bombs_are_stopped_while_they_unpack(tmp_path):
    path = _zip(tmp_path / "a.zip", {"zeros": bytes(10_000_000)})
    assert path.stat().st_size < 20_000
    with pytest.raises(MusicGanError, match=r"unpacks to more than 5000000 bytes"):
        unpack(path, tmp_path / "out", Limits(num_bytes=5_000_000))
    path = _tar(tmp_path / "b.tgz", {f"{i}": b"" for i in range(30)})
    with pytest.raises(MusicGanError, match=r"unpacks to more than 20 files"):
        unpack(path, tmp_path / "out", Limits(num_files=20))
    assert not (tmp_path / "out").exists()


def test_encrypted_members_are_refused(tmp_path):
    path = _zip(tmp_path / "a.zip", {"secret": b"x"})
    data = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + place] |= 1
    path.write_bytes(data)
    with pytest.raises(MusicGanError, match=r"'secret', which is refused: it is encrypted"):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:xz"])
def test_damaged_archives(tmp_path, mode):
    random = np.random.default_rng(0).bytes(60_000)
    members = {"a": random, "b": b"b" * 3000}
    path = tmp_path / "a"
    (_zip if mode == "zip" else _tar)(path, members, **({} if mode == "zip" else {"mode": mode}))
    data = path.read_bytes()
    # A plain TAR has no checksum of its contents: it is cut short instead.
    path.write_bytes(data[:30_000] + (b"" if mode == "w" else bytes(20) + data[30_020:]))
    with pytest.raises(MusicGanError, match=r"a is damaged: .+ Remove it and download it again"):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_no_archive(tmp_path):
    (tmp_path / "a").write_bytes(b"<html>not found</html>")
    with pytest.raises(MusicGanError, match=r"Expected a ZIP or TAR archive. Received: .*neither"):
        unpack(tmp_path / "a", tmp_path / "out")


def test_an_interrupted_unpacking_starts_anew(tmp_path):
    (tmp_path / "out.unpacking").mkdir()
    (tmp_path / "out.unpacking" / "half").write_bytes(b"x")
    assert _files(unpack(_zip(tmp_path / "a.zip", MEMBERS), tmp_path / "out")) == MEMBERS


def test_a_bomb_behind_the_end_is_stopped(tmp_path):
    path = tmp_path / "a.tgz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(70):
            file.write(bytes(2**20))
    with pytest.raises(MusicGanError, match=r"unpacks to more than 64 MiB behind its end"):
        unpack(path, tmp_path / "out")


def test_a_full_disk_is_not_taken_for_damage(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archives.os, "replace", full)
    with pytest.raises(OSError, match=r"No space left"):
        unpack(_zip(tmp_path / "a.zip", MEMBERS), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
