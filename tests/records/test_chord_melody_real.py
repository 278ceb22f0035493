"""The Nottingham tunes as words, beside the words that polyphonic SeqGAN's authors released."""

import collections
import gzip
import json

import numpy as np
import pytest

from tfmusicgan import datasets, metrics
from tfmusicgan.records.convert import convert
from tfmusicgan.records.manifest import SPLITS
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.chord_melody_words import ChordMelodyWords

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def output(test_data, tmp_path_factory):
    output = tmp_path_factory.mktemp("words") / "nottingham"
    options = ConvertOptions(ChordMelodyWords())
    convert(datasets.get("nottingham"), options, output, [str(test_data / "nottingham")])
    return output


@pytest.fixture(scope="module")
def ours(output):
    """Words as stored, all splits, without unknown ones: int64 [words, 6]."""
    words = []
    for split in SPLITS:
        records = RecordSet.open(output, split)
        tokens = np.concatenate([batch["tokens"].ravel() for batch in records.examples()])
        words.append(records.representation.table[tokens[tokens > 1]])
    return np.concatenate(words)


@pytest.fixture(scope="module")
def released(test_data):
    """The released words in our numbers but for the chords' octaves, which are 0: int64 [_, 6]."""
    path = test_data / "seqgan_reference" / "polyphonic_seqgan_words.json.gz"
    with gzip.open(path) as file:
        data = json.load(file)
    table = np.zeros((len(data["tokens"]), 6), np.int64)
    for row, word in zip(table, data["tokens"], strict=True):
        row[0], row[3] = round(24 * word[0]), round(24 * word[3])
        octave, pitch, chord = (int(word[index]) for index in (1, 2, 5))
        if pitch:
            row[1], row[2] = data["octaves"][octave][0], pitch
        if chord:
            row[5] = sum(1 << pitch_class for pitch_class in data["chords"][chord])
    return table[np.array(data["train"] + data["valid"]).ravel()]


def test_counts(output):
    records = {split: RecordSet.open(output, split) for split in SPLITS}
    manifest = records["train"].manifest
    dropped = {reason: drop.num_pieces for reason, drop in manifest.drops.items()}
    assert dropped == {"duplicate": 5, "no_chords": 13, "too_short": 117, "short_last_window": 0}
    assert sum(manifest.num_pieces(split) for split in SPLITS) == 1034 - 5 - 13 - 117
    # Released: 1,750 sequences, which run over the tunes' ends; 3,006 words in those that train.
    assert [one.num_examples for one in records.values()] == [1133, 155, 143]
    assert records["train"].representation.num_tokens == 2 + 2875


def test_unknown_words(output):
    shares = {}
    for split in SPLITS:
        tokens = np.concatenate([b["tokens"] for b in RecordSet.open(output, split).examples()])
        assert tokens.min() >= 1
        shares[split] = float((tokens == 1).mean())
    # Released: 1 % of the words, where pieces of one tune are in both splits.
    assert shares["train"] == 0
    assert 0.02 < shares["validation"] < 0.04 and 0.02 < shares["test"] < 0.04


def shares(words):
    melody, chords = words[:, 0], words[:, 3]
    found = {f"melody_{steps}": (melody == steps).mean() for steps in (6, 8, 12, 24, 36, 48)}
    found |= {f"chord_{quarters}": (chords == 24 * quarters).mean() for quarters in (1, 8)}
    found["no_chord_onset"] = (chords == 0).mean()
    found["no_melody_onset"] = (melody == 0).mean()
    counts = np.array(sorted(collections.Counter(map(tuple, words.tolist())).values()))
    found["commonest_hundred"] = counts[-100:].sum() / counts.sum()
    return found


def test_what_words_are_like(ours, released):
    """Two editions of one collection. In the released one chords begin anew in every bar, within
    notes that are tied over it too, and some have rests between."""
    found, expected = shares(ours), shares(released)
    assert expected["no_chord_onset"] == pytest.approx(0.768, abs=1e-3)
    assert expected["melody_12"] == pytest.approx(0.590, abs=1e-3)
    assert found == pytest.approx(expected, abs=0.09)
    assert found["no_chord_onset"] == pytest.approx(expected["no_chord_onset"], abs=0.02)
    assert found["commonest_hundred"] == pytest.approx(expected["commonest_hundred"], abs=0.03)
    assert found["no_melody_onset"] < 0.001 < 0.016 < expected["no_melody_onset"]
    quarters = [100 * words[:, 0].mean() / 24 for words in (ours, released)]
    assert quarters == pytest.approx([67.5, 68.3], abs=0.2)


def overlap(first, second, *columns):
    """Share of the words that two sets have in common, looking at some columns."""
    both = []
    for words in (first, second):
        counts = collections.Counter(map(tuple, words[:, columns].tolist()))
        both.append({word: count / len(words) for word, count in counts.items()})
    return sum(min(share, both[1].get(word, 0)) for word, share in both[0].items())


def test_pitches_octaves_and_chords_are_the_released_ones(ours, released):
    assert overlap(ours, released, 1, 2) > 0.94
    assert overlap(ours, released, 5) > 0.94
    assert overlap(ours, released, 0, 1, 2, 3, 5) > 0.75
    shifted = ours.copy()
    shifted[:, 2] = np.where(ours[:, 2] > 0, ours[:, 2] % 12 + 1, 0)
    assert overlap(shifted, released, 1, 2) < 0.4  # A semitone off is something else.


def test_melodies_play_tones_of_their_chords(output):
    records = RecordSet.open(output, "train")
    tokens = records.spread(500)["tokens"]
    found = metrics.evaluate(["chord_tones", "quarters"], tokens, records.representation)
    assert found["chord_tones/next_chord"] < 0.5 < 0.7 < found["chord_tones/melody"]
    assert found["quarters/melody"] == pytest.approx(found["quarters/chords"], rel=0.02)
