"""Tiny JazzGANs and made-up phrases for their tests."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfmusicgan import recipes
from tfmusicgan.models.jazzgan.model import JazzGAN
from tfmusicgan.models.jazzgan.phrases import Phrases
from tfmusicgan.representations.jazz_phrases import REST, JazzPhrases
from tfmusicgan.representations.jazz_phrases_rhythm import TIME_STEP, rhythm_tokens


def make_model(name: str = "jazzgan", rep: dict | None = None, **changes) -> JazzGAN:
    """A recipe's untrained `tiny` model, with some of its hyperparameters changed."""
    preset = recipes.get(name).preset("tiny")
    representation = JazzPhrases.from_parameters({**preset.representation, **(rep or {})})
    return JazzGAN(dataclasses.replace(preset.config, **changes), representation, seed=3)


def make_phrases(rep: JazzPhrases, *leading: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Random phrases with rests: the representation's fields, [*leading, ...] each."""
    rng = np.random.default_rng(seed)
    number = int(np.prod(leading))
    found = {
        name: np.zeros((number, *field.shape), field.dtype) for name, field in rep.spec.items()
    }
    for row in range(number):
        count = int(rng.integers(rep.primer_notes + 1, rep.max_notes + 1))
        lengths = np.ones(count, np.int64)
        if rep.encoding != TIME_STEP:
            lengths = rng.choice([3, 4, 6, 12], count)
            lengths = lengths[np.cumsum(lengths) <= rep.max_steps]
        count, first = len(lengths), int(rng.integers(48))
        found["pitches"][row, :count] = rng.choice([20, 24, 27, 31, 72, REST], count)
        found["rhythm"][row, :count] = rhythm_tokens(lengths, first, rep.encoding)
        found["num_notes"][row], found["first_step"][row] = count, first
        steps = found["num_steps"][row] = lengths.sum()
        found["chord_roots"][row, :steps] = np.repeat(rng.integers(0, 12, steps), 10)[:steps]
        found["chord_tones"][row, :steps] = rng.random((steps, 12)) < 0.3
        found["chord_tones"][row, :steps, 0] = 1
    return {name: values.reshape(*leading, *values.shape[1:]) for name, values in found.items()}


def make_batch(model: JazzGAN, rows: int = 4, seed: int = 0) -> dict[str, tf.Tensor]:
    """A batch as the reader gives it for one training step."""
    examples = make_phrases(model.representation, rows, model.examples_per_row, seed=seed)
    return {name: tf.constant(values) for name, values in examples.items()}


def read(model: JazzGAN, examples: dict[str, np.ndarray]) -> Phrases:
    """Examples as the networks take them."""
    tensors = {name: tf.constant(values) for name, values in examples.items()}
    return Phrases.of(tensors, model.representation)
