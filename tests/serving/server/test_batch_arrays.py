"""Padding of variable lengths, and what it costs."""

import numpy as np

from tfmusicgan.serving.server import batch_arrays
from tfmusicgan.serving.server.batch_arrays import Extent


def test_each_array_is_filled_with_its_own_first_element_and_empty_ones_with_nothing():
    numbers = [np.array([[1, 2, 3]]), np.array([[7], [8]]), np.zeros((1, 0), int)]
    padded = batch_arrays.equally_long(numbers)
    assert [part.tolist() for part in padded] == [[[1, 2, 3]], [[7, 7, 7], [8, 7, 7]], [[0, 0, 0]]]
    texts = [np.array([[b"x", b"y"]], object), np.array([[b"z"]], object), np.empty((2, 0), object)]
    padded = batch_arrays.equally_long(texts)
    assert [part.tolist() for part in padded] == [
        [[b"x", b"y"]],
        [[b"z", b"z"]],
        [[b"", b""], [b"", b""]],
    ]


def test_rows_of_all_inputs_in_one_batch():
    requests = [[np.array([1]), np.array([[5.0]])], [np.array([2, 3]), np.array([[6.0], [7.0]])]]
    merged = batch_arrays.merged(requests, 5, lengths_differ=False)
    assert merged[0].tolist() == [1, 2, 3, 2, 2]
    assert merged[1].tolist() == [[5.0], [6.0], [7.0], [6.0], [6.0]]


def test_extents():
    tall, wide = Extent.of(np.zeros((9, 3, 1), np.int16)), Extent.of(np.zeros((1, 2, 5), np.int16))
    assert tall.joined(wide) == Extent((3, 5), 2)
    text = Extent.of(np.array([[b"abc", b"d" * 99]], object))
    assert text.joined(Extent.of(np.empty((4, 0), object))) == Extent((2,), 24 + 3)
    assert batch_arrays.batch_bytes([tall.joined(wide), text], 10) == 10 * (15 * 2 + 2 * 27)
