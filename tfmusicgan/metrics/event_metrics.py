"""Measures of pieces that are events of `note_events`, for the table of metrics.

Events are float32 [phrases, steps, features]; what is measured are the notes that they sound. The
statistics are C-RNN-GAN's (`event_statistics.py`); those as published are as its code counts them.
Pieces of different lengths cannot be compared by repetitions, nor by spans.
"""

from collections.abc import Callable, Iterable

import numpy as np

from tfmusicgan.metrics import event_statistics as statistics
from tfmusicgan.metrics.estimates import Estimate, HistogramOverlap, PhraseMeans
from tfmusicgan.metrics.registry import TRAINING, metric
from tfmusicgan.representations.note_events import NoteEvents
from tfmusicgan.representations.note_events_numbers import Notes

_FIELD = "note_events"
_KEY = "piece"


def _notes(events: np.ndarray, representation: NoteEvents) -> list[Notes]:
    return [representation.find_notes(phrase) for phrase in events]


def _shares(pairs: Iterable[tuple[int, int]]) -> dict[str, Estimate]:
    """The mean of phrases' shares, few of all each; those of none do not count."""
    found = np.array(list(pairs), np.float64).reshape(-1, 2)
    counted = found[:, 1] > 0
    values = np.where(counted, found[:, 0] / np.maximum(found[:, 1], 1), 0.0)
    return {_KEY: PhraseMeans(values, counted.astype(np.int64))}


def _of_notes(
    events: np.ndarray, representation: NoteEvents, value: Callable[[Notes], float]
) -> dict[str, Estimate]:
    """The mean over the phrases that have notes."""
    phrases = _notes(events, representation)
    counted = np.array([len(notes.pitch) > 0 for notes in phrases], np.int64)
    values = [float(value(notes)) if len(notes.pitch) else 0.0 for notes in phrases]
    return {_KEY: PhraseMeans(np.array(values, np.float64), counted)}


@metric("event_polyphony", scale=1.0, field=_FIELD)
def _polyphony(events: np.ndarray, representation: NoteEvents) -> dict[str, Estimate]:
    """Share of the onsets at which at least two tones begin."""
    return _shares(statistics.polyphony(notes.start) for notes in _notes(events, representation))


@metric("event_polyphony_as_published", scale=1.0, field=_FIELD)
def _polyphony_as_published(events: np.ndarray, representation: NoteEvents) -> dict[str, Estimate]:
    """The same as coded, see `event_statistics.polyphony_as_published`."""
    return _shares(
        statistics.polyphony_as_published(notes.start) for notes in _notes(events, representation)
    )


@metric("event_scale_consistency", scale=1.0, field=_FIELD)
def _scale_consistency(events: np.ndarray, representation: NoteEvents) -> dict[str, Estimate]:
    """Share of tones that fit the scale that most of them fit."""
    phrases = _notes(events, representation)
    return _shares((statistics.scale_fit(notes.pitch), len(notes.pitch)) for notes in phrases)


@metric("event_scale_consistency_as_published", scale=1.0, field=_FIELD)
def _scale_consistency_as_published(
    events: np.ndarray, representation: NoteEvents
) -> dict[str, Estimate]:
    """The same as coded, see `event_statistics.scale_fit_as_published`."""
    phrases = _notes(events, representation)
    return _shares(
        (statistics.scale_fit_as_published(notes.pitch), len(notes.pitch)) for notes in phrases
    )


def _repetitions(
    events: np.ndarray, representation: NoteEvents, count: Callable[[np.ndarray, int], int]
) -> dict[str, Estimate]:
    phrases = _notes(events, representation)
    ones = np.ones(len(phrases), np.int64)
    return {
        str(tones): PhraseMeans(
            np.array([count(notes.pitch, tones) for notes in phrases], np.float64), ones
        )
        for tones in statistics.REPETITION_LENGTHS
    }


@metric("event_repetitions", scale=100.0, field=_FIELD)
def _plain_repetitions(events: np.ndarray, representation: NoteEvents) -> dict[str, Estimate]:
    """Pairs of equal runs of 2 to 9 pitches."""
    return _repetitions(events, representation, statistics.repetitions)


@metric("event_repetitions_as_published", scale=100.0, field=_FIELD)
def _repetitions_as_published(
    events: np.ndarray, representation: NoteEvents
) -> dict[str, Estimate]:
    """The same as coded, see `event_statistics.repetitions_as_published`."""
    return _repetitions(events, representation, statistics.repetitions_as_published)


@metric("event_tone_span", scale=88.0, field=_FIELD)
def _tone_span(events: np.ndarray, representation: NoteEvents) -> dict[str, Estimate]:
    """Semitones from the lowest to the highest pitch."""
    return _of_notes(events, representation, lambda notes: np.ptp(notes.pitch))


@metric("event_unique_tones", scale=88.0, field=_FIELD)
def _unique_tones(events: np.ndarray, representation: NoteEvents) -> dict[str, Estimate]:
    """Different pitches."""
    return _of_notes(events, representation, lambda notes: len(np.unique(notes.pitch)))


@metric("event_intensity_span", scale=127.0, field=_FIELD)
def _intensity_span(events: np.ndarray, representation: NoteEvents) -> dict[str, Estimate]:
    """The highest velocity less the lowest."""
    return _of_notes(events, representation, lambda notes: np.ptp(notes.velocity))


@metric("event_pitch_classes", scale=1.0, compares=TRAINING, field=_FIELD)
def _pitch_classes(
    events: np.ndarray, representation: NoteEvents, training: np.ndarray
) -> dict[str, Estimate]:
    """Overlap of the tones' pitch classes with the training data's."""

    def count(some: np.ndarray) -> np.ndarray:
        rows = [np.bincount(n.pitch % 12, minlength=12) for n in _notes(some, representation)]
        return np.array(rows).reshape(-1, 12)

    return {_KEY: HistogramOverlap(count(events), count(training).sum(axis=0))}
