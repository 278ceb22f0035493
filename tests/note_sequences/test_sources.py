"""Listing and reading pieces."""

import gzip
import hashlib
import os
import pathlib

import pytest

from tests.note_sequences import midi_bytes as mb
from tests.note_sequences.folder import ALL, BOOK, MIDI
from tests.note_sequences.pianorolls import matrix, write_npz
from tests.note_sequences.scores import attributes, note, score
from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import midi_chunks, musicxml_file, npz_file, sources, tfrecord
from tfmusicgan.note_sequences.find import find_files
from tfmusicgan.note_sequences.proto import NoteSequence


def test_list(folder):
    found, errors = sources.list_sources(find_files(folder), folder)
    assert not errors
    assert [source.name for source in found] == [
        *ALL[:3],
        *("book.abc#0", "book.abc#1", "score.musicxml"),
        *("x.tfrecord#0", "x.tfrecord#1", "x.tfrecord#2"),
    ]
    by_name = {source.name: source for source in found}
    assert by_name["b.mid"].digest == hashlib.sha256(MIDI).hexdigest()
    assert by_name["b.mid"].digest == by_name["A.MID"].digest
    assert len({source.digest for source in found}) == len(found) - 2
    assert [by_name[f"x.tfrecord#{i}"].index for i in range(3)] == [0, 1, 2]
    assert by_name["x.tfrecord#0"].offset == 0 < by_name["x.tfrecord#1"].offset
    assert by_name["score.musicxml"].format == "musicxml"
    assert by_name["B sub/deep/c.Kar"].format == "midi"


def test_names_do_not_depend_on_where_the_root_is_seen_from(folder, monkeypatch):
    monkeypatch.chdir(folder / "B sub")
    found, _ = sources.list_sources([pathlib.Path("deep/c.Kar")], "..")
    assert [source.name for source in found] == ["B sub/deep/c.Kar"]
    outside, _ = sources.list_sources([folder / "b.mid"], folder / "B sub")
    assert [source.name for source in outside] == [(folder / "b.mid").as_posix()]
    assert sources.read_source(outside[0]).collection_name == "music"


def test_read(folder):
    found, _ = sources.list_sources(find_files(folder), folder)
    pieces = {}
    for source in found:
        if source.name == "book.abc#1":
            with pytest.raises(ReadError, match=r"Tuplets.*book\.abc#1") as caught:
                sources.read_source(source)
            assert caught.value.reason == "unreadable_abc"
        else:
            pieces[source.name] = sources.read_source(source)
    assert [n.pitch for n in pieces["book.abc#0"].notes] == [60, 62, 64, 65]
    assert [n.pitch for n in pieces["x.tfrecord#2"].notes] == [52]
    assert pieces["x.tfrecord#1"].id == "own id"
    assert pieces["x.tfrecord#2"].id == "x.tfrecord#2"
    assert pieces["x.tfrecord#2"].filename == "x.tfrecord"
    deep = pieces["B sub/deep/c.Kar"]
    assert (deep.id, deep.filename) == ("B sub/deep/c.Kar", "B sub/deep/c.Kar")
    for piece in pieces.values():
        assert piece.collection_name == "music"
        assert piece.ticks_per_quarter and piece.tempos[0].time == 0
        assert piece.time_signatures[0].time == 0
        assert piece.total_time >= max(note.end_time for note in piece.notes) > 0


def test_reading_a_record_does_not_read_those_before(folder):
    found, _ = sources.list_sources([folder / "x.tfrecord"], folder)
    path = folder / "x.tfrecord"
    data = bytearray(path.read_bytes())
    data[20] ^= 1  # Inside the first record.
    path.write_bytes(data)
    assert sources.read_source(found[2]).notes[0].pitch == 52
    with pytest.raises(ReadError, match="wrong checksum"):
        sources.read_source(found[0])


def test_a_compressed_file_is_opened_once_for_pieces_in_its_order(tmp_path, monkeypatch):
    with tfrecord.RecordWriter(tmp_path / "x.tfrecord", compressed=True) as writer:
        for index in range(12):
            sequence = NoteSequence()
            sequence.notes.add(pitch=50 + index, velocity=9, end_time=1)
            writer.write(sequence)
    found, _ = sources.list_sources([tmp_path / "x.tfrecord"], tmp_path)
    found = sorted(found[::-1], key=lambda source: source.order)
    assert [source.index for source in found] == list(range(12))
    opened = []
    reader = tfrecord.RecordReader
    monkeypatch.setattr(tfrecord, "RecordReader", lambda path: opened.append(path) or reader(path))
    monkeypatch.setattr(gzip.GzipFile, "rewind", lambda self: pytest.fail("read again"))
    pitches = [sources.read_source(source).notes[0].pitch for source in found]
    assert pitches == list(range(50, 62)) and len(opened) == 1


def test_what_cannot_be_read_is_reported_and_the_rest_listed(folder):
    (folder / "empty.mid").write_bytes(b"")
    (folder / "empty.abc").write_bytes(b"")
    (folder / "empty.tfrecord").write_bytes(b"")
    path = folder / "x.tfrecord"
    path.write_bytes(path.read_bytes()[:-3])
    files = [*find_files(folder), folder / "gone.mid"]
    found, errors = sources.list_sources(files, folder)
    assert [(name, error.reason) for name, error in errors] == [
        ("empty.abc", "empty_file"),
        ("empty.mid", "empty_file"),
        ("empty.tfrecord", "empty_file"),
        ("x.tfrecord", "truncated_tfrecord"),
        ("gone.mid", "unreadable_file"),
    ]
    assert [s.name for s in found if "x.tf" in s.name] == ["x.tfrecord#0", "x.tfrecord#1"]


def test_files_that_change_after_they_were_listed(folder):
    found, _ = sources.list_sources(find_files(folder), folder)
    by_name = {source.name: source for source in found}
    (folder / "book.abc").write_text("X:1\nK:C\nCDEF|\n")
    path = folder / "x.tfrecord"
    path.write_bytes(path.read_bytes()[: by_name["x.tfrecord#2"].offset])
    for name in ("book.abc#1", "x.tfrecord#2"):
        with pytest.raises(ReadError, match=f"changed since it was listed: {name}") as caught:
            sources.read_source(by_name[name])
        assert caught.value.reason == "file_changed"
    (folder / "book.abc").unlink()
    with pytest.raises(ReadError, match="No such file") as caught:
        sources.read_source(by_name["book.abc#0"])
    assert caught.value.reason == "unreadable_file"


def _write_one_note(path, pitch):
    """Writes a file of one note, C or D; each comes at another second, as the readers' caches ask.

    The files of one format are as long as each other.
    """
    step = {60: "C", 62: "D"}[pitch]
    if path.suffix == ".mid":
        path.write_bytes(mb.midi(mb.track((0, mb.on(pitch)), (9, mb.off(pitch)))))
    elif path.suffix == ".xml":
        path.write_bytes(score([attributes() + note(step, 4, 8)]))
    elif path.suffix == ".npz":
        write_npz(path, [(0, False, "Piano", matrix((0, 24, pitch, 80)))])
    elif path.suffix == ".abc":
        path.write_text(f"X:1\nK:C\n{step}4|\n")
    else:
        sequence = NoteSequence()
        sequence.notes.add(pitch=pitch, velocity=9, end_time=1)
        with tfrecord.RecordWriter(path) as writer:
            writer.write(sequence)
    os.utime(path, (pitch, pitch))


@pytest.mark.parametrize("name", ["a.mid", "a.xml", "a.npz", "a.abc", "a.tfrecord"])
def test_other_music_at_the_place_of_what_was_listed(tmp_path, name):
    path = tmp_path / name
    _write_one_note(path, 60)
    (source,), _ = sources.list_sources([path], tmp_path)
    assert [n.pitch for n in sources.read_source(source).notes] == [60]
    _write_one_note(path, 62)
    with pytest.raises(ReadError, match=f"changed since it was listed: {source.name}") as caught:
        sources.read_source(source)
    assert caught.value.reason == "file_changed"
    _write_one_note(path, 60)
    assert [n.pitch for n in sources.read_source(source).notes] == [60]


def test_the_header_of_a_book_belongs_to_its_tunes(tmp_path):
    path = tmp_path / "book.abc"
    path.write_text("M:4/4\n\nX:1\nK:C\nCDEF|\n")
    (source,), _ = sources.list_sources([path], tmp_path)
    path.write_text("M:3/4\n\nX:1\nK:C\nCDEF|\n")
    with pytest.raises(ReadError, match="changed since it was listed"):
        sources.read_source(source)


@pytest.mark.parametrize("name", ["a.mid", "a.xml", "a.npz"])
def test_files_that_are_too_large_are_listed_and_refused_as_such(tmp_path, monkeypatch, name):
    monkeypatch.setattr(midi_chunks, "MAX_FILE_BYTES", 99)
    monkeypatch.setattr(musicxml_file, "MAX_XML_BYTES", 99)
    monkeypatch.setattr(npz_file, "MAX_FILE_BYTES", 99)
    (tmp_path / name).write_bytes(bytes(200))
    (source,), _ = sources.list_sources([tmp_path / name], tmp_path)
    with pytest.raises(ReadError) as caught:
        sources.read_source(source)
    assert caught.value.reason == "too_large"


def test_names_are_text_whatever_the_file_system_says(tmp_path):
    root = tmp_path / "caf\udce9"
    (root / "日本 ü").mkdir(parents=True)
    (root / "日本 ü" / "bad\udcff.mid").write_bytes(MIDI)
    (root / "bad\udcfe.abc").write_text(BOOK)
    (source, *_), errors = sources.list_sources(find_files(root)[::-1], root)
    assert source.name == "日本 ü/bad\\xff.mid" and errors == []
    sequence = sources.read_source(source)
    assert (sequence.id, sequence.filename) == (source.name, source.name)
    assert sequence.collection_name == "caf\\xe9"
    assert sources.source_name(pathlib.Path("/a/\udcff"), "/b") == "/a/\\xff"
