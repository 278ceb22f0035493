"""One step by policy gradient of polyphonic SeqGAN at the published sizes, but for its batch.

    python scripts/benchmarks/polyphonic_step.py --batch_size=1

3,217 tokens, sequences of 100, hidden size 512, 32 roll-outs of each prefix, five windows of 20
with 400 filters. Published: batches of 32. `--sequence_level_reward` leaves roll-outs out, as the
released least-squares script does in effect. The first call is traced, the median of the others is
printed, with what a large matrix product reaches beside them. FLOP are those of matrix products,
counted from shapes.
"""

import argparse
import dataclasses
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from seqgan import SIDE, Vocabulary, count_flops

from tfmusicgan.models.polyphonic_seqgan import PolyphonicSeqGAN
from tfmusicgan.recipes.policy_gradient import DISCRIMINATOR, LIKELIHOOD, POLICY
from tfmusicgan.recipes.polyphonic_seqgan import PolyphonicSeqGANConfig
from tfmusicgan.training import strategy


@dataclasses.dataclass(frozen=True)
class Words(Vocabulary):
    """Tokens that stand for nothing, of which the start symbol is never drawn."""

    num_tokens: int = 3217
    length: int = 100

    @property
    def drawable(self) -> np.ndarray:
        """All but the start symbol."""
        return np.arange(self.num_tokens) > 0


def main() -> None:
    """Parses flags, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch_size", type=int, default=1, help="sequences of a step")
    parser.add_argument("--rounds", type=int, default=3, help="times that the step is timed")
    parser.add_argument("--sequence_level_reward", action="store_true", help="no roll-outs")
    parser.add_argument("--xla", action="store_true", help="compile the step with XLA")
    flags = parser.parse_args()
    strategy.prepare_devices()
    # The discriminator's phase is not run: one sample of each kind makes a batch.
    config = PolyphonicSeqGANConfig(
        batch_size=flags.batch_size,
        sequence_level_reward=flags.sequence_level_reward,
        discriminator_batch_size=2,
        negatives=1,
    )
    model = PolyphonicSeqGAN(config, Words(), seed=0)
    model.compile()
    flops = count_flops(model)
    count = flops[POLICY]
    if flags.sequence_level_reward:  # drawn as often as read, and scored once
        count = 4 / 3 * flops[LIKELIHOOD] + flops[DISCRIMINATOR] / 3
    print(f"{flags.batch_size} sequences: {count / 1e12:.3f} TFLOP a step", flush=True)
    first, seconds = time_step(model, flags)
    rate = time_product()
    print(f"first call {first:.1f} s, then {seconds:.2f} s, {count / seconds / 1e9:.0f} GFLOP/s")
    print(
        f"{SIDE} x {SIDE} product: {rate / 1e9:.0f} GFLOP/s; the step's share of it: "
        f"{count / seconds / rate:.0%}"
    )
    print(f"reward {float(model.logs()['reward']):.3f}")


def time_step(model: PolyphonicSeqGAN, flags: argparse.Namespace) -> tuple[float, float]:
    """Seconds of the first step, and the median of the others."""
    stage = [name for name, _ in model.model_config.phases()].index(POLICY)
    begins = model.stage_starts[stage - 1]
    model.begin_stage(begins)
    model.step.assign(begins)
    data = {"tokens": tf.zeros([model.rows_per_step, model.length], tf.int32)}
    step = tf.function(model.train_step, jit_compile=flags.xla)
    seconds = []
    for _ in range(1 + flags.rounds):
        begin = time.perf_counter()
        step(data)["policy_loss"].numpy()
        seconds.append(time.perf_counter() - begin)
        print(f"  {seconds[-1]:.2f} s", flush=True)
    return seconds[0], float(np.median(seconds[1:]))


def time_product() -> float:
    """The median rate of a large matrix product, in FLOP/s."""
    matrix = tf.constant(np.random.default_rng(0).normal(size=(SIDE, SIDE)), tf.float32)
    products = []
    for _ in range(20):
        begin = time.perf_counter()
        tf.matmul(matrix, matrix).numpy()
        products.append(time.perf_counter() - begin)
    return 2 * SIDE**3 / float(np.median(products))


if __name__ == "__main__":
    main()
