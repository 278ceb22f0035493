"""A folder of music in all formats, and what is in it."""

import pathlib

from tests.note_sequences import midi_bytes as mb
from tests.note_sequences.test_musicxml import PLAIN
from tfmusicgan.note_sequences import tfrecord
from tfmusicgan.note_sequences.proto import NoteSequence

MIDI = mb.midi(mb.track((120, mb.on(61)), (240, mb.off(61))))
BOOK = "L:1/8\n\nX:1\nK:C\nCDEF|\n\nX:2\nK:C\n(3CDE|\n"
ALL = ["A.MID", "B sub/deep/c.Kar", "b.mid", "book.abc", "score.musicxml", "x.tfrecord"]


def make_folder(root: pathlib.Path) -> pathlib.Path:
    """Fills a folder."""
    (root / "B sub" / "deep").mkdir(parents=True)
    (root / ".hidden").mkdir()
    for name in ("b.mid", "A.MID", "B sub/deep/c.Kar", ".hidden/x.mid", ".y.mid", "notes.txt"):
        (root / name).write_bytes(MIDI)
    (root / "score.musicxml").write_bytes(PLAIN)
    (root / "book.abc").write_text(BOOK)
    with tfrecord.RecordWriter(root / "x.tfrecord") as writer:
        for index in range(3):
            sequence = NoteSequence(id="own id" if index == 1 else "")
            sequence.notes.add(pitch=50 + index, velocity=9, end_time=1)
            writer.write(sequence)
    return root


def names(files: list[pathlib.Path], root: pathlib.Path) -> list[str]:
    return [file.relative_to(root).as_posix() for file in files]
