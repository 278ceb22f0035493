"""The refiner of BinaryMuseGAN: turns a generator's probabilities into a binary neuron's input.

Dong and Yang, ISMIR 2018, arXiv 1804.09399: per track, residual units of the
pre-activation kind (He et al. 2016, arXiv 1603.05027), convolutions of 3 time steps by 12 pitches.
"""

import keras
import tensorflow as tf

from tfmusicgan.layers.plane_convolutions import TrackPlaneConvolution
from tfmusicgan.layers.precision import full_precision
from tfmusicgan.layers.track_layers import TrackBatchNormalization


class Refiner(keras.layers.Layer):
    """Residual refinement network, one set of weights per track, all tracks at once.

    Args:
      tracks: Number of tracks.
      units: Residual units.
      filters: Channels within a unit.
      kernel: Taps along time and along pitch.
      decay: Of the moving statistics.
      epsilon: Added to variances.
      seed: Of the initial weights.
      stddev: Of the initial weights.

    Input shape:
      float [batch, bars, time, pitch, tracks], a generator's probabilities within [0, 1].

    Output shape:
      float32, or float64 in double precision, the same: the logits that a binary neuron takes. They
      start near the input, which is never below 0: the residual branches have to learn a negative
      offset.

    Mixed precision: what the branches add to, and its normalisation, stay as exact as the input. A
    neuron's bit turns on small differences, which 8 or 11 bits of a number near 0.5 do not hold.
    """

    def __init__(
        self,
        tracks: int,
        units: int,
        filters: int,
        kernel: tuple[int, int],
        decay: float,
        epsilon: float,
        seed: int,
        stddev: float = 0.02,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.units = [
            ResidualUnit(tracks, filters, kernel, decay, epsilon, seed, stddev, name=f"unit_{unit}")
            for unit in range(units)
        ]
        self.built = True

    def call(self, probabilities: tf.Tensor, **mode: bool) -> tf.Tensor:
        """Refines phrases; `mode` is passed to batch normalisation."""
        bars, time, pitch, tracks = probabilities.shape[1:]
        x = tf.transpose(probabilities, [4, 0, 1, 2, 3])
        x = tf.reshape(x, [tracks, -1, time, pitch, 1])  # [tracks, batch * bars, ...]
        for unit in self.units:
            x = unit(x, **mode)
        x = tf.reshape(x, [tracks, -1, bars, time, pitch])
        return full_precision(tf.transpose(x, [1, 2, 3, 4, 0]))


class ResidualUnit(keras.layers.Layer):
    """x plus BN, ReLU, convolution to `filters`, BN, ReLU, convolution to one channel.

    Args: see `Refiner`; the weights' names are the unit's.

    Input shape:
      [tracks, batch, time, pitch, 1].

    Output shape:
      The same.
    """

    def __init__(
        self,
        tracks: int,
        filters: int,
        kernel: tuple[int, int],
        decay: float,
        epsilon: float,
        seed: int,
        stddev: float,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        norm = {"decay": decay, "epsilon": epsilon}
        scale = {"seed": seed, "stddev": stddev}
        name = self.name
        self.widen_norm = TrackBatchNormalization(
            tracks, 1, autocast=False, name="widen_norm", **norm
        )
        self.widen = TrackPlaneConvolution(
            tracks, 1, filters, kernel, name=f"refiner_{name}_widen", **scale
        )
        self.narrow_norm = TrackBatchNormalization(tracks, filters, name="narrow_norm", **norm)
        self.narrow = TrackPlaneConvolution(
            tracks, filters, 1, kernel, name=f"refiner_{name}_narrow", **scale
        )
        self.built = True

    def call(self, x: tf.Tensor, **mode: bool) -> tf.Tensor:
        """Refines."""
        y = self.widen(tf.nn.relu(self.widen_norm(x, **mode)))
        return x + tf.cast(self.narrow(tf.nn.relu(self.narrow_norm(y, **mode))), x.dtype)
