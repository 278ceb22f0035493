"""What an evaluation measures of jazz phrases beside the recipe's metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfmusicgan.evaluation.estimated_rows import estimated_rows
from tfmusicgan.evaluation.report import HELD_OUT, TRAINED, TRAINING, Rows
from tfmusicgan.metrics.jazz_lines import REST, Line
from tfmusicgan.metrics.jazz_metrics import intervals_from_first
from tfmusicgan.metrics.jazz_similarity import line_similarity
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.jazzgan.phrases import Phrases, modelled
from tfmusicgan.recipes.base import Recipe
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.reader import RecordSet, spread_places
from tfmusicgan.training.monitor import held_out_split, measured

_ROWS = 256  # phrases whose likelihood is measured at once
_NO_ENTRY, _LENGTHS = -1, 1024  # no entry's number, and more than the steps of any


def measure(
    recipe: Recipe,
    phrases: Mapping[str, Sequence[Line]],
    models: Mapping[str, MusicGAN],
    train: RecordSet,
) -> dict[str, Any]:
    """The fields of an `Evaluation` that are measured of jazz phrases.

    Args:
      recipe: Names the metrics.
      phrases: Row name to lines with their primers, as many as the row has phrases. What compares
        them with the training data compares them with all of it, however many they are.
      models: The untrained and the trained model.
      train: The training split.
    """
    known = _training_lines(train)
    # The lines that are known themselves, so that each is compared with the others.
    chosen = spread_places(len(known), len(phrases[TRAINING]))
    phrases = {**phrases, TRAINING: [known[place] for place in chosen]}
    return {
        **estimated_rows(recipe, phrases, train.representation, known),
        "memorisation": _memorisation(phrases, models, train, known),
        "notes": (
            "nearest_training_phrase: share of notes and rests behind the primer that differ in "
            "interval from the first note or in length from those of the most similar training "
            "phrase, place by place; copied_phrases: share of phrases that are such a phrase; "
            "held_out_nll: negative log-likelihood of a held-out note, pitch and rhythm, in nats.",
        ),
    }


def _memorisation(
    phrases: Mapping[str, Sequence[Line]],
    models: Mapping[str, MusicGAN],
    train: RecordSet,
    known: Sequence[Line],
) -> Rows:
    """How new held-out and generated phrases are, and how alike the phrases of a row."""
    rows: Rows = {}
    for row in (HELD_OUT, TRAINED):
        if row not in phrases:
            continue
        nearest = nearest_line_distance(phrases[row], known)
        rows[row] = {
            "nearest_training_phrase": float(nearest.mean()) if len(nearest) else float("nan"),
            "copied_phrases": float((nearest == 0).mean()) if len(nearest) else float("nan"),
            "self_similarity": line_similarity(phrases[row]),
        }
    if HELD_OUT in phrases:
        examples = _held_out_examples(train, len(phrases[HELD_OUT]))
        for row, model in models.items():
            rows[row] = {**rows.get(row, {}), "held_out_nll": held_out_nll(model, examples)}
    return rows


def nearest_line_distance(lines: Sequence[Line], known: Sequence[Line]) -> np.ndarray:
    """How far each line is from the most similar known one, in whatever key.

    Entries are compared place by place, without primers; what only the longer of two lines has
    differs.

    Args:
      lines: Lines to judge; those of their primer alone are left out.
      known: Lines that they may be copied from.

    Returns:
      float64 [lines], within 0-1.
    """
    lines = [line.modelled() for line in lines]
    lines = [line for line in lines if len(line.pitches)]
    known = [line.modelled() for line in known]
    width = max((len(line.pitches) for line in (*lines, *known)), default=0)
    table, lengths = _table(known, width), np.array([len(line.pitches) for line in known])
    nearest = np.ones(len(lines))
    for place, row in enumerate(_table(lines, width)):
        length = int((row != _NO_ENTRY).sum())
        equal = (table[:, :length] == row[:length]).sum(axis=1)
        nearest[place] = 1.0 - (equal / np.maximum(lengths, length)).max(initial=0.0)
    return nearest


def held_out_nll(model: MusicGAN, examples: Mapping[str, np.ndarray]) -> float:
    """A generator's negative log-likelihood of a note behind the primer, in nats.

    Args:
      model: A `JazzGAN`.
      examples: The representation's fields, [n, *shape] each.
    """
    rep = model.representation

    def sums(some: dict[str, tf.Tensor], seeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        phrases = Phrases.of(some, rep)
        keys = model.piece_keys(seeds)
        parts = model.note_log_probabilities(phrases, phrases.rhythms, keys)
        total = tf.add_n([tf.cast(part, tf.float32) for part in parts if part is not None])
        counted = modelled(phrases, rep)
        return -tf.reduce_sum(total * counted), tf.reduce_sum(counted)

    traced = tf.function(sums, autograph=False, reduce_retracing=True)
    found = np.zeros(2)
    count = len(examples["num_notes"])
    for first in range(0, count, _ROWS):
        part = {name: tf.constant(value[first : first + _ROWS]) for name, value in examples.items()}
        seeds = tf.range(first, min(first + _ROWS, count), dtype=tf.int64)
        found += [float(value) for value in traced(part, seeds)]
    return float(found[0] / found[1])


def _table(lines: Sequence[Line], width: int) -> np.ndarray:
    """Lines as rows of numbers, an interval from the first note and a length: [lines, width]."""
    table = np.full((len(lines), width), _NO_ENTRY)
    for row, line in zip(table, lines, strict=True):
        if len(line.pitches):
            (intervals,) = intervals_from_first(line.pitches[np.newaxis])
            row[: len(intervals)] = (intervals + REST) * _LENGTHS + line.durations
    return table


def _training_lines(train: RecordSet) -> list[Line]:
    return measured(train.spread(train.num_examples), train.representation)


def _held_out_examples(train: RecordSet, count: int) -> dict[str, np.ndarray]:
    """The held-out examples that a row of as many phrases was measured on."""
    split = held_out_split(Manifest.read(train.directory))
    return RecordSet.open(train.directory, split).spread(count)
