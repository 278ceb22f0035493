"""A trained pitch classifier, asked about sets of notes; and how well it hears."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfmusicgan.metrics.classifier_scores import correct, entropies
from tfmusicgan.metrics.note_metrics import Notes
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.records.reader import RecordSet

# Clips that are classified at once.
_ROWS = 64


class NoteClassifier:
    """Classifies notes in padded batches of one size.

    Args:
      model: A `models.pitch_classifier.PitchClassifier`; later changes of its weights show.
    """

    def __init__(self, model: MusicGAN):
        spec = tf.TensorSpec([_ROWS, model.representation.num_samples], tf.int16)
        self._classify = tf.function(
            lambda audio: model.classify(audio), input_signature=[spec], autograph=False
        )

    def outputs(self, audio: np.ndarray) -> dict[str, np.ndarray]:
        """Logits by head, and `features`: int16 [notes, samples] to float32 [notes, ...] each."""
        parts = []
        for first in range(0, len(audio), _ROWS):
            rows = np.arange(first, first + _ROWS).clip(max=len(audio) - 1)
            found = self._classify(tf.constant(audio[rows]))
            parts.append({name: v.numpy()[: len(audio) - first] for name, v in found.items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def hear(self, notes: Notes) -> Notes:
        """The same notes with the classifier's probabilities and features."""
        outputs = self.outputs(notes.audio)
        shares = _probabilities(outputs["pitch"]).astype(np.float32)
        return dataclasses.replace(notes, probabilities=shares, features=outputs["features"])


def hearing(model: MusicGAN, examples: dict[str, np.ndarray]) -> dict[str, float]:
    """How well a classifier hears examples with known labels.

    Args:
      model: The classifier.
      examples: The fields of `note_audio`, [notes, ...] each.

    Returns:
      Shares of right pitches, exact, within a semitone and in any octave; mean entropy of the
      pitches in nats; shares of right families and sources among the known ones (NaN without any),
      and of right qualities.
    """
    outputs = NoteClassifier(model).outputs(examples["audio"])
    pitch, heard = examples["pitch"], np.argmax(outputs["pitch"], axis=1)
    values = {
        "pitch_accuracy/exact": correct(heard, pitch).mean(),
        "pitch_accuracy/within_semitone": correct(heard, pitch, 1).mean(),
        "pitch_accuracy/any_octave": ((heard - pitch) % 12 == 0).mean(),
        "pitch_entropy/nats": entropies(_probabilities(outputs["pitch"])).mean(),
        "family_accuracy": _share(outputs["instrument_family"], examples["instrument_family"]),
        "source_accuracy": _share(outputs["instrument_source"], examples["instrument_source"]),
        "quality_accuracy": ((outputs["qualities"] > 0) == examples["qualities"]).mean(),
    }
    return {name: float(value) for name, value in values.items()}


def _probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax of rows: [notes, classes] to float64 [notes, classes]."""
    logits = logits.astype(np.float64)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def _share(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of right labels among those that are known."""
    known = labels >= 0
    if not known.any():
        return float("nan")
    return float((np.argmax(logits, axis=1) == labels)[known].mean())


class ClassifierMonitor:
    """Measures a classifier in training on notes that it does not learn from.

    Args:
      model: The model in training.
      records: Its training records, beside which the held-out ones are.
      num_notes: Held-out notes at most.
    """

    def __init__(self, model: MusicGAN, records: RecordSet, num_notes: int = 1024):
        self.model = model
        self._notes = held_out_examples(records, num_notes)
        # There are no samples beside which the data could be shown.
        self.data_values: dict[str, float] = {}

    def measure(self) -> dict[str, float]:
        """Shares of right answers, and `distance`, the share of wrong pitches.

        Returns:
          See `hearing`; what is undefined is left out. Nothing where there are no held-out notes.
        """
        if self._notes is None:
            return {}
        values = hearing(self.model, self._notes)
        values = {name: value for name, value in values.items() if not np.isnan(value)}
        return {**values, "distance": 1.0 - values["pitch_accuracy/exact"]}


def held_out_examples(records: RecordSet, limit: int) -> dict[str, np.ndarray] | None:
    """Examples of the validation split at even distances, or of the test split; None without."""
    for split in ("validation", "test"):
        if records.manifest.num_examples(split):
            return RecordSet.open(records.directory, split).spread(limit)
    return None
