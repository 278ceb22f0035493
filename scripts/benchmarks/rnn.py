"""C-RNN-GAN's training steps and sampling at full length, and what their products need.

    python scripts/benchmarks/rnn.py
    python scripts/benchmarks/rnn.py --preset=small --rounds=3

Steps alternate with large matrix products in one process; medians are printed. FLOP are those of
matrix products, counted from shapes: two for each multiplication, and `needs` is their time at the
large product's rate. Small products, which a batch of 20 makes, run slower than large ones whoever
asks for them: `keras` is what two `keras.layers.LSTM` take to read what the discriminator's upper
layer reads, with their gradients, `ours` the same of `StackedLSTM`.
"""

import argparse
import dataclasses
import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from recurrent_steps import learn, print_table, time_alternating

from tfmusicgan import recipes, representations
from tfmusicgan.models.c_rnn_gan.lstm import StackedLSTM
from tfmusicgan.models.c_rnn_gan.model import CRNNGAN
from tfmusicgan.recipes.c_rnn_gan import ADVERSARIAL, PRETRAINING
from tfmusicgan.training import strategy

SAMPLES = 64


def main() -> None:
    """Parses flags, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="paper", choices=("paper", "small", "tiny"))
    parser.add_argument("--rounds", type=int, default=5, help="times that each step is timed")
    flags = parser.parse_args()
    strategy.prepare_devices()
    preset = recipes.get("c_rnn_gan").preset(flags.preset)
    representation = representations.get("note_events").from_parameters(preset.representation)
    # Whole sequences from the first step on.
    model = CRNNGAN(dataclasses.replace(preset.config, curriculum_events=0), representation)
    model.compile()
    steps, flops = make_steps(model), count_flops(model)
    seconds, rate = time_alternating(steps, flags.rounds)
    print_table(seconds, flops, rate)
    events = SAMPLES * model.length / seconds["sampling"]
    print(f"\nsampling: {events:,.0f} events per second, {SAMPLES} pieces at once")
    print(f"two LSTM layers: {seconds['keras'] / seconds['ours']:.2f} times as fast as Keras's")


def make_steps(model: CRNNGAN) -> dict[str, Callable[[], None]]:
    """The steps by name, traced; training steps on whole sequences."""
    rng = np.random.default_rng(0)
    shape = (model.model_config.batch_size, model.length, model.features)
    data = {"note_events": tf.constant(rng.normal(size=shape), tf.float32)}
    steps = {}
    for begin, phase, _ in model.all_stages:
        model.begin_stage(begin)
        step = tf.function(lambda given: model.train_step(given), autograph=False)
        step(data)  # traced in its stage
        steps[phase] = lambda step=step: next(iter(step(data).values())).numpy()
    sample = tf.function(model.sample_examples, autograph=False)
    seeds = tf.range(SAMPLES, dtype=tf.int64)
    steps["sampling"] = lambda: sample(seeds)["note_events"].numpy()
    steps |= _layers(model)
    for step in steps.values():
        step()
    return steps


def _layers(model: CRNNGAN) -> dict[str, Callable[[], None]]:
    """The discriminator's upper layer by itself, ours and Keras's, with gradients."""
    size, rows = model.model_config.hidden_size, 2 * model.model_config.batch_size
    inputs = tf.random.stateless_normal([2, model.length, rows, size], [1, 2])
    by_rows = tf.transpose(inputs, [0, 2, 1, 3])
    ours = StackedLSTM(2, size, size, seed=0, name="ours")
    theirs = [keras.layers.LSTM(size, return_sequences=True) for _ in range(2)]
    for layer in theirs:
        layer.build(by_rows.shape[1:])

    return {
        "ours": learn(lambda: [ours(inputs)], ours.trainable_variables),
        "keras": learn(
            lambda: [layer(x) for layer, x in zip(theirs, tf.unstack(by_rows), strict=True)],
            [v for layer in theirs for v in layer.trainable_variables],
        ),
    }


def count_flops(model: CRNNGAN) -> dict[str, float]:
    """FLOP of each step."""
    config, features, size = model.model_config, model.features, model.model_config.hidden_size
    written = 2 * (2 * features * size + 2 * 2 * size * 4 * size + size * features)
    scored = 2 * (2 * (features + size + 2 * size) * 4 * size + 2 * size)
    events = config.batch_size * model.length
    upper = 2 * 2 * size * 4 * size * 2  # two directions, input and state
    return {
        PRETRAINING: 3 * events * written,
        # Real and generated sequences are read and learnt from; through the generated ones alone
        # the generator's loss goes back.
        ADVERSARIAL: events * (3 * written + 2 * 3 * scored + scored),
        "sampling": SAMPLES * model.length * written,
        "ours": 3 * 2 * events * upper,
        "keras": 3 * 2 * events * upper,
    }


if __name__ == "__main__":
    main()
