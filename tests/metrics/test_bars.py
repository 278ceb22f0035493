"""What the metrics of bars share."""

import numpy as np

from tfmusicgan.metrics.bars import fold_pitches


def test_class_0_is_c_whatever_the_lowest_pitch():
    # MIDI 35 to 49: B, C ... B, C, C#; two tracks.
    counts = np.zeros((15, 2), np.int64)
    counts[:, 0] = range(1, 16)
    counts[3, 1] = 5  # D
    folded = fold_pitches(counts, 35)
    # B is the first and the thirteenth, C the second and the fourteenth, C# the third and the last.
    assert folded[:, 0].tolist() == [2 + 14, 3 + 15, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1 + 13]
    assert folded[:, 1].tolist() == [0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0]


def test_bands_count_from_the_first_pitch():
    counts = np.arange(1, 16)[:, np.newaxis]
    assert fold_pitches(counts, 35, band=7)[:, 0].tolist() == [28, 77, 15]
