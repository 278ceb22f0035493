"""Pictures of spectra: rows and columns, loud is light, refused input."""

import numpy as np
import pytest
from matplotlib.image import imread

from tfmusicgan.errors import ConfigError
from tfmusicgan.rendering.spectra import draw_spectra, spectra_image

HZ = np.geomspace(100.0, 3500.0, 16)


def _spectra(count, loud_band):
    some = np.full((count, 20, 16), -80.0, np.float32)
    some[:, 5:, loud_band] = -3.0
    return some


def test_a_band_is_light_where_it_is(tmp_path):
    rows = {"recorded": _spectra(3, 2), "generated": _spectra(3, 13)}
    image = spectra_image(rows, ["C4", "D4", "E4"], 1.0, HZ)
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[1] > image.shape[0]
    # Magma's lightest colour, beside white paper: red and green, less blue.
    light = (image[..., 0] > 240) & (image[..., 1] > 200) & (image[..., 2] < 220)
    light[:, int(0.85 * image.shape[1]) :] = False  # the bar that explains the colours
    upper, lower = np.array_split(light, 2)
    places = [np.nonzero(part.any(axis=1))[0] for part in (upper, lower)]
    assert all(len(place) for place in places)
    # Low in the first row's pictures, high in the second's.
    assert places[0].mean() > len(upper) / 2 and places[1].mean() < len(lower) / 2
    draw_spectra(rows, ["C4", "D4", "E4"], 1.0, HZ, tmp_path / "notes.png")
    assert imread(tmp_path / "notes.png").ndim == 3
    assert [path.name for path in tmp_path.iterdir()] == ["notes.png"]
    first = (tmp_path / "notes.png").read_bytes()
    draw_spectra(rows, ["C4", "D4", "E4"], 1.0, HZ, tmp_path / "notes.png")
    assert (tmp_path / "notes.png").read_bytes() == first


def test_silence_can_be_drawn():
    silent = np.full((1, 20, 16), -80.0)
    assert spectra_image({"generated": silent}, ["C4"], 1.0, HZ).std() > 0


@pytest.mark.parametrize("rows", [{}, {"recorded": _spectra(2, 1)}])
def test_rows_that_do_not_fit(rows):
    with pytest.raises(ConfigError, match=r"as many pictures as titles, 3\. Received: \{"):
        spectra_image(rows, ["C4", "D4", "E4"], 1.0, HZ)
