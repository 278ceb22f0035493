"""What an evaluation says of melodies in bars, from a tiny run."""

import numpy as np
import pytest

from tfmusicgan.evaluation import HELD_OUT, TRAINED, TRAINING, UNTRAINED, evaluate_run, melody_bars
from tfmusicgan.records.reader import RecordSet


@pytest.mark.slow
def test_all_rows_are_measured_alike(tiny_run, tiny_records):
    folder = tiny_records["midinet_creative"]
    found = evaluate_run(tiny_run("midinet_creative"), folder, num_phrases=24)
    assert {TRAINING, UNTRAINED, TRAINED} <= set(found.rows)
    assert len({frozenset(row) for row in found.rows.values()}) == 1
    assert found.rows[TRAINING]["pitches_in_range/melody"] == 1.0
    assert found.rows[UNTRAINED]["pitches_in_range/melody"] < 0.6  # of 128 pitches 24 are
    assert "nearest_training_bar: " in found.table() and '"copied_bars"' in found.to_json()
    # Half of the training data are not new; what is held out mostly is.
    train = RecordSet.open(folder).spread(8)["melody_bars"]
    again = melody_bars._memorisation({TRAINED: train, HELD_OUT: train}, RecordSet.open(folder))
    assert again[TRAINED]["copied_bars"] == 1.0 and again[TRAINED]["nearest_training_bar"] == 0.0
    moved = train.copy()
    moved[..., :16] += 5  # the same bars in another key
    moved[:, 0, 0] -= 1  # and the first bar of each begins otherwise
    again = melody_bars._memorisation({TRAINED: moved}, RecordSet.open(folder))[TRAINED]
    assert again["copied_bars"] == pytest.approx(2 / 3, abs=0.1)
    assert np.isfinite(again["self_similarity"])
