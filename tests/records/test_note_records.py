"""Record sets of notes with their audio: what other options and representations make of them."""

import numpy as np
import pytest

from tests.made_up_audio import dataset, recorded_note, tone, write_audio_records
from tests.records.pieces import write_pieces
from tfmusicgan import datasets
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.records import vocabulary
from tfmusicgan.records.convert import convert
from tfmusicgan.records.filters import PieceFilters
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.plan import list_pieces, make_plan
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.melody_tokens import MelodyTokens
from tfmusicgan.representations.note_audio import NoteAudio, audio_of

REP = NoteAudio(sample_rate=8000, num_samples=400, min_pitch=60, max_pitch=64)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records") / "set"
    write_audio_records(folder, REP, num_notes=30)
    return folder


def test_a_batch_is_what_was_made(records):
    """Notes are found again by their samples: each is the tone of its number."""
    train = RecordSet.open(records, "train")
    batch = next(iter(train.batches(8, seed=3).as_numpy_iterator()))
    assert batch["audio"].shape == (8, 400) and batch["audio"].dtype == np.int16
    made = {}
    for number in range(30):
        made[number] = REP.encode(recorded_note(number, REP.pitches, 8000, 400))[0]
    for row in range(8):
        same = [n for n, one in made.items() if (one["audio"] == batch["audio"][row]).all()]
        assert len(same) == 1
        for name, values in made[same[0]].items():
            np.testing.assert_array_equal(batch[name][row], values)
    assert audio_of(batch).dtype == np.float32 and np.abs(audio_of(batch)).max() < 1.0


def test_every_note_is_in_one_split(records):
    manifest = Manifest.read(records)
    sizes = [manifest.num_examples(split) for split in ("train", "validation", "test")]
    assert sum(sizes) == 30 and min(sizes) > 0
    assert manifest.fields["audio"]["stored_bytes"] == 800
    assert manifest.fields["pitch"] == {
        "shape": [],
        "dtype": "int32",
        "stored": "little-endian bytes",
        "stored_bytes": 4,
        "meaning": "MIDI pitch",
    }


def test_a_recording_is_not_transposed():
    with pytest.raises(ConfigError, match=r"keeps its pitch. Received: transpose='-1:1'"):
        ConvertOptions(REP, filters=PieceFilters(transpose="-1:1"))


def test_music_without_audio(tmp_path):
    music = write_pieces(tmp_path / "m", 2, bars=1)
    with pytest.raises(MusicGanError, match=r"No example came out of 2 pieces: 2 no_audio"):
        convert(datasets.get("midi"), ConvertOptions(REP), tmp_path / "set", [str(music)])


def test_notes_without_their_audio(tmp_path):
    """Other representations take the one note of the sequence, 0.375 of 0.5 s."""
    source = tmp_path / "notes.txt"
    source.write_text("4 60 63 8000 4000")
    rep = MelodyTokens(length=2, hop=2, min_notes=1, lowest_pitch=60, num_pitches=8)
    manifest = convert(
        dataset(), ConvertOptions(rep, split=(1, 0, 0)), tmp_path / "set", [str(source)]
    )
    (batch,) = RecordSet.open(tmp_path / "set").examples()
    assert manifest.num_pieces("train") == len(batch["tokens"]) == 4
    assert batch["tokens"].tolist() == [[1, 0], [2, 0], [3, 0], [4, 0]]


def test_words_are_found_in_notes(tmp_path):
    source = tmp_path / "notes.txt"
    source.write_text("3 60 63 8000 4000")
    notes = dataset()
    pieces, dropped = list_pieces(*notes.files(str(source)), list_sources=notes.list_sources)
    options = ConvertOptions(REP, split=(1, 0, 0))
    plan = make_plan(notes, pieces, dropped, options)
    found = vocabulary.training_sequences(notes, plan, options, lambda done: None)
    assert [sequence.notes[0].pitch for sequence in found] == [60, 61, 62]


def test_tones_differ_by_seed():
    assert np.abs(tone(60, 400, 8000, 1) - tone(60, 400, 8000, 2)).max() > 0.1
