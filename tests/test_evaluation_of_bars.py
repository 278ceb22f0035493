"""What an evaluation says of melodies in bars, from a tiny run."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.evaluation import HELD_OUT, TRAINED, TRAINING, UNTRAINED, evaluate_run, melody_bars
from tfmusicgan.metrics.bar_metrics import nearest_bar_distance
from tfmusicgan.models.midinet import triples
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.melody_bars import MelodyBars


@pytest.mark.slow
def test_all_rows_are_measured_alike(tiny_run, tiny_records):
    folder = tiny_records["midinet_creative"]
    found = evaluate_run(tiny_run("midinet_creative"), folder, num_phrases=24)
    assert {TRAINING, UNTRAINED, TRAINED} <= set(found.rows)
    assert len({frozenset(row) for row in found.rows.values()}) == 1
    assert found.rows[TRAINING]["pitches_in_range/melody"] == 1.0
    assert found.rows[UNTRAINED]["pitches_in_range/melody"] < 0.6  # of 128 pitches 24 are
    assert {UNTRAINED, TRAINED} <= set(found.memorisation)
    assert "nearest_training_bar: " in found.table() and '"copied_bars"' in found.to_json()
    # Half of the training data are not new; what is held out mostly is.
    train = RecordSet.open(folder).spread(8)["melody_bars"]
    again = melody_bars._memorisation({TRAINED: train, HELD_OUT: train}, RecordSet.open(folder))
    assert again[TRAINED]["copied_bars"] == 1.0 and again[TRAINED]["nearest_training_bar"] == 0.0
    moved = train.copy()
    moved[..., :16] = (moved[..., :16] - 60 + 5) % 24 + 60  # the same bars in another key
    moved[:, 0, 0] -= 1  # and the first bar of each begins otherwise
    again = melody_bars._memorisation({TRAINED: moved}, RecordSet.open(folder))[TRAINED]
    assert again["copied_bars"] == pytest.approx(2 / 3, abs=0.1)
    melodies = itertools.combinations(moved[..., :16].reshape(len(moved), -1), 2)
    alike = np.mean([(one == other).mean() for one, other in melodies])
    assert 0 < alike < 1 and again["self_similarity"] == pytest.approx(alike)


def test_bars_as_training_moves_them_are_copies():
    rep, rng = MelodyBars(), np.random.default_rng(0)
    bars = rng.integers(60, 84, (48, 17)).astype(np.int32)
    moved = triples.transpose(tf.constant(bars), tf.range(48) % 12, rep).numpy()
    known = melody_bars._in_one_key(bars[:, np.newaxis], rep)
    found = melody_bars._in_one_key(moved[:, np.newaxis], rep)
    assert not nearest_bar_distance(found, known).any()
    moved[:, 3] = bars[:, 3] + 24  # no training bar has it, though it is the same modulo 24
    found = melody_bars._in_one_key(moved[:, np.newaxis], rep)
    np.testing.assert_allclose(nearest_bar_distance(found, known), 1 / 16)
