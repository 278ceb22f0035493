"""Folders of MIDI files, unpacked or in a ZIP archive, as published corpora of them come."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tfmusicgan.datasets.listed_files import list_pieces, read_listed
from tfmusicgan.datasets.zip_folders import (
    files_below,
    is_archive,
    one_path,
)
from tfmusicgan.errors import MusicGanError, ReadError
from tfmusicgan.note_sequences import midi_chunks
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.sources import Source, source_name

_LEVELS = 2  # Folders around the files', such as maestro-v3.0.0/maestro-v3.0.0.
_SUFFIXES = (".mid", ".midi")


def find_midi(paths: Sequence[str], name: str, parts: Sequence[str]) -> tuple[list[Path], Path]:
    """Finds a corpus's MIDI files.

    Args:
      paths: One, of a folder or an archive.
      name: The dataset's, for messages.
      parts: Archives and folders below `paths` are looked into if one of these is in their names,
        in lower case.

    Returns:
      The files in order of their names, and the folder or archive they were found in.

    Raises:
      ConfigError: If there are more paths, or none.
      MusicGanError: If there are no MIDI files, or an archive is damaged.
    """
    path = one_path(paths, name)
    for place in _places(path, parts, _LEVELS):
        files = [file for suffix in _SUFFIXES for file in files_below(place, suffix)]
        if files:
            return sorted(files, key=lambda file: file.parts), place
    raise MusicGanError(
        f"Expected MIDI files (.mid, .midi) in {path}, or an archive *{parts[0]}*.zip with some. "
        "Received: neither. --download fetches them."
    )


def list_midi(
    files: Sequence[Path], root: Path
) -> tuple[list[Source], list[tuple[str, ReadError]]]:
    """Lists the pieces with their digests, without parsing them.

    Args:
      files: From `find_midi`.
      root: The folder or place in an archive that names count from.

    Returns:
      The pieces; and for every file that cannot be read its name and the error.
    """
    return list_pieces(
        files, lambda file: source_name(file, root), "midi", midi_chunks.MAX_FILE_BYTES
    )


def read_midi_source(source: Source, collection: str) -> NoteSequence:
    """Reads a piece.

    Args:
      source: From `list_midi`.
      collection: The dataset's name.

    Raises:
      ReadError: See `midi.read_midi`.
    """
    # Imported when needed, as in sources.py: symusic takes time to load.
    from tfmusicgan.note_sequences import midi

    data = read_listed(source, midi_chunks.MAX_FILE_BYTES)
    piece = midi.read_midi(data, source.name)
    piece.id = piece.filename = source.name
    piece.collection_name = collection
    return piece


def _places(path: Path, parts: Sequence[str], levels: int) -> Iterator[Path]:
    """Yields a folder or archive, and then what lies in it and may hold the files."""
    yield path
    if is_archive(path) or not path.is_dir() or not levels:
        return
    named = [
        entry
        for entry in sorted(path.iterdir())
        if any(part in entry.name.lower() for part in parts)
    ]
    yield from (entry for entry in named if is_archive(entry))
    for entry in named:
        if entry.is_dir():
            yield from _places(entry, parts, levels - 1)
