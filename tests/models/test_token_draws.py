"""Draws by inversion against cumulative sums in double precision."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.models import token_draws

TOKENS, DRAWS = 150, 50_000


@pytest.fixture(scope="module")
def logits():
    """Lopsided: every seventh token never comes, the last two rarely."""
    logits = np.random.default_rng(0).normal(size=(3, TOKENS)).astype(np.float32) * 2
    logits[:, ::7] = -1e9
    logits[:, -2:] = -6
    return logits


def _padded(logits):
    kernel, bias = token_draws.pad_output(tf.eye(TOKENS), tf.zeros([TOKENS]))
    assert kernel.shape == (TOKENS, 192) and bias.shape == (192,)
    return tf.matmul(logits, kernel) + bias


def _shares(logits):
    shares = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def test_draws_are_inversions_of_cumulative_sums(logits):
    uniforms = np.random.default_rng(1).random((3, DRAWS)).astype(np.float32)
    drawn = token_draws.draw(_padded(logits), uniforms).numpy()
    ends = np.cumsum(_shares(logits), axis=1)
    for row in range(3):
        expected = np.searchsorted(ends[row], uniforms[row], side="right")
        # Numbers within float32 rounding of an end may fall on either side of it.
        assert (drawn[row] != expected).mean() < 1e-4
        assert (drawn[row] % 7 > 0).all()


def test_frequencies_are_the_softmax(logits):
    uniforms = np.random.default_rng(2).random((3, DRAWS)).astype(np.float32)
    drawn = token_draws.draw(_padded(logits), uniforms).numpy()
    for row, shares in enumerate(_shares(logits)):
        counts = np.bincount(drawn[row], minlength=TOKENS)
        errors = 5 * np.sqrt(shares * (1 - shares) * DRAWS) + 1e-9
        assert (np.abs(counts - shares * DRAWS) <= errors + 5 * (shares > 0)).all()
        assert counts[shares == 0].sum() == 0


@pytest.mark.parametrize("uniform", [1e-9, 1 - 2.0**-24])
def test_the_ends_are_tokens_that_can_come(logits, uniform):
    drawn = token_draws.draw(_padded(logits), np.full(3, uniform, np.float32)).numpy()
    assert drawn.shape == (3,)
    assert (drawn == (1 if uniform < 0.5 else TOKENS - 1)).all()


def test_one_certain_token(logits):
    certain = np.full((1, 128), -1e9, np.float32)
    certain[0, 77] = 3.0
    drawn = token_draws.draw(
        certain, np.linspace(1e-6, 0.999, 9, dtype=np.float32)[np.newaxis]
    ).numpy()
    assert (drawn == 77).all()
