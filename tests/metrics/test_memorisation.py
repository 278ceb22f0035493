import math

import numpy as np
import pytest

from tfmusicgan.errors import ConfigError
from tfmusicgan.metrics import memorisation


def phrases(number, seed, shape=(2, 5, 3)):
    rng = np.random.default_rng(seed)
    rolls = rng.random((number, *shape)) < rng.random((number, 1, 1, 1)) * 0.6
    rolls[0] = False
    return rolls


def slow_distance(a, b, measure):
    a, b = ({*map(tuple, np.argwhere(x).tolist())} for x in (a, b))
    if measure == "hamming":
        return len(a ^ b) / 30
    return len(a ^ b) / len(a | b) if a | b else 0.0


@pytest.mark.parametrize("measure", memorisation.MEASURES)
@pytest.mark.parametrize(("chunk", "rows"), [(1 << 24, 1 << 12), (100, 5), (7, 4)])
def test_nearest_distance(measure, chunk, rows, monkeypatch):
    monkeypatch.setattr(memorisation, "_CHUNK_NUMBERS", chunk)
    monkeypatch.setattr(memorisation, "_CHUNK_ROWS", rows)
    made, training = phrases(9, 1), phrases(14, 2)[1:]
    training[7] = made[3]
    expected = [min(slow_distance(a, b, measure) for b in training) for a in made]
    found = memorisation.nearest_distance(made, training, measure)
    assert found.tolist() == pytest.approx(expected)
    assert found[3] == 0.0
    assert found[5] > 0.0


@pytest.mark.parametrize("measure", memorisation.MEASURES)
@pytest.mark.parametrize(("chunk", "rows"), [(1 << 24, 1 << 12), (100, 5), (7, 4)])
def test_self_similarity(measure, chunk, rows, monkeypatch):
    monkeypatch.setattr(memorisation, "_CHUNK_NUMBERS", chunk)
    monkeypatch.setattr(memorisation, "_CHUNK_ROWS", rows)
    made = phrases(8, 3)
    pairs = [(a, b) for a in range(8) for b in range(a)]
    expected = sum(1 - slow_distance(made[a], made[b], measure) for a, b in pairs) / len(pairs)
    assert memorisation.self_similarity(made, measure) == pytest.approx(expected)


def test_by_hand():
    a = np.array([[1, 1, 0, 0], [0, 0, 0, 1]], bool)
    b = np.array([[0, 1, 1, 0]], bool)
    assert memorisation.nearest_distance(a, b).tolist() == pytest.approx([2 / 3, 1.0])
    assert memorisation.nearest_distance(a, b, "hamming").tolist() == [0.5, 0.75]
    assert memorisation.self_similarity(a[[0, 0, 0]]) == 1.0


def test_undefined_values_are_nan():
    a = phrases(3, 4)
    assert np.isnan(memorisation.nearest_distance(a, a[:0])).all()
    assert memorisation.nearest_distance(a[:0], a).shape == (0,)
    assert math.isnan(memorisation.self_similarity(a[:1]))


def test_errors():
    with pytest.raises(ConfigError, match=r"measure 'cosine'. Known: hamming, jaccard"):
        memorisation.nearest_distance(phrases(2, 0), phrases(2, 0), "cosine")
    with pytest.raises(ConfigError, match=r"measure 'cosine'"):
        memorisation.self_similarity(phrases(2, 0), "cosine")
    with pytest.raises(ConfigError, match=r"of one shape. Received: \[2, 5, 3\] and \[5, 3\]"):
        memorisation.nearest_distance(phrases(2, 0), phrases(2, 0)[0])


def test_transposed_by_hand():
    rolls = np.zeros((3, 1, 2, 4, 2), bool)
    rolls[0, 0, 0, 1, 0] = rolls[0, 0, 1, 3, 1] = True  # the second track is drums
    rolls[1, 0, 1, 3, 0] = rolls[1, 0, 1, 0, 0] = True
    rolls[2, 0, 0, 2, 0] = True
    up = memorisation.transposed(rolls, 1, [False, True])
    assert np.argwhere(up).tolist() == [[0, 0, 0, 2, 0], [0, 0, 1, 3, 1], [1, 0, 0, 3, 0]]
    down = memorisation.transposed(rolls, -2, [False, True])
    assert np.argwhere(down).tolist() == [[0, 0, 0, 0, 0]]
    assert memorisation.transposed(rolls, 0, [False, True]) is rolls
    assert len(memorisation.transposed(rolls, 3, [False, False])) == 0
