"""Measures of `jazz_phrases`, for the table of metrics.

Examples are a list of `Line`s, from `jazz_lines.read_examples`. Their primers, which a model is
given, are left out of all rows. Shares are of all phrases together; variations, which fall with a
phrase's length, are means of phrases, and `jazz_length` says how long these are. Memorisation is by
whole training phrases, whose primers are there to be copied as well; a training phrase that is
judged, one of the same objects, is compared with the others.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tfmusicgan.metrics import harmonic_consistency as harmony
from tfmusicgan.metrics import jazz_metrics as meant
from tfmusicgan.metrics import jazz_metrics_as_published as coded
from tfmusicgan.metrics.estimates import Estimate, HistogramOverlap, PhraseMeans
from tfmusicgan.metrics.jazz_lines import Line
from tfmusicgan.metrics.jazz_metrics import Share
from tfmusicgan.metrics.registry import TRAINING, metric
from tfmusicgan.representations.jazz_phrases import JazzPhrases
from tfmusicgan.representations.jazz_phrases_rhythm import STEPS_PER_QUARTER

FIELD = "jazz_phrases"

_KEY = "melody"
_PUBLISHED = "as_published"
_WIDEST_INTERVAL = 24  # Wider ones count as this.
_LONGEST = 4 * STEPS_PER_QUARTER  # So do longer notes.

_Estimates = dict[str, Estimate]


def _pooled(shares: Iterable[Share]) -> PhraseMeans:
    """Few of all, the phrases together."""
    found = np.array(list(shares), np.int64).reshape(-1, 2)
    return PhraseMeans(found[:, 0].astype(np.float64), found[:, 1])


def _mean(shares: Iterable[Share]) -> PhraseMeans:
    """The mean of phrases' shares; those of none do not count."""
    found = np.array(list(shares), np.float64).reshape(-1, 2)
    values = found[:, 0] / np.maximum(found[:, 1], 1)
    return PhraseMeans(values, (found[:, 1] > 0).astype(np.int64))


def _enter(
    name: str, measure: Callable[..., Share], collect: Callable[..., PhraseMeans], *arguments: int
) -> None:
    """Enters a measure of a line, once for each of the arguments, whose value is the key."""

    @metric(name, scale=1.0, field=FIELD)
    def evaluator(lines: Sequence[Line], representation: JazzPhrases) -> _Estimates:
        scored = _modelled(lines)
        if name.endswith(_PUBLISHED):
            scored = [coded.durations_as_scored(line, representation.encoding) for line in scored]
        keys = {str(value): (value,) for value in arguments} or {_KEY: ()}
        return {
            key: collect(measure(line, *values) for line in scored) for key, values in keys.items()
        }


_enter("jazz_qualified_rhythm", meant.qualified_rhythm, _pooled)
_enter("jazz_repetitions", meant.pitch_repetitions, _pooled, *meant.RUN_LENGTHS)
_enter("jazz_long_repetitions", meant.long_repetitions, _pooled, meant.LONG_RUN)
_enter("jazz_tone_spans", meant.tone_spans, _pooled, meant.WIDE)
_enter("jazz_off_beat_recovery", meant.off_beat_recovery, _pooled)
_enter("jazz_pitch_variations", meant.pitch_variations, _mean)
_enter("jazz_rhythm_variations", meant.rhythm_variations, _mean)


@metric("jazz_length", scale=48.0, field=FIELD)
def _length(lines: Sequence[Line], representation: JazzPhrases) -> _Estimates:
    """Notes and rests of a phrase, and its quarter notes."""
    scored = _modelled(lines)
    ones = np.ones(len(scored), np.int64)
    entries = np.array([len(line.pitches) for line in scored], np.float64)
    steps = np.array([line.durations.sum() for line in scored], np.float64)
    return {
        "entries": PhraseMeans(entries, ones),
        "quarters": PhraseMeans(steps / STEPS_PER_QUARTER, ones),
    }


@metric("jazz_harmony", scale=1.0, field=FIELD)
def _harmony(lines: Sequence[Line], representation: JazzPhrases) -> _Estimates:
    """Chord tones, approaches and other notes; chord tones of notes over own and other chords."""
    scored = _modelled(lines)
    found = _shares_of([harmony.chord_fit(line) for line in scored], harmony.ChordFit._fields)
    exchanged = [harmony.exchanged_chords(line) for line in scored]
    for name in ("own_chord", "next_chord"):
        found[name] = _pooled((getattr(counts, name), counts.notes) for counts in exchanged)
    return found


@metric("jazz_note_colours", scale=1.0, field=FIELD)
def _note_colours(lines: Sequence[Line], representation: JazzPhrases) -> _Estimates:
    """HC by JamBuddy's recipe: black, green, blue and red notes."""
    counts = [harmony.note_colours(line) for line in _modelled(lines)]
    return _shares_of(counts, harmony.NoteColours._fields)


@metric("jazz_memorisation", scale=1.0, compares=TRAINING, field=FIELD)
def _memorisation(
    lines: Sequence[Line], representation: JazzPhrases, training: Sequence[Line]
) -> _Estimates:
    """RM of 3 to 6 pitches."""
    return _copied(lines, training)


@metric("jazz_memorisation_with_durations", scale=1.0, compares=TRAINING, field=FIELD)
def _memorisation_with_durations(
    lines: Sequence[Line], representation: JazzPhrases, training: Sequence[Line]
) -> _Estimates:
    """RM of 3 to 6 pitches and their durations."""
    return _copied(lines, training, with_durations=True)


@metric("jazz_memorisation_in_any_key", scale=1.0, compares=TRAINING, field=FIELD)
def _memorisation_in_any_key(
    lines: Sequence[Line], representation: JazzPhrases, training: Sequence[Line]
) -> _Estimates:
    """RM of 3 to 6 pitches and durations, moved to the same key: models learn in all of them."""
    return _copied(lines, training, with_durations=True, any_key=True)


@metric("jazz_chord_degrees", scale=1.0, compares=TRAINING, field=FIELD)
def _chord_degrees(
    lines: Sequence[Line], representation: JazzPhrases, training: Sequence[Line]
) -> _Estimates:
    """Overlap of the semitones above the chords with the training data's."""
    return _overlap(lines, training, harmony.chord_degrees)


@metric("jazz_intervals", scale=1.0, compares=TRAINING, field=FIELD)
def _intervals(
    lines: Sequence[Line], representation: JazzPhrases, training: Sequence[Line]
) -> _Estimates:
    """Overlap of the semitones from one note to the next with the training data's."""

    def count(line: Line) -> np.ndarray:
        both = line.is_note[1:] & line.is_note[:-1]
        steps = np.diff(line.pitches)[both].clip(-_WIDEST_INTERVAL, _WIDEST_INTERVAL)
        return np.bincount(steps + _WIDEST_INTERVAL, minlength=2 * _WIDEST_INTERVAL + 1)

    return _overlap(lines, training, count)


@metric("jazz_durations", scale=1.0, compares=TRAINING, field=FIELD)
def _durations(
    lines: Sequence[Line], representation: JazzPhrases, training: Sequence[Line]
) -> _Estimates:
    """Overlap of the lengths of notes and rests with the training data's."""

    def count(line: Line) -> np.ndarray:
        return np.bincount(line.durations.clip(max=_LONGEST), minlength=_LONGEST + 1)

    return _overlap(lines, training, count)


_enter(f"jazz_qualified_rhythm_{_PUBLISHED}", meant.qualified_rhythm, _pooled)
_enter(
    f"jazz_repetitions_{_PUBLISHED}",
    coded.pitch_repetitions_as_published,
    _pooled,
    *meant.RUN_LENGTHS,
)
_enter(
    f"jazz_long_repetitions_{_PUBLISHED}",
    coded.long_repetitions_as_published,
    _pooled,
    meant.LONG_RUN,
)
_enter(f"jazz_tone_spans_{_PUBLISHED}", coded.tone_spans_as_published, _pooled, meant.WIDE)
_enter(f"jazz_off_beat_recovery_{_PUBLISHED}", coded.off_beat_recovery_as_published, _pooled)
_enter(f"jazz_pitch_variations_{_PUBLISHED}", coded.pitch_variations_as_published, _mean)


def _modelled(lines: Sequence[Line]) -> list[Line]:
    return [line.modelled() for line in lines]


def _shares_of(counts: Sequence[tuple[int, ...]], kinds: tuple[str, ...]) -> _Estimates:
    """Share of each kind among all."""
    table = np.array(counts, np.int64).reshape(-1, len(kinds))
    totals = table.sum(axis=1)
    return {
        kind: PhraseMeans(table[:, column].astype(np.float64), totals)
        for column, kind in enumerate(kinds)
    }


def _copied(lines: Sequence[Line], training: Sequence[Line], **options: bool) -> _Estimates:
    """Whole training phrases are what is known; to one that is judged itself, all but that one."""
    places = {id(line): place for place, line in enumerate(training)}
    own = [places.get(id(line), -1) for line in lines]
    scored = _modelled(lines)
    found = {}
    for length in meant.NGRAMS:
        hits, totals = meant.rote_memorisation(scored, training, length, own=own, **options)
        found[str(length)] = PhraseMeans(hits.astype(np.float64), totals)
    return found


def _overlap(
    lines: Sequence[Line], training: Sequence[Line], count: Callable[[Line], np.ndarray]
) -> _Estimates:
    found, known = (
        np.stack([count(line) for line in _modelled(some)]) for some in (lines, training)
    )
    return {_KEY: HistogramOverlap(found, known.sum(axis=0))}
