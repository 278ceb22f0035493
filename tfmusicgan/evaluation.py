"""One table of a run: training data, held-out data, untrained, trained.

Every row is measured on as many phrases; memorisation is the distance from each phrase to the
nearest training phrase, to be read beside that of held-out phrases.
"""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np

from tfmusicgan import metrics
from tfmusicgan.metrics.memorisation import nearest_distance, self_similarity
from tfmusicgan.metrics.table import distance_to, format_table
from tfmusicgan.progress import ProgressBar
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training.monitor import Sampler
from tfmusicgan.training.run import Run

TRAINING, HELD_OUT = "training data", "held-out data"
UNTRAINED, TRAINED = "untrained", "trained"


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a run's samples are like, beside the data.

    Attributes:
      rows: Row name to metric key to value.
      memorisation: Row name to `nearest_training_phrase` and `self_similarity`, both Jaccard, 0-1.
      num_phrases: Row name to the number of phrases it was measured on.
      settings: Recipe, preset, checkpoint step and seeds.
    """

    rows: dict[str, dict[str, float]]
    memorisation: dict[str, dict[str, float]]
    num_phrases: dict[str, int]
    settings: dict[str, Any]

    def distance(self, row: str) -> float:
        """Distance of a row to the training data's, 0-1."""
        return distance_to(self.rows[TRAINING], self.rows[row])

    def improved(self) -> bool:
        """Whether the trained row is nearer to the data than the untrained."""
        return self.distance(TRAINED) < self.distance(UNTRAINED)

    def table(self) -> str:
        """The rows as aligned text."""
        text = format_table(self.rows, TRAINING)
        lines = [text, "", "phrases: " + _join(self.num_phrases)]
        for name in ("nearest_training_phrase", "self_similarity"):
            values = {row: f"{entry[name]:.3f}" for row, entry in self.memorisation.items()}
            lines.append(f"{name}: {_join(values)}")
        return "\n".join(lines)

    def to_json(self) -> str:
        """Everything as JSON; what is undefined is null."""
        content = dataclasses.asdict(self)
        content["distances"] = {row: self.distance(row) for row in self.rows}
        return json.dumps(_without_nan(content), indent=1) + "\n"


def evaluate_run(
    run: Run,
    records_folder: str | pathlib.Path,
    checkpoint: str = "latest",
    num_phrases: int = 1024,
    seed: int = 0,
) -> Evaluation:
    """Measures a run's samples beside the data and an untrained model of the same seed.

    Args:
      run: The training run.
      records_folder: The record set; `train`, and `validation` or `test` where it has them.
      checkpoint: `latest`, `best`, `ema`, or a checkpoint folder's path.
      num_phrases: Phrases per row at most; samples are exactly as many.
      seed: Samples use the seeds from `seed * 2**32` on.

    Returns:
      The rows and their memorisation.

    Raises:
      RecordsError: If the records are damaged or of another representation than the run's.
      CheckpointError: If there is no such checkpoint.
    """
    model, info = run.load_model(checkpoint)
    train = RecordSet.open(records_folder, "train")
    train.expect(model.representation)
    seeds = np.int64(seed) * 2**32 + np.arange(num_phrases, dtype=np.int64)
    phrases = {TRAINING: _select(train, num_phrases)}
    held_out = _held_out(records_folder, num_phrases)
    if held_out is not None:
        phrases[HELD_OUT] = held_out
    phrases[UNTRAINED] = Sampler(run.build_model()).examples(seeds)["piano_roll"]
    phrases[TRAINED] = Sampler(model).examples(seeds)["piano_roll"]
    names, representation = run.recipe.metrics, model.representation
    rows = {row: metrics.evaluate(names, rolls, representation) for row, rolls in phrases.items()}
    new = {row: phrases[row] for row in (HELD_OUT, TRAINED) if row in phrases}
    nearest = _nearest(new, train)
    memorisation = {
        row: {
            "nearest_training_phrase": nearest[row],
            "self_similarity": float(self_similarity(rolls)),
        }
        for row, rolls in new.items()
    }
    settings = {
        "recipe": run.settings["recipe"],
        "preset": run.settings["preset"],
        "step": info.step,
        "checkpoint": checkpoint,
        "seed": seed,
    }
    counts = {row: len(rolls) for row, rolls in phrases.items()}
    return Evaluation(rows, memorisation, counts, settings)


def _held_out(folder: str | pathlib.Path, limit: int) -> np.ndarray | None:
    manifest = RecordSet.open(folder, "train").manifest
    for split in ("validation", "test"):
        if manifest.num_examples(split):
            return _select(RecordSet.open(folder, split), limit)
    return None


def _select(records: RecordSet, limit: int) -> np.ndarray:
    """At most `limit` phrases, evenly spread over the split, since neighbours overlap."""
    count = min(limit, records.num_examples)
    wanted = np.linspace(0, records.num_examples - 1, count).astype(np.int64)
    parts, first = [], 0
    for batch in records.examples():
        rolls = batch["piano_roll"]
        inside = wanted[(wanted >= first) & (wanted < first + len(rolls))]
        parts.append(rolls[inside - first])
        first += len(rolls)
    return np.concatenate(parts)


def _nearest(rows: dict[str, np.ndarray], records: RecordSet) -> dict[str, float]:
    """Each row's mean distance to the nearest phrase of the whole split, read batch by batch."""
    nearest = {row: np.full(len(phrases), np.inf) for row, phrases in rows.items()}
    done = 0
    with ProgressBar("Comparing", records.num_examples, "training phrases") as bar:
        for batch in records.examples():
            known = batch["piano_roll"]
            for row, phrases in rows.items():
                nearest[row] = np.fmin(nearest[row], nearest_distance(phrases, known))
            done += len(known)
            bar.update(done)
    return {row: float(np.mean(distances)) for row, distances in nearest.items()}


def _join(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and np.isnan(value) else value
