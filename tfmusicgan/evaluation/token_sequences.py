"""What an evaluation measures of token sequences beside the recipe's metrics."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfmusicgan import metrics
from tfmusicgan.evaluation.report import HELD_OUT, TRAINED, TRAINING, Rows
from tfmusicgan.metrics import text
from tfmusicgan.metrics.movement import intervals, spreads
from tfmusicgan.metrics.token_metrics import token_similarity
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.recipes.base import Recipe
from tfmusicgan.records.kept_oracle import read_oracle
from tfmusicgan.records.reader import RecordSet, spread_places
from tfmusicgan.token_oracle import RELEASED
from tfmusicgan.training.likelihood import Likelihood

_COPIED = 10  # tokens: the n-grams that are looked for in the training data


def measure(
    recipe: Recipe,
    phrases: Mapping[str, np.ndarray],
    models: Mapping[str, MusicGAN],
    train: RecordSet,
) -> dict[str, Any]:
    """The fields of an `Evaluation` that are measured of token sequences.

    Args:
      recipe: Names the metrics, and has the paper's rows.
      phrases: Row name to int32 [n, length].
      models: The untrained and the trained model.
      train: The training split.
    """
    oracle = read_oracle(train.directory, train.manifest)
    # The same arrays as the rows: sequences that are the reference are compared with each other.
    compared = {
        "training": phrases[TRAINING],
        "held_out": phrases.get(HELD_OUT),
        "oracle": oracle,
    }
    # Variety depends on the number of sequences: it is measured on as many of each row.
    smallest = min(map(len, phrases.values()))
    some = {row: tokens[spread_places(len(tokens), smallest)] for row, tokens in phrases.items()}
    rows: Rows = {row: {} for row in phrases}
    spread: dict[str, float] = {}
    interval: dict[str, tuple[float, float]] = {}
    for name in recipe.metrics:
        of_rows = some if metrics.get(name).whole_set else phrases
        found = {
            row: metrics.estimates([name], tokens, train.representation, compared)
            for row, tokens in of_rows.items()
        }
        for row, estimates in found.items():
            rows[row] |= {key: float(estimate.value()) for key, estimate in estimates.items()}
        spread |= spreads(found[TRAINING], len(of_rows[TRAINING]))
        interval |= intervals(found[TRAINED], len(of_rows[TRAINED]))
    # The paper's figures are of one oracle.
    comparable = oracle is None or oracle.digest() == RELEASED
    published = recipe.published if comparable else {}
    return {
        "rows": rows,
        "spread": spread,
        "intervals": interval,
        "memorisation": _memorisation(phrases, models, train),
        "published": {row: dict(values) for row, values in published.items()},
        "notes": recipe.published_notes,
    }


def _memorisation(
    phrases: Mapping[str, np.ndarray], models: Mapping[str, MusicGAN], train: RecordSet
) -> Rows:
    """What held-out and trained sequences share with all training data, and with each other.

    `held_out_nll` is the other side of it: how likely a model finds sequences it has not seen.
    """
    known = train.spread(train.num_examples)["tokens"]
    rows: Rows = {}
    for row in (HELD_OUT, TRAINED):
        if row not in phrases:
            continue
        tokens = phrases[row]
        rows[row] = {
            "nearest_training_phrase": float(nearest_distance(tokens, known).mean()),
            "self_similarity": token_similarity(tokens),
            "longest_copied_run": float(text.longest_copied_run(tokens, known).mean()),
            f"copied_{_COPIED}_grams": text.copied_ngram_share(tokens, known, _COPIED),
        }
    if HELD_OUT in phrases:
        for row, model in models.items():
            nll = Likelihood(model, phrases[HELD_OUT]).nll()
            rows[row] = {**rows.get(row, {}), "held_out_nll": nll}
    return rows


def nearest_distance(tokens: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Share of places that differ from the most similar training sequence.

    Args:
      tokens: int [sequences, length].
      training: int [training sequences, length].

    Returns:
      float64 [sequences], within 0-1.
    """
    most = np.zeros(len(tokens), np.int64)
    for number, row in enumerate(tokens):
        most[number] = (training == row).sum(axis=1).max(initial=0)
    return 1.0 - most / tokens.shape[1]
