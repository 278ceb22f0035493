"""The .npz container: bounded, without pickle, every damage a named error."""

import io
import zipfile

import numpy as np
import pytest

from tests.note_sequences.pianorolls import matrix, write_npz
from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import npz_file
from tfmusicgan.note_sequences.npz_file import NpzFile
from tfmusicgan.note_sequences.pianoroll_npz import read_pianoroll_npz


def _npy(array: np.ndarray, version=(1, 0)) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version)
    return stream.getvalue()


def _write(path, compression=zipfile.ZIP_DEFLATED, **members: bytes):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def _error(path, member=None):
    with pytest.raises(ReadError) as error:
        NpzFile(path, "x.npz").array(member)
    return error.value


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([True, False]),
        np.array(7, ">i2"),
        np.zeros((0, 128), np.uint8),
    ],
)
def test_arrays_are_numpys(tmp_path, array):
    np.savez(tmp_path / "a.npz", x=array)
    file = NpzFile(tmp_path / "a.npz", "a")
    found = file.array("x")
    assert "x.npy" in file and "y.npy" not in file
    with np.load(tmp_path / "a.npz", allow_pickle=False) as loaded:
        np.testing.assert_array_equal(found, loaded["x"])
    assert found.dtype == array.dtype and found.shape == array.shape


def test_headers_of_the_second_version(tmp_path):
    path = _write(tmp_path / "a.npz", x=_npy(np.arange(3), (2, 0)))
    assert NpzFile(path, "a").array("x").tolist() == [0, 1, 2]


def test_objects_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}], object))
    error = _error(tmp_path / "a.npz", "x")
    assert error.reason == "not_npz" and "x is no array of numbers" in str(error)


def test_a_header_that_promises_more_than_there_is(tmp_path):
    data = _npy(np.zeros(10, np.uint8)).replace(b"(10,)", b"(10000000000000,)")
    length = len(data) - 10 - 10  # Of the header, behind magic and length, before the array.
    data = data[:8] + length.to_bytes(2, "little") + data[10:]
    error = _error(_write(tmp_path / "a.npz", x=data), "x")
    assert "x has 10 bytes, its header says 10000000000000" in str(error)
    negative = _npy(np.zeros((1, 10), np.uint8)).replace(b"(1, 10)", b"(-1,-8)")
    assert _error(_write(tmp_path / "b.npz", x=negative), "x").reason == "not_npz"
    axes = _npy(np.zeros((1,) * 32, np.uint8)).replace(b"(" + b"1, " * 4, b"(" + b"1,1," * 3)
    assert _error(_write(tmp_path / "c.npz", x=axes), "x").reason == "not_npz"


def test_headers_as_python_2_wrote_them(tmp_path):
    data = _npy(np.arange(12).reshape(3, 4)).replace(b"(3, 4), }  ", b"(3L, 4L), }")
    assert NpzFile(_write(tmp_path / "a.npz", x=data), "a").array("x").shape == (3, 4)


def test_types_that_numpy_does_not_know(tmp_path):
    data = _npy(np.zeros(2)).replace(b"<f8", b"<f7")
    assert "data type '<f7' not understood" in str(_error(_write(tmp_path / "a.npz", x=data), "x"))


def test_what_unpacks_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(npz_file, "MAX_UNPACKED_BYTES", 1000)
    path = _write(tmp_path / "a.npz", x=_npy(np.zeros(700, np.uint8)), y=_npy(np.zeros(100)))
    file = NpzFile(path, "x.npz")
    assert file.array("x").size == 700
    with pytest.raises(ReadError, match=r"at most 1000 bytes. Received more: x.npz") as error:
        file.array("y")
    assert error.value.reason == "too_large"
    monkeypatch.setattr(npz_file, "MAX_FILE_BYTES", 100)
    assert _error(path).reason == "too_large"
    file = NpzFile(path, "x.npz", limit=1756)  # in place of both: 828 and 928 bytes
    assert file.array("x").size == 700 and file.array("y").size == 100
    with pytest.raises(ReadError, match="at most 1756 bytes"):
        file.array("x")
    with pytest.raises(ReadError, match="at most 300 bytes"):
        NpzFile(path, "x.npz", limit=300)


def test_no_file_an_empty_one_and_none_of_the_kind(tmp_path):
    assert _error(tmp_path / "none.npz").reason == "unreadable_file"
    (tmp_path / "a.npz").write_bytes(b"")
    assert _error(tmp_path / "a.npz").reason == "empty_file"
    (tmp_path / "a.npz").write_bytes(b"music" * 100)
    assert _error(tmp_path / "a.npz").reason == "not_npz"
    _write(tmp_path / "a.npz", x=b"no array")
    assert _error(tmp_path / "a.npz", "x").reason == "not_npz"
    error = _error(tmp_path / "a.npz", "tempo")
    assert "Expected a member tempo.npy. Received: none in x.npz" in str(error)


def test_other_compressions_are_refused(tmp_path):
    path = _write(tmp_path / "a.npz", zipfile.ZIP_LZMA, x=_npy(np.zeros(3)))
    assert "encrypted or of an unknown compression" in str(_error(path, "x"))


def test_arrays_of_something_else(tmp_path):
    np.savez(tmp_path / "a.npz", nonzero=np.zeros((5, 9), int), shape=np.array([2, 4, 48, 84, 5]))
    with pytest.raises(ReadError, match=r"but it has no info.json, which") as error:
        read_pianoroll_npz(tmp_path / "a.npz")
    assert error.value.reason == "not_pianoroll"


@pytest.mark.parametrize("text", ["{", "[1]", "[" * 100_000])
def test_descriptions_that_are_none(tmp_path, text):
    np.savez(tmp_path / "a.npz", x=np.zeros(1))
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("info.json", text)
    with pytest.raises(ReadError, match=r"its info.json is no (JSON|object)"):
        read_pianoroll_npz(tmp_path / "a.npz")


def test_any_damage_is_a_read_error(tmp_path):
    """A file cut or with one byte changed is read, or refused by name; never anything else."""
    whole = write_npz(tmp_path / "a.npz", [(0, False, "a", matrix((0, 5, 60, 1)))]).read_bytes()
    random = np.random.default_rng(3)
    refused = 0
    for _ in range(400):
        data = bytearray(whole)
        data[random.integers(len(data))] = random.integers(256)
        if random.integers(4) == 0:
            data = data[: random.integers(len(data))]
        (tmp_path / "b.npz").write_bytes(data)
        try:
            read_pianoroll_npz(tmp_path / "b.npz")
        except ReadError:
            refused += 1
    assert refused > 100
