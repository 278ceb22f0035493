"""Short-time Fourier transform as GANSynth takes it, and instantaneous frequency.

Frames are N = 2 * bins samples long, N / 4 apart, under a periodic Hann window. All padding is in
front of the audio, none behind it, and no frame is centred. The bin at 0 Hz is left out, the one at
half the sample rate kept. Phases are in units of pi, so that half a turn is 1.

Source: Engel et al. (2019), "GANSynth", https://arxiv.org/abs/1902.08710; magenta 526d3eb1,
`models/gansynth/lib/specgrams_helper.py`, which leaves the bin at 0 Hz out where the paper names
the highest. Its unwrapping is done here by wrapping each difference, which gives the same values
without a long running sum.
"""

import math

import numpy as np
import tensorflow as tf

HOPS_PER_FRAME = 4
_OVERLAP_GAIN = 1.5  # four squared Hann windows, a quarter of their length apart, add up to this


def stft(audio: tf.Tensor, frames: int, bins: int) -> tf.Tensor:
    """Spectra of audio that is padded in front to fill the frames.

    Args:
      audio: float32 [batch, samples]; samples at most (frames + 3) * bins / 2.
      frames: Number of frames.
      bins: Number of bins, even.

    Returns:
      complex64 [batch, frames, bins]; bin i is at (i + 1) / bins of half the sample rate.
    """
    hop = 2 * bins // HOPS_PER_FRAME
    num_hops = frames + HOPS_PER_FRAME - 1
    padding = num_hops * hop - audio.shape[1]
    hops = tf.reshape(tf.pad(audio, [[0, 0], [padding, 0]]), [-1, num_hops, hop])
    framed = tf.concat([hops[:, i : i + frames] for i in range(HOPS_PER_FRAME)], axis=-1)
    return tf.signal.rfft(framed * _window(bins))[..., 1:]


def inverse_stft(spectra: tf.Tensor, num_samples: int) -> tf.Tensor:
    """Audio of spectra by overlapping and adding frames.

    The last three hops are covered by fewer than four frames, so that they fade out.

    Args:
      spectra: complex64 [batch, frames, bins].
      num_samples: Samples wanted; those in front of them are padding.

    Returns:
      float32 [batch, num_samples].
    """
    bins = spectra.shape[2]
    framed = tf.signal.irfft(tf.pad(spectra, [[0, 0], [0, 0], [1, 0]]))
    framed *= _window(bins) / np.float32(_OVERLAP_GAIN)
    audio = tf.signal.overlap_and_add(framed, 2 * bins // HOPS_PER_FRAME)
    return audio[:, audio.shape[1] - num_samples :]


def polar(spectra: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Magnitudes and phases of complex64 of any shape.

    Returns:
      float32 magnitudes and float32 phases in units of pi, within [-1, 1], both of that shape.
    """
    real, imaginary = tf.math.real(spectra), tf.math.imag(spectra)
    magnitudes = tf.sqrt(real * real + imaginary * imaginary)
    # Not tf.math.angle, which takes eleven times as long on a CPU.
    return magnitudes, tf.atan2(imaginary, real) / np.float32(math.pi)


def from_polar(magnitudes: tf.Tensor, phases: tf.Tensor) -> tf.Tensor:
    """Complex numbers: magnitudes and phases in units of pi, float32 of one shape -> complex64."""
    radians = phases * np.float32(math.pi)
    return tf.complex(magnitudes * tf.cos(radians), magnitudes * tf.sin(radians))


def instantaneous_frequency(phases: tf.Tensor) -> tf.Tensor:
    """Differences of unwrapped phases over time; the first frame keeps its phase.

    Args:
      phases: float32 [batch, frames, bins], units of pi.

    Returns:
      float32 [batch, frames, bins], units of pi a hop, within [-1, 1] from the second frame on.
    """
    return tf.concat([phases[:, :1], wrap(phases[:, 1:] - phases[:, :-1])], axis=1)


def phases_from_frequency(frequency: tf.Tensor) -> tf.Tensor:
    """Sums of instantaneous frequency over time, the inverse up to whole turns.

    Args:
      frequency: float32 [batch, frames, bins], units of pi a hop, the first frame's phase in front.

    Returns:
      float32 [batch, frames, bins], units of pi, unwrapped.
    """
    frames = frequency.shape[1]
    # A fifth of the time of tf.cumsum along this axis.
    return tf.matmul(np.tril(np.ones((frames, frames), np.float32)), frequency)


def wrap(phases: tf.Tensor) -> tf.Tensor:
    """Phases in units of pi, any shape, less the whole turns nearest to them: within [-1, 1]."""
    return phases - 2.0 * tf.round(0.5 * phases)


def _window(bins: int) -> np.ndarray:
    """The periodic Hann window: float32 [2 * bins]."""
    size = 2 * bins
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)
    return window.astype(np.float32)
