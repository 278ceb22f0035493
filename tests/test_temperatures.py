"""The script that sets what training gains beside what a lower temperature gains."""

import json
import shutil
import types

import numpy as np
import pytest
import tensorflow as tf

from tests.oracle_records import train_unigram
from tests.script_modules import load_script
from tfmusicgan import metrics
from tfmusicgan.errors import RecordsError
from tfmusicgan.records.kept_oracle import read_oracle
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.token_sequence import TokenSequence
from tfmusicgan.training.likelihood import Likelihood


@pytest.fixture(scope="module")
def script():
    return load_script("reproduce/temperatures.py")


def _generator(tokens):
    """Three tokens with probabilities 1/7, 2/7 and 4/7, whatever was before."""
    logits = tf.constant(np.log([1.0, 2.0, 4.0]), tf.float32)
    return tf.broadcast_to(logits, [*tokens.shape, 3])


def test_held_out_likelihood_at_a_temperature(script):
    model = types.SimpleNamespace(generator=_generator, drawable=None)
    tokens = np.array([[0, 2, 2], [1, 2, 0]] * 150, np.int32)  # more than a batch
    counts = np.array([2, 1, 3]) / 6
    for temperature in (1.0, 0.5):
        power = np.array([1.0, 2.0, 4.0]) ** (1 / temperature)
        expected = -(counts * np.log(power / power.sum())).sum()
        assert script.held_out_nll(model, tokens, temperature) == pytest.approx(expected, rel=1e-6)
    # What a model never draws does not count.
    model.drawable = np.array([False, True, True])
    expected = np.log(7) - (np.log(2) + 3 * np.log(4)) / 4
    assert script.held_out_nll(model, tokens, 1.0) == pytest.approx(expected, rel=1e-6)


def test_a_line_for_each_temperature(script):
    def sample(seeds, temperature):
        # Below 1 all sequences are one.
        row = tf.cast(seeds if temperature == 1 else 0 * seeds, tf.int32)
        return {"tokens": tf.stack([row, row + 1, row + 2], axis=1)}

    model = types.SimpleNamespace(
        generator=_generator, sample=sample, drawable=None, representation=TokenSequence(9, 3)
    )
    compared = {"held_out": np.array([[0, 1, 2]], np.int32)}
    found = script.lines(model, compared, ("distinct_ngrams/1", "distinct_ngrams/2"), (1.0, 0.5), 5)
    assert found[0] == "| temperature | distinct_ngrams/1 | distinct_ngrams/2 | held_out_nll |"
    # Of fifteen tokens seven and three are different, of ten 2-grams six and two.
    assert found[2:] == ["| 1 | 0.467 | 0.600 | 1.253 |", "| 0.5 | 0.200 | 0.200 | 1.658 |"]


def _main(script, monkeypatch, capsys, run, records, *flags):
    arguments = [f"--run={run.folder}", f"--records={records}", "--num=40", *flags]
    monkeypatch.setattr("sys.argv", ["temperatures.py", *arguments])
    capsys.readouterr()  # of the training
    script.main()


def test_a_run_under_the_oracle_of_its_records(script, monkeypatch, capsys, tiny_run, tiny_records):
    run, records = tiny_run("seqgan_oracle_mle"), tiny_records["seqgan_oracle_mle"]
    _main(script, monkeypatch, capsys, run, records, "--temperatures=1,0.5")
    first, second = capsys.readouterr().out.splitlines()[2:]
    train = RecordSet.open(records)
    oracle = read_oracle(train.directory, train.manifest)
    tokens = run.load_model()[0].sample(tf.range(40, dtype=tf.int64))["tokens"].numpy()
    assert first.startswith(f"| 1 | {oracle.negative_log_likelihood(tokens).mean():.3f} | ")
    assert second.startswith("| 0.5 | ")


def test_a_run_without_a_temperature(script, monkeypatch, capsys, tiny_records, tmp_path):
    records = tiny_records["seqgan_oracle_random"]
    run = train_unigram(tmp_path / "run", records)
    with pytest.raises(SystemExit) as ended:
        _main(script, monkeypatch, capsys, run, records)
    printed = capsys.readouterr()
    assert ended.value.code == 1 and printed.out == "" and printed.err.count("\n") == 1
    assert "Expected a run with a generator that takes a temperature" in printed.err
    assert "TokenUnigram" in printed.err


def test_a_run_of_words_is_judged_by_bleu(script, monkeypatch, capsys, tiny_run, tiny_records):
    run, records = tiny_run("polyphonic_seqgan"), tiny_records["polyphonic_seqgan"]
    _main(script, monkeypatch, capsys, run, records, "--temperatures=1,0.5")
    head, _, first, _ = capsys.readouterr().out.splitlines()
    names = head.strip("| ").split(" | ")
    assert names[1:4] == ["smoothed_bleu/4", "self_bleu/4", "distinct_ngrams/1"]
    model = run.load_model()[0]
    tokens = model.sample(tf.range(40, dtype=tf.int64))["tokens"].numpy()
    unseen = RecordSet.open(records, "test").spread(40)["tokens"]
    compared = {"held_out": unseen}
    values = metrics.evaluate(["smoothed_bleu"], tokens, model.representation, compared)
    cells = first.strip("| ").split(" | ")
    assert cells[:2] == ["1", f"{values['smoothed_bleu/4']:.3f}"]
    assert float(cells[-1]) == pytest.approx(Likelihood(model, unseen).nll(), abs=1e-3)


def test_records_without_an_oracle(script, tiny_run, tiny_records, tmp_path):
    records = shutil.copytree(tiny_records["seqgan_oracle_mle"], tmp_path / "records")
    manifest = json.loads((records / "manifest.json").read_text())
    del manifest["files"]
    (records / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RecordsError, match=r"keep the oracle.* Received: .*records, which keep"):
        script.measure(tiny_run("seqgan_oracle_mle").folder, records, [1.0], "latest", 5)


@pytest.mark.parametrize("text", ["", "1,cold", "1,0", "-1", "nan", "inf"])
def test_temperatures_that_are_none(script, monkeypatch, capsys, text):
    arguments = ["--run=run", "--records=records", f"--temperatures={text}"]
    monkeypatch.setattr("sys.argv", ["temperatures.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        script.main()
    assert ended.value.code == 2
    assert f"Expected numbers above 0 with commas between them. Received: {text!r}." in (
        capsys.readouterr().err
    )
