"""Log-mel spectra of notes in NumPy: what measures compare and pictures show.

They are for looking and measuring alone; what models learn is in `tfmusicgan.audio`, which needs
TensorFlow.
"""

import functools

import numpy as np

from tfmusicgan.mel_scale import even_edges_hz
from tfmusicgan.note_sequences.wav_file import from_int16

# Quieter than this counts as silence, in decibels below a sine of full scale.
FLOOR_DB = -80.0
BANDS = 64
# Samples that are transformed at once: their windowed frames are 8 times as many numbers.
_SAMPLES_AT_ONCE = 1 << 21


def frame_samples(sample_rate: int) -> int:
    """Length of a frame, a power of two near 1/16 s: 512 at 8 kHz, 1024 at 16 kHz."""
    return 1 << max(5, round(np.log2(sample_rate / 16.0)))


def log_mel(audio: np.ndarray, sample_rate: int, bands: int = BANDS) -> np.ndarray:
    """Power in mel bands over time.

    Frames of `frame_samples` overlap by three quarters, under a periodic Hann window, centred on
    their place with zeros beyond the ends.

    Args:
      audio: int16 or float, [notes, samples]; floats within -1 to 1.
      sample_rate: In Hz.
      bands: Triangles on HTK's mel scale, from 0 Hz to half the sample rate.

    Returns:
      float32 [notes, frames, bands], in decibels to a sine of full scale, not below `FLOOR_DB`;
      one frame for each hop, a quarter of a frame, and one for the end.
    """
    size = frame_samples(sample_rate)
    hop = size // 4
    # Periodic; scaled so that a sine of full scale has power 1 at its bin.
    window = np.hanning(size + 1)[:-1]
    window = (window * (2.0 / window.sum())).astype(np.float32)
    matrix = mel_triangles(sample_rate, size, bands)
    at_once = max(1, _SAMPLES_AT_ONCE // max(1, audio.shape[1]))
    parts = []
    for first in range(0, len(audio), at_once):
        samples = to_float(audio[first : first + at_once])
        padded = np.pad(samples, ((0, 0), (size // 2, size // 2)))
        frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::hop]
        power = np.abs(np.fft.rfft(frames * window, axis=-1)) ** 2
        parts.append(10.0 * np.log10(np.maximum(power @ matrix, 10.0 ** (FLOOR_DB / 10.0))))
    frames = 1 + audio.shape[1] // hop
    return np.concatenate(parts or [np.zeros((0, frames, bands))]).astype(np.float32)


def to_float(audio: np.ndarray) -> np.ndarray:
    """Samples as float32 within -1 to 1: int16 are divided by 32,768."""
    if audio.dtype == np.int16:
        return from_int16(audio)
    return audio.astype(np.float32)


@functools.lru_cache(maxsize=8)
def mel_triangles(sample_rate: int, size: int, bands: int) -> np.ndarray:
    """Triangles of peak 1 on HTK's mel scale.

    Where bands would be narrower than the bins, each is as wide as two bins.

    Returns:
      float64 [size // 2 + 1, bands], bins to bands.
    """
    edges = even_edges_hz(bands, sample_rate / 2.0)
    bin_hz = sample_rate / size
    hz = np.arange(size // 2 + 1)[:, np.newaxis] * bin_hz
    lower = np.maximum(edges[1:-1] - edges[:-2], bin_hz)
    upper = np.maximum(edges[2:] - edges[1:-1], bin_hz)
    rising = 1.0 - (edges[1:-1] - hz) / lower
    falling = 1.0 - (hz - edges[1:-1]) / upper
    return np.maximum(0.0, np.minimum(rising, falling))


def band_centres_hz(sample_rate: int, bands: int = BANDS) -> np.ndarray:
    """The middle of each band of `log_mel`, in Hz: float64 [bands]."""
    return even_edges_hz(bands, sample_rate / 2.0)[1:-1]
