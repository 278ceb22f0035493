"""GANSynth's mel matrix and its approximate inverse, in NumPy.

The matrix takes F linear bins to F mel bands. Two habits of the released code make its axis what it
is, and the trained weights and published figures belong to them:

* Row i is treated as i * upper / (F - 1) Hz, although it holds FFT bin i + 1.
* Bands narrower than 1.5 bins are widened in increasing order, with lower edges, centres and upper
  edges as views of one array. A correction therefore moves the band above it too, and the
  corrections cascade: the axis is linear, 4/3 times oversampled, up to about 5 kHz of 8, and only
  above mel-spaced. For it to be a mel axis the three would have to be arrays of their own.

Source: Engel et al. (2019), "GANSynth", https://arxiv.org/abs/1902.08710; magenta 526d3eb1,
`models/gansynth/lib/spectral_ops.py`.
"""

import functools

import numpy as np

from tfmusicgan.mel_scale import BREAK_HZ, MEL_PER_E_FOLD, hz_to_mel, mel_to_hz

_LEAST_BINS = 1.5  # least width of a band
_LEAST_SUM = 1e-8  # of a column of M M^T to be divided by


@functools.lru_cache(maxsize=8)
def band_edges_hz(bins: int, upper_hz: float) -> np.ndarray:
    """Edges and centres of all bands after the cascade of corrections.

    Args:
      bins: F, the number of bands.
      upper_hz: The upper edge of the last band: half the sample rate.

    Returns:
      float64 [bins + 2], Hz, rising; band j has lower edge j, centre j + 1 and upper edge j + 2.
      Not writeable. The first is below zero: the correction of band 0 moves it there.
    """
    edges = np.linspace(0.0, float(hz_to_mel(upper_hz)), bins + 2)
    least = _LEAST_BINS * upper_hz / bins
    for band in range(bins):
        lower, centre, upper = mel_to_hz(edges[band : band + 3])
        if upper - lower < least:
            # Half the width in mel whose width in Hz is `least`, about this centre.
            half = MEL_PER_E_FOLD * np.arcsinh(0.5 * least / (centre + BREAK_HZ))
            edges[band] = edges[band + 1] - half
            edges[band + 2] = edges[band + 1] + half
    return _constant(mel_to_hz(edges))


@functools.lru_cache(maxsize=8)
def mel_matrix(bins: int, upper_hz: float) -> np.ndarray:
    """The matrix M: linear bins to mel bands, triangles in Hz with a peak of at most 1.

    Args:
      bins: F, the number of linear bins and of bands.
      upper_hz: Half the sample rate.

    Returns:
      float64 [bins, bins], linear bin by mel band; rows have at most two entries, the first and
      the last row and the first column none. Not writeable.
    """
    edges = band_edges_hz(bins, upper_hz)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    hz = np.linspace(0.0, upper_hz, bins)[:, np.newaxis]
    rising, falling = (hz - lower) / (centre - lower), (upper - hz) / (upper - centre)
    matrix = np.maximum(0.0, np.minimum(rising, falling))
    matrix[0] = 0.0  # HTK leaves the row at 0 Hz out
    return _constant(matrix)


@functools.lru_cache(maxsize=8)
def linear_matrix(bins: int, upper_hz: float) -> np.ndarray:
    """The approximate inverse M+: mel bands to linear bins, M^T divided by M M^T's column sums.

    Args:
      bins: F, the number of bands and of linear bins.
      upper_hz: Half the sample rate.

    Returns:
      float64 [bins, bins], mel band by linear bin. Not writeable.
    """
    matrix = mel_matrix(bins, upper_hz)
    sums = (matrix @ matrix.T).sum(axis=0)
    return _constant(matrix.T / np.where(sums > _LEAST_SUM, sums, 1.0))


def _constant(array: np.ndarray) -> np.ndarray:
    """The array, which is shared by all callers, made read-only."""
    array.flags.writeable = False
    return array
