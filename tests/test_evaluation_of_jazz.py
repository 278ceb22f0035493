"""Evaluation of jazz phrases: how new they are, and how likely held-out ones."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan import metrics, recipes
from tfmusicgan.evaluation import HELD_OUT, TRAINED, TRAINING, UNTRAINED, evaluate_run
from tfmusicgan.evaluation import jazz_phrases as evaluation
from tfmusicgan.metrics.jazz_lines import REST, Line
from tfmusicgan.models.jazzgan.model import JazzGAN
from tfmusicgan.models.jazzgan.phrases import Phrases, generator_inputs
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.jazz_phrases import JazzPhrases
from tfmusicgan.training.monitor import measured


def line(pitches, durations, primer=2):
    """A line over no chords; two notes of primer come before."""
    none = np.zeros((0, 12), bool)
    return Line(
        np.array([0] * primer + pitches), np.array([1] * primer + durations), none, none, 0, primer
    )


def test_distance_to_the_nearest_line_by_hand():
    known = [line([30, 32, REST, 35], [6, 6, 12, 6]), line([10], [48])]
    found = evaluation.nearest_line_distance(
        [
            line([30, 32, REST, 35], [6, 6, 12, 6]),  # a copy
            line([40, 42, REST, 45], [6, 6, 12, 6]),  # in another key
            line([30, 32, REST, 35], [6, 6, 12, 7]),  # another length
            line([30, 32, 34, 35], [6, 6, 12, 6]),  # no rest
            line([30, 32, REST, 35, 30], [6, 6, 12, 6, 6]),  # one more
            line([30], [6]),
            line([REST], [3]),
            line([], []),  # nothing but its primer: left out
        ],
        known,
    )
    np.testing.assert_allclose(found, [0, 0, 1 / 4, 1 / 4, 1 / 5, 3 / 4, 1])


def by_hand(model, examples):
    """The sum over notes behind the primer of minus both logarithms, by how many they are."""
    rep = model.representation
    phrases = Phrases.of({name: tf.constant(value) for name, value in examples.items()}, rep)
    inputs = generator_inputs(model.generator.reader, phrases, rep)
    keys = model.piece_keys(tf.range(len(examples["num_notes"]), dtype=tf.int64))
    logits = model.generator(inputs, model.draw(keys, rep.max_notes).state)
    total = number = 0
    for row, notes in enumerate(examples["num_notes"]):
        for place in range(notes - rep.primer_notes):
            for scores, name in zip(logits, ("pitches", "rhythm"), strict=True):
                chances = np.exp(scores[row, place].numpy().astype(np.float64))
                token = examples[name][row, rep.primer_notes + place]
                total -= np.log(chances[token] / chances.sum())
            number += 1
    return total / number


def test_likelihood_is_the_mean_over_notes_behind_the_primer():
    recipe = recipes.get("jazzgan")
    rep = JazzPhrases(max_steps=24, max_notes=7, primer_notes=2)
    model = JazzGAN(recipe.preset("tiny").config, rep, seed=3)
    rng = np.random.default_rng(0)
    count = 5
    examples = {
        "pitches": rng.integers(0, 74, (count, 7), np.int32),
        "rhythm": rng.integers(0, 48, (count, 7), np.int32),
        "num_notes": np.array([3, 7, 5, 4, 6], np.int32),
        "first_step": rng.integers(0, 48, count, np.int32),
        "chord_roots": rng.integers(0, 12, (count, 24), np.int32),
        "chord_tones": np.ones((count, 24, 12), np.uint8),
        "num_steps": np.full(count, 24, np.int32),
    }
    whole = evaluation.held_out_nll(model, examples)
    assert whole == pytest.approx(by_hand(model, examples), rel=1e-5)
    # 74 pitches and 48 rhythm tokens, nearly as likely all: log 74 + log 48 is 8.2.
    assert 7 < whole < 12
    # Padding does not count.
    padded = {name: np.array(value) for name, value in examples.items()}
    for row, notes in enumerate(examples["num_notes"]):
        padded["pitches"][row, notes:] = padded["rhythm"][row, notes:] = 0
    assert evaluation.held_out_nll(model, padded) == pytest.approx(whole, rel=1e-6)
    # The first phrase has one note that counts, the second five.
    parts = []
    for rows in (slice(0, 1), slice(0, 2)):
        some = {name: value[rows] for name, value in examples.items()}
        parts.append(evaluation.held_out_nll(model, some))
    assert parts[0] != pytest.approx(parts[1])


@pytest.mark.slow
def test_all_rows_are_measured_alike(tiny_run, tiny_records):
    folder = tiny_records["jazzgan"]
    found = evaluate_run(tiny_run("jazzgan"), folder, num_phrases=24)
    assert {TRAINING, UNTRAINED, TRAINED} <= set(found.rows)
    assert len({frozenset(row) for row in found.rows.values()}) == 1
    assert found.rows[TRAINING]["jazz_qualified_rhythm/melody"] == 1.0
    assert found.rows[UNTRAINED]["jazz_qualified_rhythm/melody"] < 1.0
    assert "nearest_training_phrase: " in found.table() and '"copied_phrases"' in found.to_json()
    if HELD_OUT in found.rows:
        nll = [found.memorisation[row]["held_out_nll"] for row in (UNTRAINED, TRAINED)]
        # Two steps of likelihood, and two of rewards, which need not agree with it.
        assert nll[0] != nll[1] and max(nll) < 20


def test_metrics_compare_with_all_training_phrases(tiny_records):
    train = RecordSet.open(tiny_records["jazzgan"])
    known = evaluation._training_lines(train)
    recipe, key = recipes.get("jazzgan"), "jazz_memorisation/3"
    # Half of each is copied.
    made = [
        dataclasses.replace(one, pitches=np.append(one.pitches[: len(one.pitches) // 2], 72 * [72]))
        for one in known
    ]
    made = [dataclasses.replace(one, durations=np.ones(len(one.pitches), int)) for one in made]
    rows = {}
    for count in (2, len(known)):
        some = measured(train.spread(count), train.representation)
        phrases = {TRAINING: some, TRAINED: made}
        rows[count] = evaluation.measure(recipe, phrases, {}, train)["rows"]
    assert rows[2][TRAINED] == rows[len(known)][TRAINED]
    assert 0 < rows[2][TRAINED][key] < 1
    # To themselves training phrases are not known.
    whole = metrics.evaluate(
        ["jazz_memorisation"], known, train.representation, {"training": known}
    )
    assert rows[len(known)][TRAINING][key] == whole[key] < 1


def test_copies_and_new_phrases_are_told_apart(tiny_records):
    train = RecordSet.open(tiny_records["jazzgan"])
    lines = evaluation._training_lines(train)
    moved = [dataclasses.replace(one, pitches=one.pitches + (one.pitches != REST)) for one in lines]
    rng = np.random.default_rng(0)
    new = [dataclasses.replace(one, pitches=rng.integers(0, 73, len(one.pitches))) for one in lines]
    rows = evaluation._memorisation({TRAINED: moved}, {}, train, lines)
    assert rows[TRAINED]["copied_phrases"] == 1.0
    rows = evaluation._memorisation({TRAINED: new}, {}, train, lines)
    # Some phrases have one note behind their primer, which is copied soon.
    assert rows[TRAINED]["copied_phrases"] < 0.2
    assert rows[TRAINED]["nearest_training_phrase"] > 0.3
    assert 0 < rows[TRAINED]["self_similarity"] < 0.5
