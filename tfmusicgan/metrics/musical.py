"""MuseGAN's metrics of single tracks: empty bars, pitch classes, note lengths, drum patterns.

Each is computed on one bar of one track; means skip bars in which the track is silent. A note is a
run of ones within the bar: ties across bar lines count as two, as in the published figures.

Sources: Dong et al. (2018), https://arxiv.org/abs/1709.06298, section "Objective metrics", and the
code of its first release (github.com/salu133445/musegan, v1/musegan/eval/metrics.py); polyphonicity
from Dong and Yang (2018), https://arxiv.org/abs/1804.09399. Where the code's folding into pitch
classes is wrong (bands of neighbouring semitones), ours is by octaves.
"""

import numpy as np

from tfmusicgan.metrics.bars import (
    Mean,
    bar_chunks,
    count_cells,
    count_pitches,
    fold_pitches,
    ratio,
)
from tfmusicgan.metrics.registry import metric
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll

# In the code of the first paper; that of the second has 0.1.
AAAI_DRUM_TOLERANCE = 0.3


def empty_bar_rate(piano_rolls: np.ndarray) -> np.ndarray:
    """EB: share of bars in which a track has no note.

    EB = |{bars without a one}| / |{bars}|

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].

    Returns:
      float64 [tracks], within 0-1; NaN without bars.
    """
    mean = Mean(piano_rolls.shape[4:])
    for bars in bar_chunks(piano_rolls):
        empty = ~bars.any(axis=1).any(axis=1)
        mean.add(empty, np.ones_like(empty))
    return mean.result()


def used_pitch_classes(
    piano_rolls: np.ndarray, lowest_pitch: int, band: int | None = None
) -> np.ndarray:
    """UPC: mean number of different pitch classes in a bar.

    UPC = mean over non-empty bars of |{pitch mod 12 : the pitch sounds in the bar}|

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].
      lowest_pitch: MIDI number of the first pitch.
      band: None for pitch classes; 7 or 8 for the bands of published figures (`fold_pitches`).

    Returns:
      float64 [tracks], within 1-12; NaN for tracks without notes.
    """
    mean = Mean(piano_rolls.shape[4:])
    for bars in bar_chunks(piano_rolls):
        used = fold_pitches(bars.any(axis=1).astype(np.int64), lowest_pitch, band) > 0
        number = np.count_nonzero(used, axis=1)
        mean.add(number, number > 0)
    return mean.result()


def qualified_note_rate(piano_rolls: np.ndarray, min_steps: int) -> np.ndarray:
    """QN: share of notes that last long enough not to be fragments.

    QN = mean over non-empty bars of |{notes of at least min_steps}| / |{notes}|

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].
      min_steps: Steps of a qualified note, 1 or more; see `qualified_steps`.

    Returns:
      float64 [tracks], within 0-1; NaN for tracks without notes.
    """
    mean = Mean(piano_rolls.shape[4:])
    for bars in bar_chunks(piano_rolls):
        # Ones from which min_steps ones go on: each long enough run has one run of those.
        num_places = max(bars.shape[1] - min_steps + 1, 0)
        long = bars[:, :num_places].copy()
        for shift in range(1, min_steps):
            long &= bars[:, shift : shift + num_places]
        notes = _count_runs(bars)
        mean.add(ratio(_count_runs(long), notes), notes > 0)
    return mean.result()


def qualified_steps(steps_per_beat: int, steps_at_24: int = 2) -> int:
    """Threshold of qualified notes on another grid than MuseGAN's 24 steps a beat.

    The same length in beats, rounded up, but two steps at least: on coarse grids, where one step is
    longer than that, notes of a single step are what fragmented output has.

    Args:
      steps_per_beat: Steps in a quarter note.
      steps_at_24: The threshold at 24: 2 in the code of the published figures, 3 in the paper.
    """
    return max(2, -(-steps_at_24 * steps_per_beat // 24))


def polyphonic_rate(piano_rolls: np.ndarray, min_pitches: int = 2) -> np.ndarray:
    """PP: share of time steps at which several pitches sound.

    PP = mean over non-empty bars of |{steps with at least min_pitches}| / |{steps}|

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].
      min_pitches: 2 in the code of the published figures; the papers' text says more than two.

    Returns:
      float64 [tracks], within 0-1; NaN for tracks without notes.
    """
    mean = Mean(piano_rolls.shape[4:])
    for bars in bar_chunks(piano_rolls):
        sounding = count_pitches(bars)
        mean.add((sounding >= min_pitches).mean(axis=1), sounding.any(axis=1))
    return mean.result()


def drum_pattern_rate(
    piano_rolls: np.ndarray,
    period: int,
    tolerance: float = AAAI_DRUM_TOLERANCE,
    shifts: bool = True,
    cells_are_onsets: bool = True,
) -> np.ndarray:
    """DP: share of drum hits on a regular grid.

    DP = mean over non-empty bars of max over shifts k of sum_t m((t - k) mod period) o(t) / sum_t
    o(t), where o(t) is the number of hits at step t, and the mask m is 1 on the grid, the tolerance
    one step before and after it, and 0 elsewhere.

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].
      period: Steps between the grid's points: MuseGAN's sixteenths, 6 at 24 steps a beat.
      tolerance: Weight of hits one step off.
      shifts: Whether the best of all `period` shifts counts, or only the grid from step 0.
      cells_are_onsets: Whether every one is a hit; else only the first of a run along time.

    Returns:
      float64 [tracks], within 0-1; NaN for tracks without notes.
    """
    mask = np.zeros(period)
    mask[[1 % period, -1]] = tolerance
    mask[0] = 1.0
    masks = np.stack([np.roll(mask, shift) for shift in range(period if shifts else 1)])
    mean = Mean(piano_rolls.shape[4:])
    for bars in bar_chunks(piano_rolls):
        hits = bars
        if not cells_are_onsets:
            hits = bars.copy()
            hits[:, 1:] &= ~bars[:, :-1]
        onsets = count_pitches(hits).astype(np.float64)  # [n, steps, tracks]
        weights = masks[:, np.arange(onsets.shape[1]) % period]  # [shifts, steps]
        best = np.matmul(weights, onsets).max(axis=1)  # [n, tracks]
        total = onsets.sum(axis=1)
        mean.add(ratio(best, total), total > 0)
    return mean.result()


def drum_period(steps_per_beat: int) -> int | None:
    """Steps between sixteenths, or None where they are not on the grid."""
    return steps_per_beat // 4 if steps_per_beat % 4 == 0 else None


def _count_runs(bars: np.ndarray) -> np.ndarray:
    """int64 [n, tracks]: runs of ones along the steps of [n, steps, pitches, tracks]."""
    continued = bars[:, 1:] & bars[:, :-1]
    return count_cells(bars) - count_cells(continued)


def _by_track(
    values: np.ndarray, representation: MultitrackPianoRoll, kinds: tuple[bool, ...]
) -> dict[str, float]:
    """Values by name of the tracks whose drum flag is one of `kinds`."""
    return {
        track.name: float(value)
        for track, value in zip(representation.tracks, values, strict=True)
        if track.is_drum in kinds
    }


@metric("empty_bars", scale=1.0)
def _empty_bars(piano_rolls: np.ndarray, representation: MultitrackPianoRoll) -> dict[str, float]:
    return _by_track(empty_bar_rate(piano_rolls), representation, (False, True))


@metric("used_pitch_classes", scale=12.0)
def _used_pitch_classes(
    piano_rolls: np.ndarray, representation: MultitrackPianoRoll
) -> dict[str, float]:
    values = used_pitch_classes(piano_rolls, representation.lowest_pitch)
    return _by_track(values, representation, (False,))


@metric("qualified_notes", scale=1.0)
def _qualified_notes(
    piano_rolls: np.ndarray, representation: MultitrackPianoRoll
) -> dict[str, float]:
    values = qualified_note_rate(piano_rolls, qualified_steps(representation.steps_per_beat))
    return _by_track(values, representation, (False,))


@metric("polyphonicity", scale=1.0)
def _polyphonicity(
    piano_rolls: np.ndarray, representation: MultitrackPianoRoll
) -> dict[str, float]:
    return _by_track(polyphonic_rate(piano_rolls), representation, (False,))


@metric("drum_pattern", scale=1.0)
def _drum_pattern(piano_rolls: np.ndarray, representation: MultitrackPianoRoll) -> dict[str, float]:
    period = drum_period(representation.steps_per_beat)
    values = np.full(representation.num_tracks, np.nan)
    if period is not None:
        onsets = representation.drum_onsets_only
        values = drum_pattern_rate(piano_rolls, period, cells_are_onsets=onsets)
    return _by_track(values, representation, (True,))
