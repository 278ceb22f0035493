"""The user's own music: any folder, file or glob of MIDI, MusicXML, ABC, NoteSequences, .npz."""

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.find import find_files

_ESCAPED = re.compile(r"\[([*?[])\]")  # As glob.escape writes a wildcard that is none.


def root_of(path: str) -> Path:
    """The folder that the names of pieces under `path` count from.

    Args:
      path: A folder (itself), a file (its folder), or a glob (the folders before a wildcard; what
        `glob.escape` has escaped is none).
    """
    if os.path.isdir(path):
        return Path(path)
    if os.path.isfile(path):
        return Path(path).parent
    parts = Path(path).parts
    wild = [index for index, part in enumerate(parts) if glob.has_magic(_ESCAPED.sub("", part))]
    return Path(*(_ESCAPED.sub(r"\1", part) for part in parts[: wild[0] if wild else -1]))


def _absolute(path: str) -> str:
    """A path from the root on; before a glob the working directory's brackets stand for themselves.

    Not resolved: a piece reached through a link is named by the link, inside the folder given.
    """
    if os.path.exists(path) or not glob.has_magic(path):
        return os.path.abspath(path)
    return os.path.normpath(os.path.join(glob.escape(os.getcwd()), path))


def _find_files(paths: Sequence[str]) -> tuple[list[Path], Path]:
    if not paths:
        raise ConfigError("Dataset midi needs --input=FOLDER, a folder, file or glob of music.")
    absolute = [_absolute(path) for path in paths]
    files = sorted({file for path in absolute for file in find_files(path)})
    roots = {root_of(path) for path in absolute}
    return files, Path(os.path.commonpath(roots))


DATASET = Dataset(
    name="midi",
    title="Any folder or glob of MIDI, MusicXML, ABC, NoteSequence TFRecords, pypianoroll .npz",
    description=(
        "Searched recursively for .mid, .midi, .kar, .xml, .musicxml, .mxl, .abc, .tfrecord "
        "(Magenta's NoteSequences) and .npz (pypianoroll). A piece is named by its path below the "
        "folder given; moving the folder changes no split, renaming a file may."
    ),
    source_url="your own files",
    licence="that of your files; --licence records it in the manifest",
    attribution="that of your files; --attribution records it in the manifest",
    command="tfmusicgan-convert --recipe=musegan_hybrid --dataset=midi --input=FOLDER --output=DIR",
    find_files=_find_files,
)
