"""Spectra over time -> picture: rows of notes side by side, loud is light.

What is drawn comes as decibels; this module knows no transforms. Drawn with matplotlib's objects
alone: no pyplot, no global state, no display.
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfmusicgan.errors import ConfigError
from tfmusicgan.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 110
_INCHES = (1.7, 1.6)  # of one picture: width, height
_LABELLED_HZ = (125, 250, 500, 1000, 2000, 4000, 8000)


def draw_spectra(
    rows: Mapping[str, Sequence[np.ndarray]],
    titles: Sequence[str],
    seconds: float,
    band_hz: np.ndarray,
    path: str | os.PathLike,
) -> None:
    """Draws rows of spectra into a PNG file; whole or not at all.

    Args:
      rows: Name (`"recorded"`, `"generated"`) to pictures, decibels [frames, bands] each; the same
        shades of colour stand for the same decibels everywhere.
      titles: Of the columns.
      seconds: Length of a clip.
      band_hz: [bands], the middle of each band.
      path: The file to write; it is replaced if it is there.

    Raises:
      ConfigError: If there is nothing to draw, or rows have not as many pictures as titles.
      OSError: If the file cannot be written.
    """
    figure = _figure(rows, titles, seconds, band_hz)
    with replacing(path) as temporary:
        # No software name and date inside: the same notes give the same bytes.
        figure.savefig(temporary, format="png", dpi=_DPI, metadata={"Software": None})


def spectra_image(
    rows: Mapping[str, Sequence[np.ndarray]],
    titles: Sequence[str],
    seconds: float,
    band_hz: np.ndarray,
) -> np.ndarray:
    """The picture of `draw_spectra` as uint8 [height, width, 3], RGB, for TensorBoard."""
    figure = _figure(rows, titles, seconds, band_hz)
    figure.set_dpi(_DPI)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[:, :, :3].copy()


def _figure(
    rows: Mapping[str, Sequence[np.ndarray]],
    titles: Sequence[str],
    seconds: float,
    band_hz: np.ndarray,
) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    numbers = {name: len(pictures) for name, pictures in rows.items()}
    if not rows or not titles or set(numbers.values()) != {len(titles)}:
        raise ConfigError(
            f"Expected rows of as many pictures as titles, {len(titles)}. Received: {numbers}."
        )
    everything = np.concatenate([np.ravel(one) for pictures in rows.values() for one in pictures])
    size = (_INCHES[0] * len(titles) + 1.3, _INCHES[1] * len(rows) + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(rows), len(titles), squeeze=False, sharex=True, sharey=True)
    labelled = [hz for hz in _LABELLED_HZ if band_hz[0] <= hz <= band_hz[-1]]
    places = np.interp(labelled, band_hz, np.arange(len(band_hz)))
    for axes_of_row, (name, pictures) in zip(grid, rows.items(), strict=True):
        for axes, picture in zip(axes_of_row, pictures, strict=True):
            image = axes.imshow(
                np.transpose(picture),
                origin="lower",
                aspect="auto",
                extent=(0.0, seconds, -0.5, len(band_hz) - 0.5),
                cmap="magma",
                vmin=everything.min(),
                vmax=max(everything.max(), everything.min() + 1.0),
            )
            axes.set_yticks(places, [f"{hz:,}" for hz in labelled])
            axes.tick_params(length=2, labelsize=7)
        axes_of_row[0].set_ylabel(f"{name}\nHz", fontsize=8)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=9)
    for axes in grid[-1]:
        axes.set_xlabel("s", fontsize=8)
    bar = figure.colorbar(image, ax=grid, fraction=0.03)
    bar.set_label("dB", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure
