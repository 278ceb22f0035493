"""Tunes with chords through the whole conversion: the vocabulary first, then the records."""

import collections
import dataclasses
import json
import re

import numpy as np
import pytest

from tests.records.pieces import assert_same
from tfmusicgan import datasets
from tfmusicgan.errors import MusicGanError, RecordsError
from tfmusicgan.note_sequences.midi import read_midi, to_midi_bytes
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.records import convert as convert_module
from tfmusicgan.records import work_folder
from tfmusicgan.records.convert import convert, dry_run
from tfmusicgan.records.filters import PieceFilters
from tfmusicgan.records.manifest import SPLITS, Manifest
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.records.summary import describe
from tfmusicgan.representations.chord_melody_words import ChordMelodyWords

MIDI = datasets.get("midi")
REP = ChordMelodyWords(length=6)
OPTIONS = ConvertOptions(REP, split=(0.5, 0.25, 0.25), num_shards=3)


def tune(number: int, quarters: int = 18) -> NoteSequence:
    """Few notes over few chords, so that tunes share words, on instruments in the wrong order."""
    rng = np.random.default_rng(number)
    sequence = NoteSequence(ticks_per_quarter=480)
    sequence.tempos.add(qpm=100)

    def add(pitch: int, start: float, length: float, instrument: int) -> None:
        note = sequence.notes.add(pitch=pitch, velocity=80, instrument=instrument)
        note.start_time, note.end_time = start * 0.6, (start + length) * 0.6

    for start in range(0, quarters, 3):
        root = int(rng.choice([48, 50, 53, 55, 57]))
        for above in (0, 4, 7):
            add(root + above, start, 3, 0)
    for start in range(quarters):
        if rng.random() < 0.9:
            add(int(rng.choice([72, 74, 76, 79, 81], p=[0.4, 0.2, 0.2, 0.1, 0.1])), start, 1, 1)
    sequence.instrument_infos.add(instrument=0, name="Chords")
    sequence.instrument_infos.add(instrument=1, name="Melody")
    sequence.total_time = quarters * 0.6
    return sequence


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tunes")
    for number in range(16):
        (folder / f"tune_{number:02d}.mid").write_bytes(to_midi_bytes(tune(number)))
    (folder / "short.mid").write_bytes(to_midi_bytes(tune(30, 5)))
    alone = tune(31)
    for index in reversed(range(len(alone.notes))):
        if alone.notes[index].instrument == 0:
            del alone.notes[index]
    (folder / "alone.mid").write_bytes(to_midi_bytes(alone))
    (folder / "noise.mid").write_bytes(bytes(range(256)))
    return folder


@pytest.fixture(scope="module")
def records(music, tmp_path_factory):
    output = tmp_path_factory.mktemp("records") / "tunes"
    convert(MIDI, OPTIONS, output, [str(music)])
    return output


def files_of(records, split):
    report = json.loads((records / "report.json").read_text())["sources"]
    return [name for name, source in report.items() if source["shard"].startswith(f"{split}-")]


def words_of(music, names):
    """The words of whole windows of some pieces, a list for each piece that has any."""
    found = []
    for name in names:
        if name.startswith("tune_"):
            words = list(map(tuple, REP.find_words(read_midi(music / name)).tolist()))
            found.append(words[: len(words) // 6 * 6])
    return found


def test_the_vocabulary_is_the_training_pieces(music, records):
    trained = [word for words in words_of(music, files_of(records, "train")) for word in words]
    counts = collections.Counter(trained)
    vocabulary = RecordSet.open(records).representation.words
    assert set(vocabulary) == set(trained) and len(vocabulary) > 10
    frequencies = [counts[word] for word in vocabulary]
    assert frequencies == sorted(frequencies, reverse=True)
    assert frequencies[0] > frequencies[-1]


@pytest.mark.parametrize("split", SPLITS)
def test_records_hold_the_windows(music, records, split):
    reader = RecordSet.open(records, split)
    stored = np.concatenate([batch["tokens"] for batch in reader.examples()])
    rep = reader.representation
    expected = [
        [rep.words.index(word) + 2 if word in rep.words else 1 for word in words]
        for words in words_of(music, files_of(records, split))
    ]
    windows = [words[i : i + 6] for words in expected for i in range(0, len(words), 6)]
    assert sorted(stored.tolist()) == sorted(windows)
    assert stored.min() == (2 if split == "train" else 1)


def test_the_manifest_describes_and_counts(music, records):
    manifest = Manifest.read(records)
    assert manifest.fields["tokens"]["shape"] == [6]
    assert manifest.fields["tokens"]["stored_bytes"] == 24
    found = {reason: drop.names for reason, drop in manifest.drops.items()}
    assert found.pop("short_last_window") == ()
    assert found.pop("no_chords") == ("alone.mid",)
    assert found.pop("too_short") == ("short.mid",)
    assert found.popitem()[1] == ("noise.mid",) and not found
    known = {
        tuple(map(int, text.split())) for text in manifest.representation["parameters"]["words"]
    }
    unknown = sum(
        tuple(word) not in known
        for path in music.glob("tune_*.mid")
        for word in REP.find_words(read_midi(path)).tolist()
    )
    assert manifest.lost == {"unknown_words": unknown} and unknown > 3
    words = manifest.representation["parameters"]["words"]
    assert len(words) > 22
    text = describe(manifest)
    assert re.search(rf"lost of kept pieces +number\n-+ +-+\nunknown_words +{unknown}$", text)
    assert f"{words[19]}, ... ({len(words)} in all)" in text and words[21] not in text


def test_workers_and_shards_do_not_matter(music, records, tmp_path):
    convert(MIDI, OPTIONS, tmp_path / "workers", [str(music)], num_workers=2)
    assert_same(records, tmp_path / "workers")
    more = dataclasses.replace(OPTIONS, num_shards=5)
    assert convert(MIDI, more, tmp_path / "more", [str(music)]).representation == (
        Manifest.read(records).representation
    )


def test_an_interrupted_run_goes_on_with_its_vocabulary(music, records, tmp_path, monkeypatch):
    output = tmp_path / "out"

    def stop(function, tasks, *_, **__):
        function(tasks[0])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(convert_module, "run_all", stop)
        with pytest.raises(KeyboardInterrupt):
            convert(MIDI, OPTIONS, output, [str(music)])
    partial = work_folder.work_folder_of(output)
    (shard,) = partial.glob("*.tfrecord.gz")
    time = shard.stat().st_mtime_ns
    planned = json.loads((partial / "plan.json").read_text())["options"]["representation"]
    convert(MIDI, OPTIONS, output, [str(music)])
    assert (output / shard.name).stat().st_mtime_ns == time  # not written again
    assert planned == Manifest.read(output).representation
    assert_same(records, output)


def test_dry_run_has_the_vocabulary_too(music, records):
    counted, written = dry_run(MIDI, OPTIONS, [str(music)]), Manifest.read(records)
    assert counted.representation == written.representation
    assert [counted.num_examples(split) for split in SPLITS] == [
        written.num_examples(split) for split in SPLITS
    ]


def test_a_given_vocabulary_is_kept(music, tmp_path):
    rep = dataclasses.replace(REP, words=((24, 5, 1, 0, 0, 0),))
    options = dataclasses.replace(OPTIONS, representation=rep)
    manifest = dry_run(MIDI, options, [str(music)])
    assert manifest.representation["parameters"]["words"] == ["24 5 1 0 0 0"]


def test_filters_and_transposed_copies_count(music, records):
    filters = PieceFilters(transpose="-1:0")
    options = dataclasses.replace(OPTIONS, filters=filters)
    words = dry_run(MIDI, options, [str(music)]).representation["parameters"]["words"]
    plain = RecordSet.open(records).representation.words
    # All but the one word without a pitch, a rest.
    assert (24, 0, 0, 0, 0, 0) in plain and len(words) == 2 * len(plain) - 1
    # Two keys: every word that has a note comes as often a semitone lower.
    assert {"24 5 1 0 0 0", "24 4 12 0 0 0"} <= set(words)
    strict = dataclasses.replace(OPTIONS, filters=PieceFilters(keys=("C",)))
    manifest = dry_run(MIDI, strict, [str(music)])
    assert manifest.representation["parameters"]["words"] == []
    assert manifest.drops["no_key"].num_pieces == 18


def test_a_copy_that_does_not_fit_gives_no_words(tmp_path):
    high = tune(3)
    high.notes[-1].pitch = 127
    (tmp_path / "high.mid").write_bytes(to_midi_bytes(high))
    options = ConvertOptions(REP, PieceFilters(transpose="0:1"), split=(1, 0, 0))
    manifest = dry_run(MIDI, options, [str(tmp_path)])
    assert manifest.drops["pitch_out_of_range"].names == ("high.mid+1",)
    words = map(tuple, REP.find_words(high).tolist()[: 6 * manifest.num_examples("train")])
    assert set(manifest.representation["parameters"]["words"]) == {
        " ".join(map(str, word)) for word in words
    }


def test_without_any_window_nothing_is_written(music, tmp_path):
    options = dataclasses.replace(OPTIONS, representation=ChordMelodyWords(length=60))
    with pytest.raises(MusicGanError, match=r"No example came out of 19 pieces: 17 too_short \("):
        convert(MIDI, options, tmp_path / "out", [str(music)])
    assert list(tmp_path.iterdir()) == []


def test_another_vocabulary_is_another_representation(records, music):
    reader = RecordSet.open(records)
    rep = reader.representation
    reader.expect(rep)
    other = dataclasses.replace(rep, words=rep.words[::-1])
    with pytest.raises(RecordsError, match=r"words=\d+ of them \(SHA-256 \w{8}...\). Received: \d"):
        reader.expect(other)
