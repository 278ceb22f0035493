"""The graph half of jazz phrases equals the NumPy half: messages, fields, rhythms and chords."""

import numpy as np
import pytest
import tensorflow as tf

from tests.representations.lead_sheets import lead_sheet, random_sheet
from tests.representations.test_chord_symbols_graph import SYMBOLS
from tfmusicgan.errors import PieceError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import chord_symbols_graph, jazz_phrases_rhythm
from tfmusicgan.representations import jazz_phrases_chords_graph as chords
from tfmusicgan.representations import jazz_phrases_graph as graph
from tfmusicgan.representations.jazz_phrases import REST, JazzPhrases
from tfmusicgan.representations.jazz_phrases_chords import chord_numbers, symbol_of
from tfmusicgan.representations.jazz_phrases_rhythm import ENCODINGS


def random_phrases(rows, notes, steps, seed=0):
    """Any notes and rests, long and repeated, over chords that hold for some steps."""
    rng = np.random.default_rng(seed)
    basses = np.repeat(rng.integers(0, 12, (rows, -(-steps // 7))), 7, axis=1)[:, :steps]
    tones = np.repeat(rng.integers(0, 2, (rows, -(-steps // 7), 12)), 7, axis=1)[:, :steps]
    tones[..., 0] = tones.any(axis=2)
    tones[:, 20:30] = 0
    pitches = rng.choice([*range(0, 73, 9), REST], (rows, notes))
    return {
        "pitches": np.repeat(pitches, 2, axis=1)[:, :notes].astype(np.int32),
        "rhythm": rng.integers(0, 48, (rows, notes), np.int32),
        "num_notes": rng.integers(1, notes + 1, rows, np.int32),
        "first_step": rng.integers(0, 48, rows, np.int32),
        "chord_roots": basses.astype(np.int32),
        "chord_tones": tones.astype(np.uint8),
        "num_steps": rng.integers(1, steps + 1, rows, np.int32),
    }


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_messages_are_those_of_the_numpy_half(encoding):
    rep = JazzPhrases(encoding=encoding, max_notes=60, max_steps=60)
    rows = 12
    phrases = random_phrases(rows, 40, 200)
    qpm = np.linspace(50, 333, rows).astype(np.float32)
    sounding = np.arange(rows) % 3 > 0
    given = {name: tf.constant(value) for name, value in phrases.items()}
    texts = graph.to_note_sequences(given, rep, tf.constant(qpm), tf.constant(sounding))
    plain = graph.to_note_sequences(given, rep, tf.constant(qpm))
    for row in range(rows):
        own = {name: value[row] for name, value in phrases.items()}
        expected = rep.decode(own, float(qpm[row]), sound_chords=bool(sounding[row]))
        assert NoteSequence.FromString(texts[row].numpy()) == expected
        assert NoteSequence.FromString(plain[row].numpy()) == rep.decode(own, float(qpm[row]))
    assert graph.to_note_sequences(
        {name: value[:0] for name, value in given.items()}, rep, tf.constant(qpm[:0])
    ).shape == [0]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_rhythms_are_those_of_the_numpy_half(encoding):
    phrases = random_phrases(5, 9, 30)
    rhythm, first = phrases["rhythm"], phrases["first_step"]
    lengths = graph.durations(tf.constant(rhythm), tf.constant(first), encoding)
    np.testing.assert_array_equal(lengths, jazz_phrases_rhythm.durations(rhythm, first, encoding))
    tokens = graph.rhythm_tokens(lengths, tf.constant(first), encoding)
    np.testing.assert_array_equal(tokens, np.zeros_like(rhythm) if lengths[0, 0] == 1 else rhythm)
    assert encoding == "time_step" or lengths[0, 0] > 1


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_fields_that_are_read_are_those_of_the_numpy_half(encoding):
    rep = JazzPhrases(encoding=encoding, max_notes=60, max_steps=60)
    sheets = [random_sheet(seed, bars=1 + seed % 6, qpm=60.0 + 7 * seed) for seed in range(8)]
    # Just behind a bar line: a step more, or none.
    chords = [(0, "C"), (4, "D7")]
    sheets += [lead_sheet([(60, 1, 2), (62, 3, end)], chords) for end in (1.083, 1.02)]
    texts = tf.constant([sheet.SerializeToString() for sheet in sheets])
    for max_notes, max_steps in ((300, 300), (300, 61), (7, 300)):
        found = graph.from_note_sequences(texts, rep, max_notes, max_steps)
        for row, sheet in enumerate(sheets):
            expected = rep.find_phrase(sheet, max_notes, max_steps)
            for name, value in expected.items():
                np.testing.assert_array_equal(found[name][row], value, err_msg=f"{row} {name}")
    assert found["chord_tones"].dtype == tf.uint8


def test_music_that_is_no_melody_has_no_notes():
    drums = lead_sheet([(38, 0, 4)], [(0, "C")])
    drums.notes[0].is_drum = True
    other = lead_sheet([(60, 1, 2)], [(0, "Hx"), (2, "D7")])
    texts = [drums.SerializeToString(), b"", other.SerializeToString()]
    found = graph.from_note_sequences(tf.constant(texts), JazzPhrases(), 4, 30)
    assert found["num_notes"].numpy().tolist() == [0, 0, 1]
    assert found["num_steps"].numpy().tolist() == [0, 0, 24]
    assert not any(value[:2].numpy().any() for value in found.values())
    # A symbol that is none is no chord.
    assert found["chord_roots"][2].numpy().tolist() == [0] * 12 + [2] * 12 + [0] * 6
    assert found["chord_tones"][2, 0].numpy().sum() == 0
    empty = graph.from_note_sequences(tf.constant(texts)[:0], JazzPhrases(), 4, 30)
    assert empty["pitches"].shape == (0, 4) and empty["chord_tones"].shape == (0, 30, 12)


def test_of_notes_that_overlap_the_later_and_the_higher_count():
    sheet = lead_sheet([(64, 0, 4), (60, 1, 2), (67, 1, 1), (20, 2.5, 20)])
    found = graph.from_note_sequences(
        tf.constant([sheet.SerializeToString()]), JazzPhrases(encoding="duration"), 8, 60
    )
    # E4 until G4, which ends before G#0, raised to G#1... of that the last sixty steps.
    assert found["pitches"][0].numpy().tolist() == [8, 8, 0, 0, 0, 0, 0, 0]
    assert found["rhythm"][0].numpy().tolist() == [47, 11, 0, 0, 0, 0, 0, 0]
    found = graph.from_note_sequences(
        tf.constant([sheet.SerializeToString()]), JazzPhrases(encoding="duration"), 8, 300
    )
    assert found["pitches"][0, :5].numpy().tolist() == [28, 31, REST, 8, 8]
    assert found["rhythm"][0, :5].numpy().tolist() == [11, 11, 5, 47, 47]


def test_other_keys_change_notes_and_roots_alone():
    phrases = random_phrases(3, 10, 40, seed=4)
    phrases["pitches"][1, :3] = [72, 70, REST]
    phrases["num_notes"][:] = [10, 9, 8]
    semitones = np.array([0, 5, 11], np.int32)
    moved = graph.transpose(
        {name: tf.constant(value) for name, value in phrases.items()}, tf.constant(semitones)
    )
    assert moved["pitches"][1, :3].numpy().tolist() == [65, 63, REST]
    for row in range(3):
        for place, token in enumerate(phrases["pitches"][row]):
            expected = token
            if place < phrases["num_notes"][row] and token != REST:
                expected = token + semitones[row]
                expected -= 12 if expected > 72 else 0
            assert moved["pitches"][row, place] == expected
        has_chord = phrases["chord_tones"][row].any(axis=1)
        roots = phrases["chord_roots"][row]
        expected = np.where(has_chord, (roots + semitones[row]) % 12, roots)
        np.testing.assert_array_equal(moved["chord_roots"][row], expected)
    for name in ("rhythm", "num_notes", "first_step", "chord_tones", "num_steps"):
        np.testing.assert_array_equal(moved[name], phrases[name])


def expected_chord(symbol):
    try:
        return chord_numbers(symbol)
    except PieceError:
        return 0, chords.UNKNOWN


def test_symbols_are_the_chords_of_the_rule():
    more = ["C/E", "Dm7/c", "C6/9/E", "F:maj/3", "Bb:7/b7", "A:min/5", "G/Db", "Gm/bb", "Hx", ""]
    symbols = [*SYMBOLS, *more]
    bass, tones = (values.numpy().tolist() for values in chords.chord_numbers(tf.constant(symbols)))
    expected = {symbol: expected_chord(symbol) for symbol in symbols}
    found = dict(zip(symbols, zip(bass, tones, strict=True), strict=True))
    assert found == expected
    assert [tones for _, tones in expected.values()].count(chords.UNKNOWN) == 2


def test_all_kinds_of_the_table_are_the_chords_of_the_rule():
    symbols = [f"F#{kind}" for kind in chord_symbols_graph.candidates()]
    bass, tones = (values.numpy().tolist() for values in chords.chord_numbers(tf.constant(symbols)))
    differing = {
        symbol: (found, wanted)
        for symbol, *found in zip(symbols, bass, tones, strict=True)
        if tuple(found) != (wanted := expected_chord(symbol))
    }
    assert not differing


def test_symbols_of_chords_are_those_of_the_numpy_half():
    tones = np.append(np.arange(1, 4096, 2), 0).astype(np.int32)
    basses = (tones // 2 % 12).astype(np.int32)
    found = chords.symbols_of(tf.constant(basses), tf.constant(tones)).numpy()
    expected = [symbol_of(*chord) for chord in zip(basses.tolist(), tones.tolist(), strict=True)]
    assert [text.decode() for text in found] == expected
    np.testing.assert_array_equal(chords.from_bits(chords.to_bits(tf.constant(tones))), tones)


def test_progressions_on_a_plain_grid():
    basses, tones = tf.constant([[0, 5, 7], [2, 0, 0], [0, 0, 0]]), tf.constant([[1, 3, 5]] * 3)
    counts, each = tf.constant([3, 1, 0]), tf.constant([2, 4, 1])
    roots, bits = chords.chord_grid(basses, tones, counts, each, 9)
    assert roots.numpy().tolist() == [[0, 0, 5, 5, 7, 7, 0, 0, 5], [2] * 9, [0] * 9]
    assert chords.from_bits(bits).numpy().tolist() == [
        [1, 1, 3, 3, 5, 5, 1, 1, 3],
        [1] * 9,
        [0] * 9,
    ]
    assert bits.dtype == tf.uint8


def test_fields_out_of_range_are_refused():
    phrases = random_phrases(1, 4, 10)
    for name, value, message in (
        ("pitches", 74, "pitches: expected 0 to"),
        ("chord_roots", 12, "chord_roots: expected 0 to"),
        ("chord_tones", 2, "the bass among"),
        ("num_notes", 5, "num_notes: expected 1 to"),
    ):
        wrong = {key: np.array(field) for key, field in phrases.items()}
        wrong[name][...] = value
        given = {key: tf.constant(field) for key, field in wrong.items()}
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            graph.to_note_sequences(given, JazzPhrases(), tf.constant([120.0]))
