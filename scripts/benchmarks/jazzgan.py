"""JazzGAN's training steps and sampling on whole phrases, and what their products need.

    python scripts/benchmarks/jazzgan.py
    python scripts/benchmarks/jazzgan.py --recipe=jazzgan_time_step --preset=small --rounds=3

Steps alternate with large matrix products in one process; medians are printed, as `rnn.py` does.
A step is as many updates of the generator as the config says and one of the discriminator; all
phrases have as many notes as they can: chords go on until the last, however long notes are. `ours`
and `keras` are a plain LSTM of the generator's sizes that reads what it reads, with its gradients:
`PeepholeLSTM` without peepholes and `keras.layers.LSTM`.
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
from tfmusicgan.models.jazzgan.lstm import PeepholeLSTM
from tfmusicgan.models.jazzgan.model import JazzGAN
from tfmusicgan.models.jazzgan.networks import Discriminator, Generator, Head
from tfmusicgan.recipes.jazzgan import LIKELIHOOD, PEEPHOLES
from tfmusicgan.representations.jazz_phrases import JazzPhrases
from tfmusicgan.representations.jazz_phrases_rhythm import rhythm_tokens
from tfmusicgan.training import strategy

SAMPLES = 64
RECIPES = ("jazzgan", "jazzgan_duration", "jazzgan_time_step")


def main() -> None:
    """Parses flags, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="jazzgan", choices=RECIPES)
    parser.add_argument("--preset", default="paper", choices=("paper", "small", "tiny"))
    parser.add_argument("--rounds", type=int, default=5, help="times that each step is timed")
    flags = parser.parse_args()
    strategy.prepare_devices()
    preset = recipes.get(flags.recipe).preset(flags.preset)
    representation = representations.get("jazz_phrases").from_parameters(preset.representation)
    model = JazzGAN(preset.config, endless(representation))
    model.compile()
    model.prepare(whole_phrases(model, (SAMPLES,)))
    steps, flops = make_steps(model), count_flops(model)
    seconds, rate = time_alternating(steps, flags.rounds)
    print_table(seconds, flops, rate)
    notes = SAMPLES * model.num_modelled / seconds["sampling"]
    print(f"\nsampling: {notes:,.0f} notes per second, {SAMPLES} phrases at once")
    print(f"an LSTM: {seconds['keras'] / seconds['ours']:.2f} times as fast as Keras's")


def endless(representation: JazzPhrases) -> JazzPhrases:
    """The representation with chords that no phrase reaches the end of before its last note."""
    steps = representation.max_notes * representation.longest
    return dataclasses.replace(representation, max_steps=steps)


def whole_phrases(model: JazzGAN, leading: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Phrases of as many notes as there can be, over chords that go on behind all of them."""
    rng, rep = np.random.default_rng(0), model.representation
    found = {
        name: np.zeros((*leading, *field.shape), field.dtype) for name, field in rep.spec.items()
    }
    found["pitches"] += rng.integers(0, 73, found["pitches"].shape).astype(np.int32)
    lengths = np.ones(found["rhythm"].shape, np.int64)
    found["rhythm"] += rhythm_tokens(lengths, found["first_step"], rep.encoding).astype(np.int32)
    found["num_notes"] += np.int32(rep.max_notes)
    found["num_steps"] += np.int32(rep.max_steps)
    return found


def make_steps(model: JazzGAN) -> dict[str, Callable[[], None]]:
    """The steps by name, traced."""
    leading = (model.model_config.batch_size, model.examples_per_row)
    data = {name: tf.constant(value) for name, value in whole_phrases(model, leading).items()}
    steps = {}
    for begin, phase in model.model_config.phases():
        model.begin_stage(begin)
        step = tf.function(lambda given: model.train_step(given), autograph=False)
        step(data)  # traced in its phase
        steps[phase] = lambda step=step: next(iter(step(data).values())).numpy()
    sample = tf.function(model.sample_examples, autograph=False)
    seeds = tf.range(SAMPLES, dtype=tf.int64)
    steps["sampling"] = lambda: sample(seeds)["pitches"].numpy()
    steps |= _layers(model)
    for step in steps.values():
        step()
    return steps


def _layers(model: JazzGAN) -> dict[str, Callable[[], None]]:
    """A plain LSTM of the generator's sizes, ours and Keras's, with gradients."""
    lstm, rows = model.generator.lstm, model.model_config.batch_size
    shape = [model.num_modelled, rows, lstm.input_size]
    inputs = tf.random.stateless_normal(shape, [1, 2])
    by_rows = tf.transpose(inputs, [1, 0, 2])
    ours = PeepholeLSTM(lstm.input_size, lstm.hidden_size, 0, 0.1, peepholes=False)
    theirs = keras.layers.LSTM(lstm.hidden_size, return_sequences=True)
    theirs.build(by_rows.shape)
    zeros = tf.zeros([rows, lstm.hidden_size])

    return {
        "ours": learn(lambda: [ours(inputs, (zeros, zeros))], ours.trainable_variables),
        "keras": learn(lambda: [theirs(by_rows)], theirs.trainable_variables),
    }


def count_flops(model: JazzGAN) -> dict[str, float]:
    """FLOP of each step; phrases are written to the last note that they can have."""
    config, notes = model.model_config, model.num_modelled
    said = _per_note(model.generator, config.cell == PEEPHOLES)
    scored = _per_note(model.discriminator, config.cell == PEEPHOLES)
    phrases = config.batch_size * notes
    discriminated = phrases * (said + 3 * 2 * scored)  # written; then both kinds, read and learnt
    lstm = model.generator.lstm
    plain = 2 * 4 * lstm.hidden_size * (lstm.input_size + lstm.hidden_size)
    of_update = {LIKELIHOOD: 3 * said, "policy": said + scored + 3 * said}
    found = {
        phase: config.generator_updates * phrases * of_update[phase] + discriminated
        for _, phase in config.phases()
    }
    return {
        **found,
        "sampling": SAMPLES * notes * said,
        "ours": 3 * phrases * plain,
        "keras": 3 * phrases * plain,
    }


def _per_note(network: Generator | Discriminator, peepholes: bool) -> float:
    """FLOP of a note that a network reads, forwards."""
    lstm = network.lstm
    size = lstm.hidden_size
    products = 4 * size * (lstm.input_size + size) + 4 * size * size * peepholes
    if isinstance(network, Discriminator):
        return 2 * (products + size)
    heads: list[Head | None] = [network.pitch, network.rhythm]
    for head in heads:
        if head is not None:
            products += head.kernel.shape[1] * (size + head.token_bias.shape[0])
    return 2 * products


if __name__ == "__main__":
    main()
