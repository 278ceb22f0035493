"""NSynth's classifier of notes: pitch, qualities, family and source from a spectrogram.

Engel et al., ICML 2017, https://arxiv.org/abs/1704.01279; GANSynth (Engel et al., ICLR 2019,
https://arxiv.org/abs/1902.08710) scores its notes by it. The layers are those of the released code,
github.com/magenta/magenta, in commits ff7eb853 and fef9f873 of its history.

In: audio, [batch, samples]. Out: 152 logits, 128 of MIDI pitches, 10 of qualities, 11 of families
and 3 of sources, and the features that Frechet distances are measured in.

Differs from the released code:
* a clip's edges are mirrored for frames beyond them, as in the library of that time; the code does
  not say so;
* pitches, families and sources that are not known (-1) have no part in the losses; NSynth has none
  such. Qualities have no such value in a record: of notes that nobody heard them of, as all those
  of a soundfont are and of a folder without a column for them, all ten are learnt as absent;
* training ends after `training_steps`.
"""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfmusicgan.errors import ConfigError
from tfmusicgan.layers.batch_norm import ChannelBatchNormalization
from tfmusicgan.layers.initializers import seeded_glorot
from tfmusicgan.layers.precision import full_precision
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.optimizers import make_optimizer
from tfmusicgan.models.signature import Signature
from tfmusicgan.models.waves import decode_waves
from tfmusicgan.recipes.pitch_classifier import PitchClassifierConfig
from tfmusicgan.representations.note_audio import NoteAudio

NUM_PITCHES = 128
# The logits in order.
HEADS = {"pitch": NUM_PITCHES, "qualities": 10, "instrument_family": 11, "instrument_source": 3}
_FLOOR = 1e-13
_TOP_DB = 120.0


def loudness_image(audio: tf.Tensor, config: PitchClassifierConfig) -> tf.Tensor:
    """The classifier's input: power in decibels to the clip's loudest, top 120, as 0 to 1.

    Frames are centred on multiples of the hop, under a periodic Hann window.

    Args:
      audio: float [batch, samples], at most `(frames - 1) * hop` and more than half a frame.
      config: Has the sizes.

    Returns:
      [batch, fft_size / 2, frames, 1], frequency first, from 0 Hz on without the highest; zeros
      where there are no frames. A silent clip is all ones, as published.
    """
    half = config.fft_size // 2
    mirrored = tf.pad(audio, [[0, 0], [half, half]], "REFLECT")
    spectra = tf.signal.stft(mirrored, config.fft_size, config.hop, config.fft_size)
    decibels = _decibels(tf.math.real(spectra * tf.math.conj(spectra)))
    loudest = tf.reduce_max(decibels, axis=[1, 2], keepdims=True)
    image = tf.maximum((decibels - loudest) / _TOP_DB, -1.0) + 1.0
    missing = config.frames - image.shape[1]
    image = tf.pad(image, [[0, 0], [0, missing], [0, 0]])[:, :, :half]
    return tf.transpose(image, [0, 2, 1])[..., tf.newaxis]


def _decibels(power: tf.Tensor) -> tf.Tensor:
    ten = tf.constant(10.0, power.dtype)
    return ten * tf.math.log(tf.maximum(power, _FLOOR)) / tf.math.log(ten)


class PitchNetwork(keras.layers.Layer):
    """Convolutions with batch normalisation, from an image to logits.

    Args:
      config: Sizes.
      seed: Of the initial weights.
    """

    def __init__(self, config: PitchClassifierConfig, seed: int, **kwargs: Any):
        super().__init__(**{"name": "classifier", **kwargs})
        self.config = config
        norm = {"decay": config.batch_norm_decay, "epsilon": config.batch_norm_epsilon}
        columns = (config.channels, config.kernels, config.frequency_strides, config.time_strides)
        layers = [*zip(*columns, strict=True), (sum(HEADS.values()), 1, 1, 1)]
        self.convolutions, self.norms = [], []
        channels_in = 1
        for number, (channels, kernel, frequency_stride, time_stride) in enumerate(layers, 1):
            is_last = number == len(layers)
            name = "logits" if is_last else f"layer_{number}"
            normalised = config.normalise_logits or not is_last
            convolution = keras.layers.Conv2D(
                channels,
                kernel,
                (frequency_stride, time_stride),
                padding="same",
                use_bias=not normalised,  # the normalisation has an offset
                kernel_initializer=seeded_glorot(seed, f"classifier/{name}"),
                name=name,
            )
            convolution.build((None, None, None, channels_in))
            self.convolutions.append(convolution)
            if normalised:
                self.norms.append(ChannelBatchNormalization(channels, name=f"{name}_norm", **norm))
            channels_in = channels
        self.built = True

    def call(self, image: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Classifies.

        Args:
          image: [batch, frequencies, frames, 1], from `loudness_image`.
          training: Normalise by the batch, and let the moving statistics follow it.

        Returns:
          Logits [batch, 152], and the features [batch, channels of the feature layer]: its
          normalised sums, before its non-linearity.
        """
        x, features = image, None
        for number, convolution in enumerate(self.convolutions, 1):
            x = convolution(x)
            if number <= len(self.norms):
                x = self.norms[number - 1](x, training=training)
            if number == self.config.feature_layer:
                features = x
            if number < len(self.convolutions):
                x = tf.nn.leaky_relu(x, self.config.leaky_slope)
        features = tf.reduce_mean(full_precision(features), axis=[1, 2])  # one place as published
        return full_precision(x)[:, 0, 0], features


class PitchClassifier(MusicGAN):
    """Trains and asks the network. It makes no music: nothing is sampled.

    Args:
      config: Sizes and training constants.
      representation: Says how long clips are.
      seed: Of the initial weights.

    Raises:
      ConfigError: If clips have more frames than the network, or fewer samples than a frame.
    """

    def __init__(
        self, config: PitchClassifierConfig, representation: NoteAudio, seed: int = 0, **kwargs: Any
    ):
        super().__init__(config, representation, seed, **kwargs)
        frames = 1 + representation.num_samples // config.hop
        if frames > config.frames or representation.num_samples <= config.fft_size // 2:
            raise ConfigError(
                f"Expected clips of at most {config.frames} frames and more than "
                f"{config.fft_size // 2} samples. Received: {frames} frames, "
                f"{representation.num_samples} samples. Change frames, hop or fft_size with --set."
            )
        self.network = PitchNetwork(config, seed)
        names = ("loss", "gradient_norm", "pitch_accuracy", *(f"{name}_loss" for name in HEADS))
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self._optimizers: dict[str, keras.optimizers.Optimizer] = {}
        self.built = True

    def networks(self) -> Mapping[str, keras.layers.Layer]:
        """The one network."""
        return {"classifier": self.network}

    def optimizers(self) -> Mapping[str, keras.optimizers.Optimizer]:
        """Its optimizer, once there is one."""
        return self._optimizers

    def compile(self, jit_compile: bool = False) -> None:
        """Makes the model ready for `fit`.

        Args:
          jit_compile: XLA for the training step.
        """
        optimizer = make_optimizer(self, "classifier", self.network.trainable_variables)
        self._optimizers = {"classifier_optimizer": optimizer}
        super().compile(optimizer, jit_compile)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The tracked values."""
        return list(self._trackers.values())

    def call(self, audio: tf.Tensor) -> dict[str, tf.Tensor]:
        """The same as `classify`."""
        return self.classify(audio)

    def classify(self, audio: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """Classifies clips.

        Args:
          audio: int16 or float [batch, num_samples]; floats within -1 to 1, though only relative
            levels count.
          training: See `PitchNetwork`.

        Returns:
          `pitch`, `qualities`, `instrument_family`, `instrument_source`: logits, [batch, classes];
          `features`, [batch, channels].
        """
        image = loudness_image(tf.cast(audio, self.network.variable_dtype), self.model_config)
        logits, features = self.network(image, training=training)
        parts = tf.split(logits, list(HEADS.values()), axis=1)
        return {**dict(zip(HEADS, parts, strict=True)), "features": features}

    def train_step(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step of Adam on the sum of the four losses.

        Args:
          data: The representation's fields, [rows, ...].
        """
        found: dict[str, tf.Tensor] = {}

        def loss() -> tf.Tensor:
            outputs = self.classify(data["audio"], training=True)
            found.update(self._head_losses(outputs, data), pitch=outputs["pitch"])
            return tf.add_n([found[f"{name}_loss"] for name in HEADS])

        optimizer = self._optimizers["classifier_optimizer"]
        value, norm = self.minimise(loss, self.network.trainable_variables, optimizer)
        heard = tf.argmax(found.pop("pitch"), axis=1, output_type=tf.int32)
        right = tf.reduce_mean(tf.cast(heard == data["pitch"], tf.float32))
        values = {"loss": value, "gradient_norm": norm, "pitch_accuracy": right, **found}
        for name, tracker in self._trackers.items():
            tracker.update_state(values[name])
        self.step.assign_add(1)
        return self.logs()

    def _head_losses(
        self, outputs: Mapping[str, tf.Tensor], data: Mapping[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """The mean of each head's cross-entropy over the rows.

        That of an unknown pitch, family or source is 0; all ten qualities always count.
        """
        losses = {}
        for name in ("pitch", "instrument_family", "instrument_source"):
            labels, logits = data[name], outputs[name]
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(labels, 0), logits)
            losses[f"{name}_loss"] = tf.reduce_mean(
                tf.where(labels >= 0, each, tf.zeros_like(each))
            )
        logits = outputs["qualities"]
        labels = tf.cast(data["qualities"], logits.dtype)
        each = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
        return {**losses, "qualities_loss": tf.reduce_mean(each)}

    def signatures(self) -> dict[str, Signature]:
        """Serving: `classify` takes samples, `serving_default` and `classify_wav` WAV files."""
        rep = self.representation
        samples = tf.TensorSpec([None, rep.num_samples], tf.float32)
        audio = Signature(self._answer, {"audio": samples}, {"audio": 0.0})
        silence = tf.audio.encode_wav(tf.zeros([rep.num_samples, 1]), rep.sample_rate).numpy()
        wav = Signature(
            lambda wav: self._answer(decode_waves(wav, rep.sample_rate, rep.num_samples)),
            {"wav": tf.TensorSpec([None], tf.string)},
            {"wav": silence},
        )
        return {"serving_default": wav, "classify": audio, "classify_wav": wav}

    def _answer(self, audio: tf.Tensor) -> dict[str, tf.Tensor]:
        """What a request is answered with: the pitch, and all logits under their names."""
        outputs = self.classify(audio)
        logits = {f"{name}_logits": outputs[name] for name in HEADS}
        pitch = tf.argmax(outputs["pitch"], axis=1, output_type=tf.int32)
        return {"pitch": pitch, **logits, "features": outputs["features"]}
