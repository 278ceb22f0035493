"""Where POP909's songs are, and the table that says who sings them and how their beats are counted.

A folder POP909 has a folder for every song, 001 to 909, with `001.mid` and texts, and index.xlsx.
It may lie unpacked or in an archive: upstream's POP909.zip, or its repository as GitHub serves it.
Other arrangements of a song, in its folder `versions`, are passed over.
"""

import dataclasses
import functools
import io
import re
import struct
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfmusicgan.datasets.zip_folders import files_below, find_folder, one_path, read_bytes
from tfmusicgan.errors import MusicGanError

NAME = "pop909"
"""The dataset's name, which is also in those of archives and folders that are looked into."""

INDEX = "index.xlsx"
MAX_INDEX_BYTES = 4 * 2**20
"""Of the table and of each document in it. The real one has 44 kB."""

_LEVELS = 2  # Such as POP909-Dataset-master/POP909-Dataset-master/POP909.
_COLUMNS = ("song_id", "name", "artist", "num_beats_per_measure", "num_quavers_per_beat")
_SHEET, _STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
_DAMAGES = (
    *(zipfile.BadZipFile, zlib.error, ET.ParseError, struct.error),
    *(EOFError, LookupError, OSError, RuntimeError, ValueError),
)


@dataclasses.dataclass(frozen=True)
class Song:
    """A row of the table.

    Attributes:
      title: In Chinese, mostly.
      artist: Who sings it.
      beats_per_bar: 2, which is 4 as well, or 3; as the table has it.
      quavers_per_beat: 2, where a beat is a quarter note, or 3, where it is a dotted one.
    """

    title: str
    artist: str
    beats_per_bar: int
    quavers_per_beat: int


def find_files(paths: Sequence[str]) -> tuple[list[Path], Path]:
    """Finds the songs' MIDI files.

    Args:
      paths: One, of a folder or an archive.

    Returns:
      The files, in order of their names, and the folder POP909, on disk or in an archive.

    Raises:
      ConfigError: If there are more paths, or none.
      MusicGanError: If there are no songs, or an archive or the table is damaged.
    """
    path = one_path(paths, NAME)
    folder = find_folder(path, "POP909", ".xlsx", NAME, _LEVELS)
    songs = [] if folder is None else songs_in(folder)
    if folder is None or not songs:
        raise MusicGanError(
            f"Expected POP909 in {path}: a folder POP909 with {INDEX} and a folder for every song, "
            "or a pop909*.zip with one. Received: neither. --download fetches it."
        )
    read_index(str(folder))
    return songs, folder


def songs_in(folder: Path) -> list[Path]:
    """The MIDI files of a folder POP909 that are named as their folders: `001/001.mid`."""
    found = files_below(folder, ".mid")
    return [path for path in found if path.parent == folder / path.stem]


@functools.lru_cache(maxsize=2)
def read_index(folder: str) -> Mapping[str, Song]:
    """Reads the table of a folder POP909.

    Returns:
      The number of a song as it is written, such as `"001"` -> its row.

    Raises:
      MusicGanError: If the table cannot be read, or a column is missing or has other values.
    """
    path = Path(folder) / INDEX
    data = read_bytes(path, INDEX, MAX_INDEX_BYTES)
    if len(data) > MAX_INDEX_BYTES:
        raise _damaged(path, "it is too large")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            strings = _document(archive, _STRINGS, path) if _STRINGS in archive.namelist() else ()
            shared = ["".join(item.itertext()) for item in strings]
            rows = [
                {_column(cell): _text(cell, shared) for cell in row if _kind(cell) == "c"}
                for row in _document(archive, _SHEET, path).iter()
                if _kind(row) == "row"
            ]
    except MusicGanError:
        raise
    # RuntimeError: an encrypted member; NotImplementedError, one of its kinds: an unknown method.
    except _DAMAGES as error:
        raise _damaged(path, " ".join(str(error).split())[:100]) from None
    head = {title: column for column, title in rows[0].items()} if rows else {}
    missing = [title for title in _COLUMNS if title not in head]
    if missing:
        raise _damaged(path, f"it has no column {missing[0]}")
    songs = {}
    for row in rows[1:]:
        number, title, artist, beats, quavers = (row.get(head[name], "") for name in _COLUMNS)
        if beats not in ("2", "3") or quavers not in ("2", "3"):
            raise _damaged(path, f"song {number!r} has {beats!r} beats of {quavers!r} quavers")
        songs[number] = Song(title, artist, int(beats), int(quavers))
    return songs


def _document(archive: zipfile.ZipFile, member: str, path: Path) -> ET.Element:
    with archive.open(member) as stream:
        data = stream.read(MAX_INDEX_BYTES + 1)
    # Entities are how a small document becomes a huge one.
    if len(data) > MAX_INDEX_BYTES or b"<!ENTITY" in data:
        raise _damaged(path, f"{member} is too large or declares entities")
    return ET.fromstring(data)


def _kind(element: ET.Element) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2]


def _column(cell: ET.Element) -> str:
    return re.sub(r"\d", "", cell.get("r", ""))


def _text(cell: ET.Element, shared: Sequence[str]) -> str:
    text = "".join(cell.itertext())
    if cell.get("t") != "s":
        return text
    return shared[int(text)] if text.isdecimal() and int(text) < len(shared) else ""


def _damaged(path: Path, why: str) -> MusicGanError:
    return MusicGanError(f"Expected POP909's table of songs: {path} cannot be read, {why}.")
