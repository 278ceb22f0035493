"""MidiNet's training step beside its multiplications, and sampling of many melodies.

    python scripts/benchmarks/midinet.py --recipe=midinet_creative --melodies=10000

Prints seconds per training step inside the graph, at the published sizes on made-up windows; how
many operations its matrix products have, and with what share of a large product's rate they run;
the discriminator's first convolution as one writes it with `tf.nn.conv2d`, on a map for each of the
chord's numbers; and seconds for so many melodies of eight bars, in batches.
"""

import argparse
import os
import pathlib
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from training_step import product_flops, seconds_per

from tfmusicgan import models, recipes, representations
from tfmusicgan.training import strategy
from tfmusicgan.training.sampler import Sampler

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from gpu_check.flops import graph_flops


def main() -> None:
    """Parses flags, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="midinet_creative", help="recipe")
    parser.add_argument("--preset", default="paper", help="its preset")
    parser.add_argument("--steps", type=int, default=50, help="steps to time")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the fastest counts")
    parser.add_argument("--melodies", type=int, default=10_000, help="melodies to sample")
    parser.add_argument("--sampling_batch", type=int, default=512, help="melodies at once")
    flags = parser.parse_args()
    strategy.prepare_devices()
    recipe = recipes.get(flags.recipe)
    chosen = recipe.preset(flags.preset)
    rep = representations.get(recipe.representation).from_parameters(chosen.representation)
    model = models.get(recipe.model)(chosen.config, rep)
    model.compile(jit_compile=strategy.use_xla())
    measure_step(model, flags.steps, flags.rounds)
    measure_sampling(model, flags.melodies, flags.sampling_batch)


def measure_step(model, steps: int, rounds: int) -> None:
    """Times the step and the products that it consists of."""
    batch = {model.representation.name: tf.constant(made_up_windows(model))}
    step = tf.function(model.train_step, autograph=False, jit_compile=strategy.use_xla())
    step(batch)
    flops = graph_flops(step.get_concrete_function(batch))
    plain = tf.function(lambda: plain_passes(model), autograph=False)
    plain()
    ours, theirs, product = [], [], []
    for _ in range(rounds):
        ours.append(seconds_per(lambda: step(batch), steps))
        theirs.append(seconds_per(plain, steps))
        product.append(product_flops())
    rate = flops / min(ours)
    print(f"training step: {min(ours) * 1e3:.2f} ms, {model.rows_per_step / min(ours):.0f} bars/s")
    print(
        f"matrix products: {flops / 1e9:.2f} GFLOP a step, {rate / 1e9:.1f} GFLOP/s, "
        f"{rate / max(product):.0%} of a 2048 x 2048 product's {max(product) / 1e9:.0f}"
    )
    print(
        f"first convolution of the discriminator, forward and back: {min(theirs) * 1e3:.2f} ms as "
        "a convolution of all maps"
    )


def plain_passes(model) -> list[tf.Tensor]:
    """The discriminator's first convolution on stacked maps, and its gradients."""
    rep, rows = model.representation, model.rows_per_step
    kernel = tf.convert_to_tensor(model.discriminator.kernel)
    bars = tf.ones([rows, rep.steps_per_bar, kernel.shape[1], kernel.shape[2]])
    with tf.GradientTape() as tape:
        tape.watch(bars)
        tape.watch(kernel)
        score = tf.reduce_sum(tf.nn.conv2d(bars, kernel, 2, "VALID"))
    return [tf.reduce_sum(gradient) for gradient in tape.gradient(score, [bars, kernel])]


def measure_sampling(model, melodies: int, batch: int) -> None:
    """Times whole melodies as the evaluation samples them."""
    sampler = Sampler(model, batch)
    sampler.examples(np.arange(batch, dtype=np.int64))
    begin = time.perf_counter()
    found = sampler.examples(np.arange(melodies, dtype=np.int64))[model.representation.name]
    seconds = time.perf_counter() - begin
    bars = found.shape[1]
    print(f"sampling: {melodies} melodies of {bars} bars in {seconds:.1f} s, {batch} at once")


def made_up_windows(model) -> np.ndarray:
    """Windows of random pitches and chords for one step."""
    rep, rng = model.representation, np.random.default_rng(0)
    windows = np.zeros((model.rows_per_step, rep.bars, rep.num_columns), np.int32)
    steps = rep.steps_per_bar
    windows[..., :steps] = rng.integers(60, 84, windows[..., :steps].shape)
    windows[..., rep.chord_column] = rng.integers(1, 25, windows.shape[:2])
    return windows


if __name__ == "__main__":
    main()
