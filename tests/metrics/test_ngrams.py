import numpy as np
import pytest

from tfmusicgan.errors import ConfigError
from tfmusicgan.metrics.ngrams import NGrams, flatten

ROWS = [[7, 7, 7, -2], [], [-2, 7, 7], [5]]


def grams(rows, n):
    """(n-gram, its sequence), in order."""
    return [
        (tuple(row[start : start + n]), number)
        for number, row in enumerate(rows)
        for start in range(len(row) - n + 1)
    ]


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 9])
def test_equal_ngrams_have_equal_numbers(n):
    rng = np.random.default_rng(n)
    rows = [rng.integers(0, 3, size).tolist() for size in rng.integers(0, 25, 20)]
    for sequences in (ROWS, rows):
        expected = grams(sequences, n)
        sets = flatten("some", sequences[:2]), flatten("others", sequences[2:])
        numbers, owners = NGrams(*sets).of_length(n)
        assert owners.tolist() == [owner for _, owner in expected]
        pairs = set(zip(numbers.tolist(), [gram for gram, _ in expected], strict=True))
        assert len(pairs) == len(set(numbers.tolist())) == len({gram for gram, _ in expected})


def test_counts():
    numbers, owners, counts = NGrams(flatten("rows", ROWS)).counts(2)
    assert owners.tolist() == [2, 0, 0, 2]  # (-2, 7), (7, -2), (7, 7) twice
    assert counts.tolist() == [1, 1, 2, 1]
    assert (np.diff(numbers) == 0).tolist() == [False, False, True]
    assert [len(one) for one in NGrams(flatten("rows", [])).counts(1)] == [0, 0, 0]


def test_arrays_and_lists_of_every_integer_type():
    square = np.arange(6).reshape(2, 3)
    for kind in ("i1", "u1", "i2", "u4", "i8"):
        for sequences in (square.astype(kind), list(square.astype(kind)), square.tolist()):
            tokens, lengths = flatten("rows", sequences)
            assert tokens.tolist() == [0, 1, 2, 3, 4, 5] and tokens.dtype == np.int64
            assert lengths.tolist() == [3, 3]
    assert flatten("rows", np.zeros((2, 0))).lengths.tolist() == [0, 0]
    assert flatten("rows", [[], [2**62]]).tokens.tolist() == [2**62]


@pytest.mark.parametrize(
    ("sequences", "received"),
    [
        (np.zeros((3, 4)), r"float64 \[3, 4\]"),
        (np.zeros(3, int), r"int64 \[3\]"),
        (np.zeros((3, 4), bool), r"bool \[3, 4\]"),
        ([[1, 2], [1.5]], r"float64 \[1\]"),
        ([[1, 2], [[1]]], r"int64 \[1, 1\]"),
        ([1, 2], r"int64 \[\]"),
        ([["C4", "E4"]], r"<U2 \[2\]"),
        (np.zeros((1, 1), np.uint64), r"uint64 \[1, 1\]"),
    ],
)
def test_other_tokens_and_axes(sequences, received):
    expected = rf"^Expected rows of int \[sequences, length\], .*\. Received: {received}\.$"
    with pytest.raises(ConfigError, match=expected):
        flatten("rows", sequences)


def test_ngrams_have_a_token():
    with pytest.raises(ConfigError, match=r"at least one token. Received: n=0"):
        NGrams(flatten("rows", ROWS)).of_length(0)
