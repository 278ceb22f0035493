"""The table of a run: rows, memorisation, what is undefined, and whether training helped."""

import dataclasses
import json
import math
import shutil

import numpy as np
import pytest

from tests.eagerly import eagerly
from tests.evaluated_phrases import made_up_phrases, with_changes
from tfmusicgan import metrics
from tfmusicgan.errors import CheckpointError, RecordsError
from tfmusicgan.evaluation import HELD_OUT, TRAINED, TRAINING, UNTRAINED, Evaluation, evaluate_run
from tfmusicgan.evaluation import piano_rolls as evaluation
from tfmusicgan.metrics.memorisation import nearest_distance
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training.monitor import held_out

RECIPE = "musegan_hybrid_chorales"


@pytest.fixture(scope="module", autouse=True)
def one_operation_at_a_time():
    """Samples of so few phrases are sooner made than traced."""
    with eagerly():
        yield


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
    for name in (TRAINING, HELD_OUT, UNTRAINED, TRAINED, "spread", "moved"):
        assert name in lines[0]
    assert max(len(line) for line in lines) <= 110
    assert any(line.startswith("distance to training data") for line in lines)
    assert sum(line.startswith("verdict: ") for line in lines) == 1
    assert any(line.startswith("phrases: training data") for line in lines)
    assert any(line.startswith("nearest_training_phrase: held-out data 0.") for line in lines)
    assert any(line.startswith("self_similarity: held-out data 0.") for line in lines)


def test_json_without_nan(result):
    def refuse(text):
        raise AssertionError(text)

    content = json.loads(result.to_json(), parse_constant=refuse)
    fields = {field.name for field in dataclasses.fields(Evaluation)}
    assert set(content) == fields | {"distances", "movement", "verdict", "listens"}
    assert content["distances"][TRAINING] == 0.0
    assert content["rows"][TRAINED] == pytest.approx(result.rows[TRAINED])
    undefined = Evaluation(
        {TRAINING: {"drum_pattern/drums": math.nan}, TRAINED: {"drum_pattern/drums": np.nan}},
        {TRAINED: {"nearest_training_phrase": np.float64("nan"), "self_similarity": 0.5}},
        {TRAINED: 1},
        {"step": 3},
        intervals={"drum_pattern/drums": (math.nan, 1.0)},
        histograms={TRAINED: {"pitch_class": {"piano": np.array([0.5, np.nan])}}},
    )
    content = json.loads(undefined.to_json(), parse_constant=refuse)
    assert content["rows"][TRAINED] == {"drum_pattern/drums": None}
    assert content["memorisation"][TRAINED]["nearest_training_phrase"] is None
    assert content["distances"] == {TRAINING: None, TRAINED: None}
    assert content["intervals"] == {"drum_pattern/drums": [None, 1.0]}
    assert content["histograms"][TRAINED]["pitch_class"]["piano"] == [0.5, None]


def test_intervals_hold_the_trained_row(result):
    assert result.intervals.keys() == result.rows[TRAINED].keys() == result.spread.keys()
    inside = 0
    for key, (low, high) in result.intervals.items():
        value = result.rows[TRAINED][key]
        assert math.isnan(value) or low <= high
        inside += math.isnan(value) or low <= value <= high
    assert inside >= 0.9 * len(result.intervals)


def test_histograms_of_every_row(result):
    assert list(result.histograms) == list(result.rows)
    for found in result.histograms.values():
        assert len(found["pitch_class"]["alto"]) == 12
        assert found["onset_position"]["bass"].sum() == pytest.approx(1.0)


def _moved(untrained, trained, spread=0.01):
    """An evaluation of two metrics whose data are 0.5, from `(first, second)` values."""
    keys = ("empty_bars/alto", "empty_bars/bass")
    rows = {
        name: dict(zip(keys, values, strict=True))
        for name, values in ((TRAINING, (0.5, 0.5)), (UNTRAINED, untrained), (TRAINED, trained))
    }
    return Evaluation(rows, {}, {}, {}, spread=dict.fromkeys(keys, spread))


def test_the_verdict_counts_and_lists():
    result = _moved((0.9, 0.1), (0.6, 0.2))
    assert result.fall_short() == {"empty_bars/bass": pytest.approx(0.25)}
    text = result.table()
    assert "verdict: 1 of 2 metrics have moved most of the way" in text
    assert "\n  empty_bars/bass 0.25\n" in text
    content = json.loads(result.to_json())
    assert content["verdict"] == {"judged": 2, "fall_short": ["empty_bars/bass"]}
    assert content["movement"]["empty_bars/alto"] == {
        "moved": pytest.approx(0.75),
        "judged": True,
        "most_of_the_way": True,
    }
    # Untrained within the spread of the data: nothing to judge, and a blank in the table.
    narrow = _moved((0.9, 0.45), (0.6, 0.2), spread=0.1)
    assert narrow.fall_short() == {}
    assert "verdict: 1 of 1 metrics" in narrow.table()
    (line,) = [line for line in narrow.table().splitlines() if line.startswith("empty_bars/bass")]
    assert line.split() == ["empty_bars/bass", "0.500", "0.450", "0.200", "0.100"]


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
    phrases = records.spread(3)["piano_roll"]
    assert evaluation._nearest({TRAINED: phrases}, records) == {TRAINED: 0.0}
    changed = phrases.copy()
    changed[:, 0, 0] ^= True  # one step of 16: every cell of it
    found = evaluation._nearest({TRAINED: changed, HELD_OUT: phrases}, records)
    assert 0.0 < found[TRAINED] <= 1.0 and found[HELD_OUT] == 0.0
    # A model's given track does not count as copied, nor as new.
    changed = phrases.copy()
    changed[..., 1] ^= True
    rows = {TRAINED: evaluation._generated(changed, 1)}
    assert evaluation._nearest(rows, records, given=1) == {TRAINED: 0.0}
    # Nor is a phrase new in another key, where keys are changed in training.
    higher = np.roll(phrases, 2, axis=3)
    assert not phrases[:, :, :, -2:].any() and not records.representation.tracks[0].is_drum
    assert evaluation._nearest({TRAINED: higher}, records)[TRAINED] > 0.5
    assert evaluation._nearest({TRAINED: higher}, records, None, 1)[TRAINED] > 0.5
    assert evaluation._nearest({TRAINED: higher}, records, None, 2) == {TRAINED: 0.0}
    # The mean over phrases: one copied, one silent, which shares no cell with any.
    half = np.stack([phrases[0], np.zeros_like(phrases[0])])
    assert evaluation._nearest({TRAINED: half}, records) == {TRAINED: 0.5}


def test_training_phrases_are_compared_in_parts(tiny_records, monkeypatch):
    records = RecordSet.open(tiny_records[RECIPE])
    every = np.concatenate(list(evaluation._parts(records)))
    assert len(every) == records.num_examples
    monkeypatch.setattr(evaluation, "_PHRASES_AT_ONCE", 1)
    rows = {HELD_OUT: every[:3] ^ every[1:4], TRAINED: every[::5]}
    found = evaluation._nearest(rows, records)
    for row, phrases in rows.items():
        expected = float(np.mean(nearest_distance(phrases, every)))
        assert found[row] == pytest.approx(expected)


@pytest.fixture
def without(tiny_records, tmp_path):
    """Builds a copy of the records that lacks some splits."""

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
            expected = RecordSet.open(folder, split).spread(4)["piano_roll"]
            np.testing.assert_array_equal(held_out(folder, 4), expected)
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


def test_a_long_list_of_metrics_is_wrapped_between_metrics():
    keys = [f"used_pitch_classes/track_{number:02}" for number in range(9)]
    rows = {row: dict.fromkeys(keys, value) for row, value in ((TRAINING, 1.0), (UNTRAINED, 9.0))}
    result = Evaluation(
        {**rows, TRAINED: rows[UNTRAINED]}, {}, {}, {}, spread=dict.fromkeys(keys, 0.1)
    )
    text = result.table().partition("these have not:\n")[2].partition("\nspread: ")[0]
    # Items of 32 characters: two to a line.
    lines = text.splitlines()
    assert len(lines) == 5 and max(map(len, lines)) <= 100
    assert text.replace(",\n", ",").split(",")[4].strip() == "used_pitch_classes/track_04 0.00"


def test_a_given_track_is_not_judged():
    rep, phrases = made_up_phrases("drums,piano,bass")
    recipe = with_changes(metrics=("empty_bars", "tonal_distance"))
    for given, judged in ((None, 4), (1, 3)):
        measured = evaluation._measure(recipe, phrases, rep, given)
        result = Evaluation(memorisation={}, num_phrases={}, settings={}, **measured)
        assert len(result.rows[TRAINED]) == 4 and len(result.movements()) == judged
        assert ("piano is given, from" in result.table()) == (given is not None)
    assert set(result.movements()) == {
        *("empty_bars/drums", "empty_bars/bass", "tonal_distance/piano-bass")
    }


@pytest.mark.slow
def test_harmony_with_the_given_track(tiny_run, tiny_records):
    name = f"{RECIPE}_accompaniment"
    result = evaluate_run(tiny_run(name), tiny_records[name], num_phrases=8)
    assert list(result.accompaniment) == list(result.rows)
    assert list(result.accompaniment_intervals) == [UNTRAINED, TRAINED]
    # Untrained and trained play to the same given tracks: the held-out ones, which are fewer.
    held_out = RecordSet.open(tiny_records[name], "validation").spread(8)["piano_roll"]
    played = held_out[np.arange(8) % len(held_out)]
    rep = tiny_run(name).build_model().representation
    expected = metrics.evaluate(("used_pitch_classes",), played, rep)
    for row in (UNTRAINED, TRAINED):
        key = "used_pitch_classes/soprano"
        assert result.rows[row][key] == pytest.approx(expected[key])
    # What is given cannot be moved; what is played to it can.
    judged = result.movements().keys()
    assert not any(key.endswith("/soprano") for key in judged)
    assert {"empty_bars/alto", "tonal_distance/soprano-alto"} <= judged
    assert "* soprano is given, from the held-out data: its own metrics are" in result.table()
    names = ("alto", "tenor", "bass")
    assert list(result.accompaniment[TRAINING]) == [
        *(f"tonal_distance_to_given/{name}" for name in names),
        *(f"tonal_distance_to_other/{name}" for name in names),
        *(f"nearer_to_given/{name}" for name in names),
        "nearer_to_given",
    ]
    assert ": untrained too few phrases to say, trained too few phrases to say." in result.table()


def test_other_records_are_a_warning(result, tiny_run, tiny_records, tmp_path):
    assert result.warnings == ()
    folder = shutil.copytree(tiny_records[RECIPE], tmp_path / "records")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sources"]["sha256"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (warning,) = evaluate_run(tiny_run(RECIPE), folder, num_phrases=4).warnings
    number = RecordSet.open(folder).num_examples
    assert warning.startswith(f"The run was trained on {number} phrases of midi; {folder} holds")
    assert warning.count("\n") == 0
