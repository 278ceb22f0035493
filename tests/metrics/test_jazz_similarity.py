"""How alike jazz lines are, by hand."""

import numpy as np
import pytest

from tfmusicgan.metrics.jazz_lines import Line
from tfmusicgan.metrics.jazz_similarity import line_similarity


def line(pitches, durations, primer=0):
    steps = sum(durations)
    roots, tones = np.zeros(steps, np.int32), np.zeros((steps, 12), np.uint8)
    return Line(np.array(pitches), np.array(durations), roots, tones, primer=primer)


def test_equal_entries_at_equal_places():
    first = line([9, 20, 21, 22], [3, 6, 6, 12], primer=1)
    second = line([9, 20, 21, 23, 24], [3, 6, 3, 12, 12], primer=1)
    third = line([40, 20, 21, 22, 22, 22], [3, 6, 6, 12, 12, 12], primer=1)
    # Without primers 3, 4 and 5 entries: 1 of 4, 3 of 5, 1 of 5 are equal.
    assert line_similarity([first, second, third]) == pytest.approx((1 / 4 + 3 / 5 + 1 / 5) / 3)
    assert line_similarity([third] * 3) == 1


def test_nothing_to_compare():
    assert np.isnan(line_similarity([line([9, 20], [3, 6])]))
    assert np.isnan(line_similarity([line([9], [3], primer=1)] * 3))
