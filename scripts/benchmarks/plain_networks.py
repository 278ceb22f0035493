"""MuseGAN's networks as one writes them with Keras's layers, with the weights of ours.

Conv3D, Conv3DTranspose, Dense and BatchNormalization in `keras.Sequential`, on [batch, bars, time,
pitch, channels] from end to end, one network per track: what `tests/models/test_plain_networks.py`
compares our networks with, and `musegan_convolutions.py` our training step.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.layers.convolutions import BarConvolution, ProductConvolution
from tfmusicgan.layers.track_layers import (
    TrackBatchNormalization,
    TrackTransposedConvolution,
    TrackUpsampling,
)
from tfmusicgan.models.musegan.critic import PhraseCritic
from tfmusicgan.models.musegan.generator import BarGenerator, PhraseGenerator, TemporalGenerator

_ANY = (None, None, None, None)


class Copies:
    """Builds plain layers with weights of ours and remembers which went where.

    Attributes:
      pairs: (plain variable, our variable, function from our array to the plain one's form); the
        functions choose a track and rearrange, so that they map gradients as well.
    """

    def __init__(self):
        self.pairs: list[tuple[keras.Variable, keras.Variable, Callable]] = []

    def upsampling(self, layer: TrackUpsampling, track: int, axis: int) -> keras.layers.Layer:
        """A transposed convolution with stride equal to kernel; axis 0 bars, 1 time, 2 pitch."""
        taps = [1, 1, 1]
        taps[axis] = layer.taps
        channels, filters = layer.kernel.shape[1], layer.filters
        plain = keras.layers.Conv3DTranspose(filters, tuple(taps), tuple(taps))

        def arrange(kernel: np.ndarray) -> np.ndarray:
            kernel = kernel[track].reshape(channels, layer.taps, filters)
            return np.transpose(kernel, (1, 2, 0)).reshape(*taps, filters, channels)

        return self._adopt(plain, channels, layer, arrange, track)

    def joining(self, layer: TrackTransposedConvolution, track: int) -> keras.layers.Layer:
        """A transposed convolution with stride 1 along the bars."""
        channels = layer.kernel.shape[1] // layer.taps
        plain = keras.layers.Conv3DTranspose(layer.filters, (layer.taps, 1, 1))

        def arrange(kernel: np.ndarray) -> np.ndarray:
            kernel = kernel[track].reshape(layer.taps, channels, layer.filters)
            return np.transpose(kernel, (0, 2, 1))[:, np.newaxis, np.newaxis]

        return self._adopt(plain, channels, layer, arrange, track)

    def normalisation(self, layer: TrackBatchNormalization, track: int) -> keras.layers.Layer:
        """Batch normalisation of one track."""
        plain = keras.layers.BatchNormalization(momentum=layer.decay, epsilon=layer.epsilon)
        plain.build((*_ANY, layer.gamma.shape[1]))
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            self._pair(getattr(plain, name), getattr(layer, name), lambda array: array[track])
        return plain

    def convolution(self, layer: ProductConvolution, track: int | None) -> keras.layers.Layer:
        """A convolution along bars, time or pitch."""
        *_, length, channels, filters = layer.kernel.shape
        axis, stride = (0, 1) if isinstance(layer, BarConvolution) else (layer.axis, layer.stride)
        taps, strides = [1, 1, 1], [1, 1, 1]
        taps[axis], strides[axis] = length, stride
        plain = keras.layers.Conv3D(filters, tuple(taps), tuple(strides))

        def arrange(kernel: np.ndarray) -> np.ndarray:
            kernel = kernel if track is None else kernel[track]
            return kernel.reshape(*taps, channels, filters)

        return self._adopt(plain, channels, layer, arrange, track)

    def dense(self, layer: TrackUpsampling, track: int) -> keras.layers.Layer:
        """A dense layer, which in our critic is an upsampling by 1."""
        inputs = layer.kernel.shape[1]
        plain = keras.layers.Dense(layer.filters)
        plain.build((None, inputs))
        self._pair(plain.kernel, layer.kernel, lambda kernel: kernel[track])
        self._pair(plain.bias, layer.bias, lambda bias: bias[track])
        return plain

    def _adopt(self, plain, channels: int, layer, arrange: Callable, track: int | None):
        plain.build((*_ANY, channels))
        self._pair(plain.kernel, layer.kernel, arrange)
        self._pair(plain.bias, layer.bias, lambda b: b if track is None else b[track])
        return plain

    def _pair(self, plain: keras.Variable, ours: keras.Variable, arrange: Callable) -> None:
        plain.assign(arrange(ours.numpy()))
        self.pairs.append((plain, ours, arrange))


class PlainGenerator(keras.layers.Layer):
    """`PhraseGenerator`, from scratch and with temporal generators of their own, layer by layer.

    Args:
      ours: The generator whose weights it takes.
      copies: Remembers them.

    Input shape:
      Latents in the order of ours.

    Output shape:
      [batch, bars, time, pitch, tracks], before the output's tanh.
    """

    def __init__(self, ours: PhraseGenerator, copies: Copies, **kwargs):
        super().__init__(**kwargs)
        self.num_bars, self.tracks = ours.bars, ours.tracks
        self.shared, self.private = ours.shared, ours.private
        self.chords = [_temporal(ours.shared_temporal, 0, copies)] if ours.shared else []
        self.melodies, self.bar_generators = [], []
        for track in range(ours.tracks):
            if ours.private:
                self.melodies.append(_temporal(ours.private_temporal, track, copies))
            self.bar_generators.append(_bar(ours.bar_generator, track, ours.bars, copies))
        self.built = True

    def call(
        self,
        latents: Sequence[tf.Tensor],
        given: None = None,
        training: bool = False,
        update_statistics: bool = False,
    ) -> tf.Tensor:
        """Generates phrases; Keras's normalisation follows the batch whenever it trains."""
        latents = list(latents)
        changing, fixed = [], []
        if self.shared:
            fixed.append(self._every_bar(latents.pop(0)))
            changing.append(self.chords[0](_as_bar(latents.pop(0)), training=training))
        outputs = []
        for track, bar_generator in enumerate(self.bar_generators):
            varied, steady = list(changing), list(fixed)
            if self.private:
                varied.append(
                    self.melodies[track](_as_bar(latents[1][:, track]), training=training)
                )
                steady.append(self._every_bar(latents[0][:, track]))
            outputs.append(bar_generator(tf.concat(varied + steady, -1), training=training))
        return tf.concat(outputs, axis=-1)

    def networks(self) -> list[keras.Sequential]:
        """All parts, each of which runs once per phrase."""
        return [*self.chords, *self.melodies, *self.bar_generators]

    def _every_bar(self, z: tf.Tensor) -> tf.Tensor:
        return tf.repeat(_as_bar(z), self.num_bars, axis=1)


class PlainCritic(keras.layers.Layer):
    """`PhraseCritic` layer by layer.

    Args:
      ours: The critic whose weights it takes.
      copies: Remembers them.

    Input shape:
      [critics * batch, bars, time, pitch, channels].

    Output shape:
      [critics * batch].
    """

    def __init__(self, ours: PhraseCritic, copies: Copies, **kwargs):
        super().__init__(**kwargs)
        self.critics = []
        for index in range(ours.critics or 1):
            track = None if ours.critics is None else index
            layers = []
            for layer in ours.convolutions:
                layers += [copies.convolution(layer, track), keras.layers.LeakyReLU(ours.slope)]
            layers += [keras.layers.Flatten(), copies.dense(ours.hidden, index)]
            layers += [keras.layers.LeakyReLU(ours.slope), copies.dense(ours.score, index)]
            self.critics.append(keras.Sequential(layers))
        self.built = True

    def arrange(self, phrases: tf.Tensor) -> tf.Tensor:
        """Leaves the phrases as they are."""
        return phrases

    def call(self, phrases: tf.Tensor) -> tf.Tensor:
        """Scores phrases."""
        parts = tf.split(phrases, len(self.critics))
        scores = [critic(part) for critic, part in zip(self.critics, parts, strict=True)]
        return tf.concat(scores, axis=0)[:, 0]


def make_plain(model, ours) -> Copies:
    """Gives a MuseGAN that generates from scratch plain networks.

    Args:
      model: Gets the networks; not compiled yet.
      ours: The model, of the same config, whose weights they take.

    Returns:
      Which weights went where.
    """
    copies = Copies()
    model.generator = PlainGenerator(ours.generator, copies, name="generator")
    model.critic = PlainCritic(ours.critic, copies, name="critic")
    return copies


def _temporal(ours: TemporalGenerator, track: int, copies: Copies) -> keras.Sequential:
    return keras.Sequential(
        [
            copies.upsampling(ours.spread, track, axis=0),
            copies.normalisation(ours.spread_norm, track),
            keras.layers.ReLU(),
            copies.joining(ours.join, track),
            copies.normalisation(ours.join_norm, track),
            keras.layers.ReLU(),
        ]
    )


def _bar(ours: BarGenerator, track: int, bars: int, copies: Copies) -> keras.Sequential:
    layers = [
        copies.upsampling(ours.project, track, axis=1),
        copies.normalisation(ours.project_norm, track),
        keras.layers.ReLU(),
        keras.layers.Reshape((bars, ours.first_steps, 1, ours.first_filters)),
    ]
    for index, layer in enumerate(ours.steps):
        layers.append(copies.upsampling(layer, track, axis=layer.axis - 1))
        if index < len(ours.norms):
            layers += [copies.normalisation(ours.norms[index], track), keras.layers.ReLU()]
    return keras.Sequential(layers)


def _as_bar(z: tf.Tensor) -> tf.Tensor:
    """[batch, size] to [batch, 1, 1, 1, size]."""
    return z[:, tf.newaxis, tf.newaxis, tf.newaxis]
