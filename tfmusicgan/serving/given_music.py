"""Music given to a model by the names of files: MIDI, MusicXML, ABC, NoteSequence TFRecords."""

import os
import pathlib

from tfmusicgan.errors import ConfigError, MusicGanError, ReadError
from tfmusicgan.note_sequences.find import find_files
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.sources import Source, list_sources, read_source


def read_piece(name: str) -> NoteSequence:
    """Reads one piece.

    Args:
      name: A file, and `#<number>` behind it for one of several pieces in it, counted from 0, as in
        `"book.abc#3"`.

    Raises:
      MusicGanError: If there is no such file, or its suffix is that of no music.
      ReadError: If it cannot be read.
      ConfigError: If the file has several pieces and no number is given, or has not so many.
    """
    file, number = name, None
    stem, mark, tail = name.rpartition("#")
    if mark and tail.isdecimal() and not os.path.exists(name):
        file, number = stem, int(tail)
    if os.path.isdir(file):
        raise ConfigError(f"Expected a file of music. Received: {file!r}, a folder.")
    if not os.path.isfile(file):
        raise MusicGanError(f"Expected a file of music. Nothing is at {file!r}.")
    pieces = _list(find_files(file), pathlib.Path(file).parent)
    if number is None and len(pieces) > 1:
        raise ConfigError(
            f"Expected one piece. Received: {file!r}, which has {len(pieces)}. Name one of them, "
            f"as in {file}#0."
        )
    if (number or 0) >= len(pieces):
        raise ConfigError(
            f"Expected a piece below {len(pieces)}, as many as {file!r} has. Received: {number}."
        )
    return read_source(pieces[number or 0])


def list_pieces(path_or_glob: str) -> list[Source]:
    """Lists all pieces in a file, in a folder and all folders within, or in what a glob matches.

    Args:
      path_or_glob: As for `find_files`.

    Raises:
      MusicGanError: If there is no music there.
      ReadError: If one of the pieces cannot be read: all are read once, so that a long run does not
        end at the last of them.
    """
    path = pathlib.Path(path_or_glob)
    pieces = _list(find_files(path_or_glob), path if path.is_dir() else path.parent)
    for piece in pieces:
        read_source(piece)
    return pieces


def _list(files: list[pathlib.Path], root: pathlib.Path) -> list[Source]:
    pieces, errors = list_sources(files, root)
    if errors:
        _, error = errors[0]
        raise ReadError(f"{error} The music that is given has to be readable.", error.reason)
    return pieces
