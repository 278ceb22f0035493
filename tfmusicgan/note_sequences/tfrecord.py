"""NoteSequences in TFRecord files, as Magenta writes and reads them, without TensorFlow.

A record is its length (uint64, little-endian), the length's masked CRC-32C, its bytes, and their
masked CRC-32C. Files may be compressed as a whole with GZIP; which they are is seen from their
first bytes.

Source: https://www.tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details".
"""

import contextlib
import gzip
import os
import pathlib
import struct
import zlib
from collections.abc import Iterator
from typing import IO, Self

import google_crc32c
from google.protobuf.message import DecodeError

from tfmusicgan.errors import ReadError
from tfmusicgan.files import replacing
from tfmusicgan.note_sequences.proto import NoteSequence

MAX_RECORD_BYTES = 2**28
"""Longer records are refused: no NoteSequence is a hundredth of this."""

_HEADER_BYTES = 12
_MASK_DELTA = 0xA282EAD8
_GZIP_MAGIC = b"\x1f\x8b\x08"


def read_note_sequences(path: str | os.PathLike) -> Iterator[NoteSequence]:
    """Reads a file's NoteSequences, as they were written, one at a time.

    Args:
      path: A TFRecord file, plain or compressed with GZIP.

    Yields:
      NoteSequences in file order.

    Raises:
      ReadError: With reason `"unreadable_file"`, `"truncated_tfrecord"`, `"corrupt_tfrecord"`,
        `"too_large"` or `"not_note_sequence"`.
    """
    for offset, record in read_records(path):
        yield parse_note_sequence(record, f"byte {offset} of {os.fspath(path)}")


def parse_note_sequence(record: bytes, where: str) -> NoteSequence:
    """Parses one record.

    Args:
      record: A serialised NoteSequence.
      where: Where it comes from, for the message.

    Returns:
      The message.

    Raises:
      ReadError: With reason `"not_note_sequence"`.
    """
    try:
        return NoteSequence.FromString(record)
    except DecodeError as error:
        raise ReadError(
            f"Expected a serialised NoteSequence. Received {len(record)} bytes of another kind "
            f"at {where}.",
            "not_note_sequence",
        ) from error


def read_records(path: str | os.PathLike, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Reads records from an offset on, checking their checksums.

    Args:
      path: A TFRecord file, plain or compressed with GZIP.
      offset: Where a record begins, in uncompressed bytes. A plain file is not read before it; a
        compressed one has to be.

    Yields:
      (offset, bytes) of each record.

    Raises:
      ReadError: With reason `"unreadable_file"`, `"truncated_tfrecord"`, `"corrupt_tfrecord"` or
        `"too_large"`.
    """
    with RecordReader(path) as reader:
        while (record := reader.read_at(offset)) is not None:
            yield offset, record
            offset += _HEADER_BYTES + len(record) + 4


class RecordReader:
    """Reads records by their offsets, as a context manager or until `close`.

    A compressed file is uncompressed once from its start to its end as long as the offsets grow.
    """

    def __init__(self, path: str | os.PathLike):
        """Opens a TFRecord file, plain or compressed with GZIP.

        Raises:
          ReadError: With reason `"unreadable_file"`.
        """
        self._path = os.fspath(path)
        self._stack = contextlib.ExitStack()
        with _told(self._path, 0):
            self._file = self._stack.enter_context(_open(path))

    def read_at(self, offset: int) -> bytes | None:
        """Reads one record, checking its checksums.

        Args:
          offset: Where it begins, in uncompressed bytes.

        Returns:
          The record; None at the end of the file.

        Raises:
          ReadError: See `read_records`.
        """
        with _told(self._path, offset):
            self._file.seek(offset)
            return _read_record(self._file, self._path, offset)

    def close(self) -> None:
        """Closes the file."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()


@contextlib.contextmanager
def _told(path: str, offset: int) -> Iterator[None]:
    """Turns the errors of files and of GZIP into a `ReadError`."""
    try:
        yield
    except EOFError as error:
        raise _truncated(path, offset) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ReadError(
            f"Expected GZIP. Received damaged data after byte {offset} of {path}.",
            "corrupt_tfrecord",
        ) from error
    except OSError as error:
        raise ReadError(
            f"Expected a readable file. Received {error.strerror or error}: {path}.",
            "unreadable_file",
        ) from error


@contextlib.contextmanager
def _open(path: str | os.PathLike) -> Iterator[IO[bytes]]:
    """Opens a file, uncompressing it if it is GZIP and not a plain file that looks like it."""
    with open(path, "rb") as file:
        head = file.read(_HEADER_BYTES)
        file.seek(0)
        is_plain = len(head) == _HEADER_BYTES and _checksum(head[:8]) == head[8:]
        if is_plain or not head.startswith(_GZIP_MAGIC):
            yield file
        else:
            with gzip.GzipFile(fileobj=file) as uncompressed:
                yield uncompressed


def _read_record(file: IO[bytes], path: str, offset: int) -> bytes | None:
    """Reads one record; None at the end of the file."""
    header = file.read(_HEADER_BYTES)
    if not header:
        return None
    if len(header) < _HEADER_BYTES:
        raise _truncated(path, offset)
    if _checksum(header[:8]) != header[8:]:
        raise _corrupt(path, offset, "length")
    (size,) = struct.unpack("<Q", header[:8])
    if size > MAX_RECORD_BYTES:
        raise ReadError(
            f"Expected records of at most {MAX_RECORD_BYTES} bytes. "
            f"Received one of {size} at byte {offset} of {path}.",
            "too_large",
        )
    record = file.read(size)
    footer = file.read(4)
    if len(record) < size or len(footer) < 4:
        raise _truncated(path, offset)
    if _checksum(record) != footer:
        raise _corrupt(path, offset, "contents")
    return record


def framed(record: bytes) -> bytes:
    """A record with its length and checksums, as it stands in a file."""
    header = struct.pack("<Q", len(record))
    return b"".join((header, _checksum(header), record, _checksum(record)))


def _checksum(data: bytes) -> bytes:
    """The masked CRC-32C of the format, 4 bytes."""
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF)


def _truncated(path: str, offset: int) -> ReadError:
    return ReadError(
        f"Expected a whole record. Received a truncated one at byte {offset} of {path}; "
        f"write or copy the file again.",
        "truncated_tfrecord",
    )


def _corrupt(path: str, offset: int, what: str) -> ReadError:
    return ReadError(
        f"Expected a TFRecord file. Received a wrong checksum of the {what} of the record at byte "
        f"{offset} of {path}.",
        "corrupt_tfrecord",
    )


class RecordWriter:
    """Writes a TFRecord file, of NoteSequences or others, that appears whole or not at all.

    A context manager: records go to a temporary file beside `path`, which takes its name when the
    block ends without an error and is removed when it doesn't.

    Attributes:
      path: The file, replaced if it is there.
      num_written: Records so far.
    """

    def __init__(self, path: str | os.PathLike, compressed: bool = False):
        """Opens nothing yet.

        Args:
          path: Where the file will be.
          compressed: Whether to compress it with GZIP.
        """
        self.path = pathlib.Path(path)
        self.num_written = 0
        self._compressed = compressed
        self._stack = contextlib.ExitStack()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        partial = self._stack.enter_context(replacing(self.path))
        self._file = self._stack.enter_context(partial.open("wb"))
        if self._compressed:
            # No name and no time in its header, so that equal records are equal files.
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=self._file, mtime=0)
            self._file = self._stack.enter_context(packed)
        return self

    def write(self, record: NoteSequence | bytes) -> None:
        """Appends one NoteSequence, or a serialised message."""
        record = record if isinstance(record, bytes) else record.SerializeToString()
        self._file.write(framed(record))
        self.num_written += 1

    def __exit__(self, *error) -> None:
        self._stack.__exit__(*error)
