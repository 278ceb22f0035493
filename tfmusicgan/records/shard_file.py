"""Shard files: GZIP-compressed TFRecords that appear whole, with the same bytes every time.

A TFRecord is framed as length (uint64), masked CRC32C of the length, data, masked CRC32C of the
data, all little-endian. The gzip header carries neither a time nor a name.
"""

import contextlib
import gzip
import hashlib
import os
import pathlib
import struct
import zlib
from collections.abc import Iterator
from typing import Self

import google_crc32c

from tfmusicgan.errors import RecordsError

# Level 6 halves the size of level 1 on piano-rolls; reading speed is the same.
_COMPRESSION_LEVEL = 6
_MASK_DELTA = 0xA282EAD8


def masked_crc(data: bytes) -> int:
    """CRC32C rotated and shifted, as TFRecord files carry it."""
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


class ShardWriter:
    """Writes one shard; the file takes its name when the `with` block ends without an error.

    Args:
      path: The finished file.
    """

    def __init__(self, path: pathlib.Path):
        self.path = pathlib.Path(path)
        self.num_examples = 0
        self.num_unpacked_bytes = 0
        self._temporary = self.path.with_name(f"{self.path.name}.tmp{os.getpid()}")

    def __enter__(self) -> Self:
        self._file = open(self._temporary, "wb")
        self._gzip = gzip.GzipFile(
            filename="", mode="wb", fileobj=self._file, mtime=0, compresslevel=_COMPRESSION_LEVEL
        )
        return self

    def write(self, record: bytes) -> None:
        """Appends one record."""
        length = struct.pack("<Q", len(record))
        self._gzip.write(length + struct.pack("<I", masked_crc(length)))
        self._gzip.write(record)
        self._gzip.write(struct.pack("<I", masked_crc(record)))
        self.num_examples += 1
        self.num_unpacked_bytes += len(record) + 16

    def __exit__(self, error_type: type | None, *_) -> None:
        complete = False
        try:
            if error_type is None:
                self._gzip.close()
                self._file.flush()
                os.fsync(self._file.fileno())
                complete = True
        finally:
            # A full disk may refuse the last bytes once more here; the first error is the one told.
            with contextlib.suppress(OSError):
                self._file.close()
            if complete:
                os.replace(self._temporary, self.path)
            else:
                self._temporary.unlink(missing_ok=True)


def read_shard(path: pathlib.Path) -> Iterator[bytes]:
    """Yields the records of a shard, without TensorFlow.

    Raises:
      RecordsError: If the file is truncated or damaged.
    """
    try:
        with gzip.open(path, "rb") as file:
            while header := file.read(12):
                length, length_crc = struct.unpack("<QI", header)
                if masked_crc(header[:8]) != length_crc:
                    raise _damaged(path, "the length of a record has another checksum")
                data, footer = file.read(length), file.read(4)
                if len(footer) < 4 or struct.unpack("<I", footer)[0] != masked_crc(data):
                    raise _damaged(path, "a record has another checksum")
                yield data
    except (EOFError, zlib.error, gzip.BadGzipFile, struct.error) as error:
        raise _damaged(path, str(error)) from None


def file_digest(path: pathlib.Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(path: pathlib.Path, detail: str) -> RecordsError:
    return RecordsError(f"Shard {path} is damaged ({detail}). Convert the data again.")
