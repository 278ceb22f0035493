"""The script that draws and plays generated notes beside recorded ones."""

import importlib.util
import pathlib
import types
import wave

import numpy as np
import pytest
import tensorflow as tf

from tests.made_up_audio import tone, write_audio_records
from tfmusicgan.errors import MusicGanError
from tfmusicgan.note_sequences.wav_file import to_int16
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.note_audio import NoteAudio

SCRIPT = pathlib.Path(__file__).parent.parent / "scripts/reproduce/note_pictures.py"
REP = NoteAudio(sample_rate=4000, num_samples=1000, min_pitch=60, max_pitch=64)
PITCHES = np.array([61, 63, 60])


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("note_pictures", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records") / "set"
    write_audio_records(folder, REP, 60, split=(0.2, 0.2, 0.6))
    return folder


class _Model:
    """Makes a tone of the seed's timbre at the pitch."""

    representation, num_preparation_examples = REP, 0

    def begin_stage(self, step):
        self.began = step

    def sample_examples(self, seeds, pitch):
        rows = zip(pitch.numpy(), seeds.numpy(), strict=True)
        audio = np.stack([tone(p, 1000, 4000, seed=int(s)) for p, s in rows])
        return {"audio": tf.constant(to_int16(audio)), "pitch": pitch}


def test_recorded_notes_have_the_pitches(script, records):
    split = script.held_out(records)
    assert split.split == "test"
    notes = script.recorded(split, PITCHES, seed=3)
    assert notes.pitch.tolist() == PITCHES.tolist()
    known = split.spread(split.num_examples)
    for pitch, audio in zip(notes.pitch, notes.audio, strict=True):
        assert (known["audio"][known["pitch"] == pitch] == audio).all(axis=1).any()
    with pytest.raises(MusicGanError, match=r"a note of pitch 70 in .*, split train. Rec"):
        script.recorded(RecordSet.open(records), np.array([60, 70]), seed=0)


def test_pitches_of_the_columns(script):
    parameters = {"min_pitch": 48, "max_pitch": 72}
    run = types.SimpleNamespace(settings={"representation": {"parameters": parameters}})
    assert script.choose_pitches(run, None).tolist() == [48, 54, 60, 66, 72]
    assert script.choose_pitches(run, "61,50").tolist() == [61, 50]
    for text in ("60,abc", "60,,62", "60,128", "-1"):
        with pytest.raises(MusicGanError, match=f"--pitches of MIDI numbers .* Received: '{text}'"):
            script.choose_pitches(run, text)


def test_pictures_and_sounds(script, records, tmp_path):
    trained, untrained = _Model(), _Model()
    run = types.SimpleNamespace(
        load_model=lambda checkpoint: (trained, types.SimpleNamespace(step=7)),
        build_model=lambda: untrained,
    )
    script.draw(run, records, tmp_path / "notes", PITCHES, 5, "latest")
    assert untrained.began == 6
    names = {path.name for path in (tmp_path / "notes").iterdir()}
    titles = ("0-C#4", "1-D#4", "2-C4")
    expected = {
        f"{row}-{title}.wav".replace("#", "sharp")
        for row in ("held-out", "untrained", "trained")
        for title in titles
    }
    assert names == expected | {"notes.png", "timbres.png", "timbres.wav"}
    with wave.open(str(tmp_path / "notes/trained-1-Dsharp4.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (4000, 1, 2)
        audio = np.frombuffer(file.readframes(5000), "<i2")
    np.testing.assert_array_equal(audio, to_int16(tone(63, 1000, 4000, seed=6)))
    with wave.open(str(tmp_path / "notes/timbres.wav")) as file:
        assert file.getnframes() == 9 * 1000  # three seeds at three pitches
