"""Notes to try the spectrograms on: recorded ones and made-up ones."""

import io
import pathlib
import zipfile

import numpy as np
import soundfile

ARCHIVES = {
    "nsynth": ("nsynth_test_subset/nsynth_test_60.zip", ".wav"),
    "recorded": ("single_notes_16k/single_notes_16k.zip", ".flac"),
}


def recorded_notes(test_data: pathlib.Path, archive: str, step: int = 1) -> np.ndarray:
    """Every `step`-th note of an archive: float32 [notes, 64000], 16 kHz."""
    path, suffix = ARCHIVES[archive]
    with zipfile.ZipFile(test_data / path) as file:
        names = sorted(name for name in file.namelist() if name.endswith(suffix))[::step]
        notes = [soundfile.read(io.BytesIO(file.read(name)), dtype="float32") for name in names]
    assert {rate for _, rate in notes} == {16000}
    return np.stack([samples for samples, _ in notes])


def made_up_notes(num_samples: int = 64000, sample_rate: int = 16000) -> np.ndarray:
    """Three notes that differ in attack, decay and harmonics: float32 [3, num_samples]."""
    seconds = np.arange(num_samples) / sample_rate
    notes = []
    for hz, decay, power in ((65.4, 0.4, 1.0), (440.0, 1.2, 2.0), (987.8, 3.0, 1.5)):
        numbers = np.arange(1, int(0.45 * sample_rate / hz) + 1)
        partials = np.sin(2 * np.pi * hz * seconds[:, np.newaxis] * numbers) / numbers**power
        swell = np.minimum(seconds / 0.02, 1.0) * np.exp(-seconds * decay)
        notes.append(0.3 * partials.sum(axis=1) * swell)
    return np.stack(notes).astype(np.float32)


def golden_note() -> np.ndarray:
    """The signal that the published figures are of: a sine of 440 Hz, float32 [1, 64000]."""
    samples = 0.5 * np.sin(2 * np.pi * 440 * np.arange(64000) / 16000)
    return samples.astype(np.float32)[np.newaxis]


def decibels(signal: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Signal to noise ratio of rows, the noise what the other differs by."""
    noise = np.square(signal - other, dtype=np.float64).sum(axis=-1)
    return 10 * np.log10(np.square(signal, dtype=np.float64).sum(axis=-1) / noise)
