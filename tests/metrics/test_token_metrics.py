"""Measures of token sequences against hand-computed values and slow versions."""

import itertools

import numpy as np
import pytest

from tfmusicgan import metrics
from tfmusicgan.errors import ConfigError
from tfmusicgan.metrics import text
from tfmusicgan.metrics.token_metrics import token_similarity
from tfmusicgan.representations.melody_tokens import MelodyTokens
from tfmusicgan.representations.token_sequence import TokenSequence
from tfmusicgan.token_oracle import TokenOracle

# Key 1 is C (60): two notes and a rest; a leap of an octave and a third; one long note.
MELODIES = np.int32([[1, 1, 3, 0, 3, 3], [5, 13, 13, 1, 5, 0], [8, 8, 8, 8, 8, 8]])
REP = MelodyTokens(length=6, lowest_pitch=60, num_pitches=30)


def _values(names, tokens=MELODIES, references=None):
    return metrics.evaluate(names, tokens, REP, references or {})


def test_rests_and_notes_by_hand():
    assert _values(["rests", "notes_per_token"]) == pytest.approx(
        {"rests/melody": 2 / 18, "notes_per_token/melody": (3 + 4 + 1) / 18}
    )


def test_intervals_and_pitch_classes_by_hand():
    # Intervals: +2 and 0 (over the rest); +8, -12, +4; none. Pitch classes C 3+1, D 3, E 2, G 6 ...
    data = np.int32([[1, 3, 5, 5, 5, 5], [13, 1, 1, 0, 0, 0]])  # intervals +2 +2, -12
    names = ["interval_histogram", "pitch_class_histogram"]
    found = _values(names, references={"training": data})
    assert found["interval_histogram/melody"] == pytest.approx(1 / 5 + 1 / 5)
    # Ours: C 2 + 2 + 1, D 3, E 2, G 6 of 16; theirs: C 1 + 3, D 1, E 4 of 9.
    ours = np.array([5, 3, 2, 6]) / 16
    theirs = np.array([4, 1, 4, 0]) / 9
    assert found["pitch_class_histogram/melody"] == pytest.approx(np.minimum(ours, theirs).sum())


def test_metrics_without_their_reference_are_left_out():
    assert _values(["bleu", "interval_histogram", "oracle_nll", "rests"]).keys() == {"rests/melody"}


def test_bleu_has_the_held_out_sequences_as_references():
    held_out = MELODIES[:2]
    found = _values(["bleu", "smoothed_bleu"], references={"held_out": held_out})
    for n in (2, 3, 4):
        weights = (1 / n,) * n
        plain = text.sentence_bleu(MELODIES, held_out, weights).mean()
        smoothed = text.sentence_bleu(MELODIES, held_out, weights, "method4").mean()
        assert found[f"bleu/{n}"] == pytest.approx(plain)
        assert found[f"smoothed_bleu/{n}"] == pytest.approx(smoothed)
    # Two of three are copies.
    assert found["bleu/4"] == pytest.approx(2 / 3)


def test_a_reference_is_compared_with_its_own_others():
    melodies = np.concatenate([MELODIES, MELODIES[:1]])
    found = _values(["bleu"], melodies, {"held_out": melodies})
    assert found["bleu/4"] == pytest.approx(text.self_bleu(melodies))
    assert found["bleu/4"] == pytest.approx(2 / 4)


def test_distance_to_the_nearest_held_out_sequence_by_hand():
    held_out = np.int32([[1, 1, 3, 0, 3, 5], [8, 8, 8, 8, 8, 5]])
    found = _values(["nearest_mse"], references={"held_out": held_out})
    # 4 / 6; of 5 13 13 1 5 0 from the second 9 + 25 + 25 + 49 + 9 + 25; 9 / 6.
    expected = np.mean([4 / 6, 142 / 6, 9 / 6])
    assert found["nearest_mse/melody"] == pytest.approx(expected)
    own = _values(["nearest_mse"], held_out, {"held_out": held_out})  # each from the other
    assert own["nearest_mse/melody"] == pytest.approx(np.mean([49, 49, 25, 64, 25, 0]))


def test_variety_is_of_the_whole_set():
    estimates = metrics.estimates(["self_bleu", "distinct_ngrams"], MELODIES, REP)
    assert estimates["distinct_ngrams/1"].value() == pytest.approx(6 / 18)  # 0 1 3 5 8 13
    assert estimates["self_bleu/2"].value() == pytest.approx(text.self_bleu(MELODIES, (0.5, 0.5)))
    half = np.array([True, True, False])
    assert estimates["distinct_ngrams/1"].spread(half) == pytest.approx(5 / 12 - 1 / 6)
    assert np.isnan(estimates["distinct_ngrams/1"].value(np.ones((2, 3)))).all()


def test_similarity_against_all_pairs():
    tokens = np.random.default_rng(0).integers(0, 3, (7, 5))
    pairs = itertools.combinations(tokens, 2)
    assert token_similarity(tokens) == pytest.approx(np.mean([a == b for a, b in pairs]))
    assert token_similarity(np.tile(tokens[:1], (4, 1))) == 1.0
    assert np.isnan(token_similarity(tokens[:1]))


def test_oracle_nll_is_the_oracles():
    oracle, rep = TokenOracle.draw(7, seed=1), TokenSequence(num_tokens=7, length=4)
    tokens = oracle.sample(9, 4, seed=2)
    found = metrics.estimates(["oracle_nll"], tokens, rep, {"oracle": oracle})["oracle_nll/token"]
    expected = oracle.negative_log_likelihood(tokens)
    assert found.value() == pytest.approx(expected.mean())
    half = np.arange(9) < 2
    assert found.spread(half) == pytest.approx(abs(expected[:2].mean() - expected[2:].mean()))


def test_metrics_of_another_field():
    with pytest.raises(ConfigError, match=r"metrics of tokens\. Received: one of piano_roll"):
        _values(["empty_bars"])
    with pytest.raises(ConfigError, match=r"tokens of int32 \[phrases, 6\]. Received: int64"):
        _values(["rests"], MELODIES.astype(np.int64))
