"""Notes as vectors of their log-mel spectra: distances between sounds, and likeness among them."""

import itertools

import numpy as np

from tfmusicgan.metrics.log_mel import log_mel

# Stretches of time that a note's frames are averaged over: attack, hold and release stay apart.
STRETCHES = 16
_ROWS_AT_ONCE = 1024


def note_spectra(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Log-mel spectra averaged over 16 stretches of time.

    Args:
      audio: int16 or float, [notes, samples].
      sample_rate: In Hz.

    Returns:
      float32 [notes, stretches * bands], in decibels to a sine of full scale; fewer stretches for
      clips of fewer frames.
    """
    spectra = log_mel(audio, sample_rate)
    edges = np.linspace(0, spectra.shape[1], min(STRETCHES, spectra.shape[1]) + 1).astype(int)
    means = [spectra[:, a:b].mean(axis=1) for a, b in itertools.pairwise(edges)]
    return np.stack(means, axis=1).reshape(len(audio), -1)


def nearest_distance(spectra: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Distance of each note to the most similar training note, root mean square in decibels.

    Args:
      spectra: [notes, features], from `note_spectra`.
      training: [training notes, features].

    Returns:
      float64 [notes]; infinite where there are no training notes.
    """
    nearest = np.full(len(spectra), np.inf)
    middle = spectra.mean(axis=0, dtype=np.float64)
    rows = spectra - middle
    sizes = (rows**2).sum(axis=1)
    for first in range(0, len(training), _ROWS_AT_ONCE):
        others = training[first : first + _ROWS_AT_ONCE] - middle
        squares = sizes[:, np.newaxis] + (others**2).sum(axis=1) - 2.0 * rows @ others.T
        nearest = np.minimum(nearest, squares.min(axis=1))
    return np.sqrt(np.maximum(nearest, 0.0) / spectra.shape[1])


def note_similarity(spectra: np.ndarray, pitch: np.ndarray) -> float:
    """Mean correlation of the spectra of all pairs of notes of one pitch.

    A generator that has collapsed makes one sound for each pitch, whatever the noise.

    Args:
      spectra: [notes, features], from `note_spectra`.
      pitch: int [notes].

    Returns:
      At most 1, that of equal sounds; NaN where no pitch has two notes. Silent notes count as equal
      to each other and as unlike all others.
    """
    centred = spectra - spectra.mean(axis=1, keepdims=True, dtype=np.float64)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = centred / np.maximum(lengths, 1e-9)
    silent = lengths[:, 0] < 1e-9
    total, pairs = 0.0, 0
    for value in np.unique(pitch):
        some = pitch == value
        count, mute = int(some.sum()), int((some & silent).sum())
        # The square of the sum holds every pair twice, and each note with itself.
        total += float(np.sum(unit[some].sum(axis=0) ** 2)) - (count - mute) + mute * (mute - 1)
        pairs += count * (count - 1)
    return total / pairs if pairs else float("nan")
