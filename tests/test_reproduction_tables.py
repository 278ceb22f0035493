"""The tables of a reproduction's runs."""

import json

import pytest

from tests.script_modules import load_script

DATA = {"empty_bars/a": 0.1, "used_pitch_classes/a": 3.0, "tonal_distance/a-b": 1.0}
UNTRAINED = {"empty_bars/a": 0.5, "used_pitch_classes/a": 11.0, "tonal_distance/a-b": 1.01}
RESULT = {
    "rows": {"training data": DATA, "untrained": UNTRAINED},
    "intervals": {
        "empty_bars/a": [0.2, 0.3],  # 0.1 of 0.4
        "used_pitch_classes/a": [4.0, 5.0],  # wider, but 1 of 8
        "tonal_distance/a-b": [1.0, 1.2],  # nothing to move
        "drum_pattern/c": [None, None],
    },
    "movement": {
        "empty_bars/a": {"judged": True},
        "used_pitch_classes/a": {"judged": True},
        "tonal_distance/a-b": {"judged": False},
    },
}


@pytest.fixture(scope="module")
def script():
    return load_script("reproduce/tables.py")


def _run(folder, result):
    folder.mkdir()
    (folder / "evaluation.json").write_text(json.dumps(result))
    (folder / "evaluation.txt").write_text("a table\n")
    return folder


def test_widths_of_unlike_metrics_are_shares_of_their_ways(script, tmp_path):
    lines = script.table(_run(tmp_path / "run", RESULT))
    assert lines[:5] == ["### run", "", "```", "a table", "```"]
    assert lines[6].endswith("is that of `empty_bars/a`, 0.200 to 0.300: 25.0 % of it."), (
        "not the one of the largest number"
    )


def test_where_nothing_is_judged_no_width_is_named(script, tmp_path):
    lines = script.table(_run(tmp_path / "run", {**RESULT, "movement": {}}))
    assert lines[6].endswith("are in `evaluation.json`.")
