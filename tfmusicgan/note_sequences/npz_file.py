"""Arrays and texts in .npz files: without pickle, and never larger than a bound.

An .npz is a ZIP archive of .npy members. `numpy.load` believes what a member's header says of its
size; here the bytes are counted while they are unpacked, and the header must fit them.

Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import io
import math
import os
import re
import zipfile
import zlib

import numpy as np

from tfmusicgan.errors import ReadError

MAX_FILE_BYTES = 32 * 2**20
"""Larger files are refused: a piano-roll of LPD has some ten to a hundred thousand bytes."""

MAX_UNPACKED_BYTES = 32 * 2**20
"""Most bytes that are unpacked of one file: over six million cells of a piano-roll that sound."""

# As NumPy writes it; in Python 2 with an L behind numbers. NumPy itself reads any literal there.
_HEADER = re.compile(
    rb"\{'descr': '([<>|=]?[biuf]\d{1,2})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,15}L?,? ?)*)\), \}\s*"
)
_MAX_AXES = 32
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # What NumPy writes.
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)


class NpzFile:
    """The members of one .npz file, unpacked as they are asked for.

    Args:
      path: The file.
      name: What messages call it.
      limit: Most bytes of the file, and most that are unpacked of it; by default `MAX_FILE_BYTES`
        and `MAX_UNPACKED_BYTES`.

    Raises:
      ReadError: With reason `"unreadable_file"`, `"empty_file"`, `"too_large"` or `"not_npz"`.
    """

    def __init__(self, path: str | os.PathLike, name: str, limit: int | None = None):
        self.name = name
        most = MAX_FILE_BYTES if limit is None else limit
        self._limit = MAX_UNPACKED_BYTES if limit is None else limit
        self._left = self._limit
        try:
            with open(path, "rb") as file:
                data = file.read(most + 1)  # One more, to see that there are more.
        except OSError as error:
            raise ReadError(
                f"Expected a readable file. Received {error.strerror}: {name}.", "unreadable_file"
            ) from error
        if not data:
            raise ReadError(f"Expected an .npz file. Received an empty one: {name}.", "empty_file")
        if len(data) > most:
            raise self._too_large(most)
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except _DAMAGES as error:
            raise _not_npz(name, error) from None
        self._members = {info.filename: info for info in self._archive.infolist()}

    def __contains__(self, member: str) -> bool:
        return member in self._members

    def read(self, member: str) -> bytes:
        """The bytes of a member.

        Raises:
          ReadError: With reason `"too_large"`, or `"not_npz"` if it is not there or damaged.
        """
        info = self._members.get(member)
        if info is None:
            raise ReadError(
                f"Expected a member {member}. Received: none in {self.name}.", "not_npz"
            )
        if info.flag_bits & 1 or info.compress_type not in _METHODS:
            raise _not_npz(self.name, f"{member} is encrypted or of an unknown compression")
        try:
            with self._archive.open(info) as stream:
                data = stream.read(self._left + 1)
        except _DAMAGES as error:
            raise _not_npz(self.name, error) from None
        self._left -= len(data)
        if self._left < 0:
            raise self._too_large(self._limit)
        return data

    def array(self, name: str) -> np.ndarray:
        """The array of a member, named as in `numpy.savez`, read-only.

        Raises:
          ReadError: As in `read`; with reason `"not_npz"` also if it holds Python objects (which
            are never unpickled) or its size is not what its header says.
        """
        data = self.read(f"{name}.npy")
        begin = 8 + (2 if data[6:7] == b"\x01" else 4)  # Behind magic, version and header length.
        end = begin + int.from_bytes(data[8:begin], "little")
        match = _HEADER.fullmatch(data[begin:end])
        if data[:6] != b"\x93NUMPY" or match is None:
            raise _not_npz(self.name, f"{name} is no array of numbers")
        try:
            dtype = np.dtype(match[1].decode())
        except TypeError as error:
            raise _not_npz(self.name, error) from None
        shape = tuple(int(size.rstrip(b"L")) for size in match[3].split(b",") if size.strip())
        size = math.prod(shape) * dtype.itemsize
        if size != len(data) - end or len(shape) > _MAX_AXES:
            raise _not_npz(self.name, f"{name} has {len(data) - end} bytes, its header says {size}")
        array = np.frombuffer(data, dtype, offset=end)
        return array.reshape(shape, order="F" if match[2] == b"True" else "C")

    def _too_large(self, limit: int) -> ReadError:
        return ReadError(
            f"Expected an .npz file of at most {limit} bytes. Received more: {self.name}.",
            "too_large",
        )


def _not_npz(name: str, why: object) -> ReadError:
    detail = " ".join(str(why).split())[:200]
    return ReadError(
        f"Expected an .npz file. Received a damaged one: {name} ({detail}).", "not_npz"
    )
