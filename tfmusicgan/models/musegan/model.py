"""MuseGAN: the jamming, composer and hybrid models, from scratch and to a given track.

Hao-Wen Dong, Wen-Yi Hsiao, Li-Chia Yang, Yi-Hsuan Yang: "MuseGAN: Multi-track Sequential Generative
Adversarial Networks for Symbolic Music Generation and Accompaniment", AAAI 2018, arXiv 1709.06298.
Original code: github.com/salu133445/musegan at 3c9a0dc, folder v1.

In: latents per phrase, of up to four kinds (z shared and fixed, z_t shared and changing per bar,
z_i private and fixed, z_it private and changing), and one track of the phrase if the config names
a `condition_track`. Out: a phrase as piano-roll, bool [bars, steps per bar, pitches, tracks],
which decodes to a NoteSequence.

Differs from the paper, or from the released code where the two disagree:

* Temporal generators: one set of weights per track, as the paper draws them; the released code
  shares one set (`share_temporal_generators`).
* Phrase critic: 3-D convolutions with the bar axis first. The released critic's reshape cuts each
  bar's features in four and never compares bars; a test shows it.
* Jamming: one critic per track, as in the paper; the released code has one for all
  (`private_critics`). To a given track, each of them sees that track beside its own: alone, none
  could tell whether the two go together.
* Given track: phrases of one bar have one noise draw per bar, as in the paper; longer phrases have
  the latents of generation from scratch and the encoder's maps of each bar, which the released code
  never wired up. The composer's own version of the given track is replaced before the critic sees
  it; the released code lets it play all five.
* Critic updates: a fresh batch and fresh noise each; the released code repeats one batch and noise
  within a step (`reuse_critic_batch`).
* Critic schedule: 5 updates per generator update throughout, as the paper says; the released code
  makes 100 for the first 25 generator updates and at every 500th (`critic_bursts`, whose steps
  without a generator update count as training steps too).
* Binarisation: the threshold alone, as the paper says; the released code also thins the bass to one
  pitch per step (`monophonic_bass`). BinaryMuseGAN's refiner and neurons are an option (`refiner`).
* Latents: standard deviation 0.1 as released (the paper gives none; `latent_stddev`).
* Sampling: batch normalisation uses moving statistics, so that a phrase depends on its own seed
  alone; the released code uses the statistics of the sampled batch. The moving statistics follow
  generator updates only, since the generator stands still during critic updates. Those of bar
  generator and encoder are of all bars of a phrase together; the released code calls both once for
  each bar, with statistics of that bar.
* Phrases: four bars, as in the paper, but cut one after the other from a piece's first bar on; the
  paper cuts songs into sections by their structure first, and the released script cuts windows of
  eight bars (the records' `bars`). Pieces are not chosen by genre: the paper's are Rock songs.
  Their key, C, is chosen where pieces can name one: the Lakh Pianoroll Dataset's cannot.
* Long pieces: phrases one after the other, which share z and z_i (style and groove).
"""

import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions

from tfmusicgan.errors import ConfigError
from tfmusicgan.models.latents import Latent
from tfmusicgan.models.musegan.critic import PhraseCritic
from tfmusicgan.models.musegan.generator import PhraseGenerator, latent_size, num_latent_kinds
from tfmusicgan.models.piano_roll_gan import PianoRollGAN
from tfmusicgan.recipes.musegan import MuseGANConfig
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll


class MuseGAN(PianoRollGAN):
    """Base of the three models, which differ in their latents (paper, "MuseGAN").

    Args:
      config: Sizes and training constants.
      representation: Decides bars, steps per bar, pitches and tracks.
      seed: Of the initial weights and of all training noise.

    Raises:
      ConfigError: If the config's kernels do not multiply to the representation's sizes, or there
        is no such condition track.
    """

    silence = -1.0
    shared_latents: bool
    private_latents: bool

    def __init__(
        self,
        config: MuseGANConfig,
        representation: MultitrackPianoRoll,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(config, representation, seed, **kwargs)
        kinds = (self.shared_latents, self.private_latents)
        _check_sizes(config, representation)
        _check_latents(config, kinds, representation.bars)
        bars, tracks = representation.bars, representation.num_tracks
        self.generator = PhraseGenerator(
            config, *kinds, bars, tracks, seed, self.condition_track, name="generator"
        )
        self.critic = PhraseCritic(
            config,
            bars,
            representation.steps_per_bar,
            representation.num_pitches,
            self.view_tracks,
            seed,
            critics=self.num_generated if config.private_critics else None,
            name="critic",
        )
        self.finish_building()

    @property
    def latents(self) -> tuple[Latent, ...]:
        """z, z_t, z_i and z_it of one phrase, as far as the model has them."""
        bars = self.representation.bars
        size = latent_size(self.model_config, self.shared_latents, self.private_latents, bars)
        kinds = [(size,)] * self.shared_latents
        kinds += [(self.num_generated, size)] * self.private_latents
        if bars == 1:  # one draw per bar
            return tuple(Latent(shape) for shape in kinds)
        return tuple(Latent(shape, fixed) for shape in kinds for fixed in (True, False))

    @property
    def latent_prior(self) -> distributions.Distribution:
        """Normal numbers, independent of each other."""
        return distributions.Normal(np.float64(0), np.float64(self.model_config.latent_stddev))

    def critic_view(self, examples: tf.Tensor) -> tf.Tensor:
        """The phrases of all tracks or of each critic's, arranged as the critic takes them."""
        return self.critic.arrange(super().critic_view(examples))


class MuseGANJamming(MuseGAN):
    """Every track with latents and a bar generator of its own."""

    shared_latents, private_latents = False, True


class MuseGANComposer(MuseGAN):
    """Shared latents, and one bar generator that plays all tracks."""

    shared_latents, private_latents = True, False


class MuseGANHybrid(MuseGAN):
    """Shared and private latents, and a bar generator per track."""

    shared_latents, private_latents = True, True


def _check_sizes(config: MuseGANConfig, representation: MultitrackPianoRoll) -> None:
    steps = config.first_steps * int(np.prod(config.time_kernels))
    pitches = int(np.prod(config.pitch_kernels))
    wanted = (representation.steps_per_bar, representation.num_pitches)
    if (steps, pitches) != wanted:
        raise ConfigError(
            f"Expected records of {steps} steps per bar and {pitches} pitches (first_steps times "
            f"time_kernels, pitch_kernels). Received: {wanted[0]} steps and {wanted[1]} pitches. "
            "Convert with the recipe's preset, or change the kernels with --set."
        )


def _check_latents(config: MuseGANConfig, kinds: tuple[bool, bool], bars: int) -> None:
    count = num_latent_kinds(*kinds, bars)
    if config.latent_size % count:
        raise ConfigError(
            f"Expected latent_size to divide by {count}, the kinds of latents. Received: "
            f"{config.latent_size}. Change it with --set=latent_size=NUMBER."
        )
