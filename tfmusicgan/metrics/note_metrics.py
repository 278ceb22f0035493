"""Measures of sets of recorded or generated notes for the table of metrics."""

import dataclasses
import functools
from typing import Any

import numpy as np

from tfmusicgan.metrics.classifier_scores import InceptionScore, correct, entropies
from tfmusicgan.metrics.different_bins import Bins, DifferentBins, fit_bins
from tfmusicgan.metrics.estimates import Estimate, PhraseMeans
from tfmusicgan.metrics.frechet import frechet_distance
from tfmusicgan.metrics.log_mel import to_float
from tfmusicgan.metrics.note_pitch import estimate_pitch
from tfmusicgan.metrics.note_spectra import note_spectra
from tfmusicgan.metrics.registry import CLASSIFIED, TRAINING, metric
from tfmusicgan.representations.base import Representation

FIELD = "audio"
# A clip whose level is below this counts as silent.
SILENT_DB = -60.0
_FLOOR_DB = -100.0
# Pitches of the paper's data: the most that an inception score can be, certain and uniform.
_CLASSES = 61.0
# The span of the published Frechet distances but for the worst.
_FRECHET_SCALE = 600.0
# How much lower and higher than the labels a pitch may be found.
_BEYOND = 12


@dataclasses.dataclass(frozen=True)
class Notes:
    """A set of notes, and what a pitch classifier makes of them.

    Attributes:
      audio: int16 [notes, samples].
      pitch: int32 [notes], MIDI pitches that the notes have, or were asked for.
      sample_rate: In Hz.
      probabilities: float32 [notes, 128], the classifier's over MIDI pitches; None without one.
      features: float32 [notes, features], of the classifier; None without one.
    """

    audio: np.ndarray
    pitch: np.ndarray
    sample_rate: int
    probabilities: np.ndarray | None = None
    features: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.audio)

    def __getitem__(self, chosen: np.ndarray) -> "Notes":
        """Some of the notes, by indices or a mask."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        parts = {n: v[chosen] if isinstance(v, np.ndarray) else v for n, v in fields.items()}
        return Notes(**parts)

    @functools.cached_property
    def spectra(self) -> np.ndarray:
        """Log-mel spectra, float32 [notes, features]."""
        return note_spectra(self.audio, self.sample_rate)

    @functools.cached_property
    def bins(self) -> Bins:
        """Cells of these notes' spectra."""
        return fit_bins(self.spectra)

    @functools.cached_property
    def levels(self) -> np.ndarray:
        """Root mean square of each clip in decibels to full scale, float64 [notes]."""
        power = np.mean(to_float(self.audio) ** 2, axis=1, dtype=np.float64)
        return 10.0 * np.log10(np.maximum(power, 10.0 ** (_FLOOR_DB / 10.0)))


@dataclasses.dataclass(frozen=True)
class MeanSpectrum:
    """How far the mean spectrum of some notes is from other notes', root mean square in decibels.

    Attributes:
      spectra: float32 [notes, features].
      reference: float [features], the other notes' mean.
    """

    spectra: np.ndarray
    reference: np.ndarray

    def value(self, weights: np.ndarray | None = None) -> Any:
        """A number, or float64 [resamples]."""
        if weights is None:
            return self.value(np.ones((1, len(self.spectra))))[0]
        totals = np.maximum(weights.sum(axis=1, keepdims=True), 1.0)
        return self._distance(weights @ self.spectra.astype(np.float64) / totals, self.reference)

    def spread(self, half: np.ndarray) -> float:
        """The distance between two halves' means."""
        first, second = (self.spectra[kept].mean(axis=0) for kept in (half, ~half))
        return float(self._distance(first, second))

    def _distance(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.sqrt(np.mean((first - second) ** 2, axis=-1))


@dataclasses.dataclass(frozen=True)
class FrechetDistance:
    """The Frechet distance of features to other notes' as an estimate.

    Attributes:
      features: float [notes, features].
      reference: float [other notes, features].
    """

    features: np.ndarray
    reference: np.ndarray

    def value(self, weights: np.ndarray | None = None) -> Any:
        """The distance; NaN for resamples, whose repeats make it another one."""
        if weights is not None:
            return np.full(len(weights), np.nan)
        return frechet_distance(self.features, self.reference)

    def spread(self, half: np.ndarray) -> float:
        """The distance of two halves of the notes."""
        return frechet_distance(self.features[half], self.features[~half])


def _mean(values: np.ndarray) -> PhraseMeans:
    return PhraseMeans(np.asarray(values, np.float64), np.ones(len(values), np.int64))


@metric("silent_notes", scale=1.0, field=FIELD)
def _silent_notes(notes: Notes, representation: Representation) -> dict[str, Estimate]:
    """Share of clips whose level is below -60 dB."""
    return {"share": _mean(notes.levels < SILENT_DB)}


@metric("level", scale=60.0, field=FIELD)
def _level(notes: Notes, representation: Representation) -> dict[str, Estimate]:
    """Mean level of the clips, in decibels to full scale."""
    return {"decibels": _mean(notes.levels)}


@metric("estimated_pitch", scale=1.0, field=FIELD)
def _estimated_pitch(notes: Notes, representation: Representation) -> dict[str, Estimate]:
    """Share of notes whose spectrum has the pitch of their label, or that of another octave."""
    # Not above a quarter of the rate, where a note has no multiple that could tell.
    top = int(69 + 12 * np.log2(notes.sample_rate / 4 / 440.0))
    lowest = max(0, representation.min_pitch - _BEYOND)
    highest = min(representation.max_pitch + _BEYOND, top)
    found = estimate_pitch(notes.audio, notes.sample_rate, lowest, highest)
    octave = (found >= 0) & ((found - notes.pitch) % 12 == 0)
    return {"exact": _mean(found == notes.pitch), "any_octave": _mean(octave)}


@metric("spectrum", scale=40.0, compares=TRAINING, field=FIELD)
def _spectrum(notes: Notes, representation: Representation, training: Notes) -> dict[str, Estimate]:
    """Distance of the mean log-mel spectrum to the training notes', in decibels."""
    return {
        "decibels": MeanSpectrum(notes.spectra, training.spectra.mean(axis=0, dtype=np.float64))
    }


@metric("ndb", scale=50.0, compares=TRAINING, field=FIELD, whole_set=True)
def _ndb(notes: Notes, representation: Representation, training: Notes) -> dict[str, Estimate]:
    """Statistically different cells of log-mel spectra, of 50, and the shares' divergence."""
    assigned = training.bins.assign(notes.spectra)
    return {
        "bins": DifferentBins(assigned, training.bins),
        "divergence": DifferentBins(assigned, training.bins, divergence=True),
    }


@metric("frechet_distance", _FRECHET_SCALE, CLASSIFIED, field=FIELD, whole_set=True)
def _frechet_distance(
    notes: Notes, representation: Representation, training: Notes
) -> dict[str, Estimate]:
    """Frechet distance to the training notes in the classifier's features."""
    return {"features": FrechetDistance(notes.features, training.features)}


@metric("inception_score", _CLASSES, CLASSIFIED, field=FIELD, whole_set=True)
def _inception_score(
    notes: Notes, representation: Representation, training: Notes
) -> dict[str, Estimate]:
    """Mean KL divergence of the classifier's pitches from their marginal, as its exponential."""
    return {"pitches": InceptionScore(notes.probabilities)}


@metric("pitch_accuracy", scale=1.0, compares=CLASSIFIED, field=FIELD)
def _pitch_accuracy(
    notes: Notes, representation: Representation, training: Notes
) -> dict[str, Estimate]:
    """Share of notes that the classifier hears at the pitch of their label."""
    predicted = np.argmax(notes.probabilities, axis=1)
    return {
        "exact": _mean(correct(predicted, notes.pitch)),
        "within_semitone": _mean(correct(predicted, notes.pitch, semitones=1)),
    }


@metric("pitch_entropy", scale=float(np.log(128)), compares=CLASSIFIED, field=FIELD)
def _pitch_entropy(
    notes: Notes, representation: Representation, training: Notes
) -> dict[str, Estimate]:
    """Mean entropy of the classifier's distribution over pitches."""
    return {"nats": _mean(entropies(notes.probabilities))}
