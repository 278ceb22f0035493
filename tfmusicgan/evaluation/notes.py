"""What an evaluation measures of generated notes, by a trained pitch classifier.

Source of the columns: Engel et al. (2019), "GANSynth", section 4 and table 1,
https://arxiv.org/abs/1902.08710.
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfmusicgan import metrics
from tfmusicgan.errors import ConfigError
from tfmusicgan.evaluation.report import HELD_OUT, TRAINED, TRAINING, UNTRAINED, Evaluation, Rows
from tfmusicgan.metrics.movement import intervals, spreads
from tfmusicgan.metrics.note_metrics import FIELD, Notes
from tfmusicgan.metrics.note_spectra import nearest_distance, note_similarity, note_spectra
from tfmusicgan.metrics.registry import CLASSIFIED
from tfmusicgan.metrics.registry import TRAINING as TRAINING_DATA
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.progress import ProgressBar
from tfmusicgan.recipes.base import Recipe
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training.classifying import NoteClassifier
from tfmusicgan.training.fit import prepare_model
from tfmusicgan.training.note_monitor import SAMPLING_BATCH, as_notes
from tfmusicgan.training.run import Run
from tfmusicgan.training.sampler import Sampler

# The paper's columns.
COLUMNS = {
    "ndb/bins": "NDB",
    "frechet_distance/features": "FID",
    "inception_score/pitches": "IS",
    "pitch_accuracy/within_semitone": "PA",
    "pitch_entropy/nats": "PE",
}
# What clips of the run and of the classifier must have in common.
_SOUND = ("sample_rate", "num_samples")


def evaluate(
    run: Run,
    records_folder: str | pathlib.Path,
    classifier: Run | None,
    checkpoint: str,
    num_notes: int,
    seed: int,
) -> Evaluation:
    """Measures a run's notes beside the data's and an untrained model's.

    Args:
      run: The training run of a model that makes notes.
      records_folder: The record set; `train`, and `test` or `validation` where it has them.
      classifier: The training run of a pitch classifier of the same kind of notes.
      checkpoint: Of `run`; the classifier's is its latest.
      num_notes: Notes per row at most; generated ones are exactly as many.
      seed: Notes are generated of the seeds from `seed * 2**32` on.

    Raises:
      ConfigError: If there is no classifier, or one of other notes.
      RecordsError: If the records are damaged or of another representation than the run's.
      CheckpointError: If there is no such checkpoint.
    """
    _check_classifier(run, records_folder, classifier)
    model, info = run.load_model(checkpoint)
    train = RecordSet.open(records_folder, "train")
    train.expect(model.representation)
    untrained = run.build_model()
    prepare_model(untrained, train)
    # Through the same networks as the trained one: see `Run.load_model`.
    untrained.begin_stage(max(info.step - 1, 0))
    heard, heard_info = classifier.load_model()
    listener = NoteClassifier(heard)
    seeds = np.int64(seed) * 2**32 + np.arange(num_notes, dtype=np.int64)
    rows = {TRAINING: as_notes(train.spread(num_notes), train.representation)}
    held_out = _held_out(train, num_notes)
    if held_out is not None:
        rows[HELD_OUT] = held_out
    for row, sampled in ((UNTRAINED, untrained), (TRAINED, model)):
        rows[row] = as_notes(_generate(row, sampled, seeds), train.representation)
    rows = {row: listener.hear(notes) for row, notes in rows.items()}
    return Evaluation(
        num_phrases={row: len(notes) for row, notes in rows.items()},
        settings={
            "recipe": run.settings["recipe"],
            "preset": run.settings["preset"],
            "step": info.step,
            "checkpoint": checkpoint,
            "seed": seed,
            "classifier": str(classifier.folder),
            "classifier_step": heard_info.step,
        },
        memorisation=_memorisation(rows, train),
        unit="notes",
        **measure(run.recipe, rows, train.representation),
    )


def measure(recipe: Recipe, rows: Mapping[str, Notes], representation: Any) -> dict[str, Any]:
    """The fields of an `Evaluation` that are functions of the notes and the recipe.

    Args:
      recipe: Names the metrics, and has the paper's rows.
      rows: Row name to notes that a classifier has heard.
      representation: Has the range of pitches.
    """
    training = rows[TRAINING]
    compared = {TRAINING_DATA: training, CLASSIFIED: training}
    # Figures of a whole set depend on its size: they are measured on as many of each row.
    smallest = min(map(len, rows.values()))
    some = {
        row: notes[np.linspace(0, len(notes) - 1, smallest).astype(np.int64)]
        for row, notes in rows.items()
    }
    values: Rows = {row: {} for row in rows}
    spread: dict[str, float] = {}
    interval: dict[str, tuple[float, float]] = {}
    for name in recipe.metrics:
        of_rows = some if metrics.get(name).whole_set else rows
        found = {
            row: metrics.estimates([name], notes, representation, compared)
            for row, notes in of_rows.items()
        }
        for row, estimates in found.items():
            values[row] |= {key: float(estimate.value()) for key, estimate in estimates.items()}
        spread |= spreads(found[TRAINING], len(of_rows[TRAINING]))
        interval |= intervals(found[TRAINED], len(of_rows[TRAINED]))
    notes = (
        f"Distances, different bins and inception scores are of {smallest} notes of each row; the "
        "first two compare with the training data.",
        *recipe.published_notes,
    )
    return {
        "rows": values,
        "spread": spread,
        "intervals": interval,
        "as_published": {
            row: {key: value for key, value in entry.items() if key in COLUMNS}
            for row, entry in values.items()
        },
        "published": {row: dict(entry) for row, entry in recipe.published.items()},
        "columns": COLUMNS,
        "notes": notes,
    }


def _check_classifier(run: Run, records_folder: str | pathlib.Path, classifier: Run | None) -> None:
    """Refuses to go on without a classifier of the run's notes."""
    if classifier is None:
        raise ConfigError(
            "Expected --classifier, a pitch classifier's run, to measure notes by. Received: none. "
            "Train one first: tfmusicgan-train --recipe=pitch_classifier "
            f"--preset={run.settings['preset']} --records={records_folder} --output=FOLDER."
        )
    if classifier.recipe.kind != "classifier":
        raise ConfigError(
            f"Expected a run of the recipe pitch_classifier as --classifier. Received: "
            f"{classifier.folder}, of {classifier.recipe.name}."
        )
    of_run, heard = (
        {key: of.settings["representation"]["parameters"][key] for key in _SOUND}
        for of in (run, classifier)
    )
    if of_run != heard:
        raise ConfigError(
            f"Expected a classifier of notes like the run's: {_words(of_run)}. Received: "
            f"{classifier.folder}, of {_words(heard)}. Train one on the run's records."
        )


def _words(parameters: Mapping[str, int]) -> str:
    return f"{parameters['num_samples']} samples at {parameters['sample_rate']} Hz"


def _held_out(train: RecordSet, limit: int) -> Notes | None:
    """Notes that no model was trained by: the test split's, or else the validation's.

    Classifiers are chosen by the validation split. By the test split only where there is no other,
    as where a set is converted with `--split=0.8,0,0.2`.
    """
    for split in ("test", "validation"):
        if train.manifest.num_examples(split):
            records = RecordSet.open(train.directory, split)
            return as_notes(records.spread(limit), records.representation)
    return None


def _generate(row: str, model: MusicGAN, seeds: np.ndarray) -> dict[str, np.ndarray]:
    """Generates notes with a bar of progress: at full size one takes a second."""
    sampler, parts = Sampler(model, SAMPLING_BATCH), []
    with ProgressBar("Generating", len(seeds), f"notes, {row}") as bar:
        for first in range(0, len(seeds), SAMPLING_BATCH):
            parts.append(sampler.examples(seeds[first : first + SAMPLING_BATCH]))
            bar.update(min(first + SAMPLING_BATCH, len(seeds)))
    return {name: np.concatenate([part[name] for part in parts]) for name in (FIELD, "pitch")}


def _memorisation(rows: Mapping[str, Notes], train: RecordSet) -> Rows:
    """How near held-out and generated notes are to training notes, and notes of a pitch alike."""
    new = {row: rows[row] for row in (HELD_OUT, TRAINED) if row in rows}
    nearest = {row: np.full(len(notes), np.inf) for row, notes in new.items()}
    done = 0
    with ProgressBar("Comparing", train.num_examples, "training notes") as bar:
        for batch in train.examples():
            known = note_spectra(batch[FIELD], train.representation.sample_rate)
            for row, notes in new.items():
                nearest[row] = np.minimum(nearest[row], nearest_distance(notes.spectra, known))
            done += len(known)
            bar.update(done)
    return {
        row: {
            "nearest_training_note_db": float(np.mean(nearest[row])),
            "self_similarity": note_similarity(notes.spectra, notes.pitch),
        }
        for row, notes in new.items()
    }
