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


def test_swing(tmp_path):
    sequence = NoteSequence(ticks_per_quarter=240, total_time=1.5)
    sequence.tempos.add(qpm=40)
    sequence.notes.add(pitch=67, velocity=90, start_time=0.0, end_time=0.75)
    sequence.notes.add(pitch=65, velocity=90, start_time=0.75, end_time=1.5)
    (path,) = render_all(sequence, tmp_path / "a", ["midi"], swing=2.0)
    times = [(note.start_time, note.end_time) for note in read_midi(path).notes]
    assert times == [(0.0, pytest.approx(1.0)), (pytest.approx(1.0), 1.5)]
    with pytest.raises(ConfigError, match="Expected swing within 1-3"):
        render_all(sequence, tmp_path / "new" / "a", ["midi"], swing=4.0)
    assert [child.name for child in tmp_path.iterdir()] == ["a.mid"]


def test_an_unknown_format_writes_nothing(tmp_path):
    with pytest.raises(ConfigError, match=r"Unknown format 'mp3'\. Known: midi, png, wav"):
        render_all(_sequence(), tmp_path / "new" / "a", ["midi", "mp3"])
    assert not list(tmp_path.iterdir())
