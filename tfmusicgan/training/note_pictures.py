"""Pictures of sets of notes: log-mel spectra over time, one row for each set."""

import os
from collections.abc import Mapping, Sequence

import numpy as np

from tfmusicgan.metrics.log_mel import band_centres_hz, log_mel
from tfmusicgan.metrics.note_metrics import Notes
from tfmusicgan.rendering.names import pitch_name
from tfmusicgan.rendering.spectra import draw_spectra, spectra_image


def draw_notes(rows: Mapping[str, Notes], path: str | os.PathLike) -> None:
    """Draws sets of notes into a PNG file, e.g. recorded above generated ones.

    Args:
      rows: Name to notes; all rows have as many, the columns are named by the first row's pitches.
      path: The file to write; it is replaced if it is there.

    Raises:
      ConfigError: If there is nothing to draw, or rows have not as many notes.
      OSError: If the file cannot be written.
    """
    draw_spectra(*_arguments(rows), path)


def notes_image(rows: Mapping[str, Notes]) -> np.ndarray:
    """The picture of `draw_notes` as uint8 [height, width, 3], RGB, for TensorBoard."""
    return spectra_image(*_arguments(rows))


def _arguments(
    rows: Mapping[str, Notes],
) -> tuple[dict[str, np.ndarray], Sequence[str], float, np.ndarray]:
    first = next(iter(rows.values()))
    pictures = {name: log_mel(notes.audio, notes.sample_rate) for name, notes in rows.items()}
    titles = [pitch_name(int(pitch)) for pitch in first.pitch]
    seconds = first.audio.shape[1] / first.sample_rate
    return pictures, titles, seconds, band_centres_hz(first.sample_rate)
