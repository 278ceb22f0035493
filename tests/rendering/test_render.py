"""All formats at once."""

import wave

import pytest

from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.midi import read_midi
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.rendering import render_all


def _sequence() -> NoteSequence:
    sequence = NoteSequence(ticks_per_quarter=220, total_time=0.5)
    sequence.notes.add(pitch=67, velocity=90, start_time=0.0, end_time=0.5, program=12)
    return sequence


def test_every_format_is_written_where_it_says(tmp_path):
    paths = render_all(_sequence(), tmp_path / "new" / "take.1")
    assert [path.name for path in paths] == ["take.1.mid", "take.1.wav", "take.1.png"]
    assert sorted(tmp_path.joinpath("new").iterdir()) == sorted(paths)
    assert [(n.pitch, n.program) for n in read_midi(paths[0]).notes] == [(67, 12)]
    with wave.open(str(paths[1])) as file:
        assert file.getnframes() > 22050
    assert paths[2].read_bytes().startswith(b"\x89PNG")


def test_only_what_is_asked_for(tmp_path):
    assert render_all(_sequence(), tmp_path / "a", ["png"]) == [tmp_path / "a.png"]
    assert [child.name for child in tmp_path.iterdir()] == ["a.png"]


def test_an_unknown_format_writes_nothing(tmp_path):
    with pytest.raises(ConfigError, match=r"Unknown format 'mp3'\. Known: midi, png, wav"):
        render_all(_sequence(), tmp_path / "new" / "a", ["midi", "mp3"])
    assert not list(tmp_path.iterdir())
