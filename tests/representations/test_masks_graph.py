"""Rows by a mask against tf.boolean_mask; what is refused keeps no other thread waiting."""

import threading

import pytest
import tensorflow as tf

from tfmusicgan.representations.masks_graph import where_true
from tfmusicgan.representations.note_sequences_graph import flat_notes


@pytest.mark.parametrize("mask", [[], [False] * 3, [True, False, True]])
def test_equals_boolean_mask(mask):
    mask, rows = tf.constant(mask, tf.bool), len(mask)
    values = (tf.range(rows), tf.reshape(tf.range(2 * rows), [rows, 2]), tf.fill([rows], "a"))
    for found, value in zip(where_true(mask, *values), values, strict=True):
        expected = tf.boolean_mask(value, mask)
        assert found.dtype == expected.dtype and found.shape == expected.shape
        assert found.numpy().tolist() == expected.numpy().tolist()


def test_rows_of_another_number_are_refused():
    with pytest.raises(ValueError, match="incompatible"):
        where_true(tf.constant([True]), tf.range(3))


def test_a_refused_input_leaves_other_threads_their_turn():
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        flat_notes(tf.constant(b""))
    thread = threading.Thread(target=lambda: flat_notes(tf.constant([b""])), daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
