"""GANSynth: single notes of a given pitch, as images of time and frequency.

Jesse Engel, Kumar Krishna Agrawal, Shuo Chen, Ishaan Gulrajani, Chris Donahue, Adam Roberts:
"GANSynth: Adversarial Neural Audio Synthesis", ICLR 2019, arXiv 1902.08710. Released code:
github.com/magenta/magenta at 526d3eb1, models/gansynth, which has trained weights and is followed
where it differs from the paper's table 3: the second convolution of the discriminator's blocks
widens, its last one covers the whole map, and a leaky ReLU follows the image's first convolution.

In: a latent, float [256], and a pitch. Out: an image, float [frames, bins, 2], of log magnitude (or
log mel power) and phase (or instantaneous frequency), which `audio.spectrograms` turns into sound.

Differs from the paper or the released code:

* Each stage computes at its own size. There, all images are repeated to the full size first, which
  gives the same losses and gradients: a map's cells are equal, and averaging them away shrinks the
  discriminator's gradient by the square root of their number, by which the penalty's is divided.
* Spectrograms are made inside the training step, from records of audio.
* The norm under the penalty has 1e-8 in its root, so that its gradient is finite at 0.
* Constants of normalisation are measured by the released rule on the training data, but for IF-Mel
  on NSynth, whose released ones are the default (`normaliser`). The versions for each frequency bin
  and without any are left out, as are the consistency loss, whose weight was 0, the simple
  architecture without pixel norm, and stages by the clock in place of images.
* Examples and served WAV files have 16 bits, as the data has; the released program writes floats.
* Waveforms: the paper's model of them is not described (see `recipes.gansynth`).
"""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions

from tfmusicgan.audio.spectrograms import SpectrogramFormat
from tfmusicgan.models import noise
from tfmusicgan.models.gansynth import signatures
from tfmusicgan.models.gansynth.discriminator import Discriminator
from tfmusicgan.models.gansynth.generator import Generator
from tfmusicgan.models.gansynth.normaliser import Normaliser
from tfmusicgan.models.gansynth.operations import box_upscale
from tfmusicgan.models.gansynth.training import ProgressiveGAN
from tfmusicgan.models.signature import Signature
from tfmusicgan.note_sequences.wav_file import FULL_SCALE
from tfmusicgan.recipes.gansynth import GANSynthConfig
from tfmusicgan.representations.note_audio import NoteAudio

_SAMPLING_STREAM = 2
# Of a seed's own numbers.
_LATENT, _PITCH = 0, 1
_NOT_KNOWN = -1
_PREPARED_AT_ONCE = 16


class GANSynth(ProgressiveGAN):
    """The progressive GAN of notes; samples are drawn from averaged weights.

    Args:
      config: Sizes and training constants.
      representation: Decides rate, length and pitches.
      seed: Of the initial weights and of all training noise.

    Raises:
      ConfigError: If the audio does not fit into the image.
    """

    def __init__(self, config: GANSynthConfig, representation: NoteAudio, seed: int = 0, **kwargs):
        super().__init__(config, representation, seed, **kwargs)
        self.format = SpectrogramFormat(
            config.kind,
            config.frames,
            config.bins,
            representation.sample_rate,
            representation.num_samples,
        )
        sizes = (config, representation.num_pitches, seed)
        self.generator = Generator(*sizes, name="generator")
        self.averaged = Generator(*sizes, name="averaged")
        self.averaged.trainable = False
        self.discriminator = Discriminator(*sizes, name="discriminator")
        self.normaliser = Normaliser(name="normaliser")
        # Shares of pitches up to each, all alike before the data are known.
        uniform = np.arange(1, representation.num_pitches + 1) / representation.num_pitches
        self.pitch_shares = self.add_weight(
            name="pitch_shares",
            shape=(representation.num_pitches,),
            dtype="float32",
            initializer=lambda shape, dtype=None: keras.ops.convert_to_tensor(uniform, dtype),
            trainable=False,
            aggregation="only_first_replica",
        )
        prior = distributions.Normal(np.float64(0), np.float64(1))
        self.latent_table = noise.quantile_table(prior)
        self.finish_building()

    @property
    def default_qpm(self) -> float:
        """A note has no tempo; NoteSequences have this one."""
        return 120.0

    @property
    def num_preparation_examples(self) -> int:
        """As many as the images' range is measured on."""
        return self.model_config.normaliser_examples

    @property
    def counted_fields(self) -> tuple[str, ...]:
        """All pitches are counted."""
        return ("pitch",)

    def prepare(self, examples: Mapping[str, np.ndarray]) -> None:
        """Counts the pitches, and measures the images' range unless the published one is taken.

        Args:
          examples: `pitch` int32 [m] and `audio` int16 [n, samples].
        """
        counts = np.bincount(
            examples["pitch"] - self.representation.min_pitch,
            minlength=self.representation.num_pitches,
        )
        self.pitch_shares.assign((np.cumsum(counts) / counts.sum()).astype(np.float32))
        if self.model_config.normaliser == "published":
            return
        audio, ranges = examples["audio"], []
        for first in range(0, len(audio), _PREPARED_AT_ONCE):
            images = self.images_of(tf.constant(audio[first : first + _PREPARED_AT_ONCE])).numpy()
            ranges.append([images.min(axis=(0, 1, 2)), images.max(axis=(0, 1, 2))])
        lowest, highest = (np.stack(ends) for ends in zip(*ranges, strict=True))
        margin = self.model_config.normaliser_margin
        self.normaliser.measure(lowest.min(axis=0), highest.max(axis=0), margin)

    def images_of(self, audio: tf.Tensor) -> tf.Tensor:
        """int16 [batch, samples] to images in their own units, float32 [batch, *format.shape]."""
        return self.format.forward(tf.cast(audio, tf.float32) / np.float32(FULL_SCALE))

    def latents(self, seeds: tf.Tensor) -> tf.Tensor:
        """Latents of seeds: int64 [batch] to float32 [batch, latent_size]."""
        return self.draw_latents(self._keys(seeds, _LATENT))

    def pitches(self, seeds: tf.Tensor) -> tf.Tensor:
        """MIDI pitches of seeds, by the training data's: int64 [batch] to int32 [batch]."""
        return self.draw_classes(self._keys(seeds, _PITCH)) + self.representation.min_pitch

    def sample(
        self,
        seeds: tf.Tensor,
        pitch: tf.Tensor | int | None = None,
        latent: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Generates one note per seed.

        Args:
          seeds: int64 [batch].
          pitch: MIDI pitch, a number or int32 [batch], the nearest that there is; by default each
            seed's own, drawn as often as in the training data.
          latent: float32 [batch, latent_size]; by default each seed's own.

        Returns:
          `image`: float32 [batch, *format.shape], in its own units; images of training's smaller
          stages are repeated to the full size. `pitch`: int32 [batch], MIDI.
        """
        rep = self.representation
        latent = self.latents(seeds) if latent is None else latent
        if pitch is None:
            pitch = self.pitches(seeds)
        else:
            pitch = tf.broadcast_to(tf.cast(pitch, tf.int32), tf.shape(seeds))
            pitch = tf.clip_by_value(pitch, rep.min_pitch, rep.max_pitch)
        image = self.generate(self.averaged, latent, pitch - rep.min_pitch)
        image = self.normaliser.invert(tf.cast(image, tf.float32))
        full = zip(self.format.shape, image.shape[1:3], strict=False)
        return {"image": box_upscale(image, tuple(n // m for n, m in full)), "pitch": pitch}

    def audio_of(self, images: tf.Tensor) -> tf.Tensor:
        """Sound of images: float32 [batch, *format.shape] to [batch, samples], within [-1, 1]."""
        return tf.clip_by_value(self.format.inverse(images), -1.0, 1.0)

    def sample_examples(
        self, seeds: tf.Tensor, pitch: tf.Tensor | int | None = None
    ) -> dict[str, tf.Tensor]:
        """Generates one note per seed.

        Args:
          seeds: int64 [batch].
          pitch: As in `sample`; by default each seed's own.

        Returns:
          The fields of `NoteAudio`: `audio` int16 [batch, samples], `pitch` int32 [batch]; other
          labels are -1, not known, and no qualities.
        """
        sampled = self.sample(seeds, pitch)
        audio = tf.round(self.audio_of(sampled["image"]) * np.float32(FULL_SCALE))
        found = {"audio": tf.cast(tf.minimum(audio, FULL_SCALE - 1), tf.int16)}
        found["pitch"] = sampled["pitch"]
        for name, field in self.representation.spec.items():
            if name not in found:
                empty = 0 if field.dtype == "bool" else _NOT_KNOWN
                shape = [tf.size(seeds), *field.shape]
                found[name] = tf.cast(tf.fill(shape, empty), field.dtype)
        return found

    def signatures(self) -> dict[str, Signature]:
        """`serving_default`, `synthesize`, `interpolate` and `from_latent`."""
        return signatures.signatures(self)

    def _keys(self, seeds: tf.Tensor, use: int) -> noise.Key:
        key = noise.fold(noise.key_from_seed(seeds), np.int64(_SAMPLING_STREAM))
        return noise.fold(key, np.int64(use))
