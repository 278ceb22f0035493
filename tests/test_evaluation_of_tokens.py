"""Evaluation and monitor of token sequences: what is compared with what, on how many."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.oracle_records import write_oracle_records
from tfmusicgan import recipes
from tfmusicgan.evaluation import HELD_OUT, TRAINED, TRAINING, UNTRAINED, token_sequences
from tfmusicgan.evaluation.runs import _held_out
from tfmusicgan.metrics import text
from tfmusicgan.models.token_unigram import TokenUnigram
from tfmusicgan.recipes.seqgan_baselines import UnigramConfig
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.token_sequence import TokenSequence
from tfmusicgan.training.monitor import MusicMonitor

REP = TokenSequence(num_tokens=12, length=20)
METRICS = ("oracle_nll", "bleu", "self_bleu", "distinct_ngrams")
RECIPE = dataclasses.replace(recipes.get("seqgan_oracle"), metrics=METRICS)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records") / "set"
    oracle = write_oracle_records(folder, REP, num_training=90, num_test=30)
    return RecordSet.open(folder), oracle


def _model(records):
    """Draws tokens by their frequency in the data."""
    model = TokenUnigram(UnigramConfig(), REP)
    tokens = records.spread(records.num_examples)["tokens"]
    model.counts.assign(np.bincount(tokens.ravel(), minlength=12).astype(np.float32))
    return model


@pytest.fixture(scope="module")
def measured(records):
    train, _ = records
    held_out = _held_out(train.directory, "tokens", limit=8)
    assert len(held_out) == 30  # all of them, whatever the limit
    model = _model(train)
    phrases = {
        TRAINING: train.spread(50)["tokens"],
        HELD_OUT: held_out,
        UNTRAINED: np.random.default_rng(0).integers(0, 12, (50, 20)).astype(np.int32),
        TRAINED: model.sample_examples(tf.range(50, dtype=tf.int64))["tokens"].numpy(),
    }
    models = {UNTRAINED: TokenUnigram(UnigramConfig(), REP), TRAINED: model}
    return phrases, token_sequences.measure(RECIPE, phrases, models, train)


def test_all_held_out_sequences_are_the_references(measured):
    phrases, found = measured
    for row in (TRAINING, UNTRAINED, TRAINED):
        expected = text.sentence_bleu(phrases[row], phrases[HELD_OUT], (0.5, 0.5)).mean()
        assert found["rows"][row]["bleu/2"] == pytest.approx(expected)
    others = text.self_bleu(phrases[HELD_OUT], (0.5, 0.5))
    assert found["rows"][HELD_OUT]["bleu/2"] == pytest.approx(others)


def test_variety_is_measured_on_as_many_sequences_of_every_row(measured):
    phrases, found = measured
    for row, tokens in phrases.items():
        some = tokens[np.linspace(0, len(tokens) - 1, 30).astype(int)]
        assert found["rows"][row]["distinct_ngrams/2"] == pytest.approx(
            text.distinct_ngrams(some, 2)
        )
        assert found["rows"][row]["self_bleu/2"] == pytest.approx(text.self_bleu(some, (0.5, 0.5)))


def test_likelihood_memorisation_and_the_oracle(measured, records):
    phrases, found = measured
    _, oracle = records
    nll = oracle.negative_log_likelihood(phrases[TRAINED]).mean()
    assert found["rows"][TRAINED]["oracle_nll/token"] == pytest.approx(nll)
    assert found["memorisation"][UNTRAINED] == {"held_out_nll": pytest.approx(np.log(12), rel=1e-5)}
    assert found["memorisation"][TRAINED]["held_out_nll"] < np.log(12)
    assert found["memorisation"][HELD_OUT].keys() >= {"nearest_training_phrase", "copied_10_grams"}
    # The paper's figures are of the released oracle.
    assert RECIPE.published and found["published"] == {}


def test_distance_to_the_nearest_training_sequence_by_hand():
    training = np.int32([[1, 2, 3, 4], [1, 1, 1, 1]])
    tokens = np.int32([[1, 2, 3, 9], [9, 9, 9, 9], [1, 1, 1, 1]])
    assert token_sequences.nearest_distance(tokens, training).tolist() == [0.25, 1.0, 0.0]


def test_the_monitor_compares_with_as_many_sequences_of_the_data(records):
    train, oracle = records
    monitor = MusicMonitor(_model(train), RECIPE, train, num_samples=25)
    data = train.spread(25)["tokens"]
    assert monitor.data_row["distinct_ngrams/2"] == pytest.approx(text.distinct_ngrams(data, 2))
    values = monitor.measure()
    assert 0 < values["held_out_nll"] < np.log(12) and values["distance"] > 0
    expected = oracle.negative_log_likelihood(monitor.sampler.examples(np.arange(25))["tokens"])
    assert values["oracle_nll/token"] == pytest.approx(expected.mean())
    assert monitor.collapsed() is None


def test_equal_sequences_are_collapse(records):
    train, _ = records
    model = TokenUnigram(UnigramConfig(), REP)
    model.counts.assign([0.0] * 5 + [1.0] + [0.0] * 6)  # always token 5
    no_limits = dataclasses.replace(RECIPE, collapse_below={})
    for recipe, verdict in (
        (RECIPE, "distinct_ngrams/4 0.0"),
        (no_limits, "self_similarity 1.000"),
    ):
        assert verdict in MusicMonitor(model, recipe, train, num_samples=6).collapsed()
