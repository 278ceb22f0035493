"""How notes fit their chords, by hand."""

import numpy as np

from tests.metrics.jazz_lines import EMPTY, LINE, OFF, line
from tfmusicgan.metrics import harmonic_consistency as harmony


def test_colours():
    assert harmony.note_colours(LINE) == (6, 1, 1, 2)
    # C, C, C and F over F; F sharp over none, and rests, do not count.
    assert harmony.note_colours(OFF) == (4, 0, 0, 0)
    assert harmony.note_colours(EMPTY) == (0, 0, 0, 0)


def test_scales_and_next_chords():
    chords = (("C", 24), ("Cm", 12), ("Gsus", 12), ("N.C.", 6))
    # B natural over C: green. E flat: a quarter long, then short, in Cm; A flat in Cm's scale.
    entries = [(71, 4), (63, 12), (63, 4), (68, 4)]
    assert harmony.note_colours(line(entries, chords)) == (0, 1, 2, 1)
    # Over Cm: B flat and F are in its scale; E and D flat are not, nor in Gsus, which has none.
    entries = [(None, 24), (70, 3), (64, 3), (65, 3), (73, 3)]
    assert harmony.note_colours(line(entries, chords)) == (0, 2, 0, 2)
    # Behind the last chord, and the last chord itself, comes none.
    entries = [(None, 36), (60, 6), (61, 6), (61, 6), (61, 6)]
    assert harmony.note_colours(line(entries, chords)) == (1, 0, 0, 1)


def test_chord_fit():
    # B to C and B flat to B are approaches; E and C sharp are none.
    assert harmony.chord_fit(LINE) == (6, 2, 2)
    assert harmony.chord_fit(OFF) == (4, 0, 0)
    assert harmony.chord_fit(EMPTY) == (0, 0, 0)
    # Not over a rest, not by a tone, not into another such note, not out of a chord tone.
    chords = (("C", 96),)
    entries = [(61, 6), (None, 6), (60, 6), (62, 6), (60, 6), (61, 6), (62, 6), (61, 6), (60, 6)]
    assert harmony.chord_fit(line(entries, chords)) == (3, 1, 4)
    # From above and over a bar line, into the next chord.
    assert harmony.chord_fit(line([(66, 6), (65, 6)], (("C", 6), ("F", 6)))) == (1, 1, 0)
    assert harmony.chord_fit(line([(66, 6), (65, 6)], (("C", 6), ("G", 6)))) == (0, 0, 2)
    assert harmony.chord_fit(line([(66, 6), (65, 6)], (("C", 6),))) == (0, 0, 1)


def test_exchanged_chords():
    # Over G7, Cmaj7 and Dm7: D, B, E, G, G.
    assert harmony.exchanged_chords(LINE) == (6, 5, 10)
    assert harmony.exchanged_chords(OFF) == (0, 0, 0)
    assert harmony.exchanged_chords(EMPTY) == (0, 0, 0)
    # C, nothing, C, F: both C become F, F becomes C; F is in its own chord alone.
    chords = (("C", 6), ("N.C.", 6), ("C", 6), ("F", 6))
    entries = [(60, 6), (60, 6), (64, 6), (60, 6), (65, 6)]
    assert harmony.exchanged_chords(line(entries, chords)) == (3, 2, 3)


def test_degrees():
    expected = np.zeros(12, int)
    expected[[0, 6, 9, 10, 11]] = 3, 1, 2, 3, 1
    assert harmony.chord_degrees(LINE).tolist() == expected.tolist()
