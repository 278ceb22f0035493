"""The table of several seeds."""

import json

import pytest

from tests.script_modules import load_script


@pytest.fixture(scope="module")
def script():
    return load_script("reproduce/seed_table.py")


def _evaluated(folder, name, nll, held_out, of_data=5.75):
    row = {"oracle_nll/token": nll, "self_bleu/2": 0.25}
    content = {
        "rows": {
            "trained": row,
            "training data": {**row, "oracle_nll/token": of_data},
            "held-out data": {"oracle_nll/token": None, "self_bleu/2": 0.25},
        },
        "memorisation": {"trained": {"held_out_nll": held_out}},
    }
    (folder / name).mkdir()
    (folder / name / "evaluation.json").write_text(json.dumps(content))


def test_a_line_for_each_recipe(script, tmp_path):
    _evaluated(tmp_path, "seqgan_oracle-0", 8.5, 7.5)
    _evaluated(tmp_path, "seqgan_oracle-1", 8.8, 7.1)
    _evaluated(tmp_path, "seqgan_oracle_mle-0", 9.0, 7.0)
    _evaluated(tmp_path, "polyphonic_seqgan+entropy_bonus=0.05-2", 1.0, 2.0)
    titles = {"oracle_nll/token": "NLL", "held_out_nll": "held-out", "self_bleu/2": "self-BLEU-2"}
    assert script.table(script.evaluated(tmp_path, "seqgan"), titles) == [
        "| | seeds | NLL | held-out | self-BLEU-2 |",
        "|---|---:|---:|---:|---:|",
        "| training data |  | 5.750 |  | 0.250 |",
        "| held-out data |  |  |  | 0.250 |",
        "| seqgan_oracle | 2 | 8.650 ± 0.150 | 7.300 ± 0.200 | 0.250 ± 0.000 |",
        "| seqgan_oracle_mle | 1 | 9.000 | 7.000 | 0.250 |",
    ]
    everything = script.evaluated(tmp_path)
    assert everything["polyphonic_seqgan+entropy_bonus=0.05"][0]["held_out_nll"] == 2.0


def test_other_records_have_a_line_where_they_differ(script, tmp_path):
    _evaluated(tmp_path, "midinet_b+onsets=true-0", 1.5, 7.5, of_data=6.5)
    _evaluated(tmp_path, "midinet_b+freezing=none-0", 2.5, 7.5)
    _evaluated(tmp_path, "midinet_b-0", 3.5, 7.5)
    _evaluated(tmp_path, "midinet_c+onsets=true-0", 1.5, 7.5, of_data=7.5)
    _evaluated(tmp_path, "midinet_c-0", 3.5, 7.5, of_data=4.5)
    _evaluated(tmp_path, "midinet_c-1", 3.5, 7.5, of_data=2.5)
    rows = script.evaluated(tmp_path)
    held_out = [name for name in rows if name.startswith("held-out data")]
    assert list(rows) == [
        *("training data", "training data, midinet_c", "training data, onsets=true"),
        "training data, midinet_c+onsets=true",
        *held_out,
        *("midinet_b", "midinet_b+freezing=none", "midinet_b+onsets=true", "midinet_c"),
        "midinet_c+onsets=true",
    ]
    assert held_out == ["held-out data"]
    lines = script.table(rows, {"oracle_nll/token": "NLL"})[2:]
    assert lines[:3] == [
        "| training data |  | 5.750 |",
        "| training data, midinet_c |  | 4.500 |",
        "| training data, onsets=true |  | 6.500 |",
    ]
    assert lines[5] == "| midinet_b | 1 | 3.500 |"
