"""What another temperature does to a generator of tokens: to its figures, and to its variety.

  python scripts/reproduce/temperatures.py --run=RUN --records=RECORDS

The figures by which SeqGAN is judged, NLL under an oracle and BLEU, follow variety alone (Caccia et
al. 2020, "Language GANs Falling Short", arXiv 1811.02549): what training gains has to be compared
with what sampling gains. The oracle is the one that the records keep; without one the recipe's BLEU
is against the held-out sequences, as in an evaluation.
"""

import argparse
import math
import os
import pathlib
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from token_runs import load

from tfmusicgan import metrics
from tfmusicgan.errors import ConfigError, RecordsError
from tfmusicgan.metrics.registry import HELD_OUT, ORACLE, References
from tfmusicgan.models import policy_gradient
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.token_gan import TokenGAN
from tfmusicgan.records.kept_oracle import read_oracle
from tfmusicgan.training.monitor import held_out
from tfmusicgan.training.run import Run

_BATCH = 250
_SPLITS = ("test", "validation")  # in the order in which an evaluation takes them
_WITH_ORACLE = ("oracle_nll/token", "distinct_ngrams/2")
_BLEU = ("smoothed_bleu", "bleu")


def held_out_nll(model: MusicGAN, tokens: np.ndarray, temperature: float) -> float:
    """Mean -log p a token, in nats, of the generator at a temperature.

    Args:
      model: A token GAN; tokens that it never draws do not count.
      tokens: int32 [sequences, length].
      temperature: Above 0, divides the logits.
    """
    parts = np.split(tokens, range(_BATCH, len(tokens), _BATCH))
    found = [
        policy_gradient.log_probabilities(model.generator(part) / temperature, part)
        for part in map(tf.constant, parts)
    ]
    counted = slice(None) if model.drawable is None else model.drawable[tokens]
    return -float(np.concatenate(found)[counted].mean())


def lines(
    model: MusicGAN,
    compared: References,
    figures: Sequence[str],
    temperatures: Sequence[float],
    num: int,
) -> list[str]:
    """A Markdown table's lines, one for each temperature.

    Args:
      model: A token GAN.
      compared: The held-out sequences, int32 [sequences, length], and what else metrics ask for.
      figures: Of the metrics, such as "oracle_nll/token".
      temperatures: Above 0.
      num: Sequences to generate at each, of the seeds 0, 1 and so on.
    """
    found = [f"| temperature | {' | '.join(figures)} | held_out_nll |"]
    found.append(f"|{'---:|' * (len(figures) + 2)}")
    names = list(dict.fromkeys(figure.split("/")[0] for figure in figures))
    for temperature in temperatures:
        seeds = tf.range(num, dtype=tf.int64)
        tokens = model.sample(seeds, temperature=temperature)["tokens"].numpy()
        values = metrics.evaluate(names, tokens, model.representation, compared)
        shown = [values[figure] for figure in figures]
        shown.append(held_out_nll(model, compared[HELD_OUT], temperature))
        found.append(f"| {temperature:g} | {' | '.join(f'{value:.3f}' for value in shown)} |")
    return found


def measure(
    run: pathlib.Path,
    records: pathlib.Path,
    temperatures: Sequence[float],
    checkpoint: str,
    num: int,
) -> list[str]:
    """The table's lines of a run.

    Args:
      run: Its folder.
      records: The record set that it was trained on.
      temperatures: Above 0.
      checkpoint: `latest`, `best`, or a checkpoint folder's path.
      num: Sequences to generate at each temperature, and held-out ones at most.

    Raises:
      ConfigError: If the run has no generator that takes a temperature.
      RecordsError: If the records are others than the run's, have nothing held out, or keep no
        oracle where the recipe has no BLEU.
    """
    model, _, train = load(run, records, checkpoint)
    recipe = Run.open(run).recipe
    if not isinstance(model, TokenGAN):
        raise ConfigError(
            "Expected a run with a generator that takes a temperature, e.g. of seqgan_oracle_mle. "
            f"Received: {run}, whose model {type(model).__name__} has none."
        )
    unseen = held_out(records, num, _SPLITS)
    if unseen is None:
        raise RecordsError(
            f"Expected records with sequences held out. Received: {records}, with none. Convert "
            "with another --split."
        )
    oracle = read_oracle(train.directory, train.manifest)
    bleu = next((f"{name}/4" for name in _BLEU if name in recipe.metrics), None)
    figures = _WITH_ORACLE
    if oracle is None:
        if bleu is None:
            raise RecordsError(
                f"Expected records that keep the oracle they were drawn from, or a recipe with "
                f"BLEU. Received: {records}, which keep none, and {recipe.name}."
            )
        figures = (bleu, "self_bleu/4", "distinct_ngrams/1", "distinct_ngrams/4")
    return lines(model, {HELD_OUT: unseen, ORACLE: oracle}, figures, temperatures, num)


def _parse_temperatures(text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(0 < value < math.inf for value in found):
        raise argparse.ArgumentTypeError(
            f"Expected numbers above 0 with commas between them. Received: {text!r}."
        )
    return found


def main() -> None:
    """Parses flags, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True, type=pathlib.Path, help="training run")
    parser.add_argument("--records", required=True, type=pathlib.Path, help="those of the run")
    parser.add_argument("--checkpoint", default="latest", help="latest, best or a folder")
    parser.add_argument(
        "--temperatures",
        default="1,0.95,0.9,0.8",
        type=_parse_temperatures,
        help="with commas between them",
    )
    parser.add_argument("--num", type=int, default=9984, help="sequences at each")
    flags = parser.parse_args()
    try:
        found = measure(flags.run, flags.records, flags.temperatures, flags.checkpoint, flags.num)
        print("\n".join(found))
    except ValueError as error:  # the suite's own errors are, too
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
