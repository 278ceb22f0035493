"""What a lower temperature does to a generator's NLL under the oracle, and to its variety.

  python scripts/reproduce/temperatures.py --run=RUN --records=RECORDS

The figure by which SeqGAN is judged falls with variety alone (Caccia et al. 2020, "Language GANs
Falling Short", arXiv 1811.02549): what training gains has to be compared with what sampling gains.
The oracle is the one that the records keep.
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

from tfmusicgan.errors import ConfigError, RecordsError
from tfmusicgan.metrics.text import distinct_ngrams
from tfmusicgan.models import policy_gradient
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.token_gan import TokenGAN
from tfmusicgan.records.kept_oracle import read_oracle
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.token_oracle import TokenOracle

_HEAD = "| temperature | NLL under the oracle | NLL of held-out sequences | distinct 2-grams |"
_BATCH = 250


def held_out_nll(model: MusicGAN, tokens: np.ndarray, temperature: float) -> float:
    """Mean -log p a token, in nats, of the generator at a temperature.

    Args:
      model: A token GAN.
      tokens: int32 [sequences, length].
      temperature: Above 0, divides the logits.
    """
    parts = np.split(tokens, range(_BATCH, len(tokens), _BATCH))
    found = [
        policy_gradient.log_probabilities(model.generator(part) / temperature, part)
        for part in map(tf.constant, parts)
    ]
    return -float(np.concatenate(found).mean())


def lines(
    model: MusicGAN,
    oracle: TokenOracle,
    held_out: np.ndarray,
    temperatures: Sequence[float],
    num: int,
) -> list[str]:
    """A Markdown table's lines, one for each temperature.

    Args:
      model: A token GAN.
      oracle: That of its training data.
      held_out: int32 [sequences, length].
      temperatures: Above 0.
      num: Sequences to generate at each, of the seeds 0, 1 and so on.
    """
    found = [_HEAD, "|---:|---:|---:|---:|"]
    for temperature in temperatures:
        seeds = tf.range(num, dtype=tf.int64)
        tokens = model.sample(seeds, temperature=temperature)["tokens"].numpy()
        figures = (
            oracle.negative_log_likelihood(tokens).mean(),
            held_out_nll(model, held_out, temperature),
            distinct_ngrams(tokens, 2),
        )
        found.append(f"| {temperature:g} | {' | '.join(f'{value:.3f}' for value in figures)} |")
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
      RecordsError: If the records are others than the run's, or keep no oracle.
    """
    model, _, train = load(run, records, checkpoint)
    if not isinstance(model, TokenGAN):
        raise ConfigError(
            "Expected a run with a generator that takes a temperature, e.g. of seqgan_oracle_mle. "
            f"Received: {run}, whose model {type(model).__name__} has none."
        )
    oracle = read_oracle(train.directory, train.manifest)
    if oracle is None:
        raise RecordsError(
            "Expected records that keep the oracle they were drawn from, of --dataset="
            f"seqgan_oracle. Received: {records}, which keep none."
        )
    held_out = RecordSet.open(records, "test").spread(num)["tokens"]
    return lines(model, oracle, held_out, temperatures, num)


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
