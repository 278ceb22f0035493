"""The script that gives the scale of token sequences' metrics."""

import collections

import numpy as np
import pytest

from tests.script_modules import load_script


@pytest.fixture(scope="module")
def script():
    return load_script("reproduce/token_anchors.py")


# 9 ends its sequence: nothing follows it. After 2 comes 5 twice and 7 once, after 5 always 2.
TRAINING = np.array([[2, 5, 2, 7], [5, 2, 5, 9]], np.int32)


def test_a_chain_follows_what_has_followed(script):
    drawn = script.draw_markov(TRAINING, 6000, np.random.default_rng(1))
    assert drawn.shape == (6000, 4) and drawn.dtype == np.int32
    begins = collections.Counter(drawn[:, 0].tolist())
    assert set(begins) == {2, 5} and abs(begins[2] / 6000 - 0.5) < 0.03
    pairs = collections.defaultdict(collections.Counter)
    for before, after in zip(drawn[:, :-1].ravel(), drawn[:, 1:].ravel(), strict=True):
        pairs[int(before)][int(after)] += 1
    expected = {2: {5: 2 / 3, 7: 1 / 3}, 5: {2: 2 / 3, 9: 1 / 3}, 7: {2: 0.5, 5: 0.5}}
    expected[9] = expected[7]  # begins anew
    assert set(pairs) == set(expected)
    for before, shares in expected.items():
        total = sum(pairs[before].values())
        found = {after: count / total for after, count in pairs[before].items()}
        assert found == pytest.approx(shares, abs=0.05)


def test_rows_are_what_they_are_called(script):
    unseen = np.array([[7, 7, 2, 2]], np.int32)
    unseen = np.repeat(unseen, 3000, axis=0)
    rows = script.make_rows(TRAINING, unseen, np.array([2, 5, 11]), seed=4)
    np.testing.assert_array_equal(rows["held-out data"], unseen)
    assert {len(rows[title]) for title in rows if title != "training data"} == {3000}
    assert sorted(map(tuple, rows["training data"].tolist())) == [(2, 5, 2, 7), (5, 2, 5, 9)]
    counts = collections.Counter(rows["tokens by frequency"].ravel().tolist())
    shares = {token: count / 12000 for token, count in counts.items()}
    assert shares == pytest.approx({2: 3 / 8, 5: 3 / 8, 7: 1 / 8, 9: 1 / 8}, abs=0.02)
    assert set(rows["uniform tokens"].ravel().tolist()) == {2, 5, 11}


def test_no_more_of_training_than_is_held_out(script):
    rows = script.make_rows(np.tile(TRAINING, (5, 1)), TRAINING[:1], np.array([2]), seed=4)
    assert [len(tokens) for tokens in rows.values()] == [1] * 5


def test_a_table_of_records(script, tiny_records):
    records = tiny_records["seqgan_nottingham"]
    lines = script.measure("seqgan_nottingham", records, ["bleu/4", "self_bleu/2"], 0)
    assert lines[0].endswith("sequences a row, of 8 tokens each") and len(lines) == 9
    assert lines[-1].startswith("| uniform tokens | 0.0")


@pytest.mark.parametrize(
    ("name", "of", "figures", "message"),
    [
        ("seqgan_notts", "seqgan_nottingham", "bleu/4", "Unknown recipe 'seqgan_notts'"),
        ("seqgan_nottingham", "", "bleu/4", "manifest"),
        ("seqgan_nottingham", "musegan_hybrid_chorales", "bleu/4", "Expected records of tokens"),
        ("seqgan_nottingham", "seqgan_nottingham", "bleu", "Received: bleu."),
        ("seqgan_nottingham", "seqgan_nottingham", "bleu/4,x/9", "Received: x/9."),
    ],
)
def test_what_cannot_be_measured_is_one_line(
    script, tiny_records, tmp_path, monkeypatch, capsys, name, of, figures, message
):
    records = tiny_records[of] if of else tmp_path
    flags = ["token_anchors.py", f"--recipe={name}", f"--records={records}", f"--figures={figures}"]
    monkeypatch.setattr("sys.argv", flags)
    with pytest.raises(SystemExit) as ended:
        script.main()
    printed = capsys.readouterr()
    assert ended.value.code == 1 and printed.err.count("\n") == 1 and message in printed.err


def test_a_line_for_each_row(script):
    lines = script.table(
        {"data": {"a/4": 0.25, "b": 1.0}, "noise": {"a/4": 0.0, "b": 2.0}}, ["a/4"]
    )
    assert lines == ["| | a/4 |", "|---|---:|", "| data | 0.250 |", "| noise | 0.000 |"]
