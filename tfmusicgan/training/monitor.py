"""What a run's samples sound like in numbers, while it trains and after."""

import functools
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from tfmusicgan import metrics
from tfmusicgan.metrics import jazz_lines, jazz_phrase_metrics
from tfmusicgan.metrics.jazz_similarity import line_similarity
from tfmusicgan.metrics.memorisation import self_similarity
from tfmusicgan.metrics.registry import HELD_OUT, NOTHING, ORACLE, References
from tfmusicgan.metrics.table import distance_to
from tfmusicgan.metrics.token_metrics import token_similarity
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.recipes.base import Recipe
from tfmusicgan.records.kept_oracle import read_oracle
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.base import Representation
from tfmusicgan.training.collapse import broken_limit, limited_metrics
from tfmusicgan.training.likelihood import Likelihood
from tfmusicgan.training.sampler import Sampler

# Mean similarity of phrases from which on a model plays one phrase whatever the noise: music is at
# 0.05 (chorales), a model that collapsed on them at 0.99, each phrase still with some cell its own.
ALIKE = 0.9


HELD_OUT_SPLITS = ("validation", "test")
# Samples that collapse limits are held against: variety falls with their number.
_NUM_JUDGED = 128
# Held-out examples whose likelihood is measured while a model trains.
_NUM_LIKELY = 1024


class MusicMonitor:
    """Measures samples of fixed seeds against a record set.

    Args:
      model: The model in training.
      recipe: Names the metrics and the collapse limits.
      records: The training records; the first `num_data` examples are the reference.
      num_samples: Phrases to sample each time.
      num_data: Phrases of the data to compare with.
    """

    def __init__(
        self,
        model: MusicGAN,
        recipe: Recipe,
        records: RecordSet,
        num_samples: int = 128,
        num_data: int = 2048,
    ):
        self.recipe, self.records = recipe, records
        self.sampler = Sampler(model)
        self.num_samples, self.num_data = num_samples, num_data
        self._last: dict[str, np.ndarray] = {}

    @functools.cached_property
    def data_row(self) -> dict[str, float]:
        """The metrics of the data."""
        return self._row(self._data)

    @functools.cached_property
    def data_values(self) -> dict[str, float]:
        """What `measure` returns, of the data."""
        alike = self._similarity(self._data)
        return {**self.data_row, "self_similarity": alike, "distance": 0.0}

    def measure(self) -> dict[str, float]:
        """Samples, and returns the metrics.

        Returns:
          The recipe's metrics, `self_similarity` of the phrases, `distance`, that of the recipe's
          metrics to the data's, and of language models `held_out_nll`, their negative
          log-likelihood a token of held-out examples. What compares with the training data is left
          to the evaluation.
        """
        self._last = self.sampler.examples(np.arange(self.num_samples))
        row = self._row(self._last)
        values = {**row, "self_similarity": self._similarity(self._last)}
        if self._likelihood is not None:
            values["held_out_nll"] = self._likelihood.nll()
        return {**values, "distance": distance_to(self.data_row, row)}

    def collapsed(self) -> str | None:
        """What is wrong with the samples last measured, in words; None when nothing is."""
        if not self._last:
            self.measure()
        broken = broken_limit(self.recipe, self._limited(self._last), self._limited_of_data)
        if broken is not None:
            return broken
        alike = self._similarity(self._last)
        if alike >= ALIKE:
            return f"phrases that are alike, self_similarity {alike:.3f}, at or above {ALIKE}"
        return None

    @functools.cached_property
    def _data(self) -> dict[str, np.ndarray]:
        """Examples of the data; of tokens as many as are sampled, for the variety depends on it."""
        if measured_field(self.records.representation) == "tokens":
            return self.records.spread(self.num_samples)
        return data(self.records, self.num_data)

    @functools.cached_property
    def _references(self) -> References:
        return references(self.records.directory, self.records, self.num_data)

    @functools.cached_property
    def _likelihood(self) -> Likelihood | None:
        held_out, model = self._references.get(HELD_OUT), self.sampler.model
        if held_out is None or not hasattr(model, "negative_log_likelihood"):
            return None
        return Likelihood(model, held_out[:_NUM_LIKELY])

    @functools.cached_property
    def _limited_of_data(self) -> dict[str, float]:
        return self._limited(self._data)

    def _limited(self, examples: dict[str, np.ndarray]) -> dict[str, float]:
        """What the collapse limits are about, of as many examples whatever `num_samples` is."""
        representation = self.records.representation
        found = measured(examples, representation)[:_NUM_JUDGED]
        return metrics.evaluate(limited_metrics(self.recipe), found, representation)

    def _row(self, examples: dict[str, np.ndarray]) -> dict[str, float]:
        return measure(self.recipe, self.records.representation, examples, self._references)

    def _similarity(self, examples: dict[str, np.ndarray]) -> float:
        found = measured(examples, self.records.representation)
        return similarity(examples) if isinstance(found, np.ndarray) else line_similarity(found)


def data(records: RecordSet, limit: int | None) -> dict[str, np.ndarray]:
    """The first examples of a record set, [n, ...] each."""
    parts = list(records.examples(limit))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def measured_field(representation: Representation) -> str:
    """The field that metrics measure: the only one, of a note its audio, of jazz phrases all."""
    if "audio" in representation.spec:
        return "audio"
    if representation.name == jazz_phrase_metrics.FIELD:
        return representation.name
    (name,) = representation.spec
    return name


def measured(
    examples: Mapping[str, np.ndarray], representation: Representation
) -> np.ndarray | list[jazz_lines.Line]:
    """What metrics measure of examples: a field, [n, *shape], or jazz phrases as lines."""
    field = measured_field(representation)
    if field == jazz_phrase_metrics.FIELD:
        return jazz_lines.read_examples(examples, representation)
    return examples[field]


def held_out(
    folder: str | pathlib.Path,
    limit: int | None,
    splits: Sequence[str] = HELD_OUT_SPLITS,
) -> np.ndarray | list[jazz_lines.Line] | None:
    """Held-out examples at even distances, as metrics measure them.

    Args:
      folder: The record set's.
      limit: How many at most; None for all.
      splits: The first of them that has examples is taken.

    Returns:
      As many, see `measured`; None where none of the splits has any.
    """
    split = held_out_split(RecordSet.open(folder, "train").manifest, splits)
    if split is None:
        return None
    records = RecordSet.open(folder, split)
    limit = records.num_examples if limit is None else limit
    return measured(records.spread(limit), records.representation)


def held_out_split(manifest: Manifest, splits: Sequence[str] = HELD_OUT_SPLITS) -> str | None:
    """The first of some splits that has examples, which `held_out` takes; None where none has."""
    return next((split for split in splits if manifest.num_examples(split)), None)


def references(folder: pathlib.Path, records: RecordSet, limit: int) -> References:
    """What metrics of token sequences are compared with beside the training data, if anything."""
    if measured_field(records.representation) != "tokens":
        return NOTHING
    oracle = read_oracle(folder, records.manifest)
    return {HELD_OUT: held_out(folder, limit), ORACLE: oracle}


def measure(
    recipe: Recipe,
    representation: Representation,
    examples: dict[str, np.ndarray],
    compared: References = NOTHING,
) -> dict[str, float]:
    """The recipe's metrics of some examples."""
    found = measured(examples, representation)
    return metrics.evaluate(recipe.metrics, found, representation, compared)


def similarity(examples: dict[str, np.ndarray]) -> float:
    """Mean similarity of all pairs of examples, 0-1; NaN for fewer than two.

    Of notes, Jaccard's; of tokens, the share of equal ones at equal places.
    """
    parts = [part.reshape(len(part), -1) for part in examples.values()]
    cells = np.concatenate(parts, axis=1)
    return self_similarity(cells) if cells.dtype == bool else token_similarity(cells)
