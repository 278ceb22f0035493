"""The script that asks whether a discriminator knows its training data by heart."""

import pathlib
import types

import numpy as np
import pytest
import tensorflow as tf

from tests.oracle_records import train_unigram
from tests.script_modules import load_script
from tfmusicgan.errors import ConfigError
from tfmusicgan.records.kept_oracle import read_oracle
from tfmusicgan.records.reader import RecordSet


@pytest.fixture(scope="module")
def script():
    return load_script("reproduce/discriminator_scores.py")


def _sharer_of(tokens: np.ndarray):
    """A model whose score is the share of tokens 1 in a sequence."""
    return types.SimpleNamespace(
        discriminator=lambda sequences: tf.reduce_mean(
            tf.cast(tf.equal(sequences, 1), tf.float32), axis=1
        ),
        rewards=lambda answers: answers,
        sample=lambda seeds: {"tokens": tf.constant(tokens[seeds.numpy() % len(tokens)])},
    )


def test_every_sequence_is_scored_once_in_order(script):
    tokens = np.zeros((613, 4), np.int32)  # more than two batches, no multiple of one
    for row in range(613):
        tokens[row, : row % 5] = 1
    found = script.scores(_sharer_of(tokens), tokens)
    np.testing.assert_allclose(found, np.arange(613) % 5 / 4)


def test_sequences_of_each_kind(script, monkeypatch):
    splits = {"train": np.full((7, 3), 5), "test": np.full((4, 3), 6)}

    class Records:
        @staticmethod
        def open(folder, split):
            rows = splits[split]
            spread = lambda num: {"tokens": rows[:num]}  # noqa: E731
            return types.SimpleNamespace(num_examples=len(rows), spread=spread)

    monkeypatch.setattr(script, "RecordSet", Records)
    model = _sharer_of(np.arange(12).reshape(4, 3))
    found = script.sequences(model, pathlib.Path("records"), num=5, seed=1)
    assert [len(found[name]) for name in ("training", "held-out", "generated")] == [5, 4, 5]
    # Of seed 1: rows 2^32, 2^32 + 1 and so on, which is row 0, 1, 2, 3, 0 of four.
    assert found["generated"][:, 0].tolist() == [0, 3, 6, 9, 0]


def test_correlations_with_likelihoods(script):
    # Sequences of four, worth by hand: the oracle's likelihood grows with the first token alone,
    # the generator's falls with the second, and the logit is the first less twice the second.
    tokens = np.array([[0, 0, 1, 1], [1, 0, 0, 2], [2, 3, 0, 0], [0, 1, 3, 0], [5, 2, 1, 0]])
    first, second = tokens[:, 0].astype(float), tokens[:, 1].astype(float)
    model = types.SimpleNamespace(
        discriminator=lambda part: tf.cast(part[:, 0] - 2 * part[:, 1], tf.float64),
        negative_log_likelihood=lambda part: tf.cast(part[:, 1], tf.float64),
    )
    oracle = types.SimpleNamespace(
        negative_log_likelihood=lambda part: np.repeat(-part[:, :1].astype(float), 4, axis=1)
    )
    found = script.correlations(model, oracle, tokens)
    expected = {
        "oracle": _pearson(first - 2 * second, first),
        "generator": _pearson(first - 2 * second, -second),
        "oracle less generator": _pearson(first - 2 * second, first + second),
    }
    assert found == pytest.approx(expected)


def _pearson(x, y):
    x, y = x - x.mean(), y - y.mean()
    return (x @ y) / np.sqrt((x @ x) * (y @ y))


def test_a_model_without_a_discriminator(script):
    with pytest.raises(ConfigError, match="with a discriminator"):
        script.scores(types.SimpleNamespace(discriminator=None), np.zeros((2, 3), np.int32))


def _main(script, monkeypatch, capsys, run, records):
    arguments = [f"--run={run.folder}", f"--records={records}", "--num=30"]
    monkeypatch.setattr("sys.argv", ["discriminator_scores.py", *arguments])
    capsys.readouterr()  # of the training
    script.main()


def test_a_run_under_the_oracle_of_its_records(script, monkeypatch, capsys, tiny_run, tiny_records):
    run, records = tiny_run("seqgan_oracle"), tiny_records["seqgan_oracle"]
    _main(script, monkeypatch, capsys, run, records)
    lines = capsys.readouterr().out.splitlines()
    kinds = [line.split(" | ")[0] for line in lines[2:5]]
    assert kinds == ["| training, 30", "| held-out, 20", "| generated, 30"]
    train, model = RecordSet.open(records), run.load_model()[0]
    oracle = read_oracle(train.directory, train.manifest)
    tokens = script.sequences(model, records, 30, 0)["generated"]
    value = script.correlations(model, oracle, tokens)["oracle"]
    assert f"| oracle | {value:.3f} |" in lines


def test_a_run_without_a_discriminator_is_one_line(
    script, monkeypatch, capsys, tiny_records, tmp_path
):
    records = tiny_records["seqgan_oracle_random"]
    run = train_unigram(tmp_path / "run", records)
    with pytest.raises(SystemExit) as ended:
        _main(script, monkeypatch, capsys, run, records)
    printed = capsys.readouterr()
    assert ended.value.code == 1 and printed.out == "" and printed.err.count("\n") == 1
    assert "with a discriminator, e.g. of seqgan_oracle" in printed.err
