"""Chord symbols looked up in the graph, beside the rule that reads them in Python."""

import pytest
import tensorflow as tf

from tfmusicgan.errors import PieceError
from tfmusicgan.note_sequences.chord_symbols import nearest_triad
from tfmusicgan.representations import chord_symbols_graph as graph

SYMBOLS = [
    *("C", "F#", "Bb", "Dm", "Ebm7", "G7", "Abmaj7", "F#m7b5", "B°7", "E+", "D/F#", "Am7/G", "C6"),
    *("C6/9", "Cm6", "G9", "G13", "D7b9", "A7#5", "Fm(maj7)", "Bb7(b9)", "Eb7(b9)(#5)", "A-7"),
    *("CM7", "F^7", "Cø", "Bm11", "E7#9", "Gsus4", "D7sus4", "C5", "C:maj", "A:min7", "Bb:7/3"),
    *("F#:hdim7", "G:sus4(b7)", "D:maj7(9)", "E:min/b3", "B##", "Ebb", "Caddb9", "Cadd9"),
    *("Dm(add9)", "N.C.", "N", "NC"),
]


def expected(symbol):
    try:
        root, third = nearest_triad(symbol)
    except PieceError as error:
        return graph.NO_TRIAD if error.reason in ("no_third", "no_chord") else graph.UNKNOWN
    return root + (graph.FIRST_MAJOR if third == "major" else graph.FIRST_MINOR)


def test_symbols_are_the_triads_of_the_rule():
    found = graph.triad_numbers(tf.constant(SYMBOLS)).numpy().tolist()
    assert found == [expected(symbol) for symbol in SYMBOLS]
    assert graph.UNKNOWN not in found


def test_a_few_by_hand():
    found = graph.triad_numbers(tf.constant([["C", "Am7"], ["Bb7(b9)/D", "F♯m"]])).numpy()
    assert found.tolist() == [[1, 13 + 9], [1 + 10, 13 + 6]]


@pytest.mark.parametrize("text", ["", "H", "c", "Cfoo", "C E", "C###", "7", "C/", "Cm7b5x"])
def test_what_is_no_chord_symbol(text):
    assert graph.triad_numbers(tf.constant([text])).numpy() == [graph.UNKNOWN]
