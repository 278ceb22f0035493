"""MuseGAN, hybrid model, generation from scratch.

Hao-Wen Dong, Wen-Yi Hsiao, Li-Chia Yang, Yi-Hsuan Yang: "MuseGAN: Multi-track Sequential Generative
Adversarial Networks for Symbolic Music Generation and Accompaniment", AAAI 2018, arXiv 1709.06298.
Original code: github.com/salu133445/musegan at 3c9a0dc, folder v1.

In: four kinds of latents per phrase (z shared and fixed, z_t shared and changing per bar, z_i
private and fixed, z_it private and changing). Out: a phrase as piano-roll, bool [bars, steps per
bar, pitches, tracks], which decodes to a NoteSequence.

Differs from the paper, or from the released code where the two disagree:

* Temporal generators: one set of weights per track, as the paper draws them; the released code
  shares one set (`share_temporal_generators`).
* Phrase critic: 3-D convolutions with the bar axis first. The released critic's reshape cuts each
  bar's features in four and never compares bars; a test shows it.
* Critic updates: a fresh batch and fresh noise each; the released code repeats one batch and noise
  within a step (`reuse_critic_batch`).
* Critic schedule: 5 updates per generator update throughout, as the paper says; the released code
  makes 100 for the first 25 generator updates and at every 500th (`critic_bursts`).
* Binarisation: the threshold alone, as the paper says; the released code also thins the bass to one
  pitch per step (`monophonic_bass`).
* Latents: standard deviation 0.1 as released (the paper gives none; `latent_stddev`).
* Sampling: batch normalisation uses moving statistics, so that a phrase depends on its own seed
  alone; the released code uses the statistics of the sampled batch. The moving statistics follow
  generator updates only, since the generator stands still during critic updates.
* Phrases: four bars, as in the paper; the released script cuts eight (the records' `bars`).
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions

from tfmusicgan.errors import ConfigError
from tfmusicgan.models import noise
from tfmusicgan.models.base import Signature
from tfmusicgan.models.musegan.critic import PhraseCritic
from tfmusicgan.models.musegan.generator import HybridGenerator
from tfmusicgan.models.wgan_gp import WassersteinGAN
from tfmusicgan.recipes.musegan import MuseGANHybridConfig
from tfmusicgan.representations import multitrack_piano_roll_graph as graph
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.packing_graph import pack_bits

_SAMPLING_STREAM = 2


class MuseGANHybrid(WassersteinGAN):
    """The hybrid model on `MultitrackPianoRoll` phrases.

    Args:
      config: Sizes and training constants.
      representation: Decides bars, steps per bar, pitches and tracks.
      seed: Of the initial weights and of all training noise.

    Raises:
      ConfigError: If the config's kernels do not multiply to the representation's sizes.
    """

    def __init__(
        self,
        config: MuseGANHybridConfig,
        representation: MultitrackPianoRoll,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(config, representation, seed, **kwargs)
        _check_sizes(config, representation)
        bars, tracks = representation.bars, representation.num_tracks
        self.generator = HybridGenerator(config, bars, tracks, seed, name="generator")
        self.critic = PhraseCritic(
            config,
            bars,
            representation.steps_per_bar,
            representation.num_pitches,
            tracks,
            seed,
            name="critic",
        )
        self.finish_building()

    @property
    def latent_shapes(self) -> tuple[tuple[int, ...], ...]:
        """z, z_t, z_i and z_it of one phrase."""
        size, tracks = self.model_config.latent_size, self.representation.num_tracks
        return ((size,), (size,), (tracks, size), (tracks, size))

    @property
    def latent_prior(self) -> distributions.Distribution:
        """Normal numbers, independent of each other."""
        return distributions.Normal(np.float64(0), np.float64(self.model_config.latent_stddev))

    def real_examples(self, data: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Piano-rolls as {-1, 1}: bool [rows, updates, ...] to float of the same shape."""
        rolls = data["piano_roll"]
        if self.examples_per_row == 1:  # the reader then leaves the axis of updates out
            rolls = rolls[:, tf.newaxis]
        return tf.where(rolls, 1.0, -1.0)

    def sample(self, seeds: tf.Tensor, **controls: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generates one phrase per seed.

        Args:
          seeds: int64 [batch].
          **controls: None.

        Returns:
          `activations`: float32 [batch, bars, time, pitch, tracks], within [-1, 1].
        """
        keys = noise.fold(noise.key_from_seed(seeds), np.int64(_SAMPLING_STREAM))
        total = sum(int(np.prod(shape)) for shape in self.latent_shapes)
        latents = noise.split(noise.draws(keys, total, self.latent_table), self.latent_shapes)
        return {"activations": self.generator(latents, training=False, update_statistics=False)}

    def binarise(self, activations: tf.Tensor, threshold: tf.Tensor | float = 0.0) -> tf.Tensor:
        """Activations above a threshold are notes (paper, section 5.2: 0).

        Args:
          activations: float32 [batch, bars, time, pitch, tracks], within [-1, 1].
          threshold: A number, or float32 [batch].

        Returns:
          bool of the same shape.
        """
        threshold = tf.reshape(tf.cast(threshold, tf.float32), [-1, 1, 1, 1, 1])
        rolls = activations > threshold
        if not self.model_config.monophonic_bass:
            return rolls
        highest = activations >= tf.reduce_max(activations, axis=3, keepdims=True)
        is_bass = [track.name == "bass" for track in self.representation.tracks]
        return rolls & (highest | tf.constant([not bass for bass in is_bass]))

    def sample_examples(self, seeds: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generates binary phrases: int64 [batch] to `piano_roll` bool [batch, ...]."""
        return {"piano_roll": self.binarise(self.sample(seeds)["activations"])}

    def signatures(self) -> dict[str, Signature]:
        """`serving_default` (seed) and `generate` (seed, threshold, qpm)."""
        seed = {"seed": tf.TensorSpec([None], tf.int64)}
        control = tf.TensorSpec([None], tf.float32)
        return {
            "serving_default": Signature(self._serve, seed, {"seed": 1}),
            "generate": Signature(
                self._generate,
                {**seed, "threshold": control, "qpm": control},
                {"seed": 1, "threshold": 0.0, "qpm": self.model_config.qpm},
                {"threshold": (-1.0, 1.0), "qpm": (20.0, 300.0)},
            ),
        }

    def _serve(self, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        rolls = self.sample_examples(seed)["piano_roll"]
        qpm = tf.fill(tf.shape(seed), np.float32(self.model_config.qpm))
        return {"note_sequence": graph.to_note_sequences(rolls, self.representation, qpm)}

    def _generate(
        self, seed: tf.Tensor, threshold: tf.Tensor, qpm: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        rolls = self.binarise(self.sample(seed)["activations"], threshold)
        return {
            "note_sequence": graph.to_note_sequences(rolls, self.representation, qpm),
            "piano_roll": pack_bits(rolls),
        }


def _check_sizes(config: MuseGANHybridConfig, representation: MultitrackPianoRoll) -> None:
    steps = config.first_steps * int(np.prod(config.time_kernels))
    pitches = int(np.prod(config.pitch_kernels))
    wanted = (representation.steps_per_bar, representation.num_pitches)
    if (steps, pitches) != wanted:
        raise ConfigError(
            f"Expected records of {steps} steps per bar and {pitches} pitches (first_steps times "
            f"time_kernels, pitch_kernels). Received: {wanted[0]} steps and {wanted[1]} pitches. "
            "Convert with the recipe's preset, or change the kernels with --set."
        )
    if representation.bars < 2:
        raise ConfigError(
            f"Expected phrases of at least 2 bars. Received: {representation.bars}. "
            "Convert with --bars=2 or more."
        )
