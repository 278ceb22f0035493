"""SeqGAN's three kinds of training steps at the published sizes, and what their operations need.

    python scripts/benchmarks/seqgan.py
    python scripts/benchmarks/seqgan.py --small

Vocabulary 5,000, 20 tokens, batches of 64, 16 roll-outs; small: vocabulary 500 and a quarter of the
filters, where the number of operations counts for more than their size. The steps alternate with
large matrix products in one process; medians are printed. `straightforward` is the generator's step
with one batch of roll-outs for each prefix and repetition and `tf.random.categorical`, as the
released code has it; with our draws its values are compared with ours before anything is timed.

FLOP are those of matrix products, counted from shapes: two for each multiplication. `needs` is
their time at the large product's rate.

The generator's step by policy gradient is also compared with likelihood training on as many tokens
as it draws, its own sequences and all completions.
"""

import argparse
import dataclasses
import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from plain_roll_outs import PlainRollOuts

from tfmusicgan.models import policy_gradient, roll_outs
from tfmusicgan.models.seqgan import SeqGAN
from tfmusicgan.recipes.policy_gradient import DISCRIMINATOR, LIKELIHOOD, POLICY
from tfmusicgan.recipes.seqgan import SeqGANConfig
from tfmusicgan.representations.base import FieldSpec
from tfmusicgan.training import strategy

SIDE = 2048  # of the large product


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Tokens that stand for nothing: what a model asks of its representation, without music."""

    num_tokens: int = 5000
    length: int = 20
    start_token: int = 0

    @property
    def spec(self) -> dict[str, FieldSpec]:
        """The one field."""
        return {"tokens": FieldSpec((self.length,), "int32", "tokens")}


def main() -> None:
    """Parses flags, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="times that each step is timed")
    parser.add_argument("--plain_rounds", type=int, default=1, help="of the straightforward step")
    parser.add_argument("--small", action="store_true", help="the small sizes")
    flags = parser.parse_args()
    strategy.prepare_devices()
    model = SeqGAN(*(small_sizes() if flags.small else (SeqGANConfig(), Vocabulary())), seed=0)
    model.compile()
    steps = make_steps(model)
    flops = count_flops(model)
    print(f"largest relative difference of values: {compare_values(model):.1e}\n", flush=True)
    seconds, rate = time_alternating(steps, flags)
    print(f"{SIDE} x {SIDE} product between the steps: {rate / 1e9:.0f} GFLOP/s\n")
    print("| step | GFLOP | needs, s | s | times what it needs | of the product's rate |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, count in flops.items():
        needs = count / rate
        print(
            f"| {name} | {count / 1e9:.1f} | {needs:.4f} | {seconds[name]:.4f} | "
            f"{seconds[name] / needs:.2f} | {needs / seconds[name]:.0%} |"
        )
    print(f"\ngenerator's step: {seconds['straightforward'] / seconds[POLICY]:.2f} times as fast")
    drawn = count_drawn(model)
    read = model.model_config.batch_size * model.length
    as_many = seconds[LIKELIHOOD] * drawn / read
    print(
        f"{drawn:,} tokens drawn; likelihood steps over as many tokens: {as_many:.2f} s; "
        f"generator's step: {seconds[POLICY] / as_many:.2f} times that"
    )


def small_sizes() -> tuple[SeqGANConfig, Vocabulary]:
    """A tenth of the vocabulary and a quarter of the filters."""
    config = SeqGANConfig()
    filters = tuple(number // 4 for number in config.filters)
    return dataclasses.replace(config, filters=filters), Vocabulary(num_tokens=500)


def make_steps(model: SeqGAN) -> dict[str, Callable[[], None]]:
    """The model's steps by phase, traced, and the straightforward one."""
    config, names = model.model_config, list(model.model_config.phases())
    rng = np.random.default_rng(0)
    shape = (config.batch_size, model.length)
    tokens = tf.constant(rng.integers(0, model.representation.num_tokens, shape), tf.int32)
    steps = {}
    for phase in (LIKELIHOOD, DISCRIMINATOR, POLICY):
        stage = [name for name, _ in names].index(phase)
        begins = (0, *model.stage_starts)[stage]
        model.begin_stage(begins)
        model.step.assign(begins)
        model.start_stage(begins)
        data = {"tokens": tokens[: model.rows_per_step]}
        step = tf.function(model.train_step)
        step(data)
        steps[phase] = lambda step=step, data=data: next(iter(step(data).values())).numpy()
    plain = PlainRollOuts(model)
    learn = tf.function(_learn)
    sample = tf.function(lambda keys: roll_outs.sample(model.generator, keys, model.length))

    def straightforward() -> None:
        keys = model.step_keys(config.batch_size)
        sequences = sample(keys)
        learn(model, sequences, plain.action_values(sequences, keys)).numpy()

    straightforward()
    steps["straightforward"] = straightforward
    return steps


def _learn(model: SeqGAN, sequences: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    loss, _ = model.minimise(
        lambda: policy_gradient.policy_loss(model.generator(sequences), sequences, values),
        model.generator.trainable_variables,
        model.optimizers()[f"{POLICY}_optimizer"],
        model.model_config.gradient_clip_norm,
    )
    return loss


def compare_values(model: SeqGAN) -> float:
    """Largest difference between our action values and the straightforward ones, as a share."""
    keys = model.step_keys(4)
    sequences = roll_outs.sample(model.generator, keys, model.length)
    plain = PlainRollOuts(model, by_our_draws=True).action_values(sequences, keys)
    return float(tf.reduce_max(tf.abs(model.draw_values(sequences, keys) / plain - 1)))


def count_flops(model: SeqGAN) -> dict[str, float]:
    """FLOP of each step."""
    config, length = model.model_config, model.length
    rows, tokens = config.batch_size, model.representation.num_tokens
    hidden, embedding = config.hidden_size, config.embedding_size
    recurrent, output = 2 * hidden * 4 * hidden, 2 * hidden * tokens
    read = rows * length * (2 * embedding * 4 * hidden + recurrent + output)
    sampled = rows * length * (recurrent + output)
    # From a prefix of p tokens on, one row's first draws share logits; later ones have their own.
    later = rows * config.roll_outs * sum(length - kept - 1 for kept in range(1, length))
    shared = rows * (length - 1)
    completed = later * (recurrent + output) + shared * output
    windows = zip(config.windows, config.filters, strict=True)
    size = config.discriminator_embedding_size
    score = sum(2 * w * size * number * (length - w + 1) for w, number in windows)
    features = model.discriminator.features
    score += 2 * 2 * features**2 + 2 * features
    scored = rows * (config.roll_outs * (length - 1) + 1) * score
    # Windows within a prefix are scored once for all of its completions.
    shared_windows = sum(
        2 * w * size * number * max(0, kept - w + 1)
        for w, number in zip(config.windows, config.filters, strict=True)
        for kept in range(1, length)
    )
    shared_windows *= rows * config.roll_outs
    again = rows * config.roll_outs
    from_the_start = again * sum(
        length * recurrent + (length - p) * output for p in range(1, length)
    )
    return {
        LIKELIHOOD: 3 * read,
        DISCRIMINATOR: 3 * rows * score,
        POLICY: sampled + read + completed + scored - shared_windows + 2 * read,
        "straightforward": sampled + from_the_start + again * length * score + 3 * read,
    }


def count_drawn(model: SeqGAN) -> int:
    """Tokens that a generator's step draws: its sequences and the completions of all prefixes."""
    config, length = model.model_config, model.length
    completions = sum(length - kept for kept in range(1, length))
    return config.batch_size * (length + config.roll_outs * completions)


def time_alternating(
    steps: dict[str, Callable[[], None]], flags: argparse.Namespace
) -> tuple[dict[str, float], float]:
    """Median seconds of each step, and the median rate of a large product in FLOP/s."""
    matrix = tf.constant(np.random.default_rng(0).normal(size=(SIDE, SIDE)), tf.float32)
    seconds = {name: [] for name in steps}
    products = []
    for turn in range(max(flags.rounds, flags.plain_rounds)):
        for name, step in steps.items():
            if turn >= (flags.plain_rounds if name == "straightforward" else flags.rounds):
                continue
            for _ in range(1 if name in (POLICY, "straightforward") else 20):
                begin = time.perf_counter()
                step()
                seconds[name].append(time.perf_counter() - begin)
            begin = time.perf_counter()
            tf.matmul(matrix, matrix).numpy()
            products.append(time.perf_counter() - begin)
    rate = 2 * SIDE**3 / float(np.median(products))
    return {name: float(np.median(values)) for name, values in seconds.items()}, rate


if __name__ == "__main__":
    main()
