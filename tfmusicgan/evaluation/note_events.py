"""What an evaluation measures of events beside the recipe's metrics."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfmusicgan.evaluation.estimated_rows import estimated_rows
from tfmusicgan.evaluation.report import HELD_OUT, TRAINED, Rows
from tfmusicgan.evaluation.token_sequences import nearest_distance
from tfmusicgan.metrics import text
from tfmusicgan.metrics.token_metrics import token_similarity
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.recipes.base import Recipe
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.note_events import NoteEvents

_COPIED = 8  # events: the runs of pitches that are looked for in the training data
_ROWS = 256  # pieces whose next events are said at once


def measure(
    recipe: Recipe,
    phrases: Mapping[str, np.ndarray],
    models: Mapping[str, MusicGAN],
    train: RecordSet,
) -> dict[str, Any]:
    """The fields of an `Evaluation` that are measured of events.

    Args:
      recipe: Names the metrics.
      phrases: Row name to float32 [n, steps, features].
      models: The untrained and the trained model.
      train: The training split.
    """
    return {
        **estimated_rows(recipe, phrases, train.representation),
        "memorisation": _memorisation(phrases, models, train),
        "notes": (
            "nearest_training_phrase: share of steps whose first tone is another pitch than in the "
            f"most similar training phrase; copied_{_COPIED}_grams: share of runs of {_COPIED} "
            "such pitches that are in some training phrase; held_out_error: mean squared error of "
            "the features of the next event, given those before it.",
        ),
    }


def _memorisation(
    phrases: Mapping[str, np.ndarray], models: Mapping[str, MusicGAN], train: RecordSet
) -> Rows:
    """How new held-out and generated pieces are, and how alike the pieces of a row.

    `held_out_error` is the other side of it: how well a model foresees pieces it has not seen.
    """
    rep = train.representation
    known = _pitches(train.spread(train.num_examples)[rep.name], rep)
    rows: Rows = {}
    for row in (HELD_OUT, TRAINED):
        if row not in phrases:
            continue
        pitches = _pitches(phrases[row], rep)
        rows[row] = {
            "nearest_training_phrase": float(nearest_distance(pitches, known).mean()),
            f"copied_{_COPIED}_grams": text.copied_ngram_share(pitches, known, _COPIED),
            "self_similarity": token_similarity(pitches),
        }
    if HELD_OUT in phrases:
        for row, model in models.items():
            error = _error(model, phrases[HELD_OUT])
            rows[row] = {**rows.get(row, {}), "held_out_error": error}
    return rows


def _error(model: MusicGAN, events: np.ndarray) -> float:
    """The mean of `next_event_error`, some pieces at a time."""
    measure = tf.function(lambda rows: model.next_event_error(rows), autograph=False)
    parts = range(0, len(events), _ROWS)
    found = [measure(tf.constant(events[first : first + _ROWS])).numpy() for first in parts]
    return float(np.concatenate(found).mean())


def _pitches(events: np.ndarray, representation: NoteEvents) -> np.ndarray:
    """The first tone's pitch at every step, 128 where it is silent: int32 [phrases, steps]."""
    steps = representation.read_features(events.reshape(-1, representation.num_features))
    silent = (steps.velocity[:, 0] == 0) | (steps.length[:, 0] == 0)
    pitch = np.where(silent, 128, steps.pitch[:, 0])
    return pitch.reshape(events.shape[:2]).astype(np.int32)
