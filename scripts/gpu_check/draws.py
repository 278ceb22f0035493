"""Draws of tokens that all forms of a step share.

Rounding turns some draws over, and with a token all that is written after it: what a step learns
from another form's sequences tells nothing about its arithmetic. So a form draws its own, for its
time and its compiler, and learns from the reference's.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import numpy as np
import tensorflow as tf

from tfmusicgan.models import roll_outs
from tfmusicgan.models.jazzgan import writing

_DRAWING = ((roll_outs, "sample"), (roll_outs, "complete"), (writing, "write"))


@contextlib.contextmanager
def noted() -> Iterator[list[np.ndarray]]:
    """The tokens that are drawn inside, in their order; without a graph."""
    found: list[np.ndarray] = []

    def note(tokens: tf.Tensor) -> tf.Tensor:
        found.append(tokens.numpy())
        return tokens

    with _replaced(note):
        yield found


@contextlib.contextmanager
def given(draws: Sequence[np.ndarray]) -> Iterator[None]:
    """Draws inside give these tokens, in their order."""
    left = iter(draws)

    def replace(tokens: tf.Tensor) -> tf.Tensor:
        # No token is negative, but a compiler does not know, and leaves no draw out.
        return tf.where(tokens < 0, tokens, tf.constant(next(left)))

    with _replaced(replace):
        yield


@contextlib.contextmanager
def _replaced(change: Callable[[tf.Tensor], tf.Tensor]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for module, name in _DRAWING:
            draw = getattr(module, name)

            def changed(*arguments: Any, draw: Callable[..., Any] = draw, **named: Any) -> Any:
                return tf.nest.map_structure(change, draw(*arguments, **named))

            stack.enter_context(mock.patch.object(module, name, changed))
        yield
