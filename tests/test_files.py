"""Whole files and folders: what is there at every moment at which a process can die."""

import errno
import os
import pathlib
import shutil

import pytest
import tensorflow as tf

from tfmusicgan import files


def _folder(path: pathlib.Path, text: str) -> pathlib.Path:
    path.mkdir()
    (path / "a").write_text(text)
    (path / "b").write_text(text)
    return path


def _contents(path: pathlib.Path) -> set[str]:
    return {child.read_text() for child in path.iterdir()}


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    files.write_whole(path, "old ♪")

    def full(self, text, encoding):
        with open(self, "w") as file:
            file.write(text[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_text", full)
    with pytest.raises(OSError, match="No space left on device") as error:
        files.write_whole(path, "newer")
    assert error.value.filename == str(path)
    assert path.read_bytes() == "old ♪".encode() and os.listdir(tmp_path) == ["x.json"]


def test_why_a_file_could_not_be_written():
    message = "{{function_node __wrapped__SaveV2_dtypes_2_device_/job:localhost}} /a b/x.index; "
    error = tf.errors.ResourceExhaustedError(
        None, None, message + "Disk quota exceeded [Op:SaveV2]"
    )
    assert files.why_not_written(error) == "Disk quota exceeded"
    assert files.why_not_written(OSError(28, "No space left on device", "/x")).startswith("No spa")
    assert files.why_not_written(ValueError("odd\nat line 3")) == "odd"
    assert files.why_not_written(ValueError()) == "ValueError"
    message = "{{function_node __wrapped__SaveV2_device_/job:localhost}} Input is not a matrix."
    error = tf.errors.InvalidArgumentError(None, None, message + " [Op:SaveV2] name: ")
    assert files.why_not_written(error) == "Input is not a matrix"


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, " Make room."),
        (errno.EDQUOT, " Make room."),
        (errno.EFBIG, " Make room."),
        (errno.EACCES, ""),
        (errno.EROFS, ""),
        (errno.EIO, ""),
    ],
)
def test_to_make_room_is_advice_for_want_of_room_alone(number, advice):
    reason = os.strerror(number)
    assert files.room_advice(OSError(number, reason), "Make room.") == advice
    prefix = "{{function_node __wrapped__SaveV2_device_/job:localhost}} "
    for text in (f"{prefix}/a/x.index; {reason} [Op:SaveV2]", f"{prefix}{reason} [Op:SaveV2]"):
        error = tf.errors.UnknownError(None, None, text)
        assert files.room_advice(error, "Make room.") == advice


def test_a_kill_while_a_folder_is_removed(tmp_path, monkeypatch):
    path = _folder(tmp_path / "run", "old")

    def die(folder):
        (pathlib.Path(folder) / "a").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", die)
        with pytest.raises(KeyboardInterrupt):
            files.remove_folder(path)
    assert not path.exists() and os.listdir(tmp_path) == [".run.removed"]
    files.remove_folder(_folder(path, "newer"))  # and takes the leftover along
    assert os.listdir(tmp_path) == []


def test_replacing_a_folder(tmp_path):
    final = tmp_path / "1"
    files.replace_folder(_folder(tmp_path / "one", "one"), final)
    assert _contents(final) == {"one"}
    files.replace_folder(_folder(tmp_path / "two", "two"), final)
    assert _contents(final) == {"two"} and os.listdir(tmp_path) == ["1"]


def test_a_kill_while_a_folder_is_replaced_leaves_a_whole_one_or_none(tmp_path, monkeypatch):
    final = _folder(tmp_path / "1", "old")
    finished = _folder(tmp_path / "new", "new")
    rename, calls = os.rename, []

    def die_at_the_second(*names):
        calls.append(names)
        if len(calls) == 2:
            raise KeyboardInterrupt
        rename(*names)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", die_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            files.replace_folder(finished, final)
    assert not final.exists() and _contents(finished) == {"new"}
    files.replace_folder(finished, final)
    assert _contents(final) == {"new"} and os.listdir(tmp_path) == ["1"]


def test_a_refused_rename_gives_the_old_folder_its_name_back(tmp_path):
    final = _folder(tmp_path / "1", "old")
    with pytest.raises(FileNotFoundError):
        files.replace_folder(tmp_path / "nothing", final)
    assert _contents(final) == {"old"}


@pytest.mark.parametrize("target", ["elsewhere", "nowhere"])
def test_of_a_link_goes_the_link_and_what_a_kill_left_of_it(tmp_path, target):
    elsewhere = _folder(tmp_path / "elsewhere", "kept")
    link = tmp_path / "1"
    link.symlink_to(tmp_path / target)
    (tmp_path / ".1.removed").symlink_to(tmp_path / target)  # as earlier releases left it
    files.remove_folder(link)
    assert sorted(os.listdir(tmp_path)) == ["elsewhere"]
    link.symlink_to(tmp_path / target)
    (tmp_path / ".1.removed").symlink_to(tmp_path / target)
    files.replace_folder(_folder(tmp_path / "new", "new"), link)
    assert not link.is_symlink() and _contents(link) == {"new"}
    assert sorted(os.listdir(tmp_path)) == ["1", "elsewhere"]
    assert _contents(elsewhere) == {"kept"}


def test_a_file_is_replaced_when_its_block_ends_well(tmp_path):
    path = tmp_path / "song.mid"
    with files.replacing(path) as first:
        first.write_text("one")
        assert os.listdir(tmp_path) == [first.name]
        assert first.name.startswith(".song.") and first.suffix == ".mid"
    with pytest.raises(KeyError), files.replacing(path) as second:
        second.write_text("half")
        raise KeyError("inside")
    with pytest.raises(FileNotFoundError), files.replacing(path):
        pass  # nothing was written
    assert path.read_text() == "one" and os.listdir(tmp_path) == ["song.mid"]


def test_a_folder_has_one_holder(tmp_path):
    with files.locked(tmp_path), pytest.raises(BlockingIOError), files.locked(tmp_path):
        pass


@pytest.mark.parametrize("made_anew", [True, False])
def test_who_locks_a_folder_that_its_holder_removes_does_not_hold_it(
    tmp_path, monkeypatch, made_anew
):
    folder, flock = tmp_path / "model", files.fcntl.flock
    folder.mkdir()

    def lock_what_goes(descriptor, operation):
        folder.rmdir()
        if made_anew:
            folder.mkdir()
        flock(descriptor, operation)

    monkeypatch.setattr(files.fcntl, "flock", lock_what_goes)
    with pytest.raises(BlockingIOError), files.locked(folder):
        pass
