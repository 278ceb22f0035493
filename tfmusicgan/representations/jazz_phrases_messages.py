"""Jazz phrases to NoteSequences, the NumPy half."""

from __future__ import annotations

import typing

import numpy as np

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.jazz_phrases_chords import from_bits, symbol_of
from tfmusicgan.representations.jazz_phrases_cutting import LOWEST_PITCH, REST
from tfmusicgan.representations.jazz_phrases_rhythm import (
    STEPS_PER_BAR,
    STEPS_PER_QUARTER,
    TIME_STEP,
    durations,
)
from tfmusicgan.representations.melody_messages import VELOCITY
from tfmusicgan.representations.score_header import check_qpm, score_header

if typing.TYPE_CHECKING:
    from tfmusicgan.representations.base import Example
    from tfmusicgan.representations.jazz_phrases import JazzPhrases

MELODY, CHORDS = 0, 1
"""Instruments of a decoded piece."""

LOWEST_BASS = 48
"""Of sounding chords, C3."""

CHORD_VELOCITY = 50

SECONDS_PER_STEP = 60.0 / STEPS_PER_QUARTER
"""At one quarter note a minute."""


def phrase_to_note_sequence(
    example: Example, representation: JazzPhrases, qpm: float, sound_chords: bool
) -> NoteSequence:
    """Builds the NoteSequence of a phrase.

    It begins with the bar of the phrase's first note and ends with the bar of its last step. The
    melody is instrument 0, of velocity 80; what is behind the last step is cut off.

    Args:
      example: The representation's fields, of any number of notes and steps from one.
      representation: Says what the rhythm's tokens are.
      qpm: Quarter notes per minute, 4 to 1,000.
      sound_chords: Whether the chords sound, on instrument 1, each anew at bar lines.

    Returns:
      A valid NoteSequence; chords are annotations where they change, those before the first left
      out.

    Raises:
      ConversionError: If the arrays' shapes, dtypes or values are not the spec's.
      ConfigError: If `qpm` is out of range.
    """
    check_qpm(qpm)
    fields = check_phrase(example)
    first, num_steps = int(fields["first_step"]), int(fields["num_steps"])
    pitches, starts, ends = phrase_notes(fields, representation.encoding)
    sequence = phrase_header()
    sequence.tempos.add(qpm=qpm)

    def seconds(step: int) -> float:
        # The graph half uses the same operations in order.
        return step * SECONDS_PER_STEP / qpm

    bars = -(-(first + num_steps) // STEPS_PER_BAR)
    sequence.total_time = seconds(bars * STEPS_PER_BAR)
    tones = from_bits(fields["chord_tones"][:num_steps])
    basses = np.where(tones > 0, fields["chord_roots"][:num_steps], 0)
    notes = [
        (first + start, MELODY, pitch + LOWEST_PITCH, first + end, VELOCITY)
        for pitch, start, end in zip(*(c.tolist() for c in (pitches, starts, ends)), strict=True)
        if pitch != REST
    ]
    if sound_chords:
        notes += _sounding(basses, tones, first)
    for start, instrument, pitch, end, velocity in sorted(notes):
        sequence.notes.add(
            pitch=pitch,
            velocity=velocity,
            start_time=seconds(start),
            end_time=seconds(end),
            instrument=instrument,
        )
    before = (0, 0)
    for step, chord in enumerate(zip(basses.tolist(), tones.tolist(), strict=True)):
        if chord != before:
            sequence.text_annotations.add(
                time=seconds(first + step),
                text=symbol_of(*chord),
                annotation_type=NoteSequence.TextAnnotation.CHORD_SYMBOL,
            )
        before = chord
    return sequence


def phrase_notes(
    fields: Example, encoding: str, joined: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The notes and rests of one phrase, as far as its steps go.

    Args:
      fields: Those of the representation, of one phrase.
      encoding: That of the rhythm.
      joined: Whether equal pitches in time steps that follow each other are one note.

    Returns:
      Pitch tokens, and first steps and steps after the last from the beginning of the phrase,
      int64 [notes] each.
    """
    count, num_steps = int(fields["num_notes"]), int(fields["num_steps"])
    pitches = np.asarray(fields["pitches"][:count], np.int64)
    lengths = durations(fields["rhythm"][:count], int(fields["first_step"]), encoding)
    ends = np.cumsum(lengths).clip(max=num_steps)
    starts = np.append(0, ends[:-1])[:count]
    inside = starts < ends
    pitches, starts, ends = pitches[inside], starts[inside], ends[inside]
    if encoding == TIME_STEP and joined and len(pitches):
        begins = np.append(True, pitches[1:] != pitches[:-1])
        ends = ends[np.append(begins[1:], True)]
        pitches, starts = pitches[begins], starts[begins]
    return pitches, starts, ends


def phrase_header() -> NoteSequence:
    """What decoded phrases share: all but notes, chord symbols, tempo and total_time."""
    return score_header(STEPS_PER_QUARTER, 4, ["melody", "chords"])


def check_phrase(example: Example) -> Example:
    """Checks the fields of one phrase, of any number of notes and steps.

    Returns:
      The fields as int64.

    Raises:
      ConversionError: If a field is missing, or its shape, dtype or a value is out of range; with
        reason `"bad_shape"` or `"bad_phrase"`.
    """
    fields = {name: np.asarray(value) for name, value in example.items()}
    ranks = {"pitches": 1, "rhythm": 1, "num_notes": 0, "first_step": 0, "num_steps": 0}
    ranks |= {"chord_roots": 1, "chord_tones": 2}
    if missing := sorted(set(ranks) - set(fields)):
        raise ConversionError(
            f"Expected {', '.join(ranks)}. Missing: {', '.join(missing)}.", reason="bad_shape"
        )
    notes, steps = fields["pitches"].size, fields["chord_roots"].size
    for name, rank in ranks.items():
        field = fields[name]
        shape = {"chord_roots": (steps,), "chord_tones": (steps, 12)}.get(name, (notes,) * rank)
        if field.shape != shape or not np.issubdtype(field.dtype, np.integer) or 0 in shape:
            raise ConversionError(
                f"{name}: expected whole numbers {list(shape)}, at least one. Received: "
                f"{field.dtype} {list(field.shape)}.",
                reason="bad_shape",
            )
    last_step = STEPS_PER_BAR - 1
    for name, low, high in (
        ("pitches", 0, REST),
        ("rhythm", 0, last_step),
        ("num_notes", 1, notes),
        ("first_step", 0, last_step),
        ("chord_roots", 0, 11),
        ("chord_tones", 0, 1),
        ("num_steps", 1, steps),
    ):
        if fields[name].min() < low or fields[name].max() > high:
            raise ConversionError(
                f"{name}: expected {low} to {high}. Received: {fields[name].min()} to "
                f"{fields[name].max()}.",
                reason="bad_phrase",
            )
    tones = fields["chord_tones"]
    if (tones.any(axis=1) & (tones[:, 0] == 0)).any():
        raise ConversionError(
            "chord_tones: expected the bass among a chord's tones. Received: a chord without.",
            reason="bad_phrase",
        )
    return {name: value.astype(np.int64) for name, value in fields.items()}


def _sounding(
    basses: np.ndarray, tones: np.ndarray, first_step: int
) -> list[tuple[int, int, int, int, int]]:
    """Step, instrument, pitch, step after the last and velocity of the chords' notes."""
    steps = np.arange(len(basses))
    begins = (steps + first_step) % STEPS_PER_BAR == 0
    begins |= np.append(True, (basses[1:] != basses[:-1]) | (tones[1:] != tones[:-1]))
    starts = np.flatnonzero(begins)
    spans = zip(starts.tolist(), [*starts[1:].tolist(), len(basses)], strict=True)
    return [
        (
            first_step + start,
            CHORDS,
            LOWEST_BASS + int(basses[start]) + tone,
            first_step + end,
            CHORD_VELOCITY,
        )
        for start, end in spans
        for tone in range(12)
        if tones[start] >> tone & 1
    ]
