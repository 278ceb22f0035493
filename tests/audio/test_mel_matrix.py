"""The mel matrix against the published invariants of the released one."""

import numpy as np
import pytest

from tfmusicgan.audio.banded_product import banded_product
from tfmusicgan.audio.mel_matrix import band_edges_hz, linear_matrix, mel_matrix
from tfmusicgan.mel_scale import even_edges_hz, hz_to_mel, mel_to_hz

SIZES = (1024, 512)
CENTRES = {
    1024: {
        **{0: 1.772, 1: 7.655, 2: 13.538, 10: 60.598, 100: 589.470, 400: 2349.789, 800: 4695.205},
        **{851: 4994.185, 852: 5000.047, 853: 5013.967, 1000: 7501.509, 1023: 7978.637},
    },
    512: {
        **{0: 3.641, 1: 15.454, 2: 27.266, 10: 121.710, 100: 1181.158, 200: 2355.848},
        **{400: 4702.918, 425: 4996.171, 426: 5007.902, 427: 5030.367, 500: 7501.981},
        511: 7957.368,
    },
}
# bins: non-zeros, sum of M, sum of M+, maximum of M+
TOTALS = {
    1024: (2042, 1021.098181, 1021.011385, 1.034992),
    512: (1018, 509.101678, 510.222281, 1.035404),
}
LAST_ROW_SUMS = {1024: (0.732120, 0.366060, 0.0), 512: (0.734452, 0.367226, 0.0)}
# At columns 1, 2, 10, 100, F / 2 and F - 1.
COLUMN_SUMS = {
    1024: (0.971973, 0.670765, 0.670436, 0.668367, 0.666415, 2.70203),
    512: (0.982920, 0.674525, 0.700442, 0.668166, 0.666152, 2.68804),
}
# Row to the column of its maximum, and the maximum where it is published.
MAXIMA = {
    1024: {10: (13, 0.993097), 100: (133, 0.791849), 200: (266, None), 400: (533, None)}
    | {600: (799, None)},
    512: {10: (13, 0.953321), 100: (133, 0.710180), 200: (266, None), 400: (467, None)},
}


@pytest.mark.parametrize("bins", SIZES)
def test_totals(bins):
    matrix, inverse = mel_matrix(bins, 8000.0), linear_matrix(bins, 8000.0)
    assert matrix.shape == inverse.shape == (bins, bins)
    assert matrix.dtype == inverse.dtype == np.float64
    nonzeros, total, inverse_total, inverse_maximum = TOTALS[bins]
    assert np.count_nonzero(matrix) == np.count_nonzero(inverse) == nonzeros
    np.testing.assert_allclose(matrix.sum(), total, atol=1e-6)
    np.testing.assert_allclose(inverse.sum(), inverse_total, atol=1e-6)
    np.testing.assert_allclose(inverse.max(), inverse_maximum, atol=1e-6)


@pytest.mark.parametrize("bins", SIZES)
def test_rows_and_columns(bins):
    matrix = mel_matrix(bins, 8000.0)
    assert np.flatnonzero(~matrix.any(axis=1)).tolist() == [0, bins - 1]
    assert np.flatnonzero(~matrix.any(axis=0)).tolist() == [0]
    np.testing.assert_allclose(matrix.sum(axis=1)[1 : bins - 3], 1.0, atol=1e-12)
    np.testing.assert_allclose(matrix.sum(axis=1)[-3:], LAST_ROW_SUMS[bins], atol=1e-6)
    columns = matrix.sum(axis=0)[[1, 2, 10, 100, bins // 2, bins - 1]]
    np.testing.assert_allclose(columns, COLUMN_SUMS[bins], atol=6e-6)
    assert (np.count_nonzero(matrix[1 : bins - 3], axis=1) <= 2).all()
    for row, (column, maximum) in MAXIMA[bins].items():
        assert matrix[row].argmax() == column
        if maximum is not None:
            np.testing.assert_allclose(matrix[row, column], maximum, atol=1e-6)
    np.testing.assert_allclose(matrix[1, 1], {1024: 0.971973, 512: 0.982920}[bins], atol=1e-6)


@pytest.mark.parametrize("bins", SIZES)
def test_band_centres(bins):
    centres = band_edges_hz(bins, 8000.0)[1:-1]
    found = [centres[band] for band in CENTRES[bins]]
    np.testing.assert_allclose(found, list(CENTRES[bins].values()), atol=6e-4)
    # The cascade leaves the axis linear to 5 kHz: three quarters of a bin from band to band.
    last = {1024: 852, 512: 426}[bins]
    np.testing.assert_allclose(np.diff(centres[:last]), 0.75 * 8000 / bins, rtol=0.02)
    assert centres[last + 1] - centres[last] > 1.1 * 0.75 * 8000 / bins


@pytest.mark.parametrize("bins", SIZES)
def test_the_inverse_keeps_what_is_flat(bins):
    flat = np.ones(bins) @ mel_matrix(bins, 8000.0) @ linear_matrix(bins, 8000.0)
    # Exactly so but for the ends, which have no rows: that is what it is divided by.
    np.testing.assert_allclose(flat[20 : bins - 60], 1.0, atol=0.02)


def test_other_rates_have_the_same_shape_of_axis():
    edges = band_edges_hz(256, 4000.0)
    assert edges.shape == (258,) and (np.diff(edges) > 0).all()
    np.testing.assert_allclose(edges[-1], 4000.0)
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(440.0)), 440.0)
    np.testing.assert_allclose(even_edges_hz(2, 3400.0)[[0, 2, 3]], [0.0, 1574.5, 3400.0], atol=0.1)
    # The unit of mel: 1000 Hz are 1000 mel.
    np.testing.assert_allclose(hz_to_mel(1000.0), 1000.0, atol=0.02)


def test_shared_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        mel_matrix(512, 8000.0)[3, 3] = 1.0


@pytest.mark.parametrize("bins", [6, 100, 1024])
def test_banded_product_is_the_product(bins):
    x = np.random.default_rng(0).normal(size=(2, 3, bins)).astype(np.float32)
    for matrix in (mel_matrix(bins, 8000.0), linear_matrix(bins, 8000.0)):
        found = banded_product(x, matrix).numpy()
        np.testing.assert_allclose(found, x @ matrix, rtol=2e-5, atol=2e-6)
    wide = np.zeros((bins, 5))
    wide[2, 1], wide[bins - 1, 1] = 2.0, -1.0
    expected = np.zeros((2, 3, 5), np.float32)
    expected[..., 1] = 2 * x[..., 2] - x[..., bins - 1]
    np.testing.assert_allclose(banded_product(x, wide).numpy(), expected, rtol=1e-6, atol=1e-6)
