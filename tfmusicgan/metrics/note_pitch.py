"""The pitch of a note from its spectrum, without anything that was trained.

Peaks at the multiples of the right fundamental stand out against the spectrum halfway between. The
idea is that of SWIPE (Camacho and Harris 2008, "A sawtooth waveform inspired pitch estimator for
speech and music", JASA 124): multiples count less the higher they are, and what lies between them
counts against, so that neither half nor double the fundamental wins.
"""

import numpy as np

from tfmusicgan.metrics.log_mel import to_float

_HARMONICS = 10
# The candidates around a pitch: a note may be so many semitones out of tune.
_DETUNINGS = (-0.3, -0.15, 0.0, 0.15, 0.3)
_NOTES_AT_ONCE = 64


def estimate_pitch(audio: np.ndarray, sample_rate: int, lowest: int, highest: int) -> np.ndarray:
    """The most likely pitch of each note.

    Args:
      audio: int16 or float, [notes, samples], a single note each.
      sample_rate: In Hz.
      lowest: Lowest MIDI pitch that may come out; its period should fit the clip several times.
      highest: Highest MIDI pitch that may come out, below a quarter of the sample rate.

    Returns:
      int32 [notes], MIDI pitches; -1 for a silent clip.
    """
    size = 2 * audio.shape[1]
    pitches = np.arange(lowest, highest + 1)
    matrix = _templates(pitches, sample_rate, size)
    window = np.hanning(audio.shape[1]).astype(np.float32)
    found = np.full(len(audio), -1, np.int32)
    for first in range(0, len(audio), _NOTES_AT_ONCE):
        samples = to_float(audio[first : first + _NOTES_AT_ONCE])
        # Roots: the loudest multiple does not decide alone.
        spectrum = np.sqrt(np.abs(np.fft.rfft(samples * window, n=size, axis=-1)))
        scores = (spectrum @ matrix).reshape(len(samples), len(pitches), len(_DETUNINGS))
        best = pitches[np.argmax(scores.max(axis=2), axis=1)]
        sounds = samples.any(axis=1)
        found[first : first + len(samples)] = np.where(sounds, best, -1)
    return found


def _templates(pitches: np.ndarray, sample_rate: int, size: int) -> np.ndarray:
    """What each candidate counts for and against: float32 [bins, candidates].

    Weights of a candidate have the same length whatever its number of multiples below half the
    sample rate.
    """
    fine = (pitches[:, np.newaxis] + np.array(_DETUNINGS)).ravel()
    bin_hz = sample_rate / size
    matrix = np.zeros((size // 2 + 1, len(fine)), np.float32)
    for column, pitch in enumerate(fine):
        fundamental = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
        for multiple in range(1, _HARMONICS + 1):
            weight = multiple**-0.5
            places = (
                (multiple, weight),
                (multiple - 0.5, -weight / 2),
                (multiple + 0.5, -weight / 2),
            )
            for place, value in places:
                hz = place * fundamental
                if multiple * fundamental < 0.48 * sample_rate:
                    _add_triangle(matrix[:, column], hz, 0.03 * fundamental + bin_hz, value, bin_hz)
        matrix[:, column] /= np.linalg.norm(matrix[:, column])
    return matrix


def _add_triangle(
    column: np.ndarray, hz: float, half_width_hz: float, value: float, bin_hz: float
) -> None:
    """Adds a triangle of area `value` around a frequency, as far as the bins go."""
    first = max(0, int(np.floor((hz - half_width_hz) / bin_hz)))
    last = min(len(column), int(np.ceil((hz + half_width_hz) / bin_hz)) + 1)
    shape = np.maximum(0.0, 1.0 - np.abs(np.arange(first, last) * bin_hz - hz) / half_width_hz)
    if shape.sum() > 0:
        column[first:last] += value * shape / shape.sum()
