"""Folders on disk and folders inside ZIP archives, read alike and without unpacking.

A path may lead into an archive: `data/tunes.zip/MIDI/jigs1.mid` is the member `MIDI/jigs1.mid` of
`data/tunes.zip`. Nothing is written, and a member is never larger in memory than asked for.
"""

import functools
import os
import pathlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence

from tfmusicgan.errors import ConfigError, MusicGanError, ReadError

MAX_MEMBERS = 100_000
"""Archives with more members are refused."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # What GitHub and zip programs write.
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError)


def one_path(paths: Sequence[str], dataset: str) -> pathlib.Path:
    """The one folder or archive that a dataset is to be found in.

    Args:
      paths: Of the command line.
      dataset: Its name, for messages.

    Returns:
      The path, absolute.

    Raises:
      ConfigError: If there are more paths, or none.
      MusicGanError: If nothing is there.
    """
    if len(paths) != 1:
        raise ConfigError(
            f"Dataset {dataset} needs one --input, the folder where its archive or files are or, "
            "with --download, are to be, or its archive."
        )
    path = pathlib.Path(os.path.abspath(paths[0]))
    if not path.exists():
        raise MusicGanError(f"Expected a folder or an archive. Nothing is at {paths[0]!r}.")
    return path


def files_in(folder: pathlib.Path, suffix: str) -> list[pathlib.Path]:
    """The files directly in a folder, hidden ones left out, in order of their names.

    Args:
      folder: On disk or inside an archive; nothing there is a folder without files.
      suffix: Theirs, such as `".mid"`; compared without case.

    Raises:
      MusicGanError: If the archive is damaged, or the folder may not be read.
    """
    archive, inner = _split(folder)
    if archive is None:
        try:
            names = [entry.name for entry in folder.iterdir() if entry.is_file()]
        except (FileNotFoundError, NotADirectoryError):
            names = []
        except OSError as error:
            raise MusicGanError(
                f"Expected a readable folder. Received {error.strerror}: {folder}."
            ) from None
    else:
        names = _folders(archive).get(inner, ())
    found = [name for name in names if not name.startswith(".") and _suffix(name) == suffix]
    return [folder / name for name in sorted(found)]


def files_below(folder: pathlib.Path, suffix: str) -> list[pathlib.Path]:
    """The files in a folder and all folders within, hidden ones left out, in order of their parts.

    Args:
      folder: On disk or inside an archive; nothing there is a folder without files.
      suffix: Theirs, such as `".ls"`; compared without case.

    Raises:
      MusicGanError: If the archive is damaged.
    """
    archive, inner = _split(folder)
    if archive is None:
        walked = os.walk(folder)
        found = [pathlib.Path(top) / name for top, _, names in walked for name in names]
    else:
        start = f"{inner}/" if inner else ""
        found = [
            archive / path / name
            for path, names in _folders(archive).items()
            if f"{path}/".startswith(start)
            for name in names
        ]
    below = [path for path in found if _suffix(path.name) == suffix]
    shown = [path for path in below if not _is_hidden(path.relative_to(folder))]
    return sorted(shown, key=lambda path: path.parts)


def folders_in(folder: pathlib.Path) -> list[pathlib.Path]:
    """The folders directly in a folder on disk or inside an archive, hidden ones left out.

    Raises:
      MusicGanError: If the archive is damaged.
    """
    archive, inner = _split(folder)
    if archive is None:
        try:
            names = {entry.name for entry in folder.iterdir() if entry.is_dir()}
        except OSError:
            names = set()
    else:
        start = f"{inner}/" if inner else ""
        paths = [path for path in _folders(archive) if path and f"{path}/".startswith(start)]
        names = {path[len(start) :].partition("/")[0] for path in paths} - {""}
    return [folder / name for name in sorted(names) if not name.startswith(".")]


def find_folder(
    within: pathlib.Path, name: str, suffix: str, part: str, levels: int
) -> pathlib.Path | None:
    """Finds the folder of a name that has files of a suffix.

    Args:
      within: Where to look: the folder itself, a folder, or an archive.
      name: The folder's.
      suffix: Of files directly in it.
      part: Further folders, and archives, are looked into if this is in their name, in lower case.
      levels: How deep those may lie.

    Returns:
      The outermost such folder; of several on one level one on disk rather than in an archive, and
      then the first by name. None if there is none.

    Raises:
      MusicGanError: If an archive that was looked into is damaged.
    """
    itself = [within] if within.name == name else []
    for folder in (*itself, within / name):
        if files_in(folder, suffix):
            return folder
    archive, inner = _split(within)
    if archive is not None:
        if inner:
            return None
        found = [path for path in _folders(archive) if pathlib.PurePosixPath(path).name == name]
        paths = (archive / path for path in sorted(found, key=lambda path: (path.count("/"), path)))
        return next((path for path in paths if files_in(path, suffix)), None)
    children = _children(within, part) if levels else ()
    inside = (find_folder(child, name, suffix, part, levels - 1) for child in children)
    return next((folder for folder in inside if folder is not None), None)


def read_bytes(path: pathlib.Path, name: str, limit: int) -> bytes:
    """Reads a file or an archive's member, but never more than one byte beyond a limit.

    Args:
      path: On disk or inside an archive.
      name: What messages call it.
      limit: In bytes. A file of more comes one byte longer, so that its reader sees it.

    Raises:
      ReadError: With reason `"unreadable_file"`.
    """
    archive, inner = _split(path)
    try:
        if archive is None:
            with path.open("rb") as file:
                return file.read(limit + 1)
        opened = _open(str(archive), archive.stat().st_mtime_ns)
        info = opened.getinfo(inner)
        if info.flag_bits & 1 or info.compress_type not in _METHODS:
            raise NotImplementedError("it is encrypted or of an unknown compression")
        with opened.open(info) as stream:
            return stream.read(limit + 1)
    except OSError as error:
        why = error.strerror
    except KeyError:
        why = "nothing there"
    except _DAMAGES as error:
        why = " ".join(str(error).split())[:200]
    raise ReadError(f"Expected a readable file. Received {why}: {name}.", "unreadable_file")


def is_archive(path: pathlib.Path) -> bool:
    """Whether a path is a ZIP archive by its name."""
    return path.suffix.lower() == ".zip" and path.is_file()


def _split(path: pathlib.Path) -> tuple[pathlib.Path | None, str]:
    """The archive that a path leads into, and the way inside it; None for a path on disk."""
    for archive in (path, *path.parents):
        if is_archive(archive):
            inner = path.relative_to(archive).as_posix()
            return archive, "" if inner == "." else inner
    return None, ""


def _children(folder: pathlib.Path, part: str) -> Iterator[pathlib.Path]:
    """Folders, then archives with `part` in their names; none in a folder that cannot be read."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    named = [entry for entry in entries if part in entry.name.lower()]
    yield from (entry for entry in named if entry.is_dir())
    yield from (entry for entry in named if is_archive(entry))


def _folders(archive: pathlib.Path) -> Mapping[str, tuple[str, ...]]:
    """Folder -> names of the files directly in it, `""` for the archive's top."""
    return _list_folders(str(archive), archive.stat().st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _list_folders(archive: str, modified: int) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name in _open(archive, modified).namelist():
        folder, _, file = name.rpartition("/")
        if file:
            found.setdefault(folder, []).append(file)
    return {folder: tuple(files) for folder, files in found.items()}


@functools.lru_cache(maxsize=8)
def _open(archive: str, modified: int) -> zipfile.ZipFile:
    """An archive, open for the next of its members; `modified` tells apart what has changed."""
    try:
        opened = zipfile.ZipFile(archive)
    except OSError as error:
        raise MusicGanError(
            f"Expected a readable archive. Received {error.strerror}: {archive}."
        ) from None
    except _DAMAGES as error:
        raise MusicGanError(
            f"{archive} is damaged: {error}. Remove it and download it again."
        ) from None
    if len(opened.namelist()) > MAX_MEMBERS:
        raise MusicGanError(
            f"{archive} has more than {MAX_MEMBERS} members, which is refused. This is not the "
            "archive that the dataset publishes."
        )
    return opened


def _is_hidden(path: pathlib.Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()
