"""What MuseGAN and BinaryMuseGAN share: outputs, binary neurons, and the given track.

The generator's last layer gives numbers before any activation. The critic sees them through a tanh
(notes are 1, silence -1) or a sigmoid (1 and 0), or through a refiner and binary neurons; sampling
reads them as logits, whose sigmoid is the probability of a note: (tanh(x) + 1) / 2 = sigmoid(2 x).
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.errors import ConfigError
from tfmusicgan.models import (
    augmentation,
    binarisation,
    given_tracks,
    noise,
    piano_roll_pieces,
    refining,
)
from tfmusicgan.models.latents import Latent, phrase_latents
from tfmusicgan.models.signature import Signature
from tfmusicgan.models.wasserstein import WassersteinGAN
from tfmusicgan.recipes.piano_roll_gan import PianoRollGANConfig
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll

_SAMPLING_STREAM = 2
_TRANSPOSITION_STREAM = -2  # of training noise


class PianoRollGAN(WassersteinGAN):
    """A Wasserstein GAN on `MultitrackPianoRoll` phrases.

    Subclasses set `silence` (-1 for tanh outputs, 0 for sigmoid), `latents`, `self.generator` and
    `self.critic`. The generator is called with latents and the given track ([rows, bars, steps,
    pitches], `silence` or 1; None without) and returns numbers before the activation, [rows, bars,
    steps, pitches, generated tracks].

    Args:
      config: Sizes and training constants.
      representation: Decides bars, steps per bar, pitches and tracks.
      seed: Of the initial weights and of all training noise.

    Raises:
      ConfigError: If the representation has no such condition track, or no bass to thin.
    """

    silence: float

    def __init__(
        self,
        config: PianoRollGANConfig,
        representation: MultitrackPianoRoll,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(config, representation, seed, **kwargs)
        self.condition_track = given_tracks.index_of(config.condition_track, representation)
        self.is_bass = [track.name == "bass" for track in representation.tracks]
        if config.monophonic_bass and not any(self.is_bass):
            raise ConfigError(
                "Expected a track named bass with monophonic_bass. Received: "
                f"{', '.join(track.name for track in representation.tracks)}. Use "
                "--set=monophonic_bass=false."
            )
        self.refiner = refining.make_refiner(config, self.num_generated, seed)
        self.given_bank = None
        if self.condition_track is not None:
            self.given_bank = self.add_weight(
                name="given_bank",
                shape=given_tracks.bank_shape(representation),
                dtype="bool",  # workers send their variables to each other: no bytes
                initializer="zeros",
                trainable=False,
                aggregation="only_first_replica",
            )

    @property
    def latents(self) -> tuple[Latent, ...]:
        """The latents of one phrase in the order that the generator takes them."""
        raise NotImplementedError

    @property
    def latent_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of one phrase's latents."""
        return tuple(latent.shape for latent in self.latents)

    @property
    def num_generated(self) -> int:
        """Tracks that the generator plays."""
        return self.representation.num_tracks - (self.condition_track is not None)

    @property
    def view_tracks(self) -> int:
        """Tracks that one critic sees: all, or its own and the given one."""
        if not self.model_config.private_critics:
            return self.representation.num_tracks
        return 1 + (self.condition_track is not None)

    @property
    def sampled_networks(self) -> tuple[keras.layers.Layer, ...]:
        """The generator, and the refiner if there is one."""
        return (self.generator,) if self.refiner is None else (self.generator, self.refiner)

    @property
    def stage_starts(self) -> tuple[int, ...]:
        """Where the refiner comes in, unless it is there from the beginning."""
        first = self.model_config.first_stage_steps
        return (first,) if first else ()

    @property
    def refines(self) -> bool:
        """Whether phrases go through the refiner in this stage."""
        return self.refiner is not None and self.stage == len(self.stage_starts)

    @property
    def trains_generator(self) -> bool:
        """Whether the generator still learns: not beside a refiner in two-stage training."""
        return not (self.refines and self.model_config.refiner_training == "two_stage")

    @property
    def stage_name(self) -> str:
        """Which networks learn beside the critic."""
        learning = {"generator": self.trains_generator, "refiner": self.refines}
        return " and ".join(filter(learning.get, learning))

    @property
    def generator_variables(self) -> list[keras.Variable]:
        """The generator's and the refiner's, as far as this stage trains them."""
        variables = list(self.generator.trainable_variables) if self.trains_generator else []
        return variables + (list(self.refiner.trainable_variables) if self.refines else [])

    @property
    def default_temperature(self) -> float:
        """Stochastic neurons draw, everything else decides."""
        return 1.0 if self.refines and self.model_config.refiner == "stochastic" else 0.0

    @property
    def num_preparation_examples(self) -> int:
        """As many as the bank of given tracks holds."""
        return 0 if self.given_bank is None else given_tracks.BANK_SIZE

    def prepare(self, examples: Mapping[str, np.ndarray]) -> None:
        """Fills the bank of given tracks.

        Args:
          examples: `piano_roll` bool [n, ...], n above 0; fewer than the bank holds are repeated.
        """
        given = examples["piano_roll"][..., self.condition_track]
        self.given_bank.assign(given_tracks.fill_bank(given))

    def real_examples(self, data: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Piano-rolls as numbers: bool [rows, updates, ...] to float of the same shape."""
        rolls = data["piano_roll"]
        if self.examples_per_row == 1:  # the reader then leaves the axis of updates out
            rolls = rolls[:, tf.newaxis]
        keys = self.step_keys(tf.shape(rolls)[0], _TRANSPOSITION_STREAM)
        is_drum = [track.is_drum for track in self.representation.tracks]
        most = self.model_config.max_transposition_semitones
        return self._as_numbers(augmentation.transpose_batch(rolls, keys, most, is_drum))

    def fake_examples(
        self, latents: list[tf.Tensor], real: tf.Tensor, keys: noise.Key, update_statistics: bool
    ) -> tf.Tensor:
        """Generates training phrases; the given track, if any, is the real phrase's."""
        given = None if self.condition_track is None else real[..., self.condition_track]
        learns = self.trains_generator
        mode = {"training": learns, "update_statistics": update_statistics and learns}
        x = self.generator(latents, given, **mode)
        if not self.refines:
            own = tf.tanh(x) if self.silence else tf.sigmoid(x)
        else:
            mode = {"training": True, "update_statistics": update_statistics}
            logits = self.refiner(self._probabilities(x), **mode)
            own = self.silence + (1.0 - self.silence) * refining.neurons(
                self.model_config, self.step, logits, keys
            )
        return own if given is None else given_tracks.insert(own, given, self.condition_track)

    @property
    def critic_views(self) -> int:
        """One view for each private critic."""
        return self.num_generated if self.model_config.private_critics else 1

    def critic_view(self, examples: tf.Tensor) -> tf.Tensor:
        """All tracks, or one after the other, each beside the given one."""
        if not self.model_config.private_critics:
            return examples
        return given_tracks.private_views(examples, self.condition_track)

    def sample(self, seeds: tf.Tensor, given: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Generates one phrase per seed.

        Args:
          seeds: int64 [batch].
          given: bool [batch, bars, time, pitch], the given track of models that have one; by
            default one of the bank, chosen by the seed.

        Returns:
          `logits`: float32 [batch, bars, time, pitch, tracks], of the probability of a note.
        """
        keys = self.piece_keys(seeds)
        return {"logits": self.phrase_logits(keys, keys, given)}

    def piece_keys(self, seeds: tf.Tensor) -> noise.Key:
        """Keys of pieces, and of their first phrases: int64 [batch] to two uint32 [batch]."""
        return noise.fold(noise.key_from_seed(seeds), np.int64(_SAMPLING_STREAM))

    def phrase_logits(
        self, piece: noise.Key, phrase: noise.Key, given: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Logits of phrases, float32 [phrases, bars, time, pitch, tracks].

        Args:
          piece: Keys of the phrases' pieces, two uint32 [phrases].
          phrase: Keys of the phrases, two uint32 [phrases].
          given: As for `sample`.
        """
        latents = phrase_latents(self.latents, piece, phrase, self.latent_table)
        mode = {"training": False, "update_statistics": False}
        given_notes = None
        if self.condition_track is not None:
            if given is None:
                given = given_tracks.choose(self.given_bank, phrase)
            given_notes = self._as_numbers(given)
        x = self.generator(latents, given_notes, **mode)
        if self.refines:
            logits = self.refiner(self._probabilities(x), **mode)
        else:
            logits = 2.0 * x if self.silence else x
        logits = tf.cast(logits, tf.float32)
        if given_notes is None:
            return logits
        return given_tracks.insert(logits, given_tracks.certain_logits(given), self.condition_track)

    def binarise(
        self,
        logits: tf.Tensor,
        threshold: tf.Tensor | float = 0.5,
        temperature: tf.Tensor | float = 0.0,
        keys: noise.Key | None = None,
    ) -> tf.Tensor:
        """Logits to notes, as `binarisation.binarise` says; `monophonic_bass` thins the bass.

        Args:
          logits: float32 [batch, bars, time, pitch, tracks].
          threshold: Probability within [0, 1], a number or float32 [batch].
          temperature: At least 0, a number or float32 [batch].
          keys: Two uint32 [batch], of the phrases; needed where a temperature is above 0.

        Returns:
          bool of the same shape.
        """
        rolls = binarisation.binarise(logits, threshold, temperature, keys)
        if self.model_config.monophonic_bass:
            rolls = binarisation.keep_highest(rolls, logits, self.is_bass)
        return rolls

    def sample_examples(
        self, seeds: tf.Tensor, given: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Generates binary phrases: int64 [batch] to `piano_roll` bool [batch, ...]."""
        keys = self.piece_keys(seeds)
        logits = self.phrase_logits(keys, keys, given)
        drawn = keys if self.default_temperature else None
        return {"piano_roll": self.binarise(logits, 0.5, self.default_temperature, drawn)}

    def signatures(self) -> dict[str, Signature]:
        """`serving_default`, `generate`, and with a condition track `accompany`."""
        return piano_roll_pieces.signatures(self)

    def _as_numbers(self, rolls: tf.Tensor) -> tf.Tensor:
        # Arithmetic, several times faster than tf.where on a CPU.
        return tf.cast(rolls, tf.float32) * np.float32(1 - self.silence) + np.float32(self.silence)

    def _probabilities(self, x: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(2.0 * x if self.silence else x)
