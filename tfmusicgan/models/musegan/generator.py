"""MuseGAN's generators: temporal generators, then bar generators, shared or one for each track."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from tfmusicgan.layers.precision import full_precision
from tfmusicgan.layers.track_layers import (
    TrackBatchNormalization,
    TrackTransposedConvolution,
    TrackUpsampling,
)
from tfmusicgan.models.musegan.encoder import TrackEncoder
from tfmusicgan.recipes.musegan import MuseGANConfig


class TemporalGenerator(keras.layers.Layer):
    """G_temp: one vector to one vector per bar, for several tracks at once (paper, figure 5).

    Args:
      tracks: Number of weight sets; 1 for the generator that all tracks share.
      size: Length of the vectors.
      bars: Bars of a phrase.
      config: The model's config.
      seed: Of the initial weights.

    Input shape:
      [tracks, batch, size].

    Output shape:
      [tracks, batch, bars, size], not negative (it ends in a ReLU, as released).
    """

    def __init__(
        self, tracks: int, size: int, bars: int, config: MuseGANConfig, seed: int, **kwargs
    ):
        super().__init__(**kwargs)
        filters = config.temporal_filters
        norm = {"decay": config.batch_norm_decay, "epsilon": config.batch_norm_epsilon}
        scale = {"seed": seed, "stddev": config.initial_stddev}
        name = self.name
        self.spread = TrackUpsampling(
            tracks, size, filters, axis=2, kernel=2, name=f"{name}_spread", **scale
        )
        self.spread_norm = TrackBatchNormalization(
            tracks, filters, name=f"{name}_spread_norm", **norm
        )
        self.join = TrackTransposedConvolution(
            tracks, filters, size, kernel=bars - 1, name=f"{name}_join", **scale
        )
        self.join_norm = TrackBatchNormalization(tracks, size, name=f"{name}_join_norm", **norm)
        self.built = True

    def call(self, z: tf.Tensor, **mode: bool) -> tf.Tensor:
        """Generates one vector per bar."""
        x = z[:, :, tf.newaxis, tf.newaxis]  # [tracks, batch, 1, 1, size]
        x = tf.nn.relu(self.spread_norm(self.spread(x), **mode))  # [tracks, batch, 2, 1, filters]
        x = tf.nn.relu(self.join_norm(self.join(x), **mode))  # [tracks, batch, bars, 1, size]
        return x[:, :, :, 0]


class BarGenerator(keras.layers.Layer):
    """G_bar: one vector to one bar, for several weight sets at once; time first, then pitch.

    Args:
      tracks: Number of weight sets: tracks with a bar generator of their own, or 1.
      inputs: Length of the input vector.
      outputs: Tracks that one weight set plays.
      config: The model's config.
      seed: Of the initial weights.

    Input shape:
      [tracks, batch, inputs], and with a given track its encoder's maps, the smallest first.

    Output shape:
      [tracks, batch, time, pitch, outputs], before the output's tanh.
    """

    def __init__(
        self, tracks: int, inputs: int, outputs: int, config: MuseGANConfig, seed: int, **kwargs
    ):
        super().__init__(**kwargs)
        norm = {"decay": config.batch_norm_decay, "epsilon": config.batch_norm_epsilon}
        scale = {"seed": seed, "stddev": config.initial_stddev}
        self.first_steps, self.first_filters = config.first_steps, config.first_filters
        channels = self.first_steps * self.first_filters
        self.project = TrackUpsampling(
            tracks, inputs, channels, axis=2, kernel=1, name="project", **scale
        )
        self.project_norm = TrackBatchNormalization(tracks, channels, name="project_norm", **norm)
        self.steps, self.norms = [], []
        channels = self.first_filters
        given = 0 if config.condition_track is None else config.encoder_filters
        filters = (*config.time_filters, *config.pitch_filters, outputs)
        for index, (axis, kernel) in enumerate(upsampling_plan(config)):
            layer = TrackUpsampling(
                tracks,
                channels + given,
                filters[index],
                axis,
                kernel,
                name=f"upsampling_{index}",
                **scale,
            )
            self.steps.append(layer)
            channels = filters[index]
            if index < len(filters) - 1:  # none before the output, as in v1
                self.norms.append(
                    TrackBatchNormalization(tracks, channels, name=f"norm_{index}", **norm)
                )
        self.built = True

    def call(self, z: tf.Tensor, maps: Sequence[tf.Tensor] = (), **mode: bool) -> tf.Tensor:
        """Generates one bar."""
        x = self.project(z[:, :, tf.newaxis, tf.newaxis])
        x = tf.nn.relu(self.project_norm(x, **mode))  # [tracks, batch, 1, 1, steps * filters]
        x = tf.reshape(x, [x.shape[0], -1, self.first_steps, 1, self.first_filters])
        for index, layer in enumerate(self.steps):
            if maps:
                given = tf.repeat(maps[index][tf.newaxis], x.shape[0], axis=0)
                x = tf.concat([x, tf.cast(given, x.dtype)], axis=-1)
            x = layer(x)
            if index < len(self.norms):
                x = tf.nn.relu(self.norms[index](x, **mode))
        return x


def upsampling_plan(config: MuseGANConfig) -> list[tuple[int, int]]:
    """(axis, kernel) of the bar generator's layers: along time (2), then along pitch (3)."""
    return [(2, k) for k in config.time_kernels] + [(3, k) for k in config.pitch_kernels]


class PhraseGenerator(keras.layers.Layer):
    """A phrase's generator: of shared latents (composer), of private ones (jamming), or of both.

    With private latents every track has a bar generator of its own; without, one plays all tracks.
    The input of a bar generator is the concatenation of G_temp(z_t), G_temp,i(z_it), z and z_i
    (v1), of which a model has two or four; phrases of one bar do without the temporal generators.

    Args:
      config: The model's config.
      shared: Whether there are latents that all tracks share.
      private: Whether there are latents of single tracks.
      bars: Bars of a phrase.
      tracks: Tracks to generate.
      seed: Of the initial weights.
      condition_index: Position of the given track, if it is one of those a shared bar generator
        plays as well: its output is then left out.

    Input shape:
      Latents in the order of `MuseGAN.latents`, [batch, size] or [batch, tracks, size]; the given
      track, [batch, bars, time, pitch], or None.

    Output shape:
      float32 [batch, bars, time, pitch, tracks], before the output's tanh, the given track left
      out.
    """

    def __init__(
        self,
        config: MuseGANConfig,
        shared: bool,
        private: bool,
        bars: int,
        tracks: int,
        seed: int,
        condition_index: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.bars, self.shared, self.private = bars, shared, private
        self.condition_index, self.encoder = condition_index, None
        if condition_index is not None:
            self.encoder = TrackEncoder(config, seed, name="encoder")
        generated = tracks - (private and condition_index is not None)
        self.tracks = generated if private else 1
        size = latent_size(config, shared, private, bars)
        self.shared_temporal = self.private_temporal = None
        if bars > 1 and shared:
            self.shared_temporal = TemporalGenerator(
                1, size, bars, config, seed, name="shared_temporal"
            )
        if bars > 1 and private:
            self.private_temporal = self._private_temporal(config, size, seed)
        outputs = 1 if private else generated
        self.bar_generator = BarGenerator(
            self.tracks, config.latent_size, outputs, config, seed, name="bar"
        )
        self.built = True

    def _private_temporal(self, config: MuseGANConfig, size: int, seed: int) -> TemporalGenerator:
        if not config.share_temporal_generators:
            return TemporalGenerator(
                self.tracks, size, self.bars, config, seed, name="private_temporal"
            )
        # v1: one set of weights for every track's z_it, and for z_t where there is one.
        if self.shared_temporal is not None:
            return self.shared_temporal
        return TemporalGenerator(1, size, self.bars, config, seed, name="private_temporal")

    def call(
        self, latents: list[tf.Tensor], given: tf.Tensor | None = None, **mode: bool
    ) -> tf.Tensor:
        """Generates phrases; `mode` is passed to batch normalisation."""
        parts = self._parts(latents, **mode)  # each [tracks or 1, batch, bars or 1, size]
        dtype = self.compute_dtype
        batch = tf.shape(latents[0])[0]
        joined = tf.concat(
            [
                tf.broadcast_to(tf.cast(x, dtype), [self.tracks, batch, self.bars, x.shape[-1]])
                for x in parts
            ],
            axis=-1,
        )
        joined = tf.reshape(joined, [self.tracks, -1, joined.shape[-1]])
        maps = []
        if self.encoder is not None:
            maps = self.encoder(tf.reshape(given, [-1, *given.shape[2:]]), **mode)
        x = self.bar_generator(joined, maps, **mode)  # [sets, batch * bars, time, pitch, outputs]
        x = tf.reshape(x, [x.shape[0], -1, self.bars, *x.shape[2:]])
        if self.private:
            x = tf.transpose(x[..., 0], [1, 2, 3, 4, 0])
        else:
            x = tf.squeeze(x, 0)
            if self.condition_index is not None:
                at = self.condition_index
                x = tf.concat([x[..., :at], x[..., at + 1 :]], axis=-1)
        return full_precision(x)

    def _parts(self, latents: list[tf.Tensor], **mode: bool) -> list[tf.Tensor]:
        """The bar generator's inputs in v1's order: chords, melody, style, groove."""
        latents = list(latents)
        fixed, changing = [], []
        if self.shared:
            fixed.append(latents.pop(0)[tf.newaxis, :, tf.newaxis])
            if self.shared_temporal is not None:
                changing.append(self.shared_temporal(latents.pop(0)[tf.newaxis], **mode))
        if self.private:
            fixed.append(tf.transpose(latents.pop(0), [1, 0, 2])[:, :, tf.newaxis])
            if self.private_temporal is not None:
                by_track = tf.transpose(latents.pop(0), [1, 0, 2])  # [tracks, batch, size]
                changing.append(self._melody(by_track, **mode))
        return changing + fixed

    def _melody(self, by_track: tf.Tensor, **mode: bool) -> tf.Tensor:
        sets = self.private_temporal.spread.kernel.shape[0]
        if sets == self.tracks:
            return self.private_temporal(by_track, **mode)
        size = by_track.shape[-1]
        mixed = self.private_temporal(tf.reshape(by_track, [1, -1, size]), **mode)
        return tf.reshape(mixed, [self.tracks, -1, self.bars, size])


def latent_size(config: MuseGANConfig, shared: bool, private: bool, bars: int) -> int:
    """Length of one latent: all kinds together make a bar generator's input (v1: 128)."""
    return config.latent_size // num_latent_kinds(shared, private, bars)


def num_latent_kinds(shared: bool, private: bool, bars: int) -> int:
    """Shared and private ones; each again changing by bars, where a phrase has several."""
    return (shared + private) * (2 if bars > 1 else 1)
