"""BinaryMuseGAN's critics: streams for piano-rolls, onsets and chroma; no normalisation.

Dong and Yang, ISMIR 2018, arXiv 1804.09399; layer by layer as in the released presets
(github.com/salu133445/bmusegan at bdda818, presets/phrase/discriminator).
"""

import keras
import tensorflow as tf

from tfmusicgan.errors import ConfigError
from tfmusicgan.layers.convolutions import BarConvolution
from tfmusicgan.layers.initializers import seeded_normal
from tfmusicgan.models.binary_musegan.streams import (
    ChromaStream,
    JointStream,
    OnsetStream,
    PianoRollStream,
)
from tfmusicgan.recipes.binary_musegan import BinaryMuseGANConfig
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll


class BinaryMuseGANCritic(keras.layers.Layer):
    """Scores whole phrases: each stream gives a vector per bar, then neighbouring bars meet.

    Args:
      config: The model's config; `critic` chooses the streams.
      representation: Decides bars, beats, steps per bar, pitches and tracks.
      seed: Of the initial weights.

    Raises:
      ConfigError: If the kernels of a stream do not shrink a bar to one vector, or a phrase has one
        bar.

    Input shape:
      float [batch, bars, time, pitch, tracks], within [0, 1].

    Output shape:
      [batch, 1], raw scores.
    """

    def __init__(
        self,
        config: BinaryMuseGANConfig,
        representation: MultitrackPianoRoll,
        seed: int,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.slope, self.bars = config.leaky_relu_slope, representation.bars
        if self.bars < 2:
            raise ConfigError(
                f"Expected phrases of at least 2 bars. Received: {self.bars}. Convert with "
                "--bars=2 or more."
            )
        filters = config.critic_bar_filters
        if config.critic == "baseline":
            self.streams = [JointStream(config, representation, seed, name="joint")]
            filters = config.critic_baseline_bar_filters
        else:
            self.streams = [PianoRollStream(config, representation, seed, name="piano_roll")]
        if config.critic == "proposed":
            self.streams.append(ChromaStream(config, representation, seed, name="chroma"))
            self.streams.append(OnsetStream(config, representation, seed, name="onset"))
        channels = sum(stream.channels for stream in self.streams)
        self.merged = BarConvolution(
            self.bars, channels, filters, 2, seed, config.initial_stddev, name="merged"
        )
        initializer = seeded_normal(seed, "critic/score", config.initial_stddev)
        self.score = keras.layers.Dense(1, kernel_initializer=initializer, name="score")
        self.features = self.merged.output_bars * filters
        self.score.build((None, self.features))
        self.built = True

    def call(self, phrases: tf.Tensor, keep: tf.Tensor | None = None) -> tf.Tensor:
        """Scores phrases; `keep` [batch, features] multiplies the last features."""
        bars = tf.reshape(phrases, [-1, *phrases.shape[2:]])
        x = tf.concat([stream(bars) for stream in self.streams], axis=-1)
        x = tf.reshape(x, [-1, 1, 1, self.bars * x.shape[-1]])
        x = tf.nn.leaky_relu(self.merged(x), self.slope)
        x = tf.reshape(x, [-1, self.features])
        return self.score(x if keep is None else x * tf.cast(keep, x.dtype))
