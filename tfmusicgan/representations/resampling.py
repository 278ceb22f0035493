"""Another sample rate by a polyphase filter, in NumPy and SciPy.

Source: Crochiere and Rabiner (1983), "Multirate Digital Signal Processing", section 3.3.
"""

import fractions
import functools

import numpy as np

# Half the filter's length in samples of the lower rate. With 80 dB of attenuation (Kaiser's beta
# of 8) the band between passing and stopping is an eighth of the lower Nyquist frequency wide; it
# ends there, so that nothing is folded back.
_HALF_LENGTH = 40
_KAISER_BETA = 8.0
_CUTOFF = 1.0 - 1.0 / 16.0
# Rates with a larger common denominator are off by a millionth at most: a filter for 44,101 to
# 16,000 Hz would have millions of taps.
_LARGEST_FACTOR = 1000


def resample(samples: np.ndarray, rate_in: int, rate_out: int) -> np.ndarray:
    """Changes the sample rate; what is below 7/8 of the lower Nyquist frequency is kept.

    Args:
      samples: float [samples].
      rate_in: Theirs, in Hz.
      rate_out: The wanted one, in Hz.

    Returns:
      float32 [ceil(samples * rate_out / rate_in)], beginning at the same time; the same array as
      float32 if the rates are equal.
    """
    samples = np.asarray(samples, np.float32)
    if rate_in == rate_out:
        return samples
    # Imported when needed: it takes half a second, and most audio has the right rate.
    from scipy import signal

    ratio = fractions.Fraction(rate_out, rate_in).limit_denominator(_LARGEST_FACTOR)
    up, down = ratio.numerator, ratio.denominator
    return signal.resample_poly(samples, up, down, window=_taps(max(up, down)))


def margin(rate_in: int, rate_out: int) -> int:
    """Samples before and after one that have a part in it, at the rate that comes in."""
    return _HALF_LENGTH * -(-max(rate_in, rate_out) // rate_out)


@functools.lru_cache(maxsize=16)
def _taps(factor: int) -> np.ndarray:
    """The low-pass at the rate of the least common multiple, float32 [2 * 40 * factor + 1]."""
    from scipy import signal

    window = ("kaiser", _KAISER_BETA)
    taps = signal.firwin(2 * _HALF_LENGTH * factor + 1, _CUTOFF / factor, window=window)
    return taps.astype(np.float32)
