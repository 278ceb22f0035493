"""How well a pitch classifier hears: notes it has learnt from, and notes of other instruments."""

import dataclasses
import json
import pathlib
from typing import Any

from tfmusicgan.evaluation.report import TRAINED, UNTRAINED, without_nan
from tfmusicgan.metrics.table import format_table
from tfmusicgan.records.manifest import SPLITS
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training.classifying import hearing
from tfmusicgan.training.run import Run

_EXACT = "pitch_accuracy/exact"


@dataclasses.dataclass(frozen=True)
class ClassifierEvaluation:
    """What a classifier hears.

    Attributes:
      rows: `"train"`, `"validation"`, `"test"` and `"untrained"`, of the last of them, to the
        figures of `training.classifying.hearing`.
      num_notes: Row name to the number of notes it was measured on.
      settings: Recipe, preset, checkpoint and its step.
      warnings: What may be wrong with the comparison, a sentence each.
    """

    rows: dict[str, dict[str, float]]
    num_notes: dict[str, int]
    settings: dict[str, Any]
    warnings: tuple[str, ...] = ()

    def distance(self, row: str) -> float:
        """Share of wrong pitches of the last split: `"trained"` or `"untrained"`."""
        last = [name for name in self.rows if name != UNTRAINED][-1]
        return 1.0 - self.rows[UNTRAINED if row == UNTRAINED else last][_EXACT]

    def improved(self) -> bool:
        """Whether the trained classifier hears more pitches than the untrained."""
        return self.distance(TRAINED) < self.distance(UNTRAINED)

    def table(self) -> str:
        """Everything to read, as aligned text."""
        numbers = ", ".join(f"{row} {number}" for row, number in self.num_notes.items())
        return f"{format_table(self.rows)}\n\nnotes: {numbers}"

    def to_json(self) -> str:
        """Everything as JSON; what is undefined is null."""
        return json.dumps(without_nan(dataclasses.asdict(self)), indent=1) + "\n"


def evaluate(
    run: Run, records_folder: str | pathlib.Path, checkpoint: str, num_notes: int
) -> ClassifierEvaluation:
    """Measures a classifier on all splits of a record set.

    Args:
      run: The classifier's training run.
      records_folder: The record set.
      checkpoint: `latest`, `best`, or a checkpoint folder's path.
      num_notes: Notes of each split at most, at even distances.

    Raises:
      RecordsError: If the records are damaged or of another representation than the run's.
      CheckpointError: If there is no such checkpoint.
    """
    model, info = run.load_model(checkpoint)
    train = RecordSet.open(records_folder, "train")
    train.expect(model.representation)
    rows, numbers, examples = {}, {}, {}
    for split in SPLITS:
        if train.manifest.num_examples(split):
            examples = RecordSet.open(records_folder, split).spread(num_notes)
            rows[split], numbers[split] = hearing(model, examples), len(examples["pitch"])
    rows[UNTRAINED] = hearing(run.build_model(), examples)
    numbers[UNTRAINED] = len(examples["pitch"])
    settings = {"recipe": run.settings["recipe"], "preset": run.settings["preset"]}
    settings |= {"step": info.step, "checkpoint": checkpoint}
    return ClassifierEvaluation(rows, numbers, settings)
