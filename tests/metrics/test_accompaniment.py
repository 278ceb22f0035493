"""The control of accompaniments: tonal distance to the given track and to another piece's."""

import math

import numpy as np
import pytest

from tfmusicgan.metrics.accompaniment import (
    MARGIN,
    NEARER,
    exchanged_distances,
    harmony_with_given,
    listens,
    nearer_intervals,
    pairs_of_pieces,
)
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import parse_tracks

REP = MultitrackPianoRoll(
    tracks=parse_tracks("bass,drums,piano,guitar"),
    bars=2,
    steps_per_beat=1,
    lowest_pitch=48,
    num_pitches=24,
)
DRUMS, PIANO = 1, 2


def phrases(bass, piano, guitar):
    """Phrases of held single pitches, [phrases] or [phrases, bars] of each track."""
    rolls = np.zeros((len(piano), 2, 4, 24, 4), bool)
    for track, pitches in ((0, bass), (2, piano), (3, guitar)):
        pitches = np.asarray(pitches)
        pitches = np.broadcast_to(pitches.reshape(len(rolls), -1), (len(rolls), 2))
        row, bar = np.indices(pitches.shape)
        rolls[row, bar, :, pitches, track] = True
    rolls[:, 0, 0, 5, DRUMS] = True
    return rolls


def exchanged(rolls, pieces=None, track=PIANO):
    """Distances; by default every phrase is a piece of its own."""
    pieces = np.arange(len(rolls)) if pieces is None else np.asarray(pieces)
    return exchanged_distances(rolls, pieces, track, REP)


def verdict(rolls, pieces=None):
    return listens(nearer_intervals(exchanged(rolls, pieces))[NEARER])


# Pitch 0 is C: C to G is 1.737, C to F sharp 2.828.
C, F_SHARP, G = 0, 6, 7


def tonal(first, second):
    total = 0.0
    for radius, angle in ((1, 7 / 6), (1, 3 / 2), (0.5, 2 / 3)):
        difference = angle * math.pi * (second - first)
        total += (2 * radius * math.sin(difference / 2)) ** 2
    return math.sqrt(total)


def test_by_hand():
    rolls = phrases(bass=(C, G), piano=(C, G), guitar=(F_SHARP, G))
    before = rolls.copy()
    found = harmony_with_given(exchanged(rolls))
    assert np.array_equal(rolls, before)
    assert list(found) == [
        "tonal_distance_to_given/bass",
        "tonal_distance_to_given/guitar",
        "tonal_distance_to_other/bass",
        "tonal_distance_to_other/guitar",
        "nearer_to_given/bass",
        "nearer_to_given/guitar",
        "nearer_to_given",
    ]
    to_given, to_other = 2.828 / 2, (tonal(F_SHARP, G) + 1.737) / 2
    assert found["tonal_distance_to_given/bass"] == pytest.approx(0.0, abs=1e-9)
    assert found["tonal_distance_to_given/guitar"] == pytest.approx(to_given, abs=1e-3)
    assert found["tonal_distance_to_other/bass"] == pytest.approx(1.737, abs=1e-3)
    assert found["tonal_distance_to_other/guitar"] == pytest.approx(to_other, abs=1e-3)
    assert found["nearer_to_given/guitar"] == pytest.approx(to_other - to_given, abs=1e-3)
    both = (1.737 + to_other - to_given) / 2
    assert found["nearer_to_given"] == pytest.approx(both, abs=1e-3)


def test_a_bar_counts_for_both_distances_or_for_none():
    rolls = phrases(bass=((C, C), (G, C)), piano=((C, C), (G, G)), guitar=(C, C))
    rolls[1, 1, 0, :, PIANO] = False  # a beat of the second phrase's second bar
    found = exchanged(rolls)["bass"]
    assert found.own.counts.tolist() == found.other.counts.tolist() == [2]
    assert found.own.value() == pytest.approx(0.0, abs=1e-9)
    assert found.nearer.value() == pytest.approx(1.737, abs=1e-3)


def test_the_other_track_is_of_another_piece():
    # Four windows of each piece, whose pianos differ by octaves alone; basses follow in C, then G.
    # The window before is of the same piece in six of eight: a mean of 1.737 / 4.
    pianos = [C, C + 12] * 2 + [G, G + 12] * 2
    rolls = phrases(bass=[C] * 4 + [G] * 4, piano=pianos, guitar=[C] * 8)
    found = harmony_with_given(exchanged(rolls, [0] * 4 + [1] * 4))
    assert found["tonal_distance_to_other/bass"] == pytest.approx(1.737, abs=1e-3)
    # Played twice to the same pianos, a half of the rows apart: no window meets itself.
    twice = np.concatenate([rolls, rolls])
    found = harmony_with_given(exchanged(twice, ([0] * 4 + [1] * 4) * 2))
    assert found["tonal_distance_to_other/bass"] == pytest.approx(1.737, abs=1e-3)


def test_pairs_of_pieces():
    def pairs(given, pieces):
        first, second = pairs_of_pieces(np.array(given).reshape(-1, 1, 1, 2), np.array(pieces))
        return list(zip(first.tolist(), second.tolist(), strict=True))

    low, high, both, silent = ([True, False], [False, True], [True, True], [False, False])
    assert pairs([low, low, high, high], [0, 0, 1, 1]) == [(0, 2), (1, 3)]
    # Sorted by piece, wherever they stand; one of an odd number is left out.
    assert pairs([low, high, low, high, both], [0, 1, 0, 1, 2]) == [(0, 3), (2, 4)]
    # Silent given tracks, and equal ones.
    assert pairs([low, silent, low, high, low], [0, 0, 1, 2, 3]) == [(0, 3)]
    # One piece has more than half: with itself it makes no pair.
    assert pairs([low, high, low, high, both], [0, 0, 0, 0, 1]) == [(1, 4)]
    assert pairs([low, high], [5, 5]) == []


def test_without_another_piece_nothing_is_known():
    rng = np.random.default_rng(0)
    given = rng.integers(0, 12, 100)
    distances = exchanged(phrases(given, given, given), [3] * 100)
    assert math.isnan(harmony_with_given(distances)["tonal_distance_to_other/bass"])
    (low, high) = nearer_intervals(distances)[NEARER]
    assert math.isnan(low) and math.isnan(high)
    assert verdict(phrases(given, given, given), [3] * 100) is None
    assert verdict(phrases(given[:40], given[:40], given[:40])) is None  # 20 pairs at most
    assert verdict(phrases(given, given, given)) is True


def test_drums_have_no_harmony():
    rolls = phrases(bass=(C, G), piano=(C, G), guitar=(C, G))
    assert exchanged(rolls, track=DRUMS) == {}
    assert harmony_with_given({}) == nearer_intervals({}) == {}
    beside_drums = MultitrackPianoRoll(tracks=parse_tracks("drums,piano"), bars=2)
    assert exchanged_distances(rolls[..., 1:3], np.arange(2), 1, beside_drums) == {}


def in_keys(rng, count, windows=1):
    """Pitches of phrases; every so many together are windows of a piece, in a key of its own."""
    keys = rng.integers(0, 12, count // windows).repeat(windows)
    return (keys[:, np.newaxis] + rng.choice([0, 4, 7], (count, 2))) % 12


def test_a_model_that_ignores_its_input_does_not_listen():
    rng = np.random.default_rng(0)
    pieces, draws, means = np.arange(30).repeat(4), 100, []
    passed = 0
    for _ in range(draws):
        bass, piano, guitar = in_keys(rng, 120), in_keys(rng, 120, 4), in_keys(rng, 120)
        distances = exchanged(phrases(bass, piano, guitar), pieces)
        passed += listens(nearer_intervals(distances)[NEARER])
        means.append(harmony_with_given(distances)[NEARER])
    assert sum(mean > 0 for mean in means) > 0.3 * draws  # as by a toss of coins
    assert passed <= 2
    # Always the same phrase: exactly nothing.
    piano = in_keys(rng, 120, 4)
    assert verdict(phrases([C] * 120, piano, [G] * 120), pieces) is False
    distances = exchanged(phrases([C] * 120, piano, [G] * 120), pieces)
    assert nearer_intervals(distances)[NEARER] == pytest.approx((0.0, 0.0), abs=1e-9)


def test_a_model_that_follows_listens():
    rng = np.random.default_rng(0)
    pieces = np.arange(75).repeat(4)
    piano, at_random = in_keys(rng, 300, 4), rng.integers(0, 12, (300, 2))
    assert verdict(phrases(piano, piano, at_random), pieces) is True
    some = np.where(rng.random((300, 2)) < 0.4, piano, at_random)
    assert verdict(phrases(some, piano, some), pieces) is True
    away = (piano + F_SHARP) % 12
    assert verdict(phrases(away, piano, away), pieces) is False


def test_a_trace_of_the_input_is_not_listening():
    assert listens((MARGIN + 1e-3, 0.1)) is True
    assert listens((MARGIN / 2, 0.1)) is False  # certain, and too little to be heard
    assert listens((-0.1, 0.5)) is False
    assert listens((math.nan, math.nan)) is None
