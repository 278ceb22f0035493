"""Scores that a discriminator of token sequences gives: does it know its training data by heart?

  python scripts/reproduce/discriminator_scores.py --run=RUN --records=RECORDS

Prints the mean score, the probability of being real, of sequences of the training data, of held-out
ones, and of the generator's own. A discriminator that has learnt what real sequences are like gives
the first two the same.

Where the records keep the oracle that wrote them, also how the scores of generated sequences go
with their likelihoods. The best discriminator's logit is their log-likelihood under the oracle less
that under the generator (Goodfellow et al. 2014, arXiv 1406.2661, proposition 1): a correlation
of 1.
"""

import argparse
import os
import pathlib
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from token_runs import load

from tfmusicgan.errors import ConfigError
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.records.kept_oracle import read_oracle
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.token_oracle import TokenOracle

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
    return _in_batches(lambda part: model.rewards(model.discriminator(part)), tokens)


def correlations(model: MusicGAN, oracle: TokenOracle, tokens: np.ndarray) -> dict[str, float]:
    """Correlation of generated sequences' logits with their log-likelihoods a token.

    Args:
      model: The token GAN that generated them.
      oracle: That of its training data.
      tokens: int32 [sequences, length].

    Returns:
      Within [-1, 1], by whose likelihood it is.
    """
    logits = _in_batches(model.discriminator, tokens)
    of_oracle = -oracle.negative_log_likelihood(tokens).mean(axis=1)
    own = -_in_batches(model.negative_log_likelihood, tokens)
    likelihoods = {"oracle": of_oracle, "generator": own, "oracle less generator": of_oracle - own}
    return {name: float(np.corrcoef(logits, found)[0, 1]) for name, found in likelihoods.items()}


def _in_batches(function: Callable[[tf.Tensor], tf.Tensor], tokens: np.ndarray) -> np.ndarray:
    parts = np.split(tokens, range(_BATCH, len(tokens), _BATCH))
    return np.concatenate([function(tf.constant(part)) for part in parts])


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
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True, type=pathlib.Path, help="training run")
    parser.add_argument("--records", required=True, type=pathlib.Path, help="those of the run")
    parser.add_argument("--checkpoint", default="latest", help="latest, best or a folder")
    parser.add_argument("--num", type=int, default=2000, help="sequences of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the generated ones")
    flags = parser.parse_args()
    try:
        model, info, train = load(flags.run, flags.records, flags.checkpoint)
        oracle = read_oracle(train.directory, train.manifest)
        kinds = sequences(model, flags.records, flags.num, flags.seed)
        scored = {name: scores(model, tokens) for name, tokens in kinds.items()}
        print(f"| sequences | mean score at step {info.step:,} | above 0.5 |\n|---|---:|---:|")
        for name, found in scored.items():
            print(f"| {name}, {len(found):,} | {found.mean():.3f} | {(found > 0.5).mean():.0%} |")
        if oracle is None:
            return
        print("\n| log-likelihood of the generated ones | correlation with the logit |\n|---|---:|")
        for name, value in correlations(model, oracle, kinds["generated"]).items():
            print(f"| {name} | {value:.3f} |")
    except ValueError as error:  # the suite's own errors are, too
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
