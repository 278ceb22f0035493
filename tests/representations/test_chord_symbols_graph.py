"""Chord symbols looked up in the graph, beside the rule that reads them in Python."""

import pytest
import tensorflow as tf

from tfmusicgan.errors import PieceError
from tfmusicgan.note_sequences.chord_symbols import nearest_triad
from tfmusicgan.representations import chord_symbols_graph as graph

SYMBOLS = [
    *("C", "F#", "Bb", "Dm", "Ebm7", "G7", "Abmaj7", "F#m7b5", "B°7", "E+", "D/F#", "Am7/G"),
    *("C6", "C6/9", "Cm6", "G9", "G13", "D7b9", "A7#5", "Fm(maj7)", "Bb7(b9)", "Eb7(b9)(#5)"),
    *("A-7", "CM7", "F^7", "Cø", "Bm11", "E7#9", "Gsus4", "D7sus4", "C5", "C:maj", "A:min7"),
    *("Bb:7/3", "F#:hdim7", "G:sus4(b7)", "D:maj7(9)", "E:min/b3", "B##", "Ebb", "Caddb9"),
    *("Cadd9", "Dm(add9)", "N.C.", "N", "NC", "Cm", "C-", "CMI7", "Cmin(maj7)", "C7b9#11"),
    *("C13b9#11", "C9#11", "Cmaj9#11", "C7#5#9", "C7b5", "C7(b9,b13)", "Csus2", "Csus(b9)"),
    *("C:9(*3)", "C:maj/2", "C:min11(*5)", "CmM7", "Cm(maj9)", "C+7", "Cø7", "Co7", "Cdom7"),
    *("Cadd2", "Cmadd4", "C7sus", "C9sus4", "C13sus", "C7omit3", "Cno3", "F/g", "D/f#", "Am7/g"),
    *("C/Db", "C6/9/E", "Cm6/9", "C69", "C:sus4(b7,9)", "C(add9)", "C add9", "C major"),
    *("C minor", "C minor 7", "Cmajor7", "Cmaj13", "C11", "C7#11b13", "Cm9", "Cm7add11"),
    *("Cm7b5b9", "CM7#5", "C7+5", "C7-5", "C7+9", "C7-9", "C7b9b5", "Caug7", "Caug9", "Cm7#5"),
    *("Cb9", "C♭7", "C△7", "CΔ9", "Ch7", "C-7b5", "C-Δ7", "Cped", "C7/Bb", "C7b9/E", "N.C"),
    *("n.c.", "Cm13", "Cm69", "C7b13", "C9b13", "C13#9", "C13sus4", "C7sus4b9", "Cmaj6", "CM6"),
    *("CM9", "CM13", "CMaj7#11", "Amadd9", "Am add9", "CMadd9", "Cmajadd9", "C-add11", "D7+9-13"),
    *("C7(b9)/e", "Cdiminished", "C13-9+11", "CMAJ7#11", "CMin7"),
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


def test_all_kinds_of_the_table_are_the_triads_of_the_rule():
    symbols = [f"F#{kind}" for kind in graph.candidates()]
    found = graph.triad_numbers(tf.constant(symbols)).numpy().tolist()
    differing = {
        symbol: (number, wanted)
        for symbol, number in zip(symbols, found, strict=True)
        if number != (wanted := expected(symbol))
    }
    assert not differing
    assert len(symbols) > 2_000


def test_a_few_by_hand():
    found = graph.triad_numbers(tf.constant([["C", "Am7"], ["Bb7(b9)/D", "F♯m"]])).numpy()
    assert found.tolist() == [[1, 13 + 9], [1 + 10, 13 + 6]]
    found = graph.triad_numbers(tf.constant(["Am7/g", "D minor 7", "E△7", "n.c."])).numpy()
    assert found.tolist() == [13 + 9, 13 + 2, 1 + 4, 0]


@pytest.mark.parametrize("text", ["C2", "C4", "C+maj7", "C°M7", "Cmaj7sus4", "Cm7(11)", "F#b5"])
def test_what_the_rule_refuses_the_graph_refuses(text):
    assert expected(text) == graph.UNKNOWN
    assert graph.triad_numbers(tf.constant([text])).numpy() == [graph.UNKNOWN]


@pytest.mark.parametrize("text", ["", "H", "c", "Cfoo", "C E", "C###", "7", "C/", "Cm7b5x"])
def test_what_is_no_chord_symbol(text):
    assert graph.triad_numbers(tf.constant([text])).numpy() == [graph.UNKNOWN]
