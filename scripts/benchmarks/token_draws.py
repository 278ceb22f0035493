"""What drawing tokens costs beside the product that makes their logits.

    python scripts/benchmarks/token_draws.py

As SeqGAN's roll-outs do, 1,024 rows at a time: the product alone, with our draw in the same graph,
and with `tf.random.categorical`. The three alternate in one process; medians are printed, and what
a draw adds to the product.
"""

import argparse
import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from tfmusicgan.models import token_draws
from tfmusicgan.training import strategy


def main() -> None:
    """Parses flags, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1024, help="that draw at a time")
    parser.add_argument("--num_tokens", type=int, default=5000, help="size of the vocabulary")
    parser.add_argument("--hidden_size", type=int, default=32, help="of the generator")
    parser.add_argument("--rounds", type=int, default=200, help="times that each is timed")
    flags = parser.parse_args()
    strategy.prepare_devices()
    seconds = time_alternating(flags)
    product = seconds["product"]
    print(f"{flags.rows} rows, {flags.num_tokens:,} tokens, {flags.hidden_size} hidden units\n")
    print("| | ms | more than the product, ms | as a share of it |")
    print("|---|---:|---:|---:|")
    for name, value in seconds.items():
        more = f"{1e3 * (value - product):.2f} | {value / product - 1:.2f}"
        print(f"| {name} | {1e3 * value:.2f} | {' | ' if name == 'product' else more} |")


def time_alternating(flags: argparse.Namespace) -> dict[str, float]:
    """Median seconds of the product, and of the product with each way to draw."""
    rng = np.random.default_rng(0)
    hidden = tf.constant(rng.normal(size=(flags.rows, flags.hidden_size)), tf.float32)
    uniforms = tf.constant(rng.uniform(size=(flags.rows, 1)), tf.float32)
    shape = (flags.hidden_size, flags.num_tokens)
    kernel = tf.constant(rng.normal(size=shape), tf.float32)
    kernel, _ = token_draws.pad_output(kernel, tf.zeros(flags.num_tokens))
    ways = {
        "product": lambda logits, uniforms: logits,
        "product and our draw": token_draws.draw,
        "product and `tf.random.categorical`": lambda logits, _: tf.random.categorical(logits, 1),
    }
    tf.random.set_seed(1)
    steps = {name: _step(way) for name, way in ways.items()}
    seconds = {name: [] for name in steps}
    for _ in range(flags.rounds + 1):
        for name, step in steps.items():
            begin = time.perf_counter()
            step(hidden, kernel, uniforms)
            seconds[name].append(time.perf_counter() - begin)
    return {name: float(np.median(values[1:])) for name, values in seconds.items()}


def _step(way: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    def step(hidden: tf.Tensor, kernel: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
        return way(tf.matmul(hidden, kernel), uniforms)

    return tf.function(step, autograph=False)


if __name__ == "__main__":
    main()
