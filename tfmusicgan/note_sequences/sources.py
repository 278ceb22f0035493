"""Pieces of music in files: a stable name, a digest and a way to read each.

Listing is cheap: files are read once for their digest and not parsed (books of several pieces are
split, no more). What cannot be read is reported by name and never stops the listing.
"""

import contextlib
import dataclasses
import functools
import hashlib
import os
import pathlib
import threading
from collections.abc import Callable, Iterable, Iterator

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import abc, tfrecord
from tfmusicgan.note_sequences.find import FORMATS
from tfmusicgan.note_sequences.normalise import normalise
from tfmusicgan.note_sequences.proto import NoteSequence

_DIGEST_OF_NOTHING = hashlib.sha256().hexdigest()


@dataclasses.dataclass(frozen=True)
class Source:
    """One piece of music in a file.

    Attributes:
      name: Stable name of the piece: the file's path relative to the root with `/` between folders,
        and `#<index>` behind it for files that hold several pieces, e.g. `"book.abc#3"`.
      path: Where the file is.
      format: `"midi"`, `"musicxml"`, `"abc"`, `"note_sequences"` or `"pypianoroll"`.
      index: Which piece of the file, from 0; None for files of one piece.
      digest: SHA-256 of the piece's contents, in hexadecimal.
      offset: Byte at which the piece's record begins, before compression; None in other formats.
      companion: SHA-256 of what a dataset reads with it from elsewhere, such as its chord symbols;
        `""` if nothing. It tells no pieces apart: equal contents are one piece.
      labels: What a dataset knows of the piece from another file, for its reader, as JSON.
    """

    name: str
    path: str
    format: str
    index: int | None
    digest: str
    offset: int | None = None
    companion: str = ""
    labels: str = ""

    @property
    def digests(self) -> str:
        """The piece's digest, with that of its companion behind a `+` if it has one."""
        return f"{self.digest}+{self.companion}" if self.companion else self.digest

    @property
    def order(self) -> tuple[str, int]:
        """What sources are sorted by: pieces of one file in the order of the file."""
        return self.name.removesuffix(f"#{self.index}"), self.index or 0


def list_sources(
    files: Iterable[pathlib.Path], root: str | os.PathLike
) -> tuple[list[Source], list[tuple[str, ReadError]]]:
    """Lists the pieces in files with their digests, without parsing them.

    Args:
      files: From `find.find_files`.
      root: Names are relative to it; a file elsewhere is named by its whole path.

    Returns:
      The sources, in the files' order; and for every file that cannot be read, or not to its end,
      and every folder that may not, its name and the error.
    """
    sources: list[Source] = []
    errors: list[tuple[str, ReadError]] = []
    for file in files:
        name = source_name(file, root)
        try:
            if file.is_dir():
                raise ReadError(
                    f"Expected a readable folder. Received one that may not be read: {name}.",
                    "unreadable_folder",
                )
            format_name = FORMATS[file.suffix.lower()]
            for source in _LISTERS[format_name](file, name, format_name):
                sources.append(source)
        except ReadError as error:
            errors.append((name, error))
    return sources, errors


def source_name(file: pathlib.Path, root: str | os.PathLike) -> str:
    """A file's path relative to `root`, with `/` between folders.

    Every name is text: bytes in it that are no UTF-8 are written in hexadecimal behind a backslash.
    """
    # Not resolved: names keep to the links by which files were found.
    absolute, base = pathlib.Path(os.path.abspath(file)), os.path.abspath(root)
    try:
        return _as_text(absolute.relative_to(base).as_posix())
    except ValueError:
        return _as_text(absolute.as_posix())


def _as_text(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _list_single(file: pathlib.Path, name: str, format_name: str) -> Iterator[Source]:
    """The one piece of a MIDI, MusicXML or .npz file."""
    digest = _file_digest(file, name)
    if digest == _DIGEST_OF_NOTHING:
        raise ReadError(f"Expected music. Received an empty file: {name}.", "empty_file")
    yield Source(name, str(file), format_name, None, digest)


def _file_digest(path: str | os.PathLike, name: str) -> str:
    """SHA-256 of a file of any size."""
    with _told(name), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _list_tunes(file: pathlib.Path, name: str, format_name: str) -> Iterator[Source]:
    """The tunes of an ABC book."""
    header, tunes = abc.split_tunes(file, name)
    for index, digest in enumerate(_tune_digests(header, tunes)):
        yield Source(f"{name}#{index}", str(file), format_name, index, digest)


def _tune_digests(header: str, tunes: Iterable[str]) -> list[str]:
    """SHA-256 of each tune behind its book's header."""
    start = hashlib.sha256(header.encode() + b"\n")
    digests = []
    for tune in tunes:
        piece = start.copy()
        piece.update(tune.encode())
        digests.append(piece.hexdigest())
    return digests


def _list_records(file: pathlib.Path, name: str, format_name: str) -> Iterator[Source]:
    """The records of a TFRecord file."""
    index = -1
    for index, (offset, record) in enumerate(tfrecord.read_records(file)):
        digest = hashlib.sha256(record).hexdigest()
        yield Source(f"{name}#{index}", str(file), format_name, index, digest, offset)
    if index < 0:
        raise ReadError(f"Expected NoteSequences. Received an empty file: {name}.", "empty_file")


_LISTERS: dict[str, Callable[[pathlib.Path, str, str], Iterator[Source]]] = {
    "midi": _list_single,
    "musicxml": _list_single,
    "abc": _list_tunes,
    "note_sequences": _list_records,
    "pypianoroll": _list_single,
}


def read_source(source: Source) -> NoteSequence:
    """Reads one piece, if it still is what was listed.

    What is parsed is hashed: less than a hundredth of the work. An .npz file is hashed behind its
    reader, out of the system's cache; what it becomes meanwhile is then not missed either.

    Args:
      source: From `list_sources`.

    Returns:
      A NoteSequence whose `id` is the source's name, `filename` the file's name relative to the
      root and `collection_name` the root folder's, where the piece doesn't bring its own.

    Raises:
      ReadError: If the piece cannot be read; with reason `"file_changed"` if another one is there.
    """
    # Readers are imported when needed: symusic, and for scores note_seq, take time to load.
    if source.format == "midi":
        from tfmusicgan.note_sequences import midi, midi_chunks

        sequence = midi.read_midi(_read_file(source, midi_chunks.MAX_FILE_BYTES), source.name)
    elif source.format == "musicxml":
        from tfmusicgan.note_sequences import musicxml, musicxml_file

        data = _read_file(source, musicxml_file.MAX_XML_BYTES)
        sequence = musicxml.read_musicxml(data, source.name)
    elif source.format == "pypianoroll":
        from tfmusicgan.note_sequences import pianoroll_npz

        sequence = pianoroll_npz.read_pianoroll_npz(source.path, source.name)
        if _file_digest(source.path, source.name) != source.digest:
            raise gone(source)
    elif source.format == "abc":
        header, tunes, digests = _split_book(source.path, _modified(source))
        if digests[source.index : source.index + 1] != [source.digest]:
            raise gone(source)
        sequence = abc.read_tune(header, tunes[source.index], source.name)
    else:
        record = read_record(source)
        if record is None or hashlib.sha256(record).hexdigest() != source.digest:
            raise gone(source)
        sequence = tfrecord.parse_note_sequence(record, source.name)
        normalise(sequence, source.name)
    file_name = source.order[0]
    sequence.id = sequence.id or source.name
    sequence.filename = sequence.filename or file_name
    depth = file_name.count("/") if not os.path.isabs(file_name) else 0
    root = pathlib.Path(os.path.abspath(source.path)).parents[depth]
    sequence.collection_name = sequence.collection_name or _as_text(root.name)
    return sequence


def _read_file(source: Source, limit: int) -> bytes:
    """The contents of a file of one piece; of one over `limit` a byte more, for its reader."""
    with _told(source.name), open(source.path, "rb") as file:
        data = file.read(limit + 1)
    if len(data) <= limit and hashlib.sha256(data).hexdigest() != source.digest:
        raise gone(source)
    return data


@functools.lru_cache(maxsize=2)
def _split_book(path: str, modified: int) -> tuple[str, list[str], list[str]]:
    """A book's header, tunes and their digests, kept; `modified` tells apart what has changed."""
    header, tunes = abc.split_tunes(path, path)
    return header, tunes, _tune_digests(header, tunes)


_opened = threading.local()


def read_record(source: Source) -> bytes | None:
    """The record of a TFRecord file that a source's offset names; None if the file ends before.

    Its file stays open for the next ones: a compressed one has no shortcut to a place within.

    Raises:
      ReadError: See `tfrecord.read_records`.
    """
    key = source.path, _modified(source)
    if getattr(_opened, "key", None) != key:
        if reader := getattr(_opened, "reader", None):
            reader.close()
        _opened.key = None
        _opened.reader = tfrecord.RecordReader(source.path)
        _opened.key = key
    try:
        return _opened.reader.read_at(source.offset)
    except ReadError:
        _opened.key = None
        raise


def _modified(source: Source) -> int:
    """When a source's file was written, in nanoseconds."""
    with _told(source.name):
        return os.stat(source.path).st_mtime_ns


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    """Turns the errors of files into a `ReadError`."""
    try:
        yield
    except OSError as error:
        raise ReadError(
            f"Expected a readable file. Received {error.strerror}: {name}.", "unreadable_file"
        ) from error


def gone(source: Source) -> ReadError:
    """The error for a piece that is no longer where it was listed."""
    return ReadError(
        f"Expected a piece at its place. The file has changed since it was listed: {source.name}.",
        "file_changed",
    )
