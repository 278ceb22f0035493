"""Runs of token sequences and the records they were trained on, as the scripts load them."""

import pytest

from tests.oracle_records import few_sequences, train_unigram
from tests.script_modules import load_script
from tfmusicgan import datasets, recipes, representations
from tfmusicgan.errors import ConfigError, RecordsError
from tfmusicgan.records.convert import convert
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.representations.token_sequence import TokenSequence
from tfmusicgan.token_oracle import TokenOracle
from tfmusicgan.training.run import Run

RECIPE = "seqgan_oracle_random"


@pytest.fixture(scope="module")
def script():
    return load_script("reproduce/token_runs.py")


@pytest.fixture(scope="module")
def run(tiny_records, tmp_path_factory):
    return train_unigram(tmp_path_factory.mktemp("runs") / "run", tiny_records[RECIPE])


def _records(folder, num_tokens, length, seed):
    """As many sequences as a tiny run is trained on, of another oracle."""
    source = folder.with_name("oracle.npz")
    TokenOracle.draw(num_tokens, seed, embedding_size=3, hidden_size=4).write(source)
    options = ConvertOptions(TokenSequence(num_tokens=num_tokens, length=length), num_shards=2)
    with few_sequences(40, 20):
        convert(datasets.get("seqgan_oracle"), options, folder, [str(source)])
    return folder


def test_a_run_and_its_records(script, run, tiny_records):
    model, info, train = script.load(run.folder, tiny_records[RECIPE], "latest")
    assert info.step == 4 and train.num_examples == 40
    assert model.counts.numpy().sum() == 4 * 4 * 20  # steps, rows and tokens


def test_records_of_another_oracle(script, run, tmp_path):
    representation = representations.from_manifest(run.settings["representation"])
    others = _records(tmp_path / "set", representation.num_tokens, representation.length, seed=7)
    with pytest.raises(RecordsError, match=r"was trained on. Received: others, at .*set. Name the"):
        script.load(run.folder, others, "latest")


def test_records_of_another_vocabulary(script, run, tmp_path):
    with pytest.raises(RecordsError, match=r"expected .*num_tokens"):
        script.load(run.folder, _records(tmp_path / "set", 9, 20, 6), "latest")


def test_a_run_of_something_else(script, tmp_path):
    rolls = representations.get("multitrack_piano_roll").from_parameters({})
    entry = representations.to_manifest(rolls)
    recipe = recipes.get("musegan_hybrid_chorales")
    Run.plan(tmp_path / "run", recipe, "tiny", [], {}, entry, 0).begin()
    with pytest.raises(ConfigError, match=r"token sequences.* one of musegan_hybrid_chorales at"):
        script.load(tmp_path / "run", tmp_path / "set", "latest")
