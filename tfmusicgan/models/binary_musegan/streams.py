"""What BinaryMuseGAN's critics see of a bar: piano-rolls, onsets, chroma; see `critic`."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfmusicgan.errors import ConfigError
from tfmusicgan.layers.convolutions import AxisConvolution
from tfmusicgan.layers.plane_convolutions import PlaneConvolution
from tfmusicgan.models.binary_musegan.features import chroma, onsets
from tfmusicgan.recipes.binary_musegan import BinaryMuseGANConfig
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll


class Stream(keras.layers.Layer):
    """Convolutions that describe each bar by one vector.

    Args: see `BinaryMuseGANCritic`.

    Input shape:
      [batch, time, pitch, tracks], bars.

    Output shape:
      [batch, channels].
    """

    def __init__(
        self, config: BinaryMuseGANConfig, representation: MultitrackPianoRoll, seed: int, **kwargs
    ):
        super().__init__(**kwargs)
        self.slope = config.leaky_relu_slope
        own = {"seed": seed, "stddev": config.initial_stddev}
        self.channels = self.make_layers(config, representation, own)
        self.built = True

    def make_layers(
        self, config: BinaryMuseGANConfig, representation: MultitrackPianoRoll, own: dict[str, Any]
    ) -> int:
        """Makes the convolutions.

        Args:
          config: Of the model.
          representation: Of the bars.
          own: What every convolution is given.

        Returns:
          Channels of the output.

        Raises:
          ConfigError: If the kernels do not fit the bars.
        """
        raise NotImplementedError


class PianoRollStream(Stream):
    """Each track by itself, pitch first beside time first, then all tracks together."""

    def make_layers(
        self, config: BinaryMuseGANConfig, representation: MultitrackPianoRoll, own: dict[str, Any]
    ) -> int:
        """See `Stream`."""
        self.tracks = representation.num_tracks
        time, pitch = config.critic_private_time_kernel, config.critic_private_pitch_kernel
        self.time, self.pitch = time, pitch
        steps, pitches = representation.steps_per_bar, representation.num_pitches
        if steps % time or pitches % pitch:
            raise ConfigError(
                "Expected critic_private_time_kernel and critic_private_pitch_kernel that divide "
                f"{steps} steps and {pitches} pitches. Received: {time} and {pitch}. Change them "
                "with --set."
            )
        per_track = {**own, "tracks": self.tracks}
        first, second = config.critic_private_filters
        # Taps lie side by side (see `call`): every kernel is its stride along one axis.
        self.pitch_first = [
            AxisConvolution(1, first, 2, pitch, pitch, name="pitch_first_0", **per_track),
            AxisConvolution(first, second, 1, time, time, name="pitch_first_1", **per_track),
        ]
        self.time_first = [
            AxisConvolution(1, first, 2, time, time, name="time_first_0", **per_track),
            AxisConvolution(first, second, 1, pitch, pitch, name="time_first_1", **per_track),
        ]
        channels = config.critic_private_merge_filters
        self.merge = AxisConvolution(2 * second, channels, 2, 1, 1, name="merge", **per_track)
        channels *= self.tracks
        sizes = [pitches // pitch, steps // time]
        self.shared = []
        for filters, kernel, strides in _shared_plan(config):
            _check_fit("critic_shared_pitch_kernels", "pitch", kernel[0], sizes[0])
            _check_fit("critic_shared_time_kernels", "time", kernel[1], sizes[1])
            name = f"shared_{len(self.shared)}"
            self.shared.append(
                PlaneConvolution(channels, filters, kernel, strides, name=name, **own)
            )
            sizes = [(sizes[i] - kernel[i]) // strides[i] + 1 for i in (0, 1)]
            channels = filters
        _check_whole("critic_shared_*_kernels", sizes)
        return channels

    def call(self, bars: tf.Tensor) -> tf.Tensor:
        """Describes bars."""
        _, steps, pitches, tracks = bars.shape
        octaves, frames = pitches // self.pitch, steps // self.time
        x = tf.reshape(bars, [-1, frames, self.time, octaves, self.pitch, tracks])
        # [tracks, batch, octaves, frames, time tap, pitch tap]: a map of one channel is moved here,
        # for maps of many not to be moved later.
        x = tf.transpose(x, [5, 0, 3, 1, 2, 4])
        pitch_first = tf.reshape(x, [tracks, -1, steps, self.pitch, 1])
        time_first = tf.reshape(
            tf.transpose(x, [0, 1, 2, 3, 5, 4]), [tracks, -1, frames * self.pitch, self.time, 1]
        )
        maps = []
        for x, convolutions in ((pitch_first, self.pitch_first), (time_first, self.time_first)):
            for convolution in convolutions:
                x = tf.nn.leaky_relu(convolution(x), self.slope)
            maps.append(x)  # [tracks, batch * octaves, frames, 1, filters]
        x = tf.nn.leaky_relu(self.merge(tf.concat(maps, axis=-1)), self.slope)
        x = tf.reshape(x, [tracks, -1, octaves, frames, x.shape[-1]])
        x = tf.transpose(x, [1, 2, 3, 0, 4])
        x = tf.reshape(x, [-1, octaves, frames, tracks * x.shape[-1]])
        for convolution in self.shared:
            x = tf.nn.leaky_relu(convolution(x), self.slope)
        return x[:, 0, 0]


class OnsetStream(Stream):
    """Where notes begin and end: differences along time, summed over pitch."""

    def make_layers(
        self, config: BinaryMuseGANConfig, representation: MultitrackPianoRoll, own: dict[str, Any]
    ) -> int:
        """See `Stream`."""
        self.is_drum = [track.is_drum for track in representation.tracks]
        steps, channels = representation.steps_per_bar, representation.num_tracks
        self.convolutions = []
        plan = zip(config.critic_onset_filters, config.critic_onset_kernels, strict=True)
        for filters, kernel in plan:
            _check_fit("critic_onset_kernels", "time", kernel, steps)
            name = f"onset_{len(self.convolutions)}"
            self.convolutions.append(
                AxisConvolution(channels, filters, 1, kernel, kernel, name=name, **own)
            )
            steps, channels = steps // kernel, filters
        _check_whole("critic_onset_kernels", [steps])
        return channels

    def call(self, bars: tf.Tensor) -> tf.Tensor:
        """Describes bars."""
        x = onsets(bars, self.is_drum)[:, :, tf.newaxis]
        for convolution in self.convolutions:
            x = tf.nn.leaky_relu(convolution(x), self.slope)
        return x[:, 0, 0]


class ChromaStream(Stream):
    """Harmony: how long each pitch class sounds in each beat."""

    def make_layers(
        self, config: BinaryMuseGANConfig, representation: MultitrackPianoRoll, own: dict[str, Any]
    ) -> int:
        """See `Stream`."""
        self.beats = representation.beats_per_bar
        self.lowest_pitch = representation.lowest_pitch
        first, second = config.critic_chroma_filters
        self.classes = AxisConvolution(
            representation.num_tracks, first, 2, 12, 12, name="chroma_0", **own
        )
        self.over_beats = AxisConvolution(
            first, second, 1, self.beats, self.beats, name="chroma_1", **own
        )
        return second

    def call(self, bars: tf.Tensor) -> tf.Tensor:
        """Describes bars."""
        x = chroma(bars, self.beats, self.lowest_pitch)
        x = tf.nn.leaky_relu(self.classes(x), self.slope)
        return tf.nn.leaky_relu(self.over_beats(x), self.slope)[:, 0, 0]


class JointStream(Stream):
    """The baseline: one stack of convolutions over all tracks as channels."""

    def make_layers(
        self, config: BinaryMuseGANConfig, representation: MultitrackPianoRoll, own: dict[str, Any]
    ) -> int:
        """See `Stream`."""
        channels = representation.num_tracks
        sizes = {1: representation.steps_per_bar, 2: representation.num_pitches}
        self.convolutions = []
        for filters, axis, kernel, stride in zip(
            config.critic_baseline_filters,
            config.critic_baseline_axes,
            config.critic_baseline_kernels,
            config.critic_baseline_strides,
            strict=True,
        ):
            _check_fit(
                "critic_baseline_kernels", {1: "time", 2: "pitch"}[axis], kernel, sizes[axis]
            )
            name = f"joint_{len(self.convolutions)}"
            self.convolutions.append(
                AxisConvolution(channels, filters, axis, kernel, stride, name=name, **own)
            )
            sizes[axis] = (sizes[axis] - kernel) // stride + 1
            channels = filters
        _check_whole("critic_baseline_kernels", [sizes[1], sizes[2]])
        return channels

    def call(self, bars: tf.Tensor) -> tf.Tensor:
        """Describes bars."""
        for convolution in self.convolutions:
            bars = tf.nn.leaky_relu(convolution(bars), self.slope)
        return bars[:, 0, 0]


def _shared_plan(
    config: BinaryMuseGANConfig,
) -> list[tuple[int, tuple[int, int], tuple[int, int]]]:
    """(filters, kernel, strides) of the shared convolutions; pitch comes before time."""
    pitch = zip(config.critic_shared_pitch_kernels, config.critic_shared_pitch_strides, strict=True)
    steps = zip(config.critic_shared_filters, config.critic_shared_time_kernels, pitch, strict=True)
    return [(filters, (taps, time), (step, time)) for filters, time, (taps, step) in steps]


def _check_fit(name: str, axis: str, kernel: int, size: int) -> None:
    if kernel > size:
        raise ConfigError(
            f"Expected {name} that fit into what is left along {axis}. Received: kernel {kernel} "
            f"over {size}. Change them with --set."
        )


def _check_whole(name: str, sizes: Sequence[int]) -> None:
    if any(size != 1 for size in sizes):
        raise ConfigError(
            f"Expected {name} that shrink a bar to one vector. Received: "
            f"{' x '.join(map(str, sizes))} left. Change them with --set."
        )
