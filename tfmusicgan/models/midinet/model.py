"""MidiNet: melodies bar by bar, after the previous bar and over chords.

Li-Chia Yang, Szu-Yu Chou, Yi-Hsuan Yang: "MidiNet: A Convolutional Generative Adversarial Network
for Symbolic-domain Music Generation", ISMIR 2017, arXiv 1703.10847. Original code:
github.com/RichardYang40148/MidiNet at 1b0b484, folder v1.

In: noise [batch, 100] for each bar, its chord (13 numbers) and the picture of the bar before,
[batch, 16 steps, 128 pitches] of 0 and 1. Out: the bar's picture as logits, of which each step
keeps its highest pitch; bars follow each other, each given the one before as it was kept. Windows
`melody_bars` of whole numbers are what records hold and what decodes to a NoteSequence.

The paper's Model 1 is `midinet_melody`, Model 2 `midinet_stable`, Model 3 `midinet_creative`; they
differ in the config alone.

Differs from the paper, or from the released code where the two disagree:

* Sampling: batch normalisation uses moving statistics (decay 0.9), so that a melody depends on its
  own seed alone; the released code takes the sampled batch's. The moving statistics follow the
  generator's updates. In training the statistics are those of the batch of all devices.
* The batch: a bar of each of 72 windows, drawn anew in every step, moved to one of twelve keys; the
  released data are all bars in all keys, shuffled once and not again.
* The second update of the generator: its bars are made again, of the same noise, as written in the
  released code (`fresh_noise` draws new noise for every update).
* The second dense layer: 256 units as in the released code; the paper has 512, which go with Model
  1's 256 filters. The paper's argmax layer is no part of the training, as the authors say.
* Model 1's discriminator has 14 and 77 filters like the others', as ports have it.
* The minor chords' positions: those of their relative major, as in the authors' laboratory.
* The stride: along time alone; the released code's stride of 2 along one pitch does nothing.
* The chord: given to the discriminator four times, and to the dense layers of both networks, as in
  the released code; the paper's table of models has it in the transposed convolutions and in the
  discriminator's input.
* The bar before a window's first: none, also where the window begins in the middle of a sheet; in
  the paper's data that is so of a tab's first bar alone. With `hop_bars=4` (small presets) such a
  bar is learnt both ways.
* The tunes: any lead sheets in 4/4, each bar's longest chord as the triad of its third, melodies
  moved into the two octaves by octaves; the paper's TheoryTab is not to be had.

Of our own, and off by default: onsets and velocities (`MelodyBars`), which are further columns of
the picture beside the pitches and share the pitches' single bias (`columns_bias`); draws at a
temperature; averaged weights (`ema_decay`).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions

from tfmusicgan.errors import ConfigError
from tfmusicgan.models import noise
from tfmusicgan.models.midinet import chains, pieces
from tfmusicgan.models.midinet.networks import Conditioner, Discriminator, Generator
from tfmusicgan.models.midinet.training import MidiNetTraining
from tfmusicgan.models.midinet.triples import CHORD_SIZE
from tfmusicgan.models.signature import Signature
from tfmusicgan.recipes.midinet import NUM_UPSAMPLINGS, MidiNetConfig
from tfmusicgan.representations.melody_bars import NUM_PITCHES, MelodyBars

_SAMPLING_STREAM, _BANK_STREAM = 2, 3
# Progressions of the training data that melodies without given chords are made over.
_BANK_BITS = 6
BANK_SIZE = 2**_BANK_BITS


class MidiNet(MidiNetTraining):
    """The three models.

    Args:
      config: Sizes and training constants.
      representation: Decides steps and columns of a bar.
      seed: Of the initial weights and of all training noise.

    Raises:
      ConfigError: If the networks do not make bars of that many steps, or are to be given chords
        that the records do not have.
    """

    def __init__(
        self,
        config: MidiNetConfig,
        representation: MelodyBars,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(config, representation, seed, **kwargs)
        steps, width = representation.steps_per_bar, bar_width(representation)
        _check(config, representation)
        chord = CHORD_SIZE if config.chord_condition else 0
        self.conditioner = None
        if config.previous_bar_layers:
            self.conditioner = Conditioner(config, width, seed, name="conditioner")
        self.generator = Generator(config, steps, width, chord, seed, name="generator")
        # In full precision: what its batches have in common is far more than what they differ by,
        # which is what normalising them leaves.
        dtype = self.dtype_policy.variable_dtype
        self.discriminator = Discriminator(
            config, steps, width, chord, seed, name="discriminator", dtype=dtype
        )
        self.latent_table = noise.quantile_table(distributions.Normal(np.float64(0), np.float64(1)))
        self.chord_bank = None
        if config.chord_condition:
            self.chord_bank = self.add_weight(
                name="chord_bank",
                shape=(BANK_SIZE, representation.bars),
                dtype="int32",
                initializer="ones",  # C major
                trainable=False,
                aggregation="only_first_replica",
            )
        self.finish_building()

    @property
    def num_preparation_examples(self) -> int:
        """As many as the bank of progressions holds."""
        return 0 if self.chord_bank is None else BANK_SIZE

    def prepare(self, examples: Mapping[str, np.ndarray]) -> None:
        """Fills the bank of progressions.

        Args:
          examples: `melody_bars` int32 [n, bars, columns], n above 0; fewer than the bank holds
            are repeated.
        """
        rep = self.representation
        chords = examples[rep.name][..., rep.chord_column]
        self.chord_bank.assign(chords[np.arange(BANK_SIZE) % len(chords)])

    def piece_keys(self, seeds: tf.Tensor) -> noise.Key:
        """Keys of pieces: int64 [batch] to two uint32 [batch]."""
        return noise.fold(noise.key_from_seed(seeds), np.int64(_SAMPLING_STREAM))

    def own_chords(self, keys: noise.Key) -> tf.Tensor | None:
        """A progression of the bank for each piece: int32 [batch, bars]; None without chords.

        Args:
          keys: Two uint32 [batch], of the pieces.
        """
        if self.chord_bank is None:
            return None
        word, _ = noise.fold(keys, np.int64(_BANK_STREAM))
        index = tf.bitwise.right_shift(word, np.uint32(32 - _BANK_BITS))
        return tf.gather(tf.convert_to_tensor(self.chord_bank), tf.cast(index, tf.int32))

    def sample(
        self,
        seeds: tf.Tensor,
        chords: tf.Tensor | None = None,
        temperature: tf.Tensor | float = 0.0,
    ) -> dict[str, tf.Tensor]:
        """Writes a melody per seed, from scratch.

        Args:
          seeds: int64 [batch].
          chords: int32 [batch, bars], from 1 to 24; by default a progression of the bank, chosen by
            the seed. Only of models with chords.
          temperature: At least 0, a number or float32 [batch]; see `chains.choose`.

        Returns:
          `melody_bars`: int32 [batch, bars, columns].

        Raises:
          ConfigError: If chords are given to a model without.
        """
        if chords is not None and self.chord_bank is None:
            raise ConfigError(
                "Expected no chords: this model's chord_condition is false. Received: chords. "
                "Leave them out, or take a model with chords."
            )
        keys = self.piece_keys(seeds)
        chords = self.own_chords(keys) if chords is None else chords
        bars = self.representation.bars if chords is None else chords.shape[1]
        temperature = tf.broadcast_to(tf.cast(temperature, tf.float32), tf.shape(seeds))
        found = chains.write(self, keys, chords, bars, temperature)
        return {self.representation.name: tf.ensure_shape(found, [None, bars, None])}

    def sample_examples(self, seeds: tf.Tensor) -> dict[str, tf.Tensor]:
        """Writes a window of bars per seed: int64 [batch] to int32 [batch, bars, columns]."""
        return self.sample(seeds)

    def signatures(self) -> dict[str, Signature]:
        """`serving_default`, `generate` and `continue`, and of models with chords `harmonize`."""
        return pieces.signatures(self)


def bar_width(representation: MelodyBars) -> int:
    """Columns of a bar's picture: the pitches, and one each for onsets and velocities."""
    return NUM_PITCHES + representation.onsets + representation.velocities


def _check(config: MidiNetConfig, representation: MelodyBars) -> None:
    steps, half = representation.steps_per_bar, 2 ** (NUM_UPSAMPLINGS - 1)
    if steps % half or steps < 8:
        raise ConfigError(
            f"Expected bars of a multiple of {half} steps. Received: {steps}. Convert with another "
            "steps_per_beat."
        )
    if config.first_units % (steps // half):
        raise ConfigError(
            f"Expected first_units to divide by {steps // half}, the first map's steps. Received: "
            f"{config.first_units}. Change it with --set=first_units=NUMBER."
        )
    if config.chord_condition and representation.chords == "none":
        raise ConfigError(
            "Expected records with chords. Received: records of chords=none. Convert with "
            "chords=triads, or use --set=chord_condition=false."
        )
