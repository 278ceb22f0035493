"""Draws by inversion against cumulative sums in double precision, and limits by sorted lists."""

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


def _limit(logits, temperature, top_k, top_p):
    rows = np.ones(len(logits), np.float32)
    limits = token_draws.Limits(
        tf.constant(rows * np.float32(temperature)),
        tf.constant((rows * np.int32(top_k)).astype(np.int32)),
        tf.constant(rows * np.float32(top_p)),
    )
    return token_draws.limit(tf.constant(logits), limits).numpy()


def _kept(row, temperature, top_k, top_p):
    """The tokens that can come, most probable first, one after the other in double precision."""
    order = sorted(range(len(row)), key=lambda token: (-row[token], token))
    order = order[:top_k] if top_k else order
    shares = np.exp((row[order].astype(np.float64) - row.max()) / temperature)
    shares /= shares.sum()
    kept, reached = [], 0.0
    for token, share in zip(order, shares, strict=True):
        if kept and reached >= top_p and top_p < 1:
            break
        kept.append(token)
        reached += share
    return kept


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [(1, 0, 1), (0.5, 0, 1), (2, 7, 1), (1, 0, 0.8), (0.7, 0, 0.03), (1.5, 9, 0.6), (1, 500, 0.9)],
)
def test_limits_are_those_of_sorted_lists(logits, temperature, top_k, top_p):
    found = _limit(logits, temperature, top_k, top_p)
    for row, limited in zip(logits, found, strict=True):
        kept = _kept(row, temperature, top_k, top_p)
        np.testing.assert_allclose(limited[kept], row[kept] / temperature, rtol=1e-6)
        others = np.setdiff1d(np.arange(TOKENS), kept)
        assert (limited[others] <= -1e8).all()
        if top_k == 0 and top_p == 1 and temperature == 1:
            np.testing.assert_array_equal(limited, row)


def test_equal_logits_are_cut_to_the_number_wanted():
    logits = np.array([[0, 3, 1, 3, 3, 1, 1, 0]], np.float32)
    for top_k, kept in ((1, [1]), (2, [1, 3]), (4, [1, 2, 3, 4]), (5, [1, 2, 3, 4, 5])):
        assert np.flatnonzero(_limit(logits, 1, top_k, 1)[0] > -1e8).tolist() == kept
    # Three equal ones of a third each: a half is reached by two of them.
    assert np.flatnonzero(_limit(logits, 0.05, 0, 0.5)[0] > -1e8).tolist() == [1, 3]


@pytest.mark.parametrize("limits", [(0, 0, 1), (1e-30, 0, 1), (3, 1, 1), (1, 0, 0), (0, 9, 0.5)])
def test_the_most_probable_token_alone(logits, limits):
    found = _limit(logits, *limits)
    drawn = token_draws.draw(_padded(found), np.full((3, 2), (1e-6, 0.999), np.float32)).numpy()
    assert (drawn == logits.argmax(axis=1)[:, np.newaxis]).all()
    assert np.isfinite(found).all()


def test_rows_have_limits_of_their_own(logits):
    row = logits[1]
    cases = [(1.0, 0, 1.0), (0.0, 0, 1.0), (1.0, 3, 1.0), (0.5, 0, 0.4), (1.0, 0, 1.0)]
    found = _limit(np.stack([row] * 5), *map(np.array, zip(*cases, strict=True)))
    for limited, case in zip(found, cases, strict=True):
        np.testing.assert_array_equal(limited, _limit(row[np.newaxis], *case)[0])
    np.testing.assert_array_equal(found[0], row)
    assert (found[1] > -1e8).sum() == 1 and (found[2] > -1e8).sum() == 3
