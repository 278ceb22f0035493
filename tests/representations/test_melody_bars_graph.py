"""The graph half of melodies in bars equals the NumPy half, message for message and bar for bar."""

import numpy as np
import pytest
import tensorflow as tf

from tests.representations.lead_sheets import lead_sheet, random_sheet
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import melody_bars_graph as graph
from tfmusicgan.representations.melody_bars import MelodyBars

OPTIONS = [
    {},
    {"onsets": True, "lowest_pitch": 48, "num_pitches": 36},
    {"velocities": True, "chords": "none"},
    {"onsets": True, "velocities": True, "steps_per_beat": 6},
]


def random_bars(rep, rows, bars, seed=0):
    """Bars with long and repeated notes, and any chords."""
    rng = np.random.default_rng(seed)
    found = rng.integers(0, 128, (rows, bars, rep.num_columns))
    steps = rep.steps_per_bar
    found[..., :steps] = np.repeat(found[..., :steps:2] % 5 + 60, 2, axis=2)
    found[..., rep.chord_column] %= 25
    if rep.onsets:
        found[..., rep.onset_column : rep.onset_column + steps] %= 2
    return found.astype(np.int32)


@pytest.mark.parametrize("options", OPTIONS)
def test_messages_are_those_of_the_numpy_half(options):
    rep = MelodyBars(**options)
    bars = random_bars(rep, rows=4, bars=5)
    num_bars, qpm = [5, 1, 3, 4], np.float32([120, 90, 61.7, 333])
    sounding = [True, False, True, False]
    texts = graph.to_note_sequences(
        tf.constant(bars), rep, tf.constant(qpm), tf.constant(num_bars), tf.constant(sounding)
    )
    for row, text in enumerate(texts.numpy()):
        own = {"melody_bars": bars[row, : num_bars[row]]}
        expected = rep.decode(own, float(qpm[row]), sound_chords=sounding[row])
        assert NoteSequence.FromString(text) == expected
    plain = graph.to_note_sequences(tf.constant(bars), rep, tf.constant(qpm)).numpy()
    for row, text in enumerate(plain):
        expected = rep.decode({"melody_bars": bars[row]}, float(qpm[row]))
        assert NoteSequence.FromString(text) == expected


@pytest.mark.parametrize("options", OPTIONS)
def test_bars_that_are_read_are_those_of_the_numpy_half(options):
    rep = MelodyBars(**options)
    sheets = [random_sheet(seed, bars=1 + seed % 6, qpm=60.0 + 7 * seed) for seed in range(10)]
    texts = tf.constant([sheet.SerializeToString() for sheet in sheets])
    bars, num_bars = graph.from_note_sequences(texts, rep, max_bars=8)
    late, num_late = graph.from_note_sequences(texts, rep, max_bars=3)
    for row, sheet in enumerate(sheets):
        expected, count = rep.find_bars(sheet), int(num_bars[row])
        # Behind the last note there may be empty bars.
        assert 0 < count <= len(expected)
        np.testing.assert_array_equal(bars[row, :count], expected[:count])
        # Of more bars the last, from one on in which a note sounds.
        kept = int(num_late[row])
        assert 0 < kept <= min(3, count)
        np.testing.assert_array_equal(late[row, :kept], expected[count - kept : count])
    assert np.count_nonzero(num_late == 3) > 3


def test_a_note_that_ends_just_behind_a_bar_line():
    # By a step of a twelfth, and by less than half of one.
    rep = MelodyBars(steps_per_beat=12, onsets=True)
    chords = [(0, "C"), (4, "D7")]
    sheets = [lead_sheet([(60, 1, 2), (62, 3, end)], chords) for end in (1.083, 1.02)]
    texts = tf.constant([sheet.SerializeToString() for sheet in sheets])
    bars, num_bars = graph.from_note_sequences(texts, rep, max_bars=2)
    assert num_bars.numpy().tolist() == [2, 1]
    for row, sheet in enumerate(sheets):
        np.testing.assert_array_equal(bars[row, : num_bars[row]], rep.find_bars(sheet))


def test_the_chord_of_a_bar_is_the_one_that_holds_longest():
    # No chord for a beat and a half, then Am7; F and C as long; G twice around E, behind the notes.
    chords = [(1.5, "Am7"), (4, "F"), (6, "C"), (8, "G"), (9, "E"), (10.5, "G"), (12, "Gsus4")]
    texts = [
        lead_sheet([(60, 0, 16)], chords[::-1], qpm=77.0),
        lead_sheet([(60, 0, 16)], [(0, "Hx"), (4, "Dm"), (4, "D")]),
        lead_sheet([(60, 0, 16)]),
    ]
    texts = tf.constant([sheet.SerializeToString() for sheet in texts])
    bars, _ = graph.from_note_sequences(texts, MelodyBars(), max_bars=4)
    assert bars[..., 16].numpy().tolist() == [[22, 6, 8, 0], [0, 3, 3, 3], [0] * 4]
    assert graph.from_note_sequences(texts[:0], MelodyBars(), max_bars=4)[0].shape == (0, 4, 17)


def test_unknown_chord_symbols_are_nothing_to_melodies_without_chords():
    rep, sheet = MelodyBars(chords="none"), lead_sheet([(60, 1, 3), (62, 4, 4)], [(0, "Hx9")])
    bars, num_bars = graph.from_note_sequences(tf.constant([sheet.SerializeToString()]), rep, 2)
    assert num_bars.numpy().tolist() == [2]
    np.testing.assert_array_equal(bars[0], rep.find_bars(sheet))


def test_sequences_without_a_melody_have_no_bars():
    drums = lead_sheet([(38, 0, 4)])
    drums.notes[0].is_drum = True
    texts = [drums.SerializeToString(), b"", lead_sheet([(60, 4, 3)]).SerializeToString()]
    bars, num_bars = graph.from_note_sequences(tf.constant(texts), MelodyBars(), max_bars=3)
    assert num_bars.numpy().tolist() == [0, 0, 1]  # from the first bar with a note on
    assert not bars[:2].numpy().any() and (bars[2, 0, :16].numpy() == 60).all()


def test_of_notes_that_overlap_the_highest_counts():
    rep = MelodyBars(onsets=True, velocities=True)
    sheet = lead_sheet([(64, 0, 4, 10), (60, 0, 2, 20), (67, 2, 1, 30)])
    bars, _ = graph.from_note_sequences(tf.constant([sheet.SerializeToString()]), rep, max_bars=1)
    bar = bars[0, 0].numpy()
    assert bar[:16].tolist() == [64] * 8 + [67] * 4 + [64] * 4
    assert np.flatnonzero(bar[17:33]).tolist() == [0, 8]


def test_numbers_out_of_range_are_refused():
    bars = np.zeros((1, 1, 17), np.int32)
    bars[0, 0, 16] = 25
    with pytest.raises(tf.errors.InvalidArgumentError, match="chords of 0-24"):
        graph.to_note_sequences(tf.constant(bars), MelodyBars(), tf.constant([120.0]))
