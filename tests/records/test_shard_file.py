"""Shard files: framing against TensorFlow's, the same bytes every time, whole or not at all."""

import errno
import gzip
import hashlib
import os

import pytest

from tfmusicgan.errors import RecordsError
from tfmusicgan.records import shard_file
from tfmusicgan.records.shard_file import ShardWriter, file_digest, read_shard

RECORDS = [b"", b"a", b"\x00" * 5000, bytes(range(256)) * 3]


def _write(path, records=RECORDS):
    with ShardWriter(path) as writer:
        for record in records:
            writer.write(record)
    return writer


def test_tensorflow_reads_what_is_written(tmp_path):
    import tensorflow as tf

    path = tmp_path / "a.tfrecord.gz"
    writer = _write(path)
    read = list(tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator())
    assert read == RECORDS
    assert (writer.num_examples, writer.num_unpacked_bytes) == (4, 0 + 1 + 5000 + 768 + 4 * 16)
    assert len(gzip.decompress(path.read_bytes())) == writer.num_unpacked_bytes


def test_what_tensorflow_writes_is_read(tmp_path):
    import tensorflow as tf

    path = str(tmp_path / "a.tfrecord.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for record in RECORDS:
            writer.write(record)
    assert list(read_shard(path)) == RECORDS


def test_the_bytes_depend_on_the_records_alone(tmp_path, monkeypatch):
    _write(tmp_path / "a.tfrecord.gz")
    monkeypatch.setattr("time.time", lambda: 1e9)
    _write(tmp_path / "another_name.tfrecord.gz")
    first = (tmp_path / "a.tfrecord.gz").read_bytes()
    assert (tmp_path / "another_name.tfrecord.gz").read_bytes() == first
    assert first[4:8] == bytes(4)  # the gzip header's time
    assert file_digest(tmp_path / "a.tfrecord.gz") == hashlib.sha256(first).hexdigest()


def test_an_error_inside_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), ShardWriter(tmp_path / "a.tfrecord.gz") as writer:
        writer.write(b"x")
        raise KeyError("inside")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(file_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shard_file.os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left"):
        _write(tmp_path / "a.tfrecord.gz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [1, 9, 30])
def test_a_truncated_shard_is_told(tmp_path, cut):
    path = tmp_path / "a.tfrecord.gz"
    _write(path)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(
        RecordsError, match=r"a.tfrecord.gz is damaged \(truncated tfrecord\). Convert"
    ):
        list(read_shard(path))


@pytest.mark.parametrize("place", [0, 13])
def test_a_changed_byte_is_told(tmp_path, place):
    path = tmp_path / "a.tfrecord.gz"
    _write(path, [b"abcdef"])
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[place] ^= 1
    path.write_bytes(gzip.compress(bytes(data)))
    with pytest.raises(RecordsError, match=r"is damaged \(corrupt tfrecord\)"):
        list(read_shard(path))
