"""Measures a run's samples beside the data and beside an untrained model of the same seed.

Every row is measured on as many phrases; memorisation is the distance from each phrase to the
nearest training phrase, to be read beside that of held-out phrases.
"""

import dataclasses
import pathlib

import numpy as np

from tfmusicgan.evaluation import (
    classifiers,
    jazz_phrases,
    melody_bars,
    note_events,
    notes,
    piano_rolls,
    token_sequences,
)
from tfmusicgan.evaluation.classifiers import ClassifierEvaluation
from tfmusicgan.evaluation.report import HELD_OUT, TRAINED, TRAINING, UNTRAINED, Evaluation
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training.fit import prepare_model
from tfmusicgan.training.monitor import held_out, measured, measured_field
from tfmusicgan.training.run import Run
from tfmusicgan.training.sampler import Sampler

_MEASURERS = {
    "piano_roll": piano_rolls.measure,
    "tokens": token_sequences.measure,
    "jazz_phrases": jazz_phrases.measure,
    "melody_bars": melody_bars.measure,
    "note_events": note_events.measure,
}


def evaluate_run(
    run: Run,
    records_folder: str | pathlib.Path,
    checkpoint: str = "latest",
    num_phrases: int = 1024,
    seed: int = 0,
    classifier: Run | None = None,
) -> Evaluation | ClassifierEvaluation:
    """Measures a run's samples beside the data and an untrained model of the same seed.

    A classifier has no samples: it is measured by what it hears of the records.

    Args:
      run: The training run.
      records_folder: The record set; `train`, and `validation` or `test` where it has them.
      checkpoint: `latest`, `best`, `ema`, or a checkpoint folder's path.
      num_phrases: Phrases per row at most; samples are exactly as many. All held-out sequences of
        tokens count, and jazz phrases are compared with all training phrases, whatever it is.
      seed: Samples use the seeds from `seed * 2**32` on.
      classifier: The run of a pitch classifier, which generated notes are measured by.

    Returns:
      The rows, how far training has moved them, the paper's where the run has its tracks, and
      memorisation.

    Raises:
      RecordsError: If the records are damaged or of another representation than the run's.
      CheckpointError: If there is no such checkpoint.
      ConfigError: If notes are to be measured without a classifier, or with one of other notes.
    """
    if run.recipe.kind == "classifier":
        return classifiers.evaluate(run, records_folder, checkpoint, num_phrases)
    if run.recipe.representation == "note_audio":
        found = notes.evaluate(run, records_folder, classifier, checkpoint, num_phrases, seed)
        warnings = _other_records(run, RecordSet.open(records_folder, "train"))
        return dataclasses.replace(found, warnings=warnings)
    model, info = run.load_model(checkpoint)
    train = RecordSet.open(records_folder, "train")
    train.expect(model.representation)
    field = measured_field(model.representation)
    seeds = np.int64(seed) * 2**32 + np.arange(num_phrases, dtype=np.int64)
    phrases = {TRAINING: measured(train.spread(num_phrases), train.representation)}
    others = _held_out(records_folder, field, num_phrases)
    if others is not None:
        phrases[HELD_OUT] = others
    untrained = run.build_model()
    prepare_model(untrained, train)
    # Through the same networks as the trained one: see `Run.load_model`.
    untrained.begin_stage(max(info.step - 1, 0))
    # New music to accompany where there is some; a model's own choice is of training phrases.
    given = _given_tracks(model, phrases[TRAINING] if others is None else others, num_phrases)
    for row, sampled in ((UNTRAINED, untrained), (TRAINED, model)):
        examples = Sampler(sampled).examples(seeds, given)
        phrases[row] = measured(examples, train.representation)
    settings = {
        "recipe": run.settings["recipe"],
        "preset": run.settings["preset"],
        "step": info.step,
        "checkpoint": checkpoint,
        "seed": seed,
    }
    return Evaluation(
        num_phrases={row: len(rolls) for row, rolls in phrases.items()},
        settings=settings,
        warnings=_other_records(run, train),
        **_MEASURERS[field](run.recipe, phrases, {UNTRAINED: untrained, TRAINED: model}, train),
    )


def _held_out(folder: str | pathlib.Path, field: str, limit: int) -> np.ndarray | None:
    """Held-out examples; of tokens all of the test split, which BLEU wants as its references."""
    if field == "tokens":
        return held_out(folder, None, ("test", "validation"))
    return held_out(folder, limit)


def _given_tracks(model: MusicGAN, rolls: np.ndarray, count: int) -> np.ndarray | None:
    """What each sample accompanies: bool [count, ...]; None for models that are given nothing."""
    track = getattr(model, "condition_track", None)
    return None if track is None else rolls[np.arange(count) % len(rolls), ..., track]


def _other_records(run: Run, train: RecordSet) -> tuple[str, ...]:
    """A warning if the records are not those that the run was trained on.

    Only a warning: another conversion of the same music, or other music, can be what is wanted.
    """
    trained = run.settings["records"]
    sources, number = dict(train.manifest.sources), train.num_examples
    if trained.get("sources") == sources and trained.get("num_examples") == number:
        return ()
    name = trained.get("dataset", {}).get("name", "unknown music")
    return (
        f"The run was trained on {trained.get('num_examples')} phrases of {name}; "
        f"{train.directory} holds {number} of {train.manifest.dataset.get('name')}, not made from "
        "the same sources in the same way. The rows of the data and the nearest training phrases "
        "are of the latter.",
    )
