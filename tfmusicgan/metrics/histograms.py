"""Histograms of a track's notes, and how much they overlap with the training data's.

A note begins at the first of a run of ones along the phrase, over bar lines too; in drum tracks
that hold onsets only, every one is a hit. A note that goes on from before the phrase begins at its
first step.
"""

import numpy as np

from tfmusicgan.metrics.bars import count_pitches, count_steps, fold_pitches, phrase_chunks
from tfmusicgan.metrics.estimates import Estimate, HistogramOverlap
from tfmusicgan.metrics.registry import TRAINING, metric
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll


def pitch_class_histograms(
    piano_rolls: np.ndarray, lowest_pitch: int, hits: tuple[bool, ...]
) -> np.ndarray:
    """Notes of each pitch class.

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].
      lowest_pitch: MIDI number of the first pitch.
      hits: For each track, whether every one is a note of its own.

    Returns:
      int64 [phrases, 12, tracks]; class 0 is C.
    """
    parts = []
    for chunk in phrase_chunks(piano_rolls):
        counts = count_steps(_begins(chunk, hits))  # [n * bars, pitches, tracks]
        classes = fold_pitches(counts, lowest_pitch)
        parts.append(classes.reshape(*chunk.shape[:2], *classes.shape[1:]).sum(1, np.int64))
    return np.concatenate(parts)


def onset_position_histograms(piano_rolls: np.ndarray, hits: tuple[bool, ...]) -> np.ndarray:
    """Notes that begin at each step of the bar.

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].
      hits: For each track, whether every one is a note of its own.

    Returns:
      int64 [phrases, steps, tracks].
    """
    parts = []
    for chunk in phrase_chunks(piano_rolls):
        counts = count_pitches(_begins(chunk, hits))  # [n * bars, steps, tracks]
        parts.append(counts.reshape(*chunk.shape[:2], *counts.shape[1:]).sum(1, np.int64))
    return np.concatenate(parts)


def histograms(
    piano_rolls: np.ndarray, representation: MultitrackPianoRoll
) -> dict[str, dict[str, np.ndarray]]:
    """Both histograms by track, as shares of the track's notes.

    Returns:
      `"pitch_class"` (pitched tracks) and `"onset_position"` (all) to track name to float64 [12] or
      [steps per bar], summing to 1; NaN for tracks without notes.
    """
    return {
        name: {
            track: _shares(counts.sum(axis=0))
            for track, counts in _by_track(name, piano_rolls, representation).items()
        }
        for name in ("pitch_class", "onset_position")
    }


def _begins(piano_rolls: np.ndarray, hits: tuple[bool, ...]) -> np.ndarray:
    """First steps of notes: bool [phrases * bars, steps, pitches, tracks]."""
    num_phrases, num_bars, num_steps = piano_rolls.shape[:3]
    joined = piano_rolls.reshape(num_phrases, num_bars * num_steps, *piano_rolls.shape[3:])
    begins = joined.copy()
    np.greater(joined[:, 1:], joined[:, :-1], out=begins[:, 1:])
    begins[..., list(hits)] = joined[..., list(hits)]
    return begins.reshape(num_phrases * num_bars, num_steps, *piano_rolls.shape[3:])


def _by_track(
    name: str, piano_rolls: np.ndarray, representation: MultitrackPianoRoll
) -> dict[str, np.ndarray]:
    """Counts by track of one kind of histogram, [phrases, bins] each."""
    tracks = representation.tracks
    hits = tuple(track.is_drum and representation.drum_onsets_only for track in tracks)
    if name == "pitch_class":
        counts = pitch_class_histograms(piano_rolls, representation.lowest_pitch, hits)
        kept = [index for index, track in enumerate(tracks) if not track.is_drum]
    else:
        counts = onset_position_histograms(piano_rolls, hits)
        kept = range(len(tracks))
    return {tracks[index].name: counts[..., index] for index in kept}


def _shares(counts: np.ndarray) -> np.ndarray:
    total = counts.sum()
    return counts / total if total else np.full(len(counts), np.nan)


def _overlaps(
    name: str,
    piano_rolls: np.ndarray,
    representation: MultitrackPianoRoll,
    reference: np.ndarray,
) -> dict[str, Estimate]:
    ours = _by_track(name, piano_rolls, representation)
    known = ours if reference is piano_rolls else _by_track(name, reference, representation)
    return {
        track: HistogramOverlap(counts, known[track].sum(axis=0)) for track, counts in ours.items()
    }


@metric("pitch_class_overlap", scale=1.0, compares=TRAINING)
def _pitch_class_overlap(
    piano_rolls: np.ndarray, representation: MultitrackPianoRoll, reference: np.ndarray
) -> dict[str, Estimate]:
    return _overlaps("pitch_class", piano_rolls, representation, reference)


@metric("onset_position_overlap", scale=1.0, compares=TRAINING)
def _onset_position_overlap(
    piano_rolls: np.ndarray, representation: MultitrackPianoRoll, reference: np.ndarray
) -> dict[str, Estimate]:
    return _overlaps("onset_position", piano_rolls, representation, reference)
