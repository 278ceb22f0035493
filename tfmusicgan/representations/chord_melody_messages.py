"""Words of two parts to NoteSequences, the NumPy half: durations laid end to end."""

import functools

import numpy as np

from tfmusicgan.note_sequences.proto import NoteSequence, note_seq_module
from tfmusicgan.representations.chord_melody_vocabulary import Word, chord_pitches, melody_pitch
from tfmusicgan.representations.melody_messages import VELOCITY
from tfmusicgan.representations.score_header import check_qpm, score_header

MELODY, CHORDS = 0, 1
"""Instruments of a decoded piece."""

NO_CHORD = "N.C."
"""note_seq's symbol for a rest of the chords."""


def words_to_note_sequence(words: np.ndarray, steps_per_quarter: int, qpm: float) -> NoteSequence:
    """Builds the NoteSequence of words that follow each other.

    The events of each part are laid end to end from time zero, then one part is moved to a later
    time, so that the first two events that share a word begin together.

    Args:
      words: int64 [words, 6], see `ChordMelodyWords`.
      steps_per_quarter: Steps in a quarter note.
      qpm: Quarter notes per minute, 4 to 1,000.

    Returns:
      A valid NoteSequence with a total_time of all events, rests at the end included. Notes have
      velocity 80 and program 0 (piano); chords that note_seq has a name for are text annotations.

    Raises:
      ConfigError: If `qpm` is out of range.
    """
    check_qpm(qpm)
    sequence = chord_melody_header(steps_per_quarter)
    sequence.tempos.add(qpm=qpm)
    melody_start, chord_start = _starts(words[:, 0], words[:, 3])
    ends = np.concatenate([melody_start + words[:, 0], chord_start + words[:, 3]])

    def seconds(steps: int) -> float:
        # The graph half uses the same operations in order.
        return steps * (60.0 / steps_per_quarter) / qpm

    sequence.total_time = seconds(int(ends.max()))
    notes, symbols = [], []
    rows = zip(map(tuple, words.tolist()), melody_start.tolist(), chord_start.tolist(), strict=True)
    for word, start, chord in rows:
        if word[2]:
            notes.append((start, MELODY, melody_pitch(word), start + word[0]))
        notes += [(chord, CHORDS, pitch, chord + word[3]) for pitch in chord_pitches(word)]
        if symbol := chord_symbol(word):
            symbols.append((chord, symbol))
    for start, instrument, pitch, end in sorted(notes):
        sequence.notes.add(
            pitch=pitch,
            velocity=VELOCITY,
            start_time=seconds(start),
            end_time=seconds(end),
            instrument=instrument,
        )
    for step, symbol in symbols:
        kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
        sequence.text_annotations.add(time=seconds(step), text=symbol, annotation_type=kind)
    return sequence


def chord_melody_header(steps_per_quarter: int) -> NoteSequence:
    """What decoded pieces share: all but notes, chord symbols, tempo and total_time."""
    return score_header(steps_per_quarter, 4, ["melody", "chords"])


def chord_symbol(word: Word) -> str:
    """note_seq's name for a word's chord, `NO_CHORD` for a rest; empty where there is none."""
    if not word[3]:
        return ""
    return _symbol_of(tuple(chord_pitches(word)))


@functools.cache
def _symbol_of(pitches: tuple[int, ...]) -> str:
    if not pitches:
        return NO_CHORD
    chord_symbols_lib = note_seq_module("chord_symbols_lib")
    try:
        return chord_symbols_lib.pitches_to_chord_symbol(list(pitches))
    except chord_symbols_lib.ChordSymbolError:
        return ""


def _starts(melody_steps: np.ndarray, chord_steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First steps of the melody's and the chords' events: int64 [words] each."""
    melody = np.cumsum(melody_steps) - melody_steps
    chords = np.cumsum(chord_steps) - chord_steps
    together = np.flatnonzero((melody_steps > 0) & (chord_steps > 0))
    later = int(melody[together[0]] - chords[together[0]]) if len(together) else 0
    return melody + max(-later, 0), chords + max(later, 0)
