"""Unpacks downloaded archives: nothing outside its folder, bounded sizes, whole or not at all."""

import dataclasses
import lzma
import os
import pathlib
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from tfmusicgan.errors import MusicGanError

_CHUNK_BYTES = 2**20
_TRAILING_CHUNKS = 64


@dataclasses.dataclass(frozen=True)
class Limits:
    """What an archive may unpack to.

    Attributes:
      num_files: Most members.
      num_bytes: Most bytes in all, counted while unpacking (headers can lie).
    """

    num_files: int = 2_000_000
    num_bytes: int = 2**38


_DEFAULT_LIMITS = Limits()


def unpack(
    archive: str | os.PathLike, folder: str | os.PathLike, limits: Limits = _DEFAULT_LIMITS
) -> pathlib.Path:
    """Unpacks a ZIP or (compressed) TAR archive, or finds it unpacked already.

    Only plain files and folders are made. Links are left out if they are symbolic, since corpora
    carry none that matter; everything else is refused.

    Args:
      archive: The archive.
      folder: Where its members go; it appears when all are there.
      limits: Bounds on what comes out.

    Returns:
      The folder.

    Raises:
      MusicGanError: If the archive is damaged, holds a member that would land outside the folder,
        a device, a hard link or an encrypted member, or unpacks to more than the limits.
    """
    archive, folder = pathlib.Path(archive), pathlib.Path(folder)
    if folder.is_dir():
        return folder
    temporary = folder.with_name(f"{folder.name}.unpacking")
    if temporary.exists():
        shutil.rmtree(temporary)
    temporary.mkdir(parents=True)
    try:
        _unpack_members(archive, temporary, limits)
        os.replace(temporary, folder)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise _damaged(archive, error) from None
    except OSError as error:
        if error.errno is not None:
            raise  # The disk's error. Those of gzip and bz2 about their data have no number.
        raise _damaged(archive, error) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _unpack_members(archive: pathlib.Path, folder: pathlib.Path, limits: Limits) -> None:
    left = limits.num_bytes
    for number, (name, stream) in enumerate(_members(archive)):
        target = _inside(archive, folder, name)
        if number >= limits.num_files:
            raise _too_much(archive, f"{limits.num_files} files")
        target.parent.mkdir(parents=True, exist_ok=True)
        with stream, open(target, "wb") as file:
            while chunk := stream.read(_CHUNK_BYTES):
                left -= len(chunk)
                if left < 0:
                    raise _too_much(archive, f"{limits.num_bytes} bytes")
                file.write(chunk)


def _members(archive: pathlib.Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yields (name, open stream) of every plain file."""
    if zipfile.is_zipfile(archive):
        yield from _zip_members(archive)
    elif tarfile.is_tarfile(archive):
        yield from _tar_members(archive)
    else:
        raise MusicGanError(
            f"Expected a ZIP or TAR archive. Received: {archive}, which is neither. Remove it and "
            "download it again."
        )


def _zip_members(archive: pathlib.Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
                continue
            if info.flag_bits & 1:
                raise _refused(archive, info.filename, "it is encrypted")
            yield info.filename, opened.open(info)


def _tar_members(archive: pathlib.Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive) as opened:
        for info in opened:
            if info.isdir() or info.issym():
                continue
            if not info.isreg():
                raise _refused(archive, info.name, "it is a link or a device")
            yield info.name, opened.extractfile(info)
        # tarfile stops at the end marker; the compression's checksum comes after it.
        for _ in range(_TRAILING_CHUNKS):
            if not opened.fileobj.read(_CHUNK_BYTES):
                return
        raise _too_much(archive, f"{_TRAILING_CHUNKS} MiB behind its end")


def _inside(archive: pathlib.Path, folder: pathlib.Path, name: str) -> pathlib.Path:
    parts = pathlib.PurePosixPath(name.replace("\\", "/")).parts
    if not parts or "\0" in name or parts[0] == "/" or ".." in parts or ":" in parts[0]:
        raise _refused(archive, name, "it would land outside its folder")
    return folder.joinpath(*parts)


def _damaged(archive: pathlib.Path, error: Exception) -> MusicGanError:
    return MusicGanError(f"{archive} is damaged: {error}. Remove it and download it again.")


def _refused(archive: pathlib.Path, name: str, why: str) -> MusicGanError:
    return MusicGanError(
        f"{archive} holds the member {name!r}, which is refused: {why}. This is not the archive "
        "that the dataset publishes."
    )


def _too_much(archive: pathlib.Path, limit: str) -> MusicGanError:
    return MusicGanError(
        f"{archive} unpacks to more than {limit}, which is refused. This is not the archive that "
        "the dataset publishes."
    )
