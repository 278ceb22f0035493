"""BinaryMuseGAN's generator: layers that all tracks share, then a pair of branches per track.

Dong and Yang, ISMIR 2018, arXiv 1804.09399; layer by layer as in the released preset
(github.com/salu133445/bmusegan at bdda818, presets/phrase/generator/proposed.py).
"""

import keras
import tensorflow as tf

from tfmusicgan.errors import ConfigError
from tfmusicgan.layers.kernel_layer import KernelLayer
from tfmusicgan.layers.precision import full_precision
from tfmusicgan.layers.track_layers import (
    TrackBatchNormalization,
    TrackTransposedConvolution,
    TrackUpsampling,
)
from tfmusicgan.layers.track_strided_convolution import TrackStridedTransposedConvolution
from tfmusicgan.recipes.binary_musegan import BinaryMuseGANConfig
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll

_BAR_KERNEL = 2  # released preset; the dense layer gives one bar less than there are


class SharedGenerator(keras.layers.Layer):
    """One latent vector to every bar's coarse plane, for all tracks: bars, then time and pitch.

    Args:
      config: The model's config.
      bars: Bars of a phrase, at least 2.
      seed: Of the initial weights.

    Input shape:
      [batch, latent_size].

    Output shape:
      [1, batch * bars, time, pitch, channels], not negative.
    """

    def __init__(self, config: BinaryMuseGANConfig, bars: int, seed: int, **kwargs):
        super().__init__(**kwargs)
        norm, scale = _common(config, seed)
        self.first_bars, self.bars = bars - _BAR_KERNEL + 1, bars
        self.first_filters = config.first_filters
        units = self.first_bars * self.first_filters
        self.project = TrackUpsampling(
            1, config.latent_size, units, axis=2, kernel=1, name="project", **scale
        )
        self.project_norm = TrackBatchNormalization(1, units, name="project_norm", **norm)
        self.join = TrackTransposedConvolution(
            1, self.first_filters, config.bar_filters, _BAR_KERNEL, name="join", **scale
        )
        self.join_norm = TrackBatchNormalization(1, config.bar_filters, name="join_norm", **norm)
        self.steps, self.norms = [], []
        channels = config.bar_filters
        for axis, filters, kernel, stride in config.shared_plan():
            layer = TrackStridedTransposedConvolution(
                1,
                channels,
                filters,
                axis,
                kernel,
                stride,
                name=f"shared_{len(self.steps)}",
                **scale,
            )
            self.norms.append(
                TrackBatchNormalization(1, filters, name=f"shared_norm_{len(self.steps)}", **norm)
            )
            self.steps.append(layer)
            channels = filters
        self.channels = channels
        self.built = True

    def call(self, z: tf.Tensor, **mode: bool) -> tf.Tensor:
        """Generates coarse planes."""
        x = self.project(z[tf.newaxis, :, tf.newaxis, tf.newaxis])
        x = tf.nn.relu(self.project_norm(x, **mode))  # [1, batch, 1, 1, bars * filters]
        x = tf.reshape(x, [1, -1, self.first_bars, 1, self.first_filters])
        x = tf.nn.relu(self.join_norm(self.join(x), **mode))  # [1, batch, bars, 1, filters]
        x = tf.reshape(x, [1, -1, 1, 1, x.shape[-1]])  # [1, batch * bars, 1, 1, filters]
        for layer, norm in zip(self.steps, self.norms, strict=True):
            x = tf.nn.relu(norm(layer(x), **mode))
        return x


class PrivateGenerator(keras.layers.Layer):
    """Coarse planes to every track's own bars: one branch grows pitch first, the other time first.

    Args:
      tracks: Tracks, each with weights of its own.
      channels: Input channels.
      config: The model's config.
      seed: Of the initial weights.

    Input shape:
      [1, batch, time, pitch, channels].

    Output shape:
      [tracks, batch, time, pitch], logits.
    """

    def __init__(
        self, tracks: int, channels: int, config: BinaryMuseGANConfig, seed: int, **kwargs
    ):
        super().__init__(**kwargs)
        self.tracks = tracks
        self.norm, self.scale = _common(config, seed)
        time, pitch = (2, config.private_time_kernel), (3, config.private_pitch_kernel)
        filters = config.private_filters
        self.pitch_first = self._branch("pitch_first", channels, filters, (pitch, time))
        self.time_first = self._branch("time_first", channels, filters, (time, pitch))
        self.merge = _Merge(tracks, filters[-1], name="merge", **self.scale)
        self.merge_norm = TrackBatchNormalization(tracks, 1, name="merge_norm", **self.norm)
        self.built = True

    def call(self, x: tf.Tensor, **mode: bool) -> tf.Tensor:
        """Generates bars."""
        x = tf.repeat(x, self.tracks, axis=0)
        one, other = x, x
        for layer, norm in self.pitch_first:
            one = tf.nn.relu(norm(layer(one), **mode))
        for layer, norm in self.time_first:
            other = tf.nn.relu(norm(layer(other), **mode))
        # Normalised before the output too, unlike MuseGAN.
        return self.merge_norm(self.merge([one, other]), **mode)[..., 0]

    def _branch(
        self,
        name: str,
        channels: int,
        filters: tuple[int, ...],
        growth: tuple[tuple[int, int], ...],
    ) -> list[tuple[TrackUpsampling, TrackBatchNormalization]]:
        branch = []
        for (axis, kernel), width in zip(growth, filters, strict=True):
            number = len(branch)
            layer = TrackUpsampling(
                self.tracks,
                channels,
                width,
                axis,
                kernel,
                name=f"{name}_{number}",
                **self.scale,
            )
            norm = TrackBatchNormalization(
                self.tracks, width, name=f"{name}_norm_{number}", **self.norm
            )
            branch.append((layer, norm))
            channels = width
        return branch


class _Merge(KernelLayer):
    """1 x 1 convolution of two maps side by side to one channel, without copying them.

    Input shape:
      Two of [tracks, batch, time, pitch, channels].

    Output shape:
      [tracks, batch, time, pitch, 1].
    """

    def __init__(self, tracks: int, channels: int, seed: int, stddev: float, **kwargs):
        super().__init__(**kwargs)
        self.add_kernel((tracks, 2 * channels, 1), (tracks, 1), seed, stddev)
        self.built = True

    def call(self, maps: list[tf.Tensor]) -> tf.Tensor:
        """Applies the convolution."""
        one, other = maps
        tracks, _, *plane, channels = one.shape
        kernel = tf.convert_to_tensor(self.kernel)
        y = tf.matmul(tf.reshape(one, [tracks, -1, channels]), kernel[:, :channels])
        y += tf.matmul(tf.reshape(other, [tracks, -1, channels]), kernel[:, channels:])
        y += tf.convert_to_tensor(self.bias)[:, tf.newaxis]
        return tf.reshape(y, [tracks, -1, *plane, 1])


class BinaryMuseGANGenerator(keras.layers.Layer):
    """The whole generator: one latent vector to a phrase of all tracks.

    Args:
      config: The model's config.
      representation: Decides bars, steps per bar, pitches and tracks.
      seed: Of the initial weights.

    Raises:
      ConfigError: If the config's kernels do not grow to the representation's sizes, or a phrase
        has one bar.

    Input shape:
      A list of one [batch, latent_size].

    Output shape:
      float32 [batch, bars, time, pitch, tracks], logits: a note's probability is their sigmoid.
    """

    def __init__(
        self,
        config: BinaryMuseGANConfig,
        representation: MultitrackPianoRoll,
        seed: int,
        **kwargs,
    ):
        super().__init__(**kwargs)
        _check_sizes(config, representation)
        self.bars, self.tracks = representation.bars, representation.num_tracks
        self.shared = SharedGenerator(config, self.bars, seed, name="shared")
        self.private = PrivateGenerator(
            self.tracks, self.shared.channels, config, seed, name="private"
        )
        self.built = True

    def call(
        self, latents: list[tf.Tensor], given: tf.Tensor | None = None, **mode: bool
    ) -> tf.Tensor:
        """Generates phrases of all tracks, none of them given (`given` is None).

        `mode` is passed to batch normalisation.
        """
        (z,) = latents
        x = self.private(self.shared(z, **mode), **mode)  # [tracks, batch * bars, time, pitch]
        x = tf.reshape(x, [self.tracks, -1, self.bars, *x.shape[2:]])
        return full_precision(tf.transpose(x, [1, 2, 3, 4, 0]))


def _common(config: BinaryMuseGANConfig, seed: int) -> tuple[dict, dict]:
    norm = {"decay": config.batch_norm_decay, "epsilon": config.batch_norm_epsilon}
    return norm, {"seed": seed, "stddev": config.initial_stddev}


def _check_sizes(config: BinaryMuseGANConfig, representation: MultitrackPianoRoll) -> None:
    sizes = {2: 1, 3: 1}
    for axis, _, kernel, stride in config.shared_plan():
        sizes[axis] = (sizes[axis] - 1) * stride + kernel
    time, pitch = sizes[2] * config.private_time_kernel, sizes[3] * config.private_pitch_kernel
    wanted = representation.steps_per_bar, representation.num_pitches
    if (time, pitch) != wanted:
        raise ConfigError(
            f"Expected records of {time} steps per bar and {pitch} pitches, which the shared_* and "
            f"private_* kernels grow to. Received: {wanted[0]} steps and {wanted[1]} pitches. "
            "Convert with the recipe's preset, or change the kernels with --set."
        )
    if representation.bars < _BAR_KERNEL:
        raise ConfigError(
            f"Expected phrases of at least {_BAR_KERNEL} bars. Received: {representation.bars}. "
            f"Convert with --bars={_BAR_KERNEL} or more."
        )
