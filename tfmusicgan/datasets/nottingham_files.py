"""Where the files of the Nottingham tunes are: folders, unpacked or in ZIP archives.

The edition has a folder MIDI with a file for every tune, beside it melodies and chords alone in
MIDI/melody and MIDI/chords, which are passed over, and a folder ABC_cleaned with fourteen books of
tunes. MIDI/jigs12.mid is the tune `X: 12` of ABC_cleaned/jigs.abc. (ABC_original, which GitHub's
archive has as well, are the books before their cleaning.) The folders may lie in one archive, as
GitHub serves it, in one each, or unpacked. Archives are read where they are: nothing is written.
"""

import functools
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfmusicgan.datasets.zip_folders import files_in, find_folder, read_bytes
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.note_sequences import abc

NAME = "nottingham"
"""The dataset's name, which is also in those of archives and folders that are looked into."""

_MIDI_LEVELS = 2  # Such as nottingham-dataset-master/nottingham-dataset-master/MIDI.
_BOOK_LEVELS = 1
_PARENTS = 3  # Of the MIDI folder: where the books are looked for.


def find_files(paths: Sequence[str]) -> tuple[list[Path], Path]:
    """Finds the MIDI files of the tunes.

    Args:
      paths: One, of a folder or an archive.

    Returns:
      The files, in order of their names, and the folder or the place in an archive they lie in.

    Raises:
      ConfigError: If there are more paths, or none.
      MusicGanError: If there are no tunes, an archive is damaged, or the books are missing.
    """
    if len(paths) != 1:
        raise ConfigError(
            "Dataset nottingham needs one --input, the folder where its archives or files are or, "
            "with --download, are to be, or its archive."
        )
    path = Path(os.path.abspath(paths[0]))
    if not path.exists():
        raise MusicGanError(f"Expected a folder or an archive. Nothing is at {paths[0]!r}.")
    folder = find_folder(path, "MIDI", ".mid", NAME, _MIDI_LEVELS)
    if folder is None:
        raise MusicGanError(
            f"Expected the Nottingham tunes in {path}: a folder MIDI with .mid files, or a "
            "nottingham*.zip with one. Received: neither. --download fetches them."
        )
    if not tunes_beside(str(folder)):
        raise MusicGanError(
            f"Expected books of the Nottingham tunes beside {folder}: a folder ABC_cleaned, or a "
            "nottingham*.zip with one, which has their chord symbols. Received: neither. Use "
            "--dataset=midi for the MIDI files alone."
        )
    return files_in(folder, ".mid"), folder


@functools.lru_cache(maxsize=2)
def tunes_beside(folder: str) -> Mapping[str, tuple[str, str]]:
    """The tunes of all books beside a folder of MIDI files, by the names of their MIDI files.

    Returns:
      Such as `"jigs12.mid"` -> (the book's header, the tune's ABC).

    Raises:
      ReadError: If a book cannot be read or has no tunes.
    """
    parents = Path(folder).parents[:_PARENTS]
    found = (find_folder(one, "ABC_cleaned", ".abc", NAME, _BOOK_LEVELS) for one in parents)
    books = next((one for one in found if one is not None), None)
    tunes: dict[str, tuple[str, str]] = {}
    for path in files_in(books, ".abc") if books is not None else ():
        data = read_bytes(path, path.name, abc.MAX_BOOK_BYTES)
        header, texts = abc.split_tunes(data, path.name)
        for text in texts:
            if number := re.search(r"^X:\s*(\d+)", text, re.MULTILINE):
                tunes.setdefault(f"{path.stem}{int(number[1])}.mid", (header, text))
    return tunes
