"""The tables of generated notes and of a classifier: rows, columns, memorisation, refusals."""

import dataclasses
import json
import types

import numpy as np
import pytest

from tests.cli.commands import refused, run
from tests.eagerly import eagerly
from tests.made_up_audio import tone
from tfmusicgan import metrics, recipes
from tfmusicgan.cli.evaluate import main
from tfmusicgan.errors import ConfigError
from tfmusicgan.evaluation import HELD_OUT, TRAINED, TRAINING, UNTRAINED, Evaluation, classifiers
from tfmusicgan.evaluation import notes as evaluation
from tfmusicgan.metrics.note_metrics import Notes
from tfmusicgan.metrics.table import format_rows
from tfmusicgan.recipes.gansynth_published import PUBLISHED
from tfmusicgan.representations.note_audio import NoteAudio
from tfmusicgan.training import fit
from tfmusicgan.training.options import TrainingOptions

REP = NoteAudio(sample_rate=4000, num_samples=1000, min_pitch=60, max_pitch=64)
RECIPE = recipes.get("gansynth")


def _heard(count, seed, sureness=0.9, noise=0.0):
    """Tones, and a classifier that hears them with some sureness."""
    random = np.random.default_rng(seed)
    pitch = random.integers(60, 65, count).astype(np.int32)
    audio = np.stack([tone(p, 1000, 4000, seed=seed + n) for n, p in enumerate(pitch)])
    audio = audio + noise * random.normal(size=audio.shape)
    probabilities = np.full((count, 128), (1 - sureness) / 127, np.float32)
    probabilities[np.arange(count), pitch] = sureness
    features = random.normal(size=(count, 4)) + 10 * noise
    whole = np.clip(audio * 32767, -32768, 32767).astype(np.int16)
    return Notes(whole, pitch, 4000, probabilities, features)


@pytest.fixture(scope="module")
def rows():
    return {
        TRAINING: _heard(60, 1000),
        HELD_OUT: _heard(40, 2000),
        UNTRAINED: _heard(60, 3000, sureness=0.02, noise=0.3),
        TRAINED: _heard(60, 4000, sureness=0.7, noise=0.02),
    }


@pytest.fixture(scope="module")
def result(rows):
    settings = {"recipe": "gansynth", "step": 5}
    numbers = {row: len(notes) for row, notes in rows.items()}
    found = evaluation.measure(RECIPE, rows, REP)
    return Evaluation(
        settings=settings, num_phrases=numbers, memorisation={}, unit="notes", **found
    )


def test_every_row_has_every_metric(rows, result):
    keys = list(result.rows[TRAINING])
    assert {key.partition("/")[0] for key in keys} == set(RECIPE.metrics)
    assert all(list(entry) == keys for entry in result.rows.values())
    assert result.rows[TRAINING]["ndb/divergence"] < 0.1
    entropy = -0.7 * np.log(0.7) - 0.3 * np.log(0.3 / 127)
    assert result.rows[TRAINED]["pitch_entropy/nats"] == pytest.approx(entropy, rel=1e-3)
    assert result.rows[TRAINED]["pitch_accuracy/exact"] == 1.0
    assert result.improved()
    # As many notes of each row, at even distances, against all the training notes of the row.
    some = rows[TRAINED][np.linspace(0, 59, 40).astype(int)]
    distance = metrics.evaluate(["frechet_distance"], some, REP, {"classified": rows[TRAINING]})
    found = result.rows[TRAINED]["frechet_distance/features"]
    assert found == pytest.approx(distance["frechet_distance/features"])
    assert any("are of 40 notes of each row" in note for note in result.notes)


def test_the_table_has_the_papers_columns_and_rows(result):
    text = result.table()
    lines = text.splitlines()
    start = lines.index("As published:")
    assert lines[start + 1].split() == ["NDB", "FID", "IS", "PA", "PE"]
    published = next(line for line in lines if line.startswith("IF-Mel + H"))
    assert published.split()[-5:] == ["29.300", "167.000", "38.100", "0.979", "0.400"]
    ours = next(line for line in lines[start:] if line.startswith("trained"))
    assert float(ours.split()[-2]) == 1.0 and len(ours.split()) == 6
    assert len(PUBLISHED) == 11 and set(PUBLISHED["IF"]) == set(evaluation.COLUMNS)
    assert "notes: training data 60, held-out data 40, untrained 60, trained 60" in lines
    assert max(len(line) for line in lines) <= 110
    content = json.loads(result.to_json())
    assert content["rows"][TRAINED]["pitch_accuracy/exact"] == 1.0
    assert content["spread"]["ndb/bins"] >= 0 and content["unit"] == "notes"
    assert content["intervals"]["ndb/bins"] == [None, None]
    low, high = content["intervals"]["inception_score/pitches"]
    assert low <= content["rows"][TRAINED]["inception_score/pitches"] <= high + 0.1


def test_rows_as_lines():
    table = format_rows(
        {"data": {"a/x": 1.0}, "model": {"a/x": 2.5, "b/y": np.nan}}, {"a/x": "A", "b/y": "B"}
    )
    assert table.splitlines() == [
        "           A  B",
        "---------------",
        "data   1.000",
        "model  2.500  -",
    ]


def test_memorisation_is_of_the_whole_training_split(rows):
    known = rows[TRAINED][np.array([3, 7])]

    class _Records:
        num_examples, representation = 62, REP

        def examples(self):
            yield {"audio": rows[TRAINING].audio}
            yield {"audio": known.audio}

    copies = rows[TRAINED][np.array([7, 3, 7, 3])]
    found = evaluation._memorisation({HELD_OUT: rows[HELD_OUT], TRAINED: copies}, _Records())
    assert found[TRAINED]["nearest_training_note_db"] == pytest.approx(0.0, abs=0.05)
    assert found[HELD_OUT]["nearest_training_note_db"] > 0.5
    assert found[TRAINED]["self_similarity"] == pytest.approx(1.0)
    assert found[HELD_OUT]["self_similarity"] < 0.999


def _run(folder, rate=4000, recipe="gansynth"):
    settings = {
        "preset": "tiny",
        "representation": {"parameters": {"sample_rate": rate, "num_samples": 1000}},
    }
    return types.SimpleNamespace(folder=folder, settings=settings, recipe=recipes.get(recipe))


def test_without_a_classifier_the_way_to_one_is_said():
    with pytest.raises(ConfigError) as error:
        evaluation.evaluate(_run("runs/a"), "tfrecords/notes", None, "latest", 8, 0)
    assert str(error.value) == (
        "Expected --classifier, a pitch classifier's run, to measure notes by. Received: none. "
        "Train one first: tfmusicgan-train --recipe=pitch_classifier --preset=tiny "
        "--records=tfrecords/notes --output=FOLDER."
    )


@pytest.mark.parametrize(
    ("classifier", "message"),
    [
        (
            _run("runs/b"),
            "run of the recipe pitch_classifier as --classifier. Received: runs/b, of",
        ),
        (
            _run("runs/c", 8000, "pitch_classifier"),
            "notes like the run's: 1000 samples at 4000 Hz. Received: runs/c, of 1000 samples at "
            "8000 Hz. Train one on the run's records.",
        ),
    ],
)
def test_classifiers_that_are_none_or_hear_other_notes(classifier, message):
    with pytest.raises(ConfigError) as error:
        evaluation.evaluate(_run("runs/a"), "tfrecords/notes", classifier, "latest", 8, 0)
    assert message in str(error.value)


def test_a_classifiers_table():
    hears = {"pitch_accuracy/exact": 0.9, "family_accuracy": np.nan}
    found = classifiers.ClassifierEvaluation(
        {"train": hears, "test": {**hears, "pitch_accuracy/exact": 0.75}, "untrained": hears},
        {"train": 30, "test": 8, "untrained": 8},
        {"step": 3},
    )
    assert found.distance(TRAINED) == 0.25 and found.distance(UNTRAINED) == pytest.approx(0.1)
    assert not found.improved()
    lines = found.table().splitlines()
    assert lines[0].split() == ["metric", "train", "test", "untrained"]
    assert lines[-1] == "notes: train 30, test 8, untrained 8"
    assert json.loads(found.to_json())["rows"]["test"]["family_accuracy"] is None
    assert dataclasses.replace(
        found, rows={**found.rows, "untrained": {**hears, "pitch_accuracy/exact": 0.1}}
    ).improved()


@pytest.mark.slow
def test_a_run_is_measured_by_a_classifiers_run(tiny_run, tiny_records, tmp_path, capsys):
    recipe, records = recipes.get("pitch_classifier"), tiny_records["gansynth"]
    folder, options = tiny_run("gansynth").folder, TrainingOptions(num_samples=8)
    flags = [f"--run={folder}", f"--records={records}", "--num_phrases=20"]
    output = tmp_path / "evaluation.json"
    with eagerly():
        classifier = fit.train(recipe, "tiny", records, tmp_path / "heard", options=options)
        assert run(main, *flags, f"--classifier={classifier.folder}", f"--output={output}") == 0
    assert "IF-Mel + H" in capsys.readouterr().out
    content = json.loads(output.read_text())
    assert content["num_phrases"][TRAINED] == content["num_phrases"][UNTRAINED] == 20
    assert content["settings"]["classifier_step"] == 4
    for row in (TRAINING, HELD_OUT, UNTRAINED, TRAINED):
        values = content["rows"][row]
        assert {key.partition("/")[0] for key in values} == set(RECIPE.metrics)
        assert all(np.isfinite(value) for value in values.values()), row
    distances = [content["rows"][row]["frechet_distance/features"] for row in content["rows"]]
    assert min(distances) == content["rows"][TRAINING]["frechet_distance/features"]
    assert set(content["memorisation"]) == {HELD_OUT, TRAINED}
    assert "tfmusicgan-train --recipe=pitch_classifier" in refused(capsys, main, *flags)
