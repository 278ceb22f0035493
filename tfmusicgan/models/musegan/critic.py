"""MuseGAN's critic: bars first, then pitch, then time; no normalisation."""

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.errors import ConfigError
from tfmusicgan.layers.affine import leaky_relu
from tfmusicgan.layers.convolutions import AxisConvolution, BarConvolution
from tfmusicgan.layers.track_layers import TrackUpsampling
from tfmusicgan.recipes.musegan import MuseGANConfig


class PhraseCritic(keras.layers.Layer):
    """Scores phrases with 3-D convolutions that see the bar axis, or single bars without those.

    Args:
      config: The model's config.
      bars: Bars of a phrase.
      steps_per_bar: Time steps of a bar.
      num_pitches: Pitches.
      channels: Tracks that one critic sees.
      seed: Of the initial weights.
      critics: Number of critics with weights of their own; None for one.

    Raises:
      ConfigError: If a kernel is longer than what it runs over.

    Input shape:
      [critics * batch, time, pitch, bars * channels] as `arrange` gives it, the critics outermost.

    Output shape:
      [critics * batch], raw scores.
    """

    def __init__(
        self,
        config: MuseGANConfig,
        bars: int,
        steps_per_bar: int,
        num_pitches: int,
        channels: int,
        seed: int,
        critics: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.slope, self.critics = config.leaky_relu_slope, critics
        common = {"seed": seed, "stddev": config.initial_stddev}
        common |= {"tracks": critics, "slope": config.leaky_relu_slope}
        self.convolutions = []
        for filters, kernel in zip(config.critic_bar_filters, (2, bars - 1), strict=True):
            if bars == 1:  # nothing to compare
                break
            layer = BarConvolution(bars, channels, filters, kernel, name=self._next(), **common)
            self.convolutions.append(layer)
            bars, channels = layer.output_bars, filters
        sizes = {1: steps_per_bar, 2: num_pitches}
        for axis, filters, kernel, stride in _plan(config):
            _check_fits(axis, kernel, sizes[axis])
            layer = AxisConvolution(
                channels, filters, axis, kernel, stride, name=self._next(), **common
            )
            self.convolutions.append(layer)
            sizes[axis] = (sizes[axis] - kernel) // stride + 1
            channels = filters
        self.features = config.critic_dense_units
        features, units = sizes[1] * sizes[2] * channels, config.critic_dense_units
        common = {"axis": 2, "kernel": 1, "seed": seed, "stddev": config.initial_stddev}
        self.hidden = TrackUpsampling(critics or 1, features, units, name="hidden", **common)
        self.score = TrackUpsampling(critics or 1, units, 1, name="score", **common)
        self.built = True

    def arrange(self, phrases: tf.Tensor) -> tf.Tensor:
        """Puts the bars beside the channels, where `BarConvolution` takes them.

        Not a part of `call`: a critic's update sees the same phrases up to three times.

        Args:
          phrases: [rows, bars, time, pitch, channels].

        Returns:
          [rows, time, pitch, bars * channels], the bars outermost.
        """
        _, bars, time, pitch, channels = phrases.shape
        x = tf.transpose(phrases, [0, 2, 3, 1, 4])
        return tf.reshape(x, [-1, time, pitch, bars * channels])

    def call(self, x: tf.Tensor, keep: tf.Tensor | None = None) -> tf.Tensor:
        """Scores phrases; `keep` [critics * batch, features] multiplies the last features."""
        if self.critics is not None:
            x = tf.split(x, self.critics)  # a list of maps: see ProductConvolution
        for convolution in self.convolutions:
            x = convolution(x)
        if self.critics is not None:
            x = tf.stack(x)
        x = tf.reshape(x, [self.critics or 1, -1, 1, 1, np.prod(x.shape[-3:])])
        x = leaky_relu(self.hidden(x), self.slope)
        if keep is not None:
            x *= tf.reshape(tf.cast(keep, x.dtype), tf.shape(x))
        return tf.reshape(self.score(x), [-1])

    def _next(self) -> str:
        return f"convolution_{len(self.convolutions)}"


def _plan(config: MuseGANConfig) -> list[tuple[int, int, int, int]]:
    """(axis, filters, kernel, stride) of each convolution along pitch (2), then time (1)."""
    pitch = zip(config.critic_pitch_filters, config.critic_pitch_kernels, strict=True)
    plan = [(2, filters, kernel, kernel) for filters, kernel in pitch]
    time = (config.critic_time_filters, config.critic_time_kernels, config.critic_time_strides)
    return plan + [(1, *step) for step in zip(*time, strict=True)]


def _check_fits(axis: int, kernel: int, size: int) -> None:
    if kernel > size:
        name = {1: "time", 2: "pitch"}[axis]
        raise ConfigError(
            f"Expected critic_{name}_kernels that fit into what is left along {name}. "
            f"Received: kernel {kernel} over {size}. Change them with --set."
        )
