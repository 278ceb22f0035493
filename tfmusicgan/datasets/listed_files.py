"""Files of one piece each, on disk or inside archives: listed with their digests, read later."""

import hashlib
import pathlib
from collections.abc import Callable, Iterable

from tfmusicgan.datasets.zip_folders import read_bytes
from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import sources
from tfmusicgan.note_sequences.sources import Source


def list_pieces(
    files: Iterable[pathlib.Path], name_of: Callable[[pathlib.Path], str], format: str, limit: int
) -> tuple[list[Source], list[tuple[str, ReadError]]]:
    """Lists files of one piece each with their digests, without parsing them.

    Args:
      files: On disk or inside archives.
      name_of: Gives a piece's name.
      format: The sources'.
      limit: Files of more bytes are for their reader to refuse; see `read_bytes`.

    Returns:
      The pieces; and for every file that cannot be read, or is empty, its name and the error.
    """
    found: list[Source] = []
    errors: list[tuple[str, ReadError]] = []
    for file in files:
        name = name_of(file)
        try:
            data = read_bytes(file, name, limit)
            if not data:
                raise ReadError(f"Expected music. Received an empty file: {name}.", "empty_file")
        except ReadError as error:
            errors.append((name, error))
            continue
        found.append(Source(name, str(file), format, None, hashlib.sha256(data).hexdigest()))
    return found, errors


def read_listed(source: Source, limit: int) -> bytes:
    """Reads a file, if it still is what was listed.

    Args:
      source: Whose digest is its contents', as from `list_pieces`.
      limit: As in `list_pieces`.

    Returns:
      The contents; of a file of more than `limit` bytes one byte more, for its reader to refuse.

    Raises:
      ReadError: With reason `"unreadable_file"`, or `"file_changed"` if it is another by now.
    """
    data = read_bytes(pathlib.Path(source.path), source.name, limit)
    if hashlib.sha256(data).hexdigest() != source.digest:
        raise sources.gone(source)
    return data
