"""Graphs of tests do not stay for the life of their process."""

import gc
import weakref

import pytest
import tensorflow as tf

from tests.graph_memory import graphs_forgotten


@tf.custom_gradient
def doubled(x):
    """Twice its input."""
    return 2.0 * x, lambda upstream: 2.0 * upstream


def traced():
    """A weak reference to the graph of a function that has just been traced, run and left."""
    function = tf.function(lambda x: doubled(x) + doubled(x)).get_concrete_function(
        tf.constant(1.0)
    )
    assert float(function(tf.constant(3.0))) == 12.0
    return weakref.ref(function.graph)


@pytest.mark.parametrize("forgotten", [False, True])
def test_only_forgotten_graphs_are_freed(forgotten):
    with graphs_forgotten():
        if forgotten:
            with graphs_forgotten():
                graph = traced()
        else:
            graph = traced()
        gc.collect()
        assert (graph() is None) == forgotten


def test_gradients_of_graphs_from_before_are_kept():
    function = tf.function(lambda x: doubled(x))
    x = tf.constant(3.0)
    function(x)
    with graphs_forgotten():
        traced()
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    assert float(tape.gradient(y, x)) == 2.0
