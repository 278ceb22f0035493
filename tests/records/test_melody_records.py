"""Melodies through the whole conversion: MIDI files to records, and back to music."""

import numpy as np
import pytest
import tensorflow as tf

from tests.made_up import band
from tfmusicgan import datasets
from tfmusicgan.note_sequences.midi import read_midi, to_midi_bytes
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.records.convert import convert
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.melody_tokens import MelodyTokens

REP = MelodyTokens(length=6, num_pitches=50, melody_name="tune")


def tune(number: int, seconds: float) -> NoteSequence:
    """A band under a melody that is named and has the highest instrument number."""
    sequence = band(number, bars=int(seconds / 2) + 1)
    rng = np.random.default_rng(number)
    for start in np.arange(0, seconds - 1, 0.7).tolist():
        pitch = int(rng.integers(50, 70))
        note = sequence.notes.add(pitch=pitch, velocity=90, instrument=7, program=73)
        note.start_time, note.end_time = start, start + 0.5
    sequence.instrument_infos.add(instrument=7, name="The Tune")
    for index in reversed(range(len(sequence.notes))):  # All end where the melody does.
        if sequence.notes[index].end_time > seconds:
            del sequence.notes[index]
    sequence.total_time = max(note.end_time for note in sequence.notes)
    return sequence


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tunes")
    for number in range(9):
        (folder / f"tune_{number}.mid").write_bytes(to_midi_bytes(tune(number, 12 + number)))
    drums = band(20)
    for note in drums.notes:
        note.is_drum = True
    (folder / "drums.mid").write_bytes(to_midi_bytes(drums))
    (folder / "short.mid").write_bytes(to_midi_bytes(tune(30, 2.2)))
    return folder


@pytest.fixture(scope="module")
def records(music, tmp_path_factory):
    output = tmp_path_factory.mktemp("records") / "tunes"
    options = ConvertOptions(REP, split=(1, 0, 0), num_shards=2)
    convert(datasets.get("midi"), options, output, [str(music)])
    return output


def expected_windows(music):
    """Windows of all tunes by piece; what is left out, over all of them."""
    windows, left_out = {}, {"too_few_notes": 0, "short_last_window": 0}
    for path in sorted(music.glob("tune_*.mid")):
        examples, drops, _ = REP.encode_counted(read_midi(path))
        windows[path.name] = [example["tokens"] for example in examples]
        left_out = {reason: left_out[reason] + drops[reason] for reason in left_out}
    return windows, left_out


def test_records_hold_the_windows_of_every_tune(music, records):
    stored = np.concatenate([b["tokens"] for b in RecordSet.open(records).examples()])
    windows, _ = expected_windows(music)
    assert stored.dtype == np.int32
    # Shard k of 2 holds every other tune of the sorted list, from number k.
    names = sorted(windows)
    expected = np.concatenate([windows[name] for name in names[::2] + names[1::2]])
    assert sorted(map(bytes, stored)) == sorted(map(bytes, expected))
    # The named instrument's pitches and no other's: 50 to 69.
    assert {*np.unique(stored)} <= {0, *range(30, 50)}
    assert 40 < len(stored) == RecordSet.open(records).num_examples


def test_the_manifest_describes_and_counts(music, records):
    manifest = Manifest.read(records)
    assert manifest.fields["tokens"]["shape"] == [6]
    assert manifest.fields["tokens"]["dtype"] == "int32"
    assert manifest.fields["tokens"]["stored"] == "little-endian bytes"
    assert manifest.fields["tokens"]["stored_bytes"] == 24
    assert RecordSet.open(records).representation == REP
    found = {reason: (d.num_pieces, d.num_phrases) for reason, d in manifest.drops.items()}
    left_out = expected_windows(music)[1]
    assert left_out["short_last_window"] > 5
    assert found == {
        "no_melody": (1, 0),
        "too_short": (1, 0),
        "short_last_window": (0, left_out["short_last_window"]),
    } | ({"too_few_notes": (0, left_out["too_few_notes"])} if left_out["too_few_notes"] else {})
    assert manifest.drops["no_melody"].names == ("drums.mid",)
    assert manifest.drops["too_short"].names == ("short.mid",)


def test_batches_for_training(records):
    reader = RecordSet.open(records)
    batches = reader.batches(4, seed=3, examples_per_row=2)
    assert batches.element_spec["tokens"] == tf.TensorSpec((4, 2, 6), tf.int32)
    batch = next(iter(batches))["tokens"].numpy()
    assert batch.min() >= 0 and batch.max() < REP.num_tokens


def test_what_is_read_sounds_and_comes_back(records):
    for example in next(iter(RecordSet.open(records).examples()))["tokens"][:20]:
        sequence = REP.decode({"tokens": example})
        (again,) = REP.encode(sequence)
        assert np.array_equal(again["tokens"], example)
