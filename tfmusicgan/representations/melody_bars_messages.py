"""Bars of melodies with chords to NoteSequences, the NumPy half: runs of equal steps are notes."""

from __future__ import annotations

import typing

import numpy as np

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.chord_symbols import NO_CHORD
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.melody_messages import VELOCITY
from tfmusicgan.representations.score_header import check_qpm, score_header

if typing.TYPE_CHECKING:
    from tfmusicgan.representations.melody_bars import MelodyBars

MELODY, CHORDS = 0, 1
"""Instruments of a decoded piece."""

LOWEST_ROOT = 48
"""Of sounding chords, C3: an octave below the melody's range."""

CHORD_VELOCITY = 50

_ROOTS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
SYMBOLS = (NO_CHORD, *_ROOTS, *(f"{root}m" for root in _ROOTS))
"""The symbols of chord numbers, 0 to 24."""

_MAJOR, _MINOR = (0, 4, 7), (0, 3, 7)


def chord_pitches() -> np.ndarray:
    """MIDI pitches of sounding triads in root position: int32 [chord numbers, 3], 0 for none."""
    rows = [(0, 0, 0)]
    for thirds in (_MAJOR, _MINOR):
        rows += [tuple(LOWEST_ROOT + root + tone for tone in thirds) for root in range(12)]
    return np.array(rows, np.int32)


def bars_to_note_sequence(
    bars: np.ndarray, representation: MelodyBars, qpm: float, sound_chords: bool
) -> NoteSequence:
    """Builds the NoteSequence of bars that follow each other.

    The melody is instrument 0, of program 0 (piano) and velocity 80 unless there are velocities.

    Args:
      bars: [bars, columns] of any integer dtype, at least one bar.
      representation: Says what the columns are.
      qpm: Quarter notes per minute, 4 to 1,000.
      sound_chords: Whether the chords sound, on instrument 1, each for its bar.

    Returns:
      A valid NoteSequence; chords are annotations where they change, those before the first chord
      left out.

    Raises:
      ConversionError: If the shape, the dtype or a value is none of these.
      ConfigError: If `qpm` is out of range.
    """
    rep = representation
    bars = check_bars(bars, rep)
    check_qpm(qpm)
    sequence = bars_header(rep)
    sequence.tempos.add(qpm=qpm)

    def seconds(steps: int) -> float:
        # The graph half uses the same operations in order.
        return steps * (60.0 / rep.steps_per_beat) / qpm

    steps = rep.steps_per_bar
    sequence.total_time = seconds(len(bars) * steps)
    notes = _melody(bars, rep)
    chords = bars[:, rep.chord_column].tolist()
    if sound_chords:
        tones = chord_pitches()
        notes += [
            (bar * steps, CHORDS, int(pitch), (bar + 1) * steps, CHORD_VELOCITY)
            for bar, chord in enumerate(chords)
            for pitch in tones[chord]
            if chord
        ]
    for start, instrument, pitch, end, velocity in sorted(notes):
        sequence.notes.add(
            pitch=pitch,
            velocity=velocity,
            start_time=seconds(start),
            end_time=seconds(end),
            instrument=instrument,
        )
    for bar, (before, chord) in enumerate(zip([0, *chords], chords, strict=False)):
        if chord != before:
            kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
            sequence.text_annotations.add(
                time=seconds(bar * steps), text=SYMBOLS[chord], annotation_type=kind
            )
    return sequence


def bars_header(representation: MelodyBars) -> NoteSequence:
    """What decoded pieces share: all but notes, chord symbols, tempo and total_time."""
    names = ["melody"] if representation.chords == "none" else ["melody", "chords"]
    return score_header(representation.steps_per_beat, representation.beats_per_bar, names)


def check_bars(bars: np.ndarray, representation: MelodyBars) -> np.ndarray:
    """Checks the bars of one piece.

    Returns:
      int64 [bars, columns].

    Raises:
      ConversionError: If they are no [bars, columns] of whole numbers, at least one bar, of pitches
        within 0-127, chords within 0-24, onsets of 0 and 1 and velocities within 0-127.
    """
    rep, bars = representation, np.asarray(bars)
    whole = np.issubdtype(bars.dtype, np.integer)
    if bars.ndim != 2 or not len(bars) or bars.shape[1] != rep.num_columns or not whole:
        raise ConversionError(
            f"Expected whole numbers [bars, {rep.num_columns}], at least one bar. Received: "
            f"{bars.dtype} {list(bars.shape)}.",
            reason="bad_shape",
        )
    highest = column_maxima(rep)
    bad = (bars < 0) | (bars > highest)
    if bad.any():
        bar, column = np.argwhere(bad)[0]
        raise ConversionError(
            f"Expected 0-{highest[column]} in column {column} of a bar. Received: "
            f"{bars[bar, column]} in bar {bar}.",
            reason="bad_bars",
        )
    return bars.astype(np.int64)


def column_maxima(representation: MelodyBars) -> np.ndarray:
    """The highest number of each column: int32 [columns]."""
    rep, steps = representation, representation.steps_per_bar
    highest = [127] * steps + [len(SYMBOLS) - 1] + [1] * steps * rep.onsets
    return np.array(highest + [127] * steps * rep.velocities, np.int32)


def _melody(bars: np.ndarray, rep: MelodyBars) -> list[tuple[int, int, int, int, int]]:
    """First step, instrument, pitch, step after the last, velocity of the melody's notes."""
    steps = rep.steps_per_bar
    pitch = bars[:, :steps].reshape(-1)
    if rep.onsets:
        onset = bars[:, rep.onset_column : rep.onset_column + steps].reshape(-1) > 0
    else:
        onset = np.arange(len(pitch)) % steps == 0
    begins = np.append(True, pitch[1:] != pitch[:-1]) | onset
    starts = np.flatnonzero(begins)
    velocity = np.full(len(pitch), VELOCITY)
    if rep.velocities:
        velocity = bars[:, rep.velocity_column : rep.velocity_column + steps].reshape(-1)
    ends = np.append(starts[1:], len(pitch))
    return [
        (int(start), MELODY, int(pitch[start]), int(end), max(int(velocity[start]), 1))
        for start, end in zip(starts, ends, strict=True)
    ]
