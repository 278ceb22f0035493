"""The table of a run: rows, memorisation, what is undefined, and whether training helped."""

import json
import math

import numpy as np
import pytest

from tfmusicgan import evaluation
from tfmusicgan.errors import CheckpointError, RecordsError
from tfmusicgan.evaluation import HELD_OUT, TRAINED, TRAINING, UNTRAINED, Evaluation, evaluate_run
from tfmusicgan.records.reader import RecordSet

RECIPE = "musegan_hybrid_chorales"


@pytest.fixture(scope="module")
def result(tiny_run, tiny_records):
    return evaluate_run(tiny_run(RECIPE), tiny_records[RECIPE], num_phrases=12, seed=1)


def _evaluation(**distances):
    """An evaluation whose rows have one metric at a distance of their own from the data's 0.5."""
    rows = {TRAINING: {"empty_bars/piano": 0.5}}
    rows |= {name: {"empty_bars/piano": 0.5 + away} for name, away in distances.items()}
    return Evaluation(rows, {}, dict.fromkeys(rows, 3), {})


def test_every_row_has_every_metric(result):
    rows = [TRAINING, HELD_OUT, UNTRAINED, TRAINED]
    assert list(result.rows) == rows
    keys = list(result.rows[TRAINING])
    assert len(keys) > 10 and all(list(result.rows[row]) == keys for row in rows)
    assert result.num_phrases[UNTRAINED] == result.num_phrases[TRAINED] == 12
    assert result.distance(TRAINING) == 0.0
    assert list(result.memorisation) == [HELD_OUT, TRAINED]
    for entry in result.memorisation.values():
        assert 0 < entry["nearest_training_phrase"] <= 1
        assert 0 <= entry["self_similarity"] < 1
    assert result.settings == {
        "recipe": RECIPE,
        "preset": "tiny",
        "step": 4,
        "checkpoint": "latest",
        "seed": 1,
    }


def test_the_table_reads_well(result):
    lines = result.table().splitlines()
    assert lines[0].split("  ")[0] == "metric"
    assert all(name in lines[0] for name in (TRAINING, HELD_OUT, UNTRAINED, TRAINED))
    assert any(line.startswith("distance to training data") for line in lines)
    assert any(line.startswith("phrases: training data") for line in lines)
    assert lines[-2].startswith("nearest_training_phrase: held-out data 0.")
    assert lines[-1].startswith("self_similarity: held-out data 0.")


def test_json_without_nan(result):
    def refuse(text):
        raise AssertionError(text)

    content = json.loads(result.to_json(), parse_constant=refuse)
    assert set(content) == {"rows", "memorisation", "num_phrases", "settings", "distances"}
    assert content["distances"][TRAINING] == 0.0
    undefined = Evaluation(
        {TRAINING: {"drum_pattern/drums": math.nan}, TRAINED: {"drum_pattern/drums": np.nan}},
        {TRAINED: {"nearest_training_phrase": np.float64("nan"), "self_similarity": 0.5}},
        {TRAINED: 1},
        {"step": 3},
    )
    content = json.loads(undefined.to_json(), parse_constant=refuse)
    assert content["rows"][TRAINED] == {"drum_pattern/drums": None}
    assert content["memorisation"][TRAINED]["nearest_training_phrase"] is None
    assert content["distances"] == {TRAINING: None, TRAINED: None}


def test_improved():
    assert _evaluation(untrained=0.3, trained=-0.2).improved()
    assert not _evaluation(untrained=0.2, trained=-0.3).improved()
    assert not _evaluation(untrained=0.2, trained=0.2).improved()
    assert not _evaluation(untrained=0.2, trained=math.nan).improved()


def test_equal_seeds_give_equal_tables(result, tiny_run, tiny_records):
    run, records = tiny_run(RECIPE), tiny_records[RECIPE]
    assert evaluate_run(run, records, num_phrases=12, seed=1).to_json() == result.to_json()
    other = evaluate_run(run, records, num_phrases=12, seed=2)
    assert other.rows[TRAINED] != result.rows[TRAINED]
    assert other.rows[TRAINING] == result.rows[TRAINING]


def test_a_training_phrase_is_found_at_distance_zero(tiny_records):
    records = RecordSet.open(tiny_records[RECIPE])
    phrases = evaluation._select(records, 3)
    assert evaluation._nearest({TRAINED: phrases}, records) == {TRAINED: 0.0}
    changed = phrases.copy()
    changed[:, 0, 0] ^= True  # one step of 16: every cell of it
    found = evaluation._nearest({TRAINED: changed, HELD_OUT: phrases}, records)
    assert 0.0 < found[TRAINED] <= 1.0 and found[HELD_OUT] == 0.0
    # The mean over phrases: one copied, one silent, which shares no cell with any.
    half = np.stack([phrases[0], np.zeros_like(phrases[0])])
    assert evaluation._nearest({TRAINED: half}, records) == {TRAINED: 0.5}


def test_phrases_are_spread_over_the_split(tiny_records):
    records = RecordSet.open(tiny_records[RECIPE])
    every = np.concatenate([batch["piano_roll"] for batch in records.examples()])
    assert len(every) == records.num_examples > 10
    np.testing.assert_array_equal(evaluation._select(records, 10**6), every)
    three = evaluation._select(records, 3)
    wanted = [0, (records.num_examples - 1) // 2, records.num_examples - 1]
    np.testing.assert_array_equal(three, every[wanted])


@pytest.fixture
def without(tiny_records, tmp_path):
    """Builds a copy of the records that lacks some splits."""
    import shutil

    def build(*splits):
        folder = shutil.copytree(tiny_records[RECIPE], tmp_path / "records")
        manifest = json.loads((folder / "manifest.json").read_text())
        for split in splits:
            manifest["shards"][split] = []
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    return build


def test_held_out_data_is_validation_or_test_or_missing(without):
    folder = without()
    manifest = RecordSet.open(folder).manifest
    for split in ("validation", "test"):
        if manifest.num_examples(split):
            expected = evaluation._select(RecordSet.open(folder, split), 4)
            np.testing.assert_array_equal(evaluation._held_out(folder, 4), expected)
            break


def test_without_held_out_data(without, tiny_run):
    result = evaluate_run(tiny_run(RECIPE), without("validation", "test"), num_phrases=4)
    assert list(result.rows) == [TRAINING, UNTRAINED, TRAINED]
    assert list(result.memorisation) == [TRAINED]
    assert "held-out" not in result.table()


def test_other_records_and_checkpoints(tiny_run, tiny_records):
    run = tiny_run(RECIPE)
    with pytest.raises(RecordsError, match=r"Convert the data again with the same recipe"):
        evaluate_run(run, tiny_records["musegan_hybrid"], num_phrases=4)
    with pytest.raises(RecordsError, match=r"nowhere"):
        evaluate_run(run, "/nowhere", num_phrases=4)
    with pytest.raises(CheckpointError, match=r"Received: missing"):
        evaluate_run(run, tiny_records[RECIPE], "missing", num_phrases=4)
