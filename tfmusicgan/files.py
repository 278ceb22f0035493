"""Files and folders that appear whole and go whole: a kill or a full disk leaves no half of one."""

import contextlib
import errno
import fcntl
import os
import pathlib
import re
import shutil
from collections.abc import Iterator

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # disk, quota, and the limit of a file's size


def partial_name(path: pathlib.Path) -> pathlib.Path:
    """The hidden name beside a path that it is written under."""
    return path.with_name(f".{path.name}.partial")


def write_whole(path: pathlib.Path, text: str) -> None:
    """Writes a text file under a hidden name and renames it.

    Raises:
      OSError: If it cannot be written; what was there before stays.
    """
    partial = partial_name(path)
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a name to write a file under, and renames it when the block ends without an error.

    Args:
      path: The file, replaced if it is there.

    Yields:
      A hidden name beside it, with the same suffix and of this process alone. What is there is
      removed if the block fails.

    Raises:
      OSError: If it cannot be renamed.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: str | os.PathLike) -> Iterator[None]:
    """Keeps other processes out of a folder; the system lets go when the process dies.

    Raises:
      BlockingIOError: If another one, or another block of this one, holds it, or did until now and
        removed it.
      OSError: If there is no such folder.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not is_at(descriptor, folder):
            raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK), str(folder))
        yield
    finally:
        os.close(descriptor)


def is_at(descriptor: int, path: str | os.PathLike) -> bool:
    """Whether an open file or folder is the one that now has this path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def why_not_written(error: Exception) -> str:
    """Why a file could not be written, in a few words without the file's name.

    Args:
      error: Of Python's file functions, or of TensorFlow's, which say
        `{{function_node ...}} PATH; No space left on device [Op:SaveV2] name: `.
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    bare = re.sub(r"\{\{.*?\}\} *| *\[Op:.*", "", first_line)
    return bare.rpartition("; ")[2].rstrip(". ")[:200]


def room_advice(error: Exception, advice: str) -> str:
    """The advice to make room, where that is what a file could not be written for.

    Args:
      error: As for `why_not_written`; TensorFlow's errors are known by their texts.
      advice: What to do then.

    Returns:
      The advice after a space, to go on after the reason's point; empty for any other error.
    """
    if isinstance(error, OSError):
        no_room = error.errno in _NO_ROOM
    else:
        no_room = why_not_written(error) in map(os.strerror, _NO_ROOM)
    return f" {advice}" if no_room else ""


def remove_folder(path: pathlib.Path) -> None:
    """Takes a folder out of sight, then removes it: nobody meets half of it under its name.

    Args:
      path: The folder; of a link to one the link alone goes. Who means what it points to gives
        its real path.

    Raises:
      OSError: If it cannot be removed.
    """
    removed = _removed_name(path)
    _sweep(removed)
    os.rename(path, removed)
    _sweep(removed)


def replace_folder(finished: pathlib.Path, final: pathlib.Path) -> None:
    """Gives a finished folder its name; a folder that has it goes afterwards.

    Args:
      finished: Complete, on the same file system as `final`.
      final: The name, taken or not; a link that has it goes as in `remove_folder`.

    Raises:
      OSError: If it cannot be renamed; the old folder has its name again then.
    """
    removed = _removed_name(final)
    _sweep(removed)
    was_there = os.path.lexists(final)
    if was_there:
        os.rename(final, removed)
    try:
        os.rename(finished, final)
    except OSError:
        if was_there:
            os.rename(removed, final)
        raise
    _sweep(removed)


def _removed_name(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f".{path.name}.removed")


def _sweep(removed: pathlib.Path) -> None:
    """Removes what was taken out of sight, now or by a process that was killed then."""
    if removed.is_symlink():
        removed.unlink()
    elif removed.exists():
        shutil.rmtree(removed)
