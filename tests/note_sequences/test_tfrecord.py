"""TFRecord files against TensorFlow's own writer and reader."""

import gzip
import struct

import pytest

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import tfrecord
from tfmusicgan.note_sequences.proto import NoteSequence


def songs(number: int = 3) -> list[NoteSequence]:
    found = []
    for index in range(number):
        sequence = NoteSequence(id=f"song {index}" * (index + 1))
        sequence.notes.add(pitch=60 + index, velocity=9, start_time=0.1, end_time=1 + index)
        found.append(sequence)
    return found


def write(path, sequences, compressed=False):
    with tfrecord.RecordWriter(path, compressed) as writer:
        for sequence in sequences:
            writer.write(sequence)
    return path


@pytest.mark.parametrize("compressed", [False, True])
def test_there_and_back(tmp_path, compressed):
    path = write(tmp_path / "a.tfrecord", songs(), compressed)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == compressed
    assert list(tfrecord.read_note_sequences(path)) == songs()
    assert [p.name for p in tmp_path.iterdir()] == ["a.tfrecord"]


def test_messages_and_their_bytes_are_written_alike(tmp_path):
    first = write(tmp_path / "a.tfrecord", songs(), True)
    second = write(tmp_path / "b.tfrecord", [s.SerializeToString() for s in songs()], True)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.slow
def test_against_tensorflow(tmp_path):
    import tensorflow as tf

    ours = write(tmp_path / "ours.tfrecord", songs())
    theirs = tmp_path / "theirs.tfrecord"
    with tf.io.TFRecordWriter(str(theirs)) as writer:
        for sequence in songs():
            writer.write(sequence.SerializeToString())
    assert ours.read_bytes() == theirs.read_bytes()
    packed = write(tmp_path / "packed.tfrecord", songs(), compressed=True)
    for path, compression in ((ours, None), (packed, "GZIP")):
        dataset = tf.data.TFRecordDataset(str(path), compression_type=compression)
        records = [record.numpy() for record in dataset]
        assert [NoteSequence.FromString(record) for record in records] == songs()
    with tf.io.TFRecordWriter(str(theirs), "GZIP") as writer:
        writer.write(songs()[0].SerializeToString())
    assert list(tfrecord.read_note_sequences(theirs)) == songs()[:1]


def test_offsets_lead_back_to_the_records(tmp_path):
    for compressed in (False, True):
        path = write(tmp_path / f"{compressed}.tfrecord", songs(), compressed)
        for offset, record in list(tfrecord.read_records(path)):
            assert next(tfrecord.read_records(path, offset)) == (offset, record)


def test_an_empty_file_has_no_records(tmp_path):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(b"")
    assert not list(tfrecord.read_records(path))


def test_a_plain_file_that_looks_compressed(tmp_path):
    # A record of 0x088b1f bytes begins like GZIP.
    record = bytes(0x088B1F)
    path = write(tmp_path / "a.tfrecord", [record])
    assert path.read_bytes()[:3] == b"\x1f\x8b\x08"
    assert list(tfrecord.read_records(path)) == [(0, record)]


def test_truncated_files_say_where(tmp_path):
    path = write(tmp_path / "a.tfrecord", songs(2))
    data = path.read_bytes()
    second = [offset for offset, _ in tfrecord.read_records(path)][1]
    for size in (second + 5, second + 12, second + 20, len(data) - 1):
        path.write_bytes(data[:size])
        reader = tfrecord.read_note_sequences(path)
        assert next(reader) == songs()[0]
        message = rf"truncated one at byte {second} of .*a\.tfrecord"
        with pytest.raises(ReadError, match=message) as caught:
            next(reader)
        assert caught.value.reason == "truncated_tfrecord"


def test_truncated_and_damaged_compression(tmp_path):
    path = write(tmp_path / "a.tfrecord", songs(), compressed=True)
    data = path.read_bytes()
    path.write_bytes(data[:-20])
    with pytest.raises(ReadError, match="truncated one at byte") as caught:
        list(tfrecord.read_records(path))
    assert caught.value.reason == "truncated_tfrecord"
    path.write_bytes(data[:30] + bytes(40) + data[70:])
    with pytest.raises(ReadError, match=r"damaged data after byte 0|wrong checksum") as caught:
        list(tfrecord.read_records(path))
    assert caught.value.reason == "corrupt_tfrecord"


@pytest.mark.parametrize(("position", "what"), [(3, "length"), (20, "contents")])
def test_wrong_checksums(tmp_path, position, what):
    path = write(tmp_path / "a.tfrecord", songs())
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(ReadError, match=f"wrong checksum of the {what}") as caught:
        list(tfrecord.read_records(path))
    assert caught.value.reason == "corrupt_tfrecord"


def test_huge_records_are_refused_before_they_are_read(tmp_path):
    length = struct.pack("<Q", 2**40)
    path = tmp_path / "a.tfrecord"
    path.write_bytes(length + tfrecord._checksum(length))
    with pytest.raises(ReadError, match="Received one of 1099511627776 at byte 0") as caught:
        list(tfrecord.read_records(path))
    assert caught.value.reason == "too_large"


def test_gzip_of_something_else(tmp_path):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(gzip.compress(b"no records in here"))
    with pytest.raises(ReadError, match="wrong checksum of the length"):
        list(tfrecord.read_records(path))


def test_other_records(tmp_path):
    path = write(tmp_path / "a.tfrecord", [b"\xff\xff\xff"])
    with pytest.raises(ReadError, match=r"3 bytes of another kind at byte 0 of") as caught:
        list(tfrecord.read_note_sequences(path))
    assert caught.value.reason == "not_note_sequence"


def test_missing_file(tmp_path):
    with pytest.raises(ReadError, match="No such file or directory") as caught:
        list(tfrecord.read_records(tmp_path / "gone.tfrecord"))
    assert caught.value.reason == "unreadable_file"


def test_an_error_leaves_the_old_file(tmp_path):
    path = write(tmp_path / "a.tfrecord", songs())
    before = path.read_bytes()
    with pytest.raises(KeyError), tfrecord.RecordWriter(path) as writer:
        writer.write(songs()[0])
        assert writer.num_written == 1
        raise KeyError
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
