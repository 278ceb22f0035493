"""MidiNet's three networks: conditioner, generator, discriminator.

A bar is a picture [batch, steps, width]: a column for each of the 128 MIDI pitches, and further
ones where the representation has onsets or velocities. All sizes follow from the config and the
representation; those of the released code are in the comments.
"""

from typing import Any

import keras
import tensorflow as tf

from tfmusicgan.layers.affine import leaky_relu
from tfmusicgan.layers.convolutions import AxisConvolution
from tfmusicgan.layers.initializers import seeded_normal, seeded_plain_normal
from tfmusicgan.models.midinet.layers import BatchNormalization, Product, Upsampling
from tfmusicgan.recipes.midinet import NUM_UPSAMPLINGS, MidiNetConfig

# Steps of the maps that the generator's transposed convolutions take: 2, 4, 8, 16 of 16.
_HALVINGS = NUM_UPSAMPLINGS - 1


class Conditioner(keras.layers.Layer):
    """The previous bar's maps, one for each transposed convolution that is given it.

    Args:
      config: Sizes.
      width: Columns of a bar.
      seed: Of the initial weights.

    Input shape:
      [batch, steps, width].

    Output shape:
      A list of `previous_bar_layers`: [batch, steps, filters], half as many steps, and so on.
    """

    def __init__(self, config: MidiNetConfig, width: int, seed: int, **kwargs):
        super().__init__(**kwargs)
        filters, self.slope = config.conditioner_filters, config.leaky_relu_slope
        self.products, self.norms = [], []
        for number in range(config.previous_bar_layers):
            inputs = width if number == 0 else 2 * filters  # kernels of 1 x 128, then 2 x 1
            self.products.append(
                Product(
                    inputs,
                    filters,
                    seed,
                    config.initial_stddev,
                    truncated=True,
                    name=f"encoding_{number}",
                )
            )
            self.norms.append(_norm(config, filters, f"encoding_norm_{number}"))
        self.built = True

    def call(
        self, x: tf.Tensor, training: bool = False, update_statistics: bool = False
    ) -> list[tf.Tensor]:
        """Reads a batch of bars; see `BatchNormalization` for the modes."""
        mode = {"training": training, "update_statistics": update_statistics}
        maps = []
        for number, (product, norm) in enumerate(zip(self.products, self.norms, strict=True)):
            if number:  # with stride 2 along time two steps lie side by side
                x = tf.reshape(x, [-1, x.shape[1] // 2, 2 * x.shape[2]])
            x = leaky_relu(norm(product(x), **mode), self.slope)
            maps.append(x)  # [batch, steps / 2^number, filters]
        return maps


class Generator(keras.layers.Layer):
    """Noise, a chord and the previous bar's maps to a bar.

    Args:
      config: Sizes.
      steps: Of a bar.
      width: Columns of a bar.
      chord_size: Numbers of a chord; 0 for no chords.
      seed: Of the initial weights.

    Input shape:
      [batch, latent size], [batch, chord size] and the conditioner's maps.

    Output shape:
      [batch, steps, width], numbers before the sigmoid.
    """

    def __init__(
        self,
        config: MidiNetConfig,
        steps: int,
        width: int,
        chord_size: int,
        seed: int,
        **kwargs,
    ):
        super().__init__(**kwargs)
        stddev, filters = config.initial_stddev, config.filters
        self.first_steps = steps >> _HALVINGS
        first_channels = config.first_units // self.first_steps  # 128 of 2 steps
        self.project = Product(
            config.latent_size + chord_size, config.dense_units, seed, stddev, name="project"
        )
        self.project_norm = _norm(config, config.dense_units, "project_norm")
        self.spread = Product(
            config.dense_units + chord_size, config.first_units, seed, stddev, name="spread"
        )
        self.spread_norm = _norm(config, config.first_units, "spread_norm")
        channels, self.upsamplings, self.norms = first_channels, [], []
        for number in range(NUM_UPSAMPLINGS):
            given = number >= NUM_UPSAMPLINGS - config.previous_bar_layers
            channels += chord_size + (config.conditioner_filters if given else 0)
            if number < _HALVINGS:
                self.upsamplings.append(
                    Upsampling(channels, filters, seed, stddev, name=f"upsampling_{number}")
                )
                self.norms.append(_norm(config, filters, f"upsampling_norm_{number}"))
                channels = filters
        # A transposed convolution of 1 x 128, of one filter: all columns share one bias.
        self.kernel = self.add_weight(
            name="columns_kernel",
            shape=(channels, width),
            initializer=seeded_plain_normal(seed, f"{self.name}/columns_kernel", stddev),
        )
        self.bias = self.add_weight(name="columns_bias", shape=(1,), initializer="zeros")
        self.built = True

    def call(
        self,
        noise: tf.Tensor,
        chord: tf.Tensor | None,
        maps: list[tf.Tensor],
        training: bool = False,
        update_statistics: bool = False,
    ) -> tf.Tensor:
        """Generates a batch of bars; see `BatchNormalization` for the modes."""
        mode = {"training": training, "update_statistics": update_statistics}
        x = self.project(append(noise, chord))
        x = tf.nn.relu(self.project_norm(x, **mode))
        x = self.spread(append(x, chord))
        x = tf.nn.relu(self.spread_norm(x, **mode))
        x = tf.reshape(x, [-1, self.first_steps, x.shape[1] // self.first_steps])
        for upsampling, norm in zip(self.upsamplings, self.norms, strict=True):
            x = upsampling(_beside(append(x, chord), maps))
            x = tf.nn.relu(norm(x, **mode))  # [batch, 4, filters], then 8, then 16 steps
        x = _beside(append(x, chord), maps)
        kernel = tf.convert_to_tensor(self.kernel)
        rows = tf.matmul(tf.reshape(x, [-1, kernel.shape[0]]), kernel)
        rows += tf.convert_to_tensor(self.bias)
        return tf.reshape(rows, [-1, x.shape[1], kernel.shape[1]])


class Discriminator(keras.layers.Layer):
    """Scores bars with their chords; it never sees the previous bar.

    Args:
      config: Sizes.
      steps: Of a bar.
      width: Columns of a bar.
      chord_size: Numbers of a chord; 0 for no chords.
      seed: Of the initial weights.

    Input shape:
      [batch, steps, width] and [batch, chord size].

    Output shape:
      Scores [batch], and the features that are matched, [batch, steps / 2, bar filters].
    """

    def __init__(
        self,
        config: MidiNetConfig,
        steps: int,
        width: int,
        chord_size: int,
        seed: int,
        **kwargs,
    ):
        super().__init__(**kwargs)
        own = {"dtype": self.dtype_policy}
        self.slope, stddev = config.leaky_relu_slope, config.initial_stddev
        bar, time = config.discriminator_bar_filters, config.discriminator_time_filters
        # 2 x 128, over the bar and the chord's numbers, which are maps of one value each.
        self.kernel = self.add_weight(
            name="bar_kernel",
            shape=(2, width, 1 + chord_size, bar),
            initializer=seeded_normal(seed, f"{self.name}/bar_kernel", stddev),
        )
        self.bias = self.add_weight(name="bar_bias", shape=(bar,), initializer="zeros")
        self.merge = AxisConvolution(
            bar + chord_size,
            time,
            axis=1,
            kernel=4,
            stride=2,
            seed=seed,
            stddev=stddev,
            name="merge",
            **own,
        )
        self.merge_norm = _norm(config, time, "merge_norm", moving=False, **own)
        flat = ((steps // 2 - 4) // 2 + 1) * time  # 3 x 77
        units = config.discriminator_dense_units
        self.dense = Product(flat + chord_size, units, seed, stddev, name="dense", **own)
        self.dense_norm = _norm(config, units, "dense_norm", moving=False, **own)
        self.score = Product(units + chord_size, 1, seed, stddev, name="score", **own)
        self.built = True

    def call(self, bar: tf.Tensor, chord: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores a batch, whose statistics normalise it."""
        features = self.features(bar, chord)  # [batch, 8, 14]
        x = append(features, chord)
        x = self.merge(x[:, :, tf.newaxis])[:, :, 0]  # [batch, 3, 77]
        x = leaky_relu(self.merge_norm(x), self.slope)
        x = tf.reshape(x, [-1, x.shape[1] * x.shape[2]])
        x = self.dense(append(x, chord))
        x = leaky_relu(self.dense_norm(x), self.slope)
        return self.score(append(x, chord))[:, 0], features

    def features(self, bar: tf.Tensor, chord: tf.Tensor | None) -> tf.Tensor:
        """What the first convolution finds: [batch, steps / 2, bar filters]; not normalised.

        A chord's map has one value, so that its part of the product is the value times the sum of
        the kernel.
        """
        kernel = tf.convert_to_tensor(self.kernel)
        taps, width, _, filters = kernel.shape
        pairs = tf.reshape(tf.cast(bar, kernel.dtype), [-1, taps * width])
        rows = tf.matmul(pairs, tf.reshape(kernel[:, :, 0], [taps * width, filters]))
        rows = tf.nn.bias_add(rows, tf.convert_to_tensor(self.bias))
        rows = tf.reshape(rows, [-1, bar.shape[1] // taps, filters])
        if chord is not None:
            of_chord = tf.reduce_sum(kernel[:, :, 1:], axis=[0, 1])
            rows += tf.matmul(tf.cast(chord, kernel.dtype), of_chord)[:, tf.newaxis]
        return leaky_relu(rows, self.slope)


def append(x: tf.Tensor, chord: tf.Tensor | None) -> tf.Tensor:
    """A chord's numbers behind the channels, at every step: [batch, (steps,) channels]."""
    if chord is None:
        return x
    chord = tf.cast(chord, x.dtype)
    if x.shape.rank == 3:
        chord = tf.repeat(chord[:, tf.newaxis], x.shape[1], axis=1)
    return tf.concat([x, chord], axis=-1)


def _beside(x: tf.Tensor, maps: list[tf.Tensor]) -> tf.Tensor:
    """The previous bar's map of as many steps behind the channels, if there is one."""
    found = [given for given in maps if given.shape[1] == x.shape[1]]
    return tf.concat([x, *(tf.cast(given, x.dtype) for given in found)], axis=-1)


def _norm(
    config: MidiNetConfig, channels: int, name: str, moving: bool = True, **kwargs: Any
) -> BatchNormalization:
    decay = config.batch_norm_decay if moving else None
    return BatchNormalization(channels, decay, config.batch_norm_epsilon, name=name, **kwargs)
