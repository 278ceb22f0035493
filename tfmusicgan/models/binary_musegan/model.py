"""BinaryMuseGAN: phrases that are binary during training as well, through binary neurons.

Hao-Wen Dong, Yi-Hsuan Yang: "Convolutional Generative Adversarial Networks with Binary Neurons for
Polyphonic Music Generation", ISMIR 2018, arXiv 1804.09399.
Original code: github.com/salu133445/bmusegan at bdda818.

In: one latent vector per phrase. Out: a phrase as piano-roll, bool [bars, steps per bar, pitches,
tracks], which decodes to a NoteSequence.

Differs from the paper, or from the released code where the two disagree:

* Batch normalisation normalises: the released code calls it in inference mode while it trains, so
  that each layer is a learnt scale and shift. Sampling uses moving statistics.
* Chroma stream: pitches are folded to their pitch classes whatever the lowest pitch.
* Second stage: the batch stays as large as in the first (released: 16 instead of 32), and the
  generator, frozen, runs as it does for sampling, so that the refiner learns to refine that.
* Critic updates: a fresh batch and fresh noise each; the released code repeats one batch and noise
  within a step (`reuse_critic_batch`), and makes 100 updates at some steps (`critic_bursts`).
* End-to-end training runs: as released, its class fails on a sub-network that was never stored.
* Data: all phrases of the eight tracks, in `paper` of pieces by the rules of the cleansed Lakh
  Pianoroll Dataset (one meter, 4/4, from a whole first bar); the paper's are six random phrases of
  each of its songs that is tagged as alternative.
"""

import numpy as np
from tensorflow_probability import distributions

from tfmusicgan.models.binary_musegan.critic import BinaryMuseGANCritic
from tfmusicgan.models.binary_musegan.generator import BinaryMuseGANGenerator
from tfmusicgan.models.latents import Latent
from tfmusicgan.models.piano_roll_gan import PianoRollGAN
from tfmusicgan.recipes.binary_musegan import BinaryMuseGANConfig
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll


class BinaryMuseGAN(PianoRollGAN):
    """Generator with sigmoid outputs, critic of several streams, and a refiner per track.

    Args:
      config: Sizes and training constants.
      representation: Decides bars, steps per bar, pitches and tracks.
      seed: Of the initial weights and of all training noise.

    Raises:
      ConfigError: If the config's kernels do not multiply to the representation's sizes.
    """

    silence = 0.0

    def __init__(
        self,
        config: BinaryMuseGANConfig,
        representation: MultitrackPianoRoll,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(config, representation, seed, **kwargs)
        self.generator = BinaryMuseGANGenerator(config, representation, seed, name="generator")
        self.critic = BinaryMuseGANCritic(config, representation, seed, name="critic")
        self.finish_building()

    @property
    def latents(self) -> tuple[Latent, ...]:
        """One vector, each phrase's own."""
        return (Latent((self.model_config.latent_size,)),)

    @property
    def latent_prior(self) -> distributions.Distribution:
        """Normal numbers, independent of each other."""
        return distributions.Normal(np.float64(0), np.float64(self.model_config.latent_stddev))
