"""The metrics as the papers' code computes them, for comparison with the published figures.

`<name>_as_published` is the code of the AAAI paper (github.com/salu133445/musegan at 3c9a0dc,
v1/musegan/eval/metrics.py), `<name>_as_published_ismir` that of the ISMIR paper
(github.com/salu133445/bmusegan, musegan/utils/metrics.py) where the two differ. Both differ from
the papers' text:

- Pitch classes are bands of neighbouring semitones: seven (AAAI) or eight (ISMIR).
- Notes qualify from two steps of 24 a beat, not three; polyphony begins at two pitches, not three.
- Drum hits one step off the sixteenths count 0.3 (AAAI) or 0.1 (ISMIR), and the best of six shifts
  of the grid counts.
- The scale is that of C major, whatever the key, applied to the bands.

The ISMIR paper's table gives the means over the pitched tracks of two of them:
`qualified_notes_as_published_ismir` and `polyphonicity_as_published_ismir`.
"""

from collections.abc import Callable

import numpy as np

from tfmusicgan.metrics.estimates import Estimate, MeanOfTracks
from tfmusicgan.metrics.musical import (
    by_track,
    drum_pattern_rate,
    drum_period,
    polyphonic_rate,
    qualified_note_rate,
    scaled_steps,
    undefined,
    used_pitch_classes,
)
from tfmusicgan.metrics.notes_in_scale import MAJOR_SCALE, classes_in_scale
from tfmusicgan.metrics.registry import metric
from tfmusicgan.metrics.tonal_distance import MAX_DISTANCE, by_pair, tonal_distance
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll

QUALIFIED_STEPS = 2
POLYPHONIC_PITCHES = 2
# Suffix of the name to semitones in a band, and to the weight of drum hits one step off.
BANDS = {"as_published": 7, "as_published_ismir": 8}
DRUM_TOLERANCES = {"as_published": 0.3, "as_published_ismir": 0.1}

_Estimates = dict[str, Estimate]


def qualified_steps(steps_per_beat: int) -> int | None:
    """The code's threshold of qualified notes on a grid; None where a step is as long or longer.

    There every note qualifies by definition: the published share says nothing, and counts as
    undefined.

    Args:
      steps_per_beat: Steps in a quarter note.
    """
    steps = scaled_steps(QUALIFIED_STEPS, steps_per_beat)
    return steps if steps > 1 else None


@metric("qualified_notes_as_published", scale=1.0)
def _qualified_notes(rolls: np.ndarray, representation: MultitrackPianoRoll) -> _Estimates:
    steps = qualified_steps(representation.steps_per_beat)
    means = undefined(rolls) if steps is None else qualified_note_rate(rolls, steps)
    return by_track(means, representation, False)


@metric("polyphonicity_as_published", scale=1.0)
def _polyphonicity(rolls: np.ndarray, representation: MultitrackPianoRoll) -> _Estimates:
    return by_track(polyphonic_rate(rolls, POLYPHONIC_PITCHES), representation, False)


@metric("qualified_notes_as_published_ismir", scale=1.0)
def _mean_qualified_notes(rolls: np.ndarray, representation: MultitrackPianoRoll) -> _Estimates:
    return {"pitched_tracks": MeanOfTracks(tuple(_qualified_notes(rolls, representation).values()))}


@metric("polyphonicity_as_published_ismir", scale=1.0)
def _mean_polyphonicity(rolls: np.ndarray, representation: MultitrackPianoRoll) -> _Estimates:
    return {"pitched_tracks": MeanOfTracks(tuple(_polyphonicity(rolls, representation).values()))}


def _used_pitch_classes(band: int) -> Callable[..., _Estimates]:
    def evaluator(rolls: np.ndarray, representation: MultitrackPianoRoll) -> _Estimates:
        means = used_pitch_classes(rolls, representation.lowest_pitch, band)
        return by_track(means, representation, False)

    return evaluator


def _notes_in_scale(band: int) -> Callable[..., _Estimates]:
    def evaluator(rolls: np.ndarray, representation: MultitrackPianoRoll) -> _Estimates:
        means = classes_in_scale(rolls, representation.lowest_pitch, MAJOR_SCALE, band)
        return by_track(means, representation, False)

    return evaluator


def _tonal_distance(band: int) -> Callable[..., _Estimates]:
    def evaluator(rolls: np.ndarray, representation: MultitrackPianoRoll) -> _Estimates:
        rep = representation
        means = tonal_distance(rolls, rep.steps_per_beat, rep.lowest_pitch, band)
        return by_pair(means, rep)

    return evaluator


def _drum_pattern(tolerance: float) -> Callable[..., _Estimates]:
    def evaluator(rolls: np.ndarray, representation: MultitrackPianoRoll) -> _Estimates:
        period = drum_period(representation.steps_per_beat)
        means = undefined(rolls)
        if period is not None:
            # The code takes onsets of drum tracks too: of neighbouring hits, the first counts.
            means = drum_pattern_rate(rolls, period, tolerance, shifts=True, cells_are_onsets=False)
        return by_track(means, representation, True)

    return evaluator


for _suffix, _band in BANDS.items():
    metric(f"used_pitch_classes_{_suffix}", scale=12.0)(_used_pitch_classes(_band))
    metric(f"notes_in_scale_{_suffix}", scale=1.0)(_notes_in_scale(_band))
    metric(f"tonal_distance_{_suffix}", scale=MAX_DISTANCE)(_tonal_distance(_band))
for _suffix, _tolerance in DRUM_TOLERANCES.items():
    metric(f"drum_pattern_{_suffix}", scale=1.0)(_drum_pattern(_tolerance))
