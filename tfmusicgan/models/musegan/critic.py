"""MuseGAN's phrase critic: bars first, then pitch, then time; no normalisation."""

import keras
import tensorflow as tf

from tfmusicgan.models.base import seeded_normal
from tfmusicgan.models.musegan.axis_layers import AxisConvolution
from tfmusicgan.recipes.musegan import MuseGANHybridConfig


class PhraseCritic(keras.layers.Layer):
    """Scores whole phrases with 3-D convolutions that see the bar axis.

    Args:
      config: The model's config.
      bars: Bars of a phrase, at least 2.
      steps_per_bar: Time steps of a bar.
      num_pitches: Pitches.
      tracks: Tracks, the input channels.
      seed: Of the initial weights.

    Input shape:
      [batch, bars, time, pitch, tracks].

    Output shape:
      [batch], raw scores.
    """

    def __init__(
        self,
        config: MuseGANHybridConfig,
        bars: int,
        steps_per_bar: int,
        num_pitches: int,
        tracks: int,
        seed: int,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.slope = config.leaky_relu_slope
        sizes, channels = {1: bars, 2: steps_per_bar, 3: num_pitches}, tracks
        self.convolutions = []
        for index, (axis, filters, kernel, stride) in enumerate(_plan(config, bars)):
            self.convolutions.append(
                AxisConvolution(
                    channels,
                    filters,
                    axis,
                    kernel,
                    stride,
                    seed,
                    config.initial_stddev,
                    name=f"convolution_{index}",
                )
            )
            sizes[axis] = (sizes[axis] - kernel) // stride + 1
            channels = filters
        features = sizes[1] * sizes[2] * sizes[3] * channels
        self.hidden = self._dense(config, features, config.critic_dense_units, seed, "hidden")
        self.score = self._dense(config, config.critic_dense_units, 1, seed, "score")
        self.built = True

    def call(self, phrases: tf.Tensor) -> tf.Tensor:
        """Scores phrases."""
        x = phrases
        for convolution in self.convolutions:
            x = tf.nn.leaky_relu(convolution(x), self.slope)
        x = tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3] * x.shape[4]])
        return self.score(tf.nn.leaky_relu(self.hidden(x), self.slope))[:, 0]

    def _dense(
        self, config: MuseGANHybridConfig, inputs: int, units: int, seed: int, name: str
    ) -> keras.layers.Dense:
        initializer = seeded_normal(seed, f"critic/{name}", config.initial_stddev)
        layer = keras.layers.Dense(units, kernel_initializer=initializer, name=name)
        layer.build((None, inputs))
        return layer


def _plan(config: MuseGANHybridConfig, bars: int) -> list[tuple[int, int, int, int]]:
    """(axis, filters, kernel, stride) of each convolution."""
    bar_kernels = (2, bars - 1)
    plan = [(1, f, k, 1) for f, k in zip(config.critic_bar_filters, bar_kernels, strict=True)]
    pitch = zip(config.critic_pitch_filters, config.critic_pitch_kernels, strict=True)
    plan += [(3, filters, kernel, kernel) for filters, kernel in pitch]
    time = (config.critic_time_filters, config.critic_time_kernels, config.critic_time_strides)
    return plan + [(2, *step) for step in zip(*time, strict=True)]
