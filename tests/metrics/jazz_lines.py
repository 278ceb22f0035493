"""Jazz lines by hand, whose figures differ from each other."""

import numpy as np

from tfmusicgan.metrics.jazz_lines import Line
from tfmusicgan.representations.jazz_phrases_chords import chord_numbers, to_bits


def line(entries, chords=(), first_step=0, primer=0):
    """(MIDI pitch or None for a rest, steps) and (symbol, steps)."""
    numbers = [chord_numbers(symbol) for symbol, steps in chords for _ in range(steps)]
    roots, tones = np.array(numbers, np.int64).reshape(-1, 2).T
    pitches = np.array([73 if pitch is None else pitch - 36 for pitch, _ in entries], np.int64)
    steps = np.array([length for _, length in entries], np.int64)
    return Line(pitches, steps, roots, to_bits(tones), first_step, primer)


CHORDS = (("Dm7", 24), ("G7", 24), ("Cmaj7", 48))
LINE = line(
    [
        (74, 6),  # D over Dm7: black
        (71, 3),  # B over Dm7, in G7: blue; a half step below
        (72, 3),  # C: black
        (72, 5),  # once more
        (None, 7),
        (76, 12),  # E over G7: green
        (64 - 3, 4),  # C sharp: red, as long as a triplet; 15 semitones down
        (67, 4),  # G: black
        (67, 4),
        (70, 21),  # B flat over Cmaj7: red; a half step below
        (71, 27),  # B: black
    ],
    CHORDS,
)
# Two rests in a row, a long repetition, and a leap over a rest; off the beat until its last entry.
OFF = line(
    [(60, 10), (60, 14), (None, 4), (None, 2), (84, 6), (65, 5), (66, 1)],
    (("F", 41), ("N.C.", 13)),
    first_step=7,
)
EMPTY = line([])
