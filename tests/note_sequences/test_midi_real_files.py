"""MIDI reading against note_seq's own reader on real files."""

import io
import pathlib
import random
import zipfile

import pytest

from tests.note_sequences.test_midi import assert_agrees, reference
from tfmusicgan.note_sequences.midi import read_midi


@pytest.mark.parametrize(
    ("archive", "num_files"),
    [
        ("freedoom_music/freedoom_midi.zip", 12),
        ("simutrans_music/simutrans_midi.zip", 10),
        ("nottingham/nottingham_midi.zip", 15),
        ("piano_midi_de/piano_midi_de.zip", 8),
        ("wjazzd_midi/wjazzd_midi.zip", 15),
    ],
)
def test_agrees_on_real_files(test_data: pathlib.Path, archive, num_files):
    """Files with tempos in later tracks, which note_seq doesn't see, are passed over."""
    import mido
    from note_seq import midi_io

    with zipfile.ZipFile(test_data / archive) as file:
        names = sorted(name for name in file.namelist() if name.lower().endswith(".mid"))
        compared = 0
        for name in random.Random(1).sample(names, num_files):
            data = file.read(name)
            try:
                reference(data)
            except midi_io.MIDIConversionError:
                continue
            song = mido.MidiFile(file=io.BytesIO(data), charset="latin1")
            if not any(message.type == "set_tempo" for t in song.tracks[1:] for message in t):
                assert_agrees(data)
                compared += 1
    assert compared >= num_files / 4


def test_files_that_note_seq_refuses_for_a_key_signature(test_data: pathlib.Path):
    from note_seq import midi_io

    with zipfile.ZipFile(test_data / "simutrans_music/simutrans_midi.zip") as file:
        names = [n for n in file.namelist() if "Boring-afternoon" in n or "On-the-waterfront" in n]
        assert len(names) == 2
        for name in names:
            with pytest.raises(midi_io.MIDIConversionError):
                reference(file.read(name))
            assert len(read_midi(file.read(name)).notes) > 1000
