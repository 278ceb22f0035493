"""What an evaluation found, as a text table and as JSON."""

import dataclasses
import json
import textwrap
from typing import Any

import numpy as np

from tfmusicgan.metrics.accompaniment import MARGIN, NEARER, SHARE, listens
from tfmusicgan.metrics.movement import Movement, movements
from tfmusicgan.metrics.table import distance_to, format_rows, format_table

TRAINING, HELD_OUT = "training data", "held-out data"
UNTRAINED, TRAINED = "untrained", "trained"

# Columns of a terminal that notes are wrapped to.
_WIDTH = 100

Rows = dict[str, dict[str, float]]


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a run's samples are like, beside the data.

    Attributes:
      rows: Row name to metric key to value: the recipe's metrics.
      memorisation: Row name to figure to value: `nearest_training_phrase` and `self_similarity`,
        0-1, of what is generated (Jaccard's, or shares of equal tokens; of piano-rolls the nearest
        in any key that training moves phrases to); of token sequences also
        what is copied, and how likely a model finds held-out data, in nats a token.
      num_phrases: Row name to the number of phrases it was measured on.
      settings: Recipe, preset, checkpoint step and seeds.
      spread: Metric key to how much it differs between two halves of the training data; without
        the metrics of a given track, which no training moves.
      intervals: Metric key to the 95 % bootstrap interval of the trained row, by phrase.
      histograms: Row name to `pitch_class` and `onset_position` to track to shares.
      as_published: Row name to key to value: the metrics that the paper's figures are in; empty
        where there are none, or they are of other tracks or another task.
      published: The paper's rows in the same keys; empty likewise.
      accompaniment: Row name to the tonal distances of `metrics.accompaniment`; empty for models
        without a given track, and where that is drums.
      accompaniment_intervals: Untrained and trained row to how much nearer the given track is, as
        99 % bootstrap intervals over pairs of phrases.
      columns: Key to the paper's short name; the published table then has a line for each row, as
        in the paper.
      unit: What is counted.
      notes: What to know when reading the table, a sentence each.
      warnings: What may be wrong with the comparison, a sentence each.
    """

    rows: Rows
    memorisation: Rows
    num_phrases: dict[str, int]
    settings: dict[str, Any]
    spread: dict[str, float] = dataclasses.field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    histograms: dict[str, Any] = dataclasses.field(default_factory=dict)
    as_published: Rows = dataclasses.field(default_factory=dict)
    published: Rows = dataclasses.field(default_factory=dict)
    accompaniment: Rows = dataclasses.field(default_factory=dict)
    accompaniment_intervals: dict[str, dict[str, tuple[float, float]]] = dataclasses.field(
        default_factory=dict
    )
    columns: dict[str, str] = dataclasses.field(default_factory=dict)
    unit: str = "phrases"
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def distance(self, row: str) -> float:
        """Distance of a row to the training data's, 0-1.

        Of all metrics, those of a given track too: they bring every model's row a little nearer.
        """
        return distance_to(self.rows[TRAINING], self.rows[row])

    def improved(self) -> bool:
        """Whether the trained row is nearer to the data than the untrained."""
        return self.distance(TRAINED) < self.distance(UNTRAINED)

    def movements(self) -> dict[str, Movement]:
        """How far each metric that has a spread has moved from the untrained row to the data's."""
        rows = (
            {key: self.rows[row][key] for key in self.spread}
            for row in (TRAINING, UNTRAINED, TRAINED)
        )
        return movements(*rows, self.spread)

    def fall_short(self) -> dict[str, float]:
        """The judged metrics that have not moved most of the way, with how far they have."""
        return {
            key: movement.moved
            for key, movement in self.movements().items()
            if movement.judged and not movement.most_of_the_way
        }

    def listens(self) -> dict[str, bool | None]:
        """Whether the untrained and the trained model follow what they are given.

        Returns:
          Row name to `metrics.accompaniment.listens`: None where too few phrases count. Empty where
          no harmony was measured.
        """
        return {row: listens(found[NEARER]) for row, found in self.accompaniment_intervals.items()}

    def table(self) -> str:
        """Everything to read, as aligned text."""
        blocks = [self._rows_block(), self._published_block(), self._accompaniment_block()]
        lines = [f"{self.unit}: {_join(self.num_phrases)}"]
        for name in dict.fromkeys(name for row in self.memorisation.values() for name in row):
            having = {row: entry for row, entry in self.memorisation.items() if name in entry}
            values = {row: f"{entry[name]:.3f}" for row, entry in having.items()}
            lines.append(f"{name}: {_join(values)}")
        lines.extend(textwrap.fill(f"* {note}", _WIDTH) for note in self.notes)
        return "\n\n".join([block for block in blocks if block] + ["\n".join(lines)])

    def to_json(self) -> str:
        """Everything as JSON; what is undefined is null."""
        content = dataclasses.asdict(self)
        content["distances"] = {row: self.distance(row) for row in self.rows}
        moved = self.movements()
        content["movement"] = {
            key: {**dataclasses.asdict(entry), "most_of_the_way": entry.most_of_the_way}
            for key, entry in moved.items()
        }
        content["verdict"] = {
            "judged": sum(entry.judged for entry in moved.values()),
            "fall_short": list(self.fall_short()),
        }
        content["listens"] = self.listens()
        return json.dumps(without_nan(content), indent=1) + "\n"

    def _rows_block(self) -> str:
        if not self.spread:
            return format_table(self.rows, TRAINING)
        moved = self.movements()
        judged = {key: entry.moved for key, entry in moved.items() if entry.judged}
        text = format_table(self.rows, TRAINING, {"spread": self.spread, "moved": judged})
        short = self.fall_short()
        verdict = (
            f"verdict: {len(judged) - len(short)} of {len(judged)} metrics have moved most of the "
            "way from the untrained model to the data"
        )
        lines = [text, "", verdict + ("; these have not:" if short else ".")]
        if short:
            lines.append(_fill([f"{key} {value:.2f}" for key, value in short.items()]))
        lines.append(
            "spread: difference between two halves of the training data. moved: share of the way "
            "from untrained\nto data, 1 at the data, 0.5 to 1.5 is most of it; judged where "
            "untrained is outside the spread."
        )
        return "\n".join(lines)

    def _published_block(self) -> str:
        if self.columns:
            rows = {**self.as_published, **self.published}
            return f"As published:\n{format_rows(rows, self.columns)}"
        if not self.published:
            return ""
        rows = {
            name: {key.replace("_as_published", ""): value for key, value in row.items()}
            for name, row in {**self.as_published, **self.published}.items()
        }
        title = "As published" + (" (as the paper's code counts)" if self.as_published else "")
        return f"{title}:\n" + format_table(rows, header_width=9)

    def _accompaniment_block(self) -> str:
        if not self.accompaniment:
            return ""
        share = f"{SHARE:.0%}".replace("%", " %")
        trained = self.accompaniment_intervals[TRAINED]
        ends = {
            f"{share} from": {key: low for key, (low, _) in trained.items()},
            "to": {key: high for key, (_, high) in trained.items()},
        }
        answers = {True: "yes", False: "no", None: "too few phrases to say"}
        verdict = _join({row: answers[found] for row, found in self.listens().items()})
        return (
            "Harmony with the given track, and with that of a phrase of another piece (other):\n"
            f"{format_table(self.accompaniment, remarks=ends)}\n"
            "nearer_to_given: other less given; the last over the bars of all tracks. "
            f"{share}: bootstrap\ninterval of the trained row, over pairs of phrases that exchange "
            "their given tracks.\n"
            f"Listens to the given track (interval above {MARGIN:.2f}): {verdict}."
        )


def _fill(items: list[str]) -> str:
    """Items separated by commas, indented, in lines of the table's width."""
    lines = [""]
    for item in items:
        if lines[-1] and len(lines[-1]) + len(item) + 3 > _WIDTH:
            lines.append("")
        lines[-1] += f", {item}" if lines[-1] else f"  {item}"
    return ",\n".join(lines)


def _join(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def without_nan(value: Any) -> Any:
    """JSON-able content with None in the place of NaN."""
    if isinstance(value, dict):
        return {key: without_nan(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [without_nan(entry) for entry in np.asarray(value, object).tolist()]
    return None if isinstance(value, float) and np.isnan(value) else value
