"""What the metrics of token sequences say of sequences that are known: the scale of a figure.

    python scripts/reproduce/token_anchors.py --recipe=polyphonic_seqgan --records=RECORDS

Rows: held-out sequences among each other, training sequences, a first-order Markov chain of the
training sequences, tokens drawn one by one by their frequency there, and uniform tokens. BLEU is
against the held-out sequences, as in an evaluation.
"""

import argparse
import os
import pathlib
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from tfmusicgan import metrics, recipes
from tfmusicgan.errors import ConfigError, RecordsError
from tfmusicgan.metrics.registry import HELD_OUT
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training.monitor import held_out

_SPLITS = ("test", "validation")  # in the order in which an evaluation takes them


def draw_markov(training: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draws from the first-order Markov chain of sequences.

    A sequence begins as some training sequence does; what follows a token is what follows one of
    its occurrences. A token that nothing follows goes on like a beginning.

    Args:
      training: int [sequences, length].
      count: Sequences to draw.
      rng: Draws.

    Returns:
      Of the same length and type, [count, length].
    """
    before, after = training[:, :-1].ravel(), training[:, 1:].ravel()
    order = np.argsort(before, kind="stable")
    before, after = before[order], after[order]
    tokens = [rng.choice(training[:, 0], count)]
    while len(tokens) < training.shape[1]:
        first, behind = (np.searchsorted(before, tokens[-1], side) for side in ("left", "right"))
        place = rng.integers(first, np.maximum(behind, first + 1))
        followed = after[np.minimum(place, len(after) - 1)]
        fresh = rng.choice(training[:, 0], count)
        tokens.append(np.where(behind > first, followed, fresh))
    return np.stack(tokens, axis=1)


def make_rows(
    training: np.ndarray, unseen: np.ndarray, usable: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """The rows of the table, as many sequences in each as are held out: variety depends on it.

    Args:
      training: int32 [sequences, length].
      unseen: The same of held-out sequences.
      usable: The tokens that uniform draws take, int [tokens].
      seed: Of the draws.

    Returns:
      Title to int32 [sequences, length]; training's are fewer where there are fewer.
    """
    rng, shape = np.random.default_rng(seed), unseen.shape
    drawn = {
        "first-order Markov chain": draw_markov(training, len(unseen), rng),
        "tokens by frequency": rng.choice(training.ravel(), shape),
        "uniform tokens": rng.choice(usable, shape),
    }
    some = training[rng.permutation(len(training))[: len(unseen)]]
    rows = {"held-out data": unseen, "training data": some, **drawn}
    return {title: tokens.astype(np.int32) for title, tokens in rows.items()}


def table(rows: dict[str, dict[str, float]], figures: Sequence[str]) -> list[str]:
    """Lines of Markdown, a row each, with some of its figures."""
    lines = [f"| | {' | '.join(figures)} |", f"|---|{'---:|' * len(figures)}"]
    for title, values in rows.items():
        lines.append(f"| {title} | {' | '.join(f'{values[name]:.3f}' for name in figures)} |")
    return lines


def measure(
    recipe_name: str, records: pathlib.Path, figures: Sequence[str], seed: int
) -> list[str]:
    """The table of a record set.

    Args:
      recipe_name: Gives the metrics.
      records: The record set's folder.
      figures: Columns, such as "self_bleu/4".
      seed: Of the draws.

    Raises:
      ConfigError: If there is no such recipe, or it has no such figure.
      RecordsError: If the records are damaged, of no tokens, or have nothing held out.
    """
    recipe, train = recipes.get(recipe_name), RecordSet.open(records)
    representation = train.representation
    unseen = held_out(records, None, _SPLITS) if "tokens" in representation.spec else None
    if unseen is None:
        raise RecordsError(
            f"Expected records of tokens, some of them held out. Received: {records}, of "
            f"{representation.name}."
        )
    drawable = getattr(representation, "drawable", np.ones(representation.num_tokens, bool))
    training = train.spread(train.num_examples)["tokens"]
    drawn = make_rows(training, unseen, np.flatnonzero(drawable), seed)
    names = [name for name in recipe.metrics if name in {one.split("/")[0] for one in figures}]
    compared = {HELD_OUT: drawn["held-out data"]}
    rows = {}
    for title, tokens in drawn.items():
        rows[title] = metrics.evaluate(names, tokens, representation, compared)
        unknown = sorted(set(figures) - set(rows[title]))
        if unknown:
            raise ConfigError(
                f"Expected figures of {recipe.name}, of {', '.join(recipe.metrics)}, such as "
                f"self_bleu/4. Received: {', '.join(unknown)}."
            )
    head = f"{len(unseen):,} sequences a row, of {training.shape[1]} tokens each"
    return [head, "", *table(rows, figures)]


def main() -> None:
    """Parses flags, draws, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", required=True, help="of token sequences; gives the metrics")
    parser.add_argument("--records", type=pathlib.Path, required=True, help="its record set")
    parser.add_argument("--seed", type=int, default=0, help="of the draws")
    parser.add_argument(
        "--figures",
        default="smoothed_bleu/4,self_bleu/4,distinct_ngrams/4",
        help="columns, of the recipe's metrics",
    )
    flags = parser.parse_args()
    try:
        print("\n".join(measure(flags.recipe, flags.records, flags.figures.split(","), flags.seed)))
    except ValueError as error:  # the suite's own errors are, too
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
