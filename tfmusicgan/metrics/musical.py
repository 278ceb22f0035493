"""MuseGAN's metrics of single tracks: empty bars, pitch classes, note lengths, drum patterns.

Each is computed on one bar of one track; means skip bars in which the track is silent. A note is a
run of ones within the bar: ties across bar lines count as two, as in the published figures.

They follow the papers' text: Dong et al. (2018), https://arxiv.org/abs/1709.06298, section
"Objective metrics", and for polyphonicity Dong and Yang (2018), https://arxiv.org/abs/1804.09399.
The papers' code counts otherwise; its variants are in `as_published`.
"""

import numpy as np

from tfmusicgan.metrics.bars import bar_means, count_cells, count_pitches, fold_pitches, ratio
from tfmusicgan.metrics.estimates import Estimate, PhraseMeans
from tfmusicgan.metrics.registry import metric
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll

# No shorter than three steps; more than two pitches: the papers' text.
QUALIFIED_STEPS = 3
POLYPHONIC_PITCHES = 3


def empty_bar_rate(piano_rolls: np.ndarray) -> PhraseMeans:
    """EB: share of bars in which a track has no note.

    EB = |{bars without a one}| / |{bars}|

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].

    Returns:
      [tracks], within 0-1; NaN without bars.
    """

    def measure(bars: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        empty = ~bars.any(axis=1).any(axis=1)
        return empty, np.ones_like(empty)

    return bar_means(piano_rolls, measure)


def used_pitch_classes(
    piano_rolls: np.ndarray, lowest_pitch: int, band: int | None = None
) -> PhraseMeans:
    """UPC: mean number of different pitch classes in a bar.

    UPC = mean over non-empty bars of |{pitch mod 12 : the pitch sounds in the bar}|

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].
      lowest_pitch: MIDI number of the first pitch.
      band: None for pitch classes; 7 or 8 for the bands of published figures
        (`bars.fold_pitches`).

    Returns:
      [tracks], within 1-12; NaN for tracks without notes.
    """

    def measure(bars: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        used = fold_pitches(bars.any(axis=1).astype(np.int64), lowest_pitch, band) > 0
        number = np.count_nonzero(used, axis=1)
        return number, number > 0

    return bar_means(piano_rolls, measure)


def qualified_note_rate(piano_rolls: np.ndarray, min_steps: int) -> PhraseMeans:
    """QN: share of notes that last long enough not to be fragments.

    QN = mean over non-empty bars of |{notes of at least min_steps}| / |{notes}|

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].
      min_steps: Steps of a qualified note, 1 or more; see `qualified_steps`.

    Returns:
      [tracks], within 0-1; NaN for tracks without notes.
    """

    def measure(bars: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Ones from which min_steps ones go on: each long enough run has one run of those.
        num_places = max(bars.shape[1] - min_steps + 1, 0)
        long = bars[:, :num_places].copy()
        for shift in range(1, min_steps):
            long &= bars[:, shift : shift + num_places]
        notes = _count_runs(bars)
        return ratio(_count_runs(long), notes), notes > 0

    return bar_means(piano_rolls, measure)


def qualified_steps(steps_per_beat: int) -> int:
    """Threshold of qualified notes on another grid than MuseGAN's 24 steps a beat.

    The same length in beats, an eighth of one, rounded up, but two steps at least: on a grid whose
    step is longer than that, every note would qualify, while fragmented output shows as notes of a
    single step. At four steps a beat it is therefore half a beat, and the share of qualified notes
    another quantity than the paper's.

    Args:
      steps_per_beat: Steps in a quarter note.
    """
    return max(2, scaled_steps(QUALIFIED_STEPS, steps_per_beat))


def scaled_steps(steps_at_24: int, steps_per_beat: int) -> int:
    """As many steps as are as long as some of MuseGAN's 24 a beat, rounded up."""
    return -(-steps_at_24 * steps_per_beat // 24)


def polyphonic_rate(piano_rolls: np.ndarray, min_pitches: int = POLYPHONIC_PITCHES) -> PhraseMeans:
    """PP: share of time steps at which several pitches sound.

    PP = mean over non-empty bars of |{steps with at least min_pitches}| / |{steps}|

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].
      min_pitches: 3, "more than two", in the papers; 2 in the code of the published figures.

    Returns:
      [tracks], within 0-1; NaN for tracks without notes.
    """

    def measure(bars: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sounding = count_pitches(bars)
        return (sounding >= min_pitches).mean(axis=1), sounding.any(axis=1)

    return bar_means(piano_rolls, measure)


def drum_pattern_rate(
    piano_rolls: np.ndarray,
    period: int,
    tolerance: float = 0.0,
    shifts: bool = False,
    cells_are_onsets: bool = True,
) -> PhraseMeans:
    """DP: share of drum hits on a regular grid.

    DP = mean over non-empty bars of max over shifts k of sum_t m((t - k) mod period) o(t) / sum_t
    o(t), where o(t) is the number of hits at step t, and the mask m is 1 on the grid, the tolerance
    one step before and after it, and 0 elsewhere.

    The paper says "ratio of notes in 8- or 16-beat patterns", which are the eighths and sixteenths
    of the bar: no tolerance and no shift. Its code has both.

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].
      period: Steps between the grid's points, see `drum_period`; with 1, all is on the grid.
      tolerance: Weight of hits one step off.
      shifts: Whether the best of all `period` shifts counts, or only the grid from step 0.
      cells_are_onsets: Whether every one is a hit; else only the first of a run along time.

    Returns:
      [tracks], within 0-1; NaN for tracks without notes.
    """
    mask = np.zeros(period)
    mask[[1 % period, -1]] = tolerance
    mask[0] = 1.0
    masks = np.stack([np.roll(mask, shift) for shift in range(period if shifts else 1)])

    def measure(bars: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        hits = bars
        if not cells_are_onsets:
            hits = bars.copy()
            hits[:, 1:] &= ~bars[:, :-1]
        onsets = count_pitches(hits).astype(np.float64)  # [n, steps, tracks]
        weights = masks[:, np.arange(onsets.shape[1]) % period]  # [shifts, steps]
        best = np.matmul(weights, onsets).max(axis=1)  # [n, tracks]
        total = onsets.sum(axis=1)
        return ratio(best, total), total > 0

    return bar_means(piano_rolls, measure)


def drum_period(steps_per_beat: int) -> int | None:
    """Steps between sixteenths; None where they are not on the grid, or are all of it.

    On a grid of sixteenths, or a coarser one, every hit is in the pattern by definition: the
    measure says nothing there, and counts as undefined.
    """
    period, rest = divmod(steps_per_beat, 4)
    return period if rest == 0 and period > 1 else None


def _count_runs(bars: np.ndarray) -> np.ndarray:
    """int64 [n, tracks]: runs of ones along the steps of [n, steps, pitches, tracks]."""
    continued = bars[:, 1:] & bars[:, :-1]
    return count_cells(bars) - count_cells(continued)


def by_track(
    means: PhraseMeans, representation: MultitrackPianoRoll, drums: bool | None
) -> dict[str, PhraseMeans]:
    """Means by name of the drum tracks, of the others, or (None) of all."""
    return {
        track.name: means.column(index)
        for index, track in enumerate(representation.tracks)
        if drums is None or track.is_drum == drums
    }


def undefined(piano_rolls: np.ndarray) -> PhraseMeans:
    """Means over no bar: what is undefined for the representation."""
    shape = (len(piano_rolls), piano_rolls.shape[4])
    return PhraseMeans(np.zeros(shape), np.zeros(shape, np.int64))


@metric("empty_bars", scale=1.0)
def _empty_bars(
    piano_rolls: np.ndarray, representation: MultitrackPianoRoll
) -> dict[str, Estimate]:
    return by_track(empty_bar_rate(piano_rolls), representation, None)


@metric("used_pitch_classes", scale=12.0)
def _used_pitch_classes(
    piano_rolls: np.ndarray, representation: MultitrackPianoRoll
) -> dict[str, Estimate]:
    means = used_pitch_classes(piano_rolls, representation.lowest_pitch)
    return by_track(means, representation, False)


@metric("qualified_notes", scale=1.0)
def _qualified_notes(
    piano_rolls: np.ndarray, representation: MultitrackPianoRoll
) -> dict[str, Estimate]:
    means = qualified_note_rate(piano_rolls, qualified_steps(representation.steps_per_beat))
    return by_track(means, representation, False)


@metric("polyphonicity", scale=1.0)
def _polyphonicity(
    piano_rolls: np.ndarray, representation: MultitrackPianoRoll
) -> dict[str, Estimate]:
    return by_track(polyphonic_rate(piano_rolls), representation, False)


@metric("drum_pattern", scale=1.0)
def _drum_pattern(
    piano_rolls: np.ndarray, representation: MultitrackPianoRoll
) -> dict[str, Estimate]:
    period = drum_period(representation.steps_per_beat)
    if period is None:
        return by_track(undefined(piano_rolls), representation, True)
    onsets = representation.drum_onsets_only
    means = drum_pattern_rate(piano_rolls, period, cells_are_onsets=onsets)
    return by_track(means, representation, True)
