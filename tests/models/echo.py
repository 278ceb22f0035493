"""A model that plays its latents: its logits are exact whatever a row is batched with."""

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions

from tests.models.tiny import make_grid
from tfmusicgan.models.latents import Latent
from tfmusicgan.models.piano_roll_gan import PianoRollGAN
from tfmusicgan.recipes.piano_roll_gan import PianoRollGANConfig
from tfmusicgan.representations.packing import unpack_bytes


class _Echo(keras.layers.Layer):
    """One logit per latent number, moved by the piece's own number and by the given track."""

    def __init__(self, shape: tuple[int, ...]):
        super().__init__(name="generator")
        self.shape, self.seen = shape, []
        self.built = True

    def call(self, latents, given=None, **mode):
        if tf.executing_eagerly():
            self.seen.append([latent.numpy() for latent in latents])
        of_piece, of_phrase = latents
        x = tf.reshape(of_phrase, [-1, *self.shape]) - 2.0
        x += tf.reshape(tf.clip_by_value(of_piece, -1.0, 1.0), [-1, 1, 1, 1, 1])
        return x if given is None else x + 1.5 * given[..., tf.newaxis]


class EchoGAN(PianoRollGAN):
    """A piano-roll GAN around it, without a critic."""

    silence = 0.0

    def __init__(self, condition_track: str | None = None, **grid):
        config = PianoRollGANConfig(condition_track=condition_track, qpm=90.0)
        super().__init__(config, make_grid(**{"num_pitches": 24, "lowest_pitch": 48, **grid}))
        rep = self.representation
        shape = (rep.bars, rep.steps_per_bar, rep.num_pitches, self.num_generated)
        self.cells = int(np.prod(shape))
        self.generator = _Echo(shape)
        self.finish_building()

    @property
    def latents(self):
        return (Latent((1,), fixed=True), Latent((self.cells,)))

    @property
    def latent_prior(self):
        return distributions.Normal(np.float64(0), np.float64(1))


def traced(model, signature):
    """A signature's function; controls may be left out or be one number for all rows."""
    described = model.signatures()[signature]
    specs = {name: tf.TensorSpec(s.shape, s.dtype) for name, s in described.inputs.items()}
    # One graph for any number of rows, as in an export.
    function = tf.function(lambda given: described.function(**given), [specs], autograph=False)

    def ask(seeds, **controls):
        inputs = {}
        for name, spec in described.inputs.items():
            value = seeds if name == "seed" else controls.get(name, described.defaults[name])
            value = tf.convert_to_tensor(value, spec.dtype)
            inputs[name] = tf.broadcast_to(value, [len(seeds)])
        return {name: value.numpy() for name, value in function(inputs).items()}

    return ask


def unpack(model, texts):
    """The rolls of some rows: a list of bool [bars, time, pitch, tracks]."""
    shape = model.representation.spec["piano_roll"].shape
    return [unpack_bytes(text, shape) for text in texts]
