"""Measures of melodies that are bars of `melody_bars`, for the table of metrics.

Bars are int32 [phrases, bars, columns], the representation's field. Published of MidiNet is only
that steps outside the two octaves show collapse; the other measures are ours, or after some of
the first author's toolbox (Yang and Lerch 2018, github.com/RichardYang40148/mgeval): its pitch
count and note count, of a bar each; its histograms of pitch classes, here above the chord's root,
and of note lengths, here in steps; and its mean pitch interval, here an overlap of histograms of
intervals. Its pitch range, mean inter-onset interval and the transitions of pitch classes and of
note lengths are not here.
"""

import numpy as np

from tfmusicgan.metrics.estimates import Estimate, HistogramOverlap, PhraseMeans
from tfmusicgan.metrics.registry import TRAINING, metric
from tfmusicgan.representations.melody_bars import MelodyBars
from tfmusicgan.representations.melody_bars_steps import MINOR

_FIELD = "melody_bars"
# Intervals of more semitones count as this many: a histogram's last bin on either side.
_WIDEST_INTERVAL = 24


@metric("chord_tones_in_bar", scale=1.0, field=_FIELD)
def _chord_tones_in_bar(bars: np.ndarray, representation: MelodyBars) -> dict[str, Estimate]:
    """Share of steps whose pitch class is in their bar's triad; bars without chord do not count.

    `next_chord` is the same with each chord replaced by the next other one of the phrase: how much
    of it comes with the key. Phrases of one chord do not count there.
    """
    chords = bars[..., representation.chord_column]
    return {
        "melody": _hits(bars, chords, representation),
        "next_chord": _hits(bars, next_chords(chords), representation),
    }


@metric("pitches_in_range", scale=1.0, field=_FIELD)
def _pitches_in_range(bars: np.ndarray, representation: MelodyBars) -> dict[str, Estimate]:
    """Share of steps within the range that the data are moved to (MidiNet's sign of collapse)."""
    pitch = bars[..., : representation.steps_per_bar] - representation.lowest_pitch
    inside = (pitch >= 0) & (pitch < representation.num_pitches)
    return {"melody": _means(inside.sum(axis=(1, 2)), inside[0].size)}


@metric("bar_repeats", scale=1.0, field=_FIELD)
def _bar_repeats(bars: np.ndarray, representation: MelodyBars) -> dict[str, Estimate]:
    """Share of bars whose pitches are those of the bar before."""
    return {
        "melody": _means(_equal_steps(bars, representation).all(axis=2).sum(axis=1), _pairs(bars))
    }


@metric("bar_similarity", scale=1.0, field=_FIELD)
def _bar_similarity(bars: np.ndarray, representation: MelodyBars) -> dict[str, Estimate]:
    """Share of steps that sound as the same step of the bar before."""
    same = _equal_steps(bars, representation)
    return {"melody": _means(same.sum(axis=(1, 2)), _pairs(bars) * same.shape[2])}


@metric("bar_pitches", scale=16.0, field=_FIELD)
def _bar_pitches(bars: np.ndarray, representation: MelodyBars) -> dict[str, Estimate]:
    """Different pitches in a bar."""
    ordered = np.sort(bars[..., : representation.steps_per_bar], axis=2)
    count = 1 + (ordered[..., 1:] != ordered[..., :-1]).sum(axis=2)
    return {"melody": _means(count.sum(axis=1), bars.shape[1])}


@metric("bar_onsets", scale=16.0, field=_FIELD)
def _bar_onsets(bars: np.ndarray, representation: MelodyBars) -> dict[str, Estimate]:
    """Notes that begin in a bar, as decoded."""
    return {"melody": _means(_begins(bars, representation).sum(axis=1), bars.shape[1])}


@metric("bar_pitch_classes", scale=1.0, compares=TRAINING, field=_FIELD)
def _bar_pitch_classes(
    bars: np.ndarray, representation: MelodyBars, training: np.ndarray
) -> dict[str, Estimate]:
    """Overlap of the pitch classes of all steps above their chord's root with the training data's.

    Of bars without chord the pitch classes themselves count.
    """
    found, known = (_classes_above_root(some, representation) for some in (bars, training))
    return {"melody": HistogramOverlap(found, known.sum(axis=0))}


@metric("bar_intervals", scale=1.0, compares=TRAINING, field=_FIELD)
def _bar_intervals(
    bars: np.ndarray, representation: MelodyBars, training: np.ndarray
) -> dict[str, Estimate]:
    """Overlap of the semitones from one note to the next with the training data's."""
    found, known = (_intervals(some, representation) for some in (bars, training))
    return {"melody": HistogramOverlap(found, known.sum(axis=0))}


@metric("bar_note_steps", scale=1.0, compares=TRAINING, field=_FIELD)
def _bar_note_steps(
    bars: np.ndarray, representation: MelodyBars, training: np.ndarray
) -> dict[str, Estimate]:
    """Overlap of the lengths of notes, in steps, with the training data's."""
    found, known = (_lengths(some, representation) for some in (bars, training))
    return {"melody": HistogramOverlap(found, known.sum(axis=0))}


def next_chords(chords: np.ndarray) -> np.ndarray:
    """Each chord replaced by the next other one of its phrase, the last by the first.

    Args:
      chords: int [phrases, bars], 0 for none.

    Returns:
      int of the same shape; 0 where a phrase has no other chord.
    """
    bars = chords.shape[1]
    found = np.zeros_like(chords)
    for shift in range(bars - 1, 0, -1):
        other = np.roll(chords, -shift, axis=1)
        found = np.where((other != chords) & (other > 0), other, found)
    return np.where(chords > 0, found, 0)


def triad_classes() -> np.ndarray:
    """Which pitch classes each chord number has: bool [25, 12]."""
    table = np.zeros((25, 12), bool)
    for root in range(12):
        table[1 + root, [root, (root + 4) % 12, (root + 7) % 12]] = True
        table[MINOR + root, [root, (root + 3) % 12, (root + 7) % 12]] = True
    return table


def nearest_bar_distance(bars: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Share of steps that differ from the most similar training bar: how new a bar is.

    Args:
      bars: int [bars, steps], pitches.
      training: int [training bars, steps]; equal ones may come several times.

    Returns:
      float64 [bars], within 0-1.
    """
    known = np.unique(training, axis=0)
    wanted, index = np.unique(bars, axis=0, return_inverse=True)
    most = np.zeros(len(wanted), np.int64)
    for number, bar in enumerate(wanted):
        most[number] = (known == bar).sum(axis=1).max(initial=0)
    return (1.0 - most / bars.shape[1])[index.reshape(-1)]


def _hits(bars: np.ndarray, chords: np.ndarray, representation: MelodyBars) -> PhraseMeans:
    steps = representation.steps_per_bar
    classes = bars[..., :steps] % 12
    hits = triad_classes()[chords[..., np.newaxis], classes].sum(axis=(1, 2))
    return PhraseMeans(hits.astype(np.float64), (chords > 0).sum(axis=1) * steps)


def _equal_steps(bars: np.ndarray, representation: MelodyBars) -> np.ndarray:
    pitch = bars[..., : representation.steps_per_bar]
    return pitch[:, 1:] == pitch[:, :-1]


def _pairs(bars: np.ndarray) -> int:
    return bars.shape[1] - 1


def _means(totals: np.ndarray, count: int) -> PhraseMeans:
    return PhraseMeans(totals.astype(np.float64), np.full(len(totals), count, np.int64))


def _begins(bars: np.ndarray, representation: MelodyBars) -> np.ndarray:
    """Where a note begins, as decoded: bool [phrases, all steps]."""
    rep, steps = representation, representation.steps_per_bar
    pitch = bars[..., :steps].reshape(len(bars), -1)
    if rep.onsets:
        begins = bars[..., rep.onset_column : rep.onset_column + steps] > 0
        begins = begins.reshape(len(bars), -1)
    else:
        begins = np.broadcast_to(np.arange(pitch.shape[1]) % steps == 0, pitch.shape)
    changes = np.pad(pitch[:, 1:] != pitch[:, :-1], ((0, 0), (1, 0)), constant_values=True)
    return begins | changes


def _classes_above_root(bars: np.ndarray, representation: MelodyBars) -> np.ndarray:
    chord = bars[..., representation.chord_column]
    root = np.where(chord >= MINOR, chord - MINOR, np.maximum(chord - 1, 0))
    classes = (bars[..., : representation.steps_per_bar] - root[..., np.newaxis]) % 12
    return _counts(classes.reshape(len(bars), -1), 12)


def _intervals(bars: np.ndarray, representation: MelodyBars) -> np.ndarray:
    pitch = bars[..., : representation.steps_per_bar].reshape(len(bars), -1)
    row, place = np.nonzero(_begins(bars, representation))
    steps = np.diff(pitch[row, place]).clip(-_WIDEST_INTERVAL, _WIDEST_INTERVAL)
    within = row[1:] == row[:-1]
    bins = 2 * _WIDEST_INTERVAL + 1
    flat = row[1:][within] * bins + steps[within] + _WIDEST_INTERVAL
    return np.bincount(flat, minlength=len(bars) * bins).reshape(len(bars), bins)


def _lengths(bars: np.ndarray, representation: MelodyBars) -> np.ndarray:
    begins = _begins(bars, representation)
    row, place = np.nonzero(begins)
    end = np.append(place[1:], begins.shape[1])
    end[np.append(row[1:] != row[:-1], True)] = begins.shape[1]
    bins = begins.shape[1] + 1
    flat = np.bincount(row * bins + end - place, minlength=len(bars) * bins)
    return flat.reshape(len(bars), bins)


def _counts(values: np.ndarray, bins: int) -> np.ndarray:
    """Histogram of each row: int64 [rows, bins]."""
    flat = np.arange(len(values))[:, np.newaxis] * bins + values
    return np.bincount(flat.reshape(-1), minlength=len(values) * bins).reshape(-1, bins)
