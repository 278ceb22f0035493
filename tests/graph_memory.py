"""Keeps traced graphs from piling up in a process of tests.

TensorFlow registers the gradient of every use of `tf.custom_gradient` in a graph, for as long as
the process lives, and it holds the whole graph: gigabytes where each recipe is trained.
"""

import contextlib
import gc
import sys
from collections.abc import Iterator

_WORTH_A_COLLECTION = 20  # gradients, so that it does not come after every small module


@contextlib.contextmanager
def graphs_forgotten() -> Iterator[None]:
    """Frees the graphs that the block traces; nothing may ask for their gradients afterwards."""
    before = set(_registered())
    try:
        yield
    finally:
        registered = _registered()
        new = [name for name in set(registered) - before if name.startswith("CustomGradient")]
        for name in new:
            registered.pop(name, None)
        if len(new) >= _WORTH_A_COLLECTION:
            gc.collect()


def _registered() -> dict[str, object]:
    """TensorFlow's gradients by name; none before it is imported, which this leaves to others."""
    if "tensorflow" not in sys.modules:
        return {}
    from tensorflow.python.framework import ops

    return ops.gradient_registry._registry
