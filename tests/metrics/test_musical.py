"""Each metric against figures worked out by hand and a slow loop over random lopsided rolls."""

import math

import numpy as np
import pytest

from tfmusicgan.metrics import bars, musical


def one_bar(cells, steps=96, pitches=84):
    """One bar of one track from (step or slice, pitch index) pairs."""
    roll = np.zeros((1, 1, steps, pitches, 1), bool)
    for step, pitch in cells:
        roll[0, 0, step, pitch, 0] = True
    return roll


def lopsided(seed=0, shape=(7, 3, 16, 13, 3)):
    """Random rolls whose tracks, bars, steps and pitches are of different densities."""
    rng = np.random.default_rng(seed)
    density = rng.random((*shape[:2], 1, 1, shape[4])) ** 2 * rng.random((shape[3], 1))
    rolls = rng.random(shape) < density * np.linspace(0.2, 1.0, shape[2])[:, None, None]
    rolls[0, 1, ..., 2] = rolls[3:6, ..., 1] = False
    # Held notes, some over bar lines.
    rolls[1, :2, 5:, 4, 0] = True
    rolls[:, :, 1:] |= rolls[:, :, :-1] & (rng.random(rolls[:, :, 1:].shape) < 0.6)
    return rolls


def slow_mean(rolls, value):
    """Mean of value(bar [steps, pitches]) over bars that sound, for each track."""
    result = []
    for track in range(rolls.shape[4]):
        sounding = [bar[..., track] for phrase in rolls for bar in phrase if bar[..., track].any()]
        values = [value(bar) for bar in sounding]
        result.append(sum(values) / len(values) if values else math.nan)
    return result


def slow_lengths(bar):
    lengths = []
    for pitch in range(bar.shape[1]):
        text = "".join("x" if cell else " " for cell in bar[:, pitch])
        lengths.extend(len(run) for run in text.split())
    return lengths


@pytest.fixture(params=[None, 200])
def rolls(request, monkeypatch):
    """Lopsided rolls, in one chunk and in many."""
    if request.param:
        monkeypatch.setattr(bars, "_CHUNK_CELLS", request.param)
    rolls = lopsided()
    before = rolls.copy()
    rolls.flags.writeable = False
    yield rolls
    assert np.array_equal(rolls, before)


def test_empty_bars(rolls):
    expected = []
    for track in range(3):
        empty = [not bar[..., track].any() for phrase in rolls for bar in phrase]
        expected.append(sum(empty) / len(empty))
    assert len(set(expected)) == 3
    assert musical.empty_bar_rate(rolls).value().tolist() == pytest.approx(expected)


def test_empty_bars_by_hand():
    rolls = np.zeros((1, 4, 3, 2, 2), bool)
    rolls[0, 2, 1, 1, 0] = True
    assert musical.empty_bar_rate(rolls).value().tolist() == [0.75, 1.0]


@pytest.mark.parametrize("lowest_pitch", [0, 24, 59])
def test_used_pitch_classes(rolls, lowest_pitch):
    expected = slow_mean(
        rolls, lambda bar: len({(lowest_pitch + p) % 12 for p in np.nonzero(bar)[1].tolist()})
    )
    found = musical.used_pitch_classes(rolls, lowest_pitch).value()
    assert found.tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("midi_pitches", "proper", "sevens", "eights"),
    [((60, 64, 67), 3, 2, 2), ((48, 60, 72), 1, 3, 3), (range(24, 108), 12, 12, 11)],
)
def test_used_pitch_classes_of_the_reference(midi_pitches, proper, sevens, eights):
    rolls = one_bar([(5, pitch - 24) for pitch in midi_pitches])
    assert musical.used_pitch_classes(rolls, 24).value().tolist() == [proper]
    assert musical.used_pitch_classes(rolls, 24, band=7).value().tolist() == [sevens]
    assert musical.used_pitch_classes(rolls, 24, band=8).value().tolist() == [eights]


@pytest.mark.parametrize("min_steps", [1, 2, 3, 5, 16, 17])
def test_qualified_notes(rolls, min_steps):
    def rate(bar):
        lengths = slow_lengths(bar)
        return sum(length >= min_steps for length in lengths) / len(lengths)

    expected = slow_mean(rolls, rate)
    assert musical.qualified_note_rate(rolls, min_steps).value().tolist() == pytest.approx(expected)


def test_qualified_notes_by_hand():
    # Notes of 1, 2 and 5 steps, and one of 4 that the bar line cuts into 3 and 1.
    rolls = np.zeros((1, 2, 8, 3, 1), bool)
    rolls[0, 0, 0, 0] = rolls[0, 0, 2:4, 0] = rolls[0, 0, 3:8, 1] = True
    rolls[0, 0, 5:8, 2] = rolls[0, 1, 0, 2] = True
    assert musical.qualified_note_rate(rolls, 2).value().tolist() == [(3 / 4 + 0) / 2]
    assert musical.qualified_note_rate(rolls, 3).value().tolist() == [(2 / 4 + 0) / 2]


def test_qualified_steps():
    assert [musical.qualified_steps(s) for s in (1, 4, 12, 24, 25, 48)] == [2, 2, 2, 3, 4, 6]


@pytest.mark.parametrize("min_pitches", [1, 2, 3])
def test_polyphonicity(rolls, min_pitches):
    expected = slow_mean(rolls, lambda bar: sum(row.sum() >= min_pitches for row in bar) / len(bar))
    assert musical.polyphonic_rate(rolls, min_pitches).value().tolist() == pytest.approx(expected)


def test_polyphonicity_of_many_pitches():
    rolls = one_bar([(slice(0, 24), slice(None)), (slice(24, 72), 3)], pitches=128)
    assert musical.polyphonic_rate(rolls).value().tolist() == [0.25]
    assert musical.polyphonic_rate(rolls, 128).value().tolist() == [0.25]


def test_polyphonicity_by_hand():
    # Of eight steps one has one pitch, two have two, three have three.
    rolls = one_bar([(slice(1, 7), 0), (slice(2, 7), 5), (slice(4, 7), 9)], steps=8)
    assert musical.polyphonic_rate(rolls).value().tolist() == [3 / 8]
    assert musical.polyphonic_rate(rolls, 2).value().tolist() == [5 / 8]


@pytest.mark.parametrize("shifts", [True, False])
@pytest.mark.parametrize("cells_are_onsets", [True, False])
@pytest.mark.parametrize(("period", "tolerance"), [(1, 0.3), (2, 0.3), (3, 0.1), (6, 0.3)])
def test_drum_pattern(rolls, period, tolerance, shifts, cells_are_onsets):
    def rate(bar):
        hits = [
            step
            for step in range(bar.shape[0])
            for pitch in range(bar.shape[1])
            if bar[step, pitch] and (cells_are_onsets or step == 0 or not bar[step - 1, pitch])
        ]
        rates = []
        for shift in range(period if shifts else 1):
            weight = 0.0
            for step in hits:
                off = min((step - shift) % period, (shift - step) % period)
                weight += {0: 1.0, 1: tolerance}.get(off, 0.0)
            rates.append(weight / len(hits))
        return max(rates)

    found = musical.drum_pattern_rate(rolls, period, tolerance, shifts, cells_are_onsets).value()
    assert found.tolist() == pytest.approx(slow_mean(rolls, rate))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (range(0, 96, 6), 1.0),
        (range(2, 96, 6), 1.0),
        (range(0, 96, 8), 1 / 3),
        (range(96), 0.8 / 3),
    ],
)
def test_drum_pattern_of_the_reference(steps, expected):
    rolls = one_bar([(step, 11) for step in steps])
    found = musical.drum_pattern_rate(rolls, 6, 0.3, shifts=True)
    assert found.value().tolist() == pytest.approx([expected])


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (range(0, 96, 6), 1.0),
        (range(0, 96, 12), 1.0),
        (range(2, 96, 6), 0.0),
        (range(0, 96, 8), 1 / 3),
        ((0, 12, 24, 35, 49), 3 / 5),
    ],
)
def test_drum_pattern_of_the_paper_knows_no_tolerance(steps, expected):
    rolls = one_bar([(step, 11) for step in steps])
    assert musical.drum_pattern_rate(rolls, 6).value().tolist() == pytest.approx([expected])


def test_drum_pattern_of_random_onsets():
    rolls = np.random.default_rng(1).random((500, 4, 96, 1, 1)) < 0.2
    found = musical.drum_pattern_rate(rolls, 6, 0.3, shifts=True)
    assert found.value()[0] == pytest.approx(0.37, abs=0.01)


def test_drum_period():
    # On a grid of sixteenths everything is in the pattern: undefined, as on coarser ones.
    assert [musical.drum_period(s) for s in (24, 12, 8, 4, 2, 6, 3)] == [6, 3, 2, *[None] * 4]


def test_undefined_values_are_nan():
    silent = np.zeros((2, 2, 4, 3, 2), bool)
    silent[1, 0, 2, 1, 1] = True
    for values in (
        musical.used_pitch_classes(silent, 24),
        musical.qualified_note_rate(silent, 2),
        musical.polyphonic_rate(silent),
        musical.drum_pattern_rate(silent, 2),
    ):
        assert np.isnan(values.value()).tolist() == [True, False]
    assert musical.empty_bar_rate(silent).value().tolist() == [1.0, 0.75]
    assert np.isnan(musical.empty_bar_rate(silent[:0]).value()).all()
