"""HTK's mel scale, mel = 1127 ln(1 + f / 700): of GANSynth's images, of measures and pictures."""

import numpy as np

MEL_PER_E_FOLD, BREAK_HZ = 1127.0, 700.0


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    """HTK mel of frequencies in Hz."""
    return MEL_PER_E_FOLD * np.log1p(np.asarray(hz) / BREAK_HZ)


def mel_to_hz(mel: np.ndarray | float) -> np.ndarray:
    """Frequencies in Hz of HTK mel."""
    return BREAK_HZ * np.expm1(np.asarray(mel) / MEL_PER_E_FOLD)


def even_edges_hz(bands: int, upper_hz: float) -> np.ndarray:
    """Edges and centres of bands as far apart in mel, from 0 Hz up: float64 [bands + 2], in Hz.

    Args:
      bands: How many; band j has lower edge j, centre j + 1 and upper edge j + 2.
      upper_hz: The upper edge of the last one.
    """
    return mel_to_hz(np.linspace(0.0, hz_to_mel(upper_hz), bands + 2))
