"""Scores that a discriminator of token sequences gives: does it know its training data by heart?

  python scripts/reproduce/discriminator_scores.py --run=RUN --records=RECORDS

Prints the mean score, the probability of being real, of sequences of the training data, of held-out
ones, and of the generator's own. A discriminator that has learnt what real sequences are like gives
the first two the same.
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from tfmusicgan.errors import ConfigError
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training.run import Run

_BATCH = 250


def scores(model: MusicGAN, tokens: np.ndarray) -> np.ndarray:
    """Scores of sequences.

    Args:
      model: A token GAN with a discriminator.
      tokens: int32 [sequences, length].

    Returns:
      float [sequences], within [0, 1].

    Raises:
      ConfigError: If the model has no discriminator.
    """
    if getattr(model, "discriminator", None) is None:
        raise ConfigError(
            "Expected a run of token sequences with a discriminator, e.g. of seqgan_oracle. "
            "Received: one without."
        )
    parts = np.split(tokens, range(_BATCH, len(tokens), _BATCH))
    return np.concatenate([model.rewards(model.discriminator(tf.constant(p))) for p in parts])


def sequences(model: MusicGAN, records: pathlib.Path, num: int, seed: int) -> dict[str, np.ndarray]:
    """Sequences of each kind, at most `num` of them, int32 [sequences, length] by name."""
    found = {}
    for name, split in (("training", "train"), ("held-out", "test")):
        record_set = RecordSet.open(records, split)
        found[name] = record_set.spread(min(num, record_set.num_examples))["tokens"]
    seeds = tf.range(seed << 32, (seed << 32) + num, dtype=tf.int64)
    found["generated"] = model.sample(seeds)["tokens"].numpy()
    return found


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True, type=pathlib.Path, help="training run")
    parser.add_argument("--records", required=True, type=pathlib.Path, help="record set")
    parser.add_argument("--checkpoint", default="latest", help="latest, best or a folder")
    parser.add_argument("--num", type=int, default=2000, help="sequences of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the generated ones")
    flags = parser.parse_args()
    try:
        model, info = Run.open(flags.run).load_model(flags.checkpoint)
        table = [
            f"| {name}, {len(found):,} | {found.mean():.3f} | {(found > 0.5).mean():.0%} |"
            for name, tokens in sequences(model, flags.records, flags.num, flags.seed).items()
            for found in [scores(model, tokens)]
        ]
        print(f"| sequences | mean score at step {info.step:,} | above 0.5 |\n|---|---:|---:|")
        print("\n".join(table))
    except ValueError as error:  # the suite's own errors are, too
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
