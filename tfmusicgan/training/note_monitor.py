"""What a run's notes sound like in numbers, while it trains; no trained classifier is needed."""

import functools

import numpy as np

from tfmusicgan import metrics
from tfmusicgan.metrics.note_metrics import FIELD, Notes
from tfmusicgan.metrics.note_spectra import note_similarity
from tfmusicgan.metrics.registry import CLASSIFIED, TRAINING
from tfmusicgan.metrics.table import distance_to
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.recipes.base import Recipe
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.base import Example
from tfmusicgan.representations.note_audio import NoteAudio
from tfmusicgan.training.collapse import broken_limit, limited_metrics
from tfmusicgan.training.sampler import Sampler

# Notes that are generated at once: images of high resolution are large.
SAMPLING_BATCH = 16
# Mean correlation of the spectra of notes of one pitch from which on they count as one sound.
ALIKE = 0.99


class NoteMonitor:
    """Measures notes of fixed seeds against a record set.

    Args:
      model: The model in training.
      recipe: Names the metrics and the collapse limits.
      records: The training records.
      num_samples: Notes to generate each time.
      num_data: Notes of the data to compare with, at even distances.
    """

    def __init__(
        self,
        model: MusicGAN,
        recipe: Recipe,
        records: RecordSet,
        num_samples: int = 128,
        num_data: int = 1024,
    ):
        self.recipe, self.records = recipe, records
        self.sampler = Sampler(model, SAMPLING_BATCH)
        self.num_samples, self.num_data = num_samples, num_data
        # Others need a classifier, or more samples than these.
        self._names = [
            name
            for name in recipe.metrics
            if metrics.get(name).compares != CLASSIFIED and not metrics.get(name).whole_set
        ]
        self._last: Notes | None = None

    @functools.cached_property
    def data_row(self) -> dict[str, float]:
        """The metrics of the data."""
        return self._row(self._data)

    @functools.cached_property
    def data_values(self) -> dict[str, float]:
        """What `measure` returns, of the data."""
        alike = note_similarity(self._data.spectra, self._data.pitch)
        return {**self.data_row, "self_similarity": alike, "distance": 0.0}

    def measure(self) -> dict[str, float]:
        """Generates notes, and returns the metrics.

        Returns:
          The recipe's metrics that need no classifier and no great number of notes;
          `self_similarity` of notes of one pitch; `distance`, that of the metrics to the data's.
        """
        self._last = self.notes(self.num_samples)
        row = self._row(self._last)
        alike = note_similarity(self._last.spectra, self._last.pitch)
        return {**row, "self_similarity": alike, "distance": distance_to(self.data_row, row)}

    def collapsed(self) -> str | None:
        """What is wrong with the notes last measured, in words; None when nothing is.

        A model that grows makes blurred, faint notes before its last stage, and its averaged
        weights follow slowly: nothing is wrong with them before the middle of that stage.
        """
        if int(self.sampler.model.step) < self._first_judged_step:
            return None
        if self._last is None:
            self.measure()
        names = limited_metrics(self.recipe)
        row = metrics.evaluate(names, self._last, self.records.representation)
        broken = broken_limit(self.recipe, row)
        if broken is not None:
            return broken
        alike = note_similarity(self._last.spectra, self._last.pitch)
        if alike >= ALIKE:
            return (
                f"notes of one pitch that are alike, self_similarity {alike:.3f}, at or above "
                f"{ALIKE}"
            )
        return None

    @functools.cached_property
    def _first_judged_step(self) -> int:
        model = self.sampler.model
        if not model.stage_starts:
            return 0
        return (model.stage_starts[-1] + model.model_config.training_steps) // 2

    def notes(self, count: int) -> Notes:
        """Notes of the first seeds."""
        sampled = self.sampler.examples(np.arange(count))
        return as_notes(sampled, self.records.representation)

    @functools.cached_property
    def _data(self) -> Notes:
        return as_notes(self.records.spread(self.num_data), self.records.representation)

    def _row(self, notes: Notes) -> dict[str, float]:
        compared = {TRAINING: self._data}
        return metrics.evaluate(self._names, notes, self.records.representation, compared)


def as_notes(examples: Example, representation: NoteAudio) -> Notes:
    """A batch of examples as notes to measure."""
    return Notes(examples[FIELD], examples["pitch"], representation.sample_rate)
