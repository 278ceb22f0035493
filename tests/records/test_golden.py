"""Old records stay readable: the golden sets, against their contents written by hand."""

import numpy as np
import pytest

from tests.records.golden import FOLDER, REPRESENTATIONS
from tfmusicgan import representations
from tfmusicgan.records.manifest import FORMAT_VERSION, Manifest
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.records.schema import bytes_to_example
from tfmusicgan.records.shard_file import read_shard


def test_every_representation_has_a_golden_set():
    golden = {path.name for path in FOLDER.iterdir()}
    assert golden == set(representations.names()) == set(REPRESENTATIONS)


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_golden_sets_are_whole_and_of_this_format(name):
    records = RecordSet.open(FOLDER / name)
    records.verify()
    assert records.representation == REPRESENTATIONS[name]
    assert FORMAT_VERSION == 1
    manifest = Manifest.read(FOLDER / name)
    assert manifest.dataset["licence"] == "Apache-2.0"
    assert manifest.fields.keys() == records.representation.spec.keys()


def _expected_piano_rolls():
    """[2 phrases, 2 bars, 16 steps, 25 pitches from 36, drums piano bass], by hand."""
    rolls = np.zeros((2, 2, 16, 25, 3), bool)
    rolls[0, 0, 0:3, 60 - 36, 1] = True  # its last step is a rest: the note is repeated
    rolls[0, 0, 4:8, 60 - 36, 1] = True
    rolls[0, 0, 12:16, 55 - 36, 1] = True
    rolls[0, 1, 0:4, 55 - 36, 1] = True
    rolls[0, 0, 0:16, 36 - 36, 2] = True
    rolls[0, 0, [8, 10], 38 - 36, 0] = True
    rolls[1, 1, 0:16, 43 - 36, 2] = True
    return rolls


def test_golden_piano_rolls():
    records = RecordSet.open(FOLDER / "multitrack_piano_roll")
    (batch,) = records.examples()
    np.testing.assert_array_equal(batch["piano_roll"], _expected_piano_rolls())


def test_golden_tokens():
    """The piano every 0.4 s: C4 (40) until 1.0 s, G3 (35) from 1.5 s, C6 (64) from 4.0 s."""
    records = RecordSet.open(FOLDER / "melody_tokens")
    (batch,) = records.examples()
    assert batch["tokens"].dtype == np.int32
    assert batch["tokens"].tolist() == [
        [40, 40, 40, 0, 35, 35, 35, 0],
        [35, 35, 0, 0, 0, 64, 64, 0],
    ]
    # The third window has one note; two tokens are left behind it.
    drops = Manifest.read(FOLDER / "melody_tokens").drops
    assert {reason: drop.num_phrases for reason, drop in drops.items()} == {
        "too_few_notes": 1,
        "short_last_window": 1,
    }


def test_golden_bars():
    """C4 twice and G3, an octave higher, over A minor; C6, two octaves lower, over G major."""
    (batch,) = RecordSet.open(FOLDER / "melody_bars").examples()
    assert batch["melody_bars"].dtype == np.int32
    first, second = batch["melody_bars"][:, 0].tolist()
    # The rest at 2 goes on as C4, that at 9 as C6.
    assert first == [60] * 6 + [67] * 2 + [22] + [1, 0, 1, 0, 0, 0, 1, 0] + [80] * 8
    assert second == [60] * 8 + [8] + [1] + [0] * 7 + [80] * 8


def test_golden_phrases():
    """C4 twice, a rest, G3 over A minor 7 and F; C6 alone is no phrase."""
    (batch,) = RecordSet.open(FOLDER / "jazz_phrases").examples()
    tones = batch.pop("chord_tones")
    assert {name: value.tolist() for name, value in batch.items()} == {
        "pitches": [[24, 24, 73, 19, 0]],
        "rhythm": [[12, 24, 36, 12, 0]],
        "num_notes": [4],
        "first_step": [0],
        "chord_roots": [[9] * 36 + [5] * 24 + [0] * 12],
        "num_steps": [60],
    }
    assert tones.dtype == np.uint8 and batch["rhythm"].dtype == np.int32
    found = [np.flatnonzero(tones[0, step]).tolist() for step in (0, 35, 36, 59, 60)]
    assert found == [[0, 3, 7, 10], [0, 3, 7, 10], [0, 4, 7], [0, 4, 7], []]
    drops = Manifest.read(FOLDER / "jazz_phrases").drops
    assert {reason: drop.num_phrases for reason, drop in drops.items()} == {"too_few_notes": 1}


def test_golden_words():
    """The piano as melody, the bass as chords: C4 with C2, C4, a rest, G3, two rests."""
    records = RecordSet.open(FOLDER / "chord_melody_words")
    (batch,) = records.examples()
    assert batch["tokens"].dtype == np.int32
    assert batch["tokens"].tolist() == [[3, 2, 1], [4, 1, 1]]
    # C6 and G2 make no third window.
    drops = Manifest.read(FOLDER / "chord_melody_words").drops
    assert {reason: drop.num_phrases for reason, drop in drops.items()} == {"short_last_window": 1}


def test_golden_token_sequences():
    (batch,) = RecordSet.open(FOLDER / "token_sequence").examples()
    assert batch["tokens"].dtype == np.int32
    assert batch["tokens"].tolist() == [[7, 0, 11], [2, 2, 5]]


def test_golden_notes():
    """Pitches 63 and 68 of three: the third is above the range."""
    (batch,) = RecordSet.open(FOLDER / "note_audio").examples()
    assert batch["audio"].dtype == np.int16 and batch["audio"].shape == (2, 256)
    places, samples = [0, 29, 31, 99, 100, 199, 200, 255], [-30, -1, 1, 69, -30, 69, 0, 0]
    assert batch["audio"][0, places].tolist() == samples
    assert batch["audio"][1, [209, 210]].tolist() == [-21, 0]
    labels = {name: batch[name].tolist() for name in batch if name not in ("audio", "qualities")}
    assert labels == {
        "pitch": [63, 68],
        "velocity": [90, 91],
        "instrument": [12, 13],
        "instrument_family": [10, 9],
        "instrument_source": [2, 1],
    }
    assert batch["pitch"].dtype == np.int32
    assert batch["qualities"].nonzero()[1].tolist() == [0, 0, 9]
    drops = Manifest.read(FOLDER / "note_audio").drops
    assert {reason: drop.names for reason, drop in drops.items()} == {
        "pitch_out_of_range": ("made_up#2",)
    }


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_golden_origins(name):
    (path,) = (FOLDER / name).glob("*.tfrecord.gz")
    spec = REPRESENTATIONS[name].spec
    origins = [bytes_to_example(record, spec)[1] for record in read_shard(path)]
    expected = [("made_up.mid", 0, 0), ("made_up.mid", 0, 1)]
    if name in ("token_sequence", "note_audio"):
        expected = [("made_up#0", 0, 0), ("made_up#1", 1, 0)]
    if name == "jazz_phrases":
        expected = expected[:1]
    assert [(o.piece, o.source_index, o.phrase_index) for o in origins] == expected


def test_golden_events():
    """Two tones to a step: C2 and C4, C4; G3, C6. A step of G2 is left behind them."""
    records = RecordSet.open(FOLDER / "note_events")
    (batch,) = records.examples()
    silent = [0, 0, -3]
    expected = [
        [[0, 4, -2, 0.5, 1, 0, 0.5], [1, 1, 0, 0.5, *silent]],
        [[2, 2, -5 / 12, 0.5, *silent], [5, 1, 2, 0.5, *silent]],
    ]
    np.testing.assert_array_equal(batch["note_events"], np.array(expected, np.float32))
    drops = Manifest.read(FOLDER / "note_events").drops
    assert {reason: drop.num_phrases for reason, drop in drops.items()} == {"short_last_window": 1}
