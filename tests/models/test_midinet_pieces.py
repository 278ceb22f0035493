"""MidiNet's signatures: progressions, given music, and what of them is named as wrong."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models.test_midinet import build
from tests.representations.lead_sheets import lead_sheet
from tfmusicgan.models.midinet import pieces
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.melody_bars import MelodyBars


def test_progressions_are_read_and_what_is_none_is_named():
    numbers, count = pieces.read_chords(tf.constant([["C", "Am7"], ["F#m7b5", ""]]), False)
    assert numbers.numpy().tolist() == [[1, 22], [19, 0]] and count.numpy().tolist() == [2, 1]
    numbers, count = pieces.read_chords(tf.constant([[""], ["G7"]]), True)
    assert numbers.numpy().tolist() == [[0], [8]] and count.numpy().tolist() == [0, 1]
    for chords, message in (
        ([["C", "H7"]], "with a third. Received:.*H7"),
        ([["Gsus4", "C"]], "with a third. Received:.*Gsus4"),
        ([["N.C."]], "with a third. Received:.*N.C."),
        ([["", "C"]], "no empty text in front of a symbol"),
        ([["C"] * 65], "at most 64, one a bar. Received:.*65"),
        ([["C"], [""]], "one symbol at least for every row"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"(?s){message}"):
            pieces.read_chords(tf.constant(chords), False)


def test_a_progression_is_repeated_until_it_fills_a_window():
    model = build("midinet_creative", rep=MelodyBars(bars=8))
    harmonize = model.signatures()["harmonize"]
    given = {
        "seed": tf.constant([1, 2, 3], tf.int64),
        "chords": tf.constant([["C", "Am", "F"], ["G", "", ""], ["C", "Dm", ""]]),
        "temperature": tf.zeros([3]),
        "num_bars": tf.constant([0, 0, 3]),
        "qpm": tf.fill([3], 120.0),
        "sound_chords": tf.constant([True, False, False]),
    }
    found = harmonize.function(**given)
    sequences = [NoteSequence.FromString(text) for text in found["note_sequence"].numpy()]
    # Nine bars of three chords, eight of one, three of two as asked; each of two seconds.
    assert [sequence.total_time for sequence in sequences] == [18.0, 16.0, 6.0]
    names = [[text.text for text in sequence.text_annotations] for sequence in sequences]
    assert names == [["C", "Am", "F"] * 3, ["G"], ["C", "Dm", "C"]]
    assert [max(n.instrument for n in sequence.notes) for sequence in sequences] == [1, 0, 0]


def continued(model, *sheets, chords="", num_bars=2):
    rows = len(sheets)
    given = {
        "seed": tf.fill([rows], np.int64(1)),
        "note_sequence": tf.constant([sheet.SerializeToString() for sheet in sheets]),
        "chords": tf.fill([rows, 1], chords),
        "temperature": tf.zeros([rows]),
        "num_bars": tf.fill([rows], num_bars),
        "sound_chords": tf.fill([rows], False),
    }
    found = model.signatures()["continue"].function(**given)["note_sequence"].numpy()
    return [NoteSequence.FromString(text) for text in found]


def test_the_chords_of_given_music_are_kept_and_go_on():
    model = build("midinet_creative")
    # A pick-up without chord, A minor, F; then no chords at all.
    notes = [(60, 3, 1), (62, 4, 4), (64, 8, 4)]
    sheets = lead_sheet(notes, [(4, "Am7"), (8, "F")]), lead_sheet(notes)
    symbols = [
        [(text.time / 2, text.text) for text in sequence.text_annotations]
        for sequence in continued(model, *sheets, num_bars=4)
    ]
    assert symbols[0] == [(1, "Am"), (2, "F"), (3, "Am"), (4, "F"), (5, "Am"), (6, "F")]
    assert symbols[1] == [(3, "C")]  # of the bank
    (found,) = continued(model, sheets[0], chords="G")
    assert [text.text for text in found.text_annotations] == ["Am", "F", "G"]


def test_of_long_given_music_the_last_bars_are_kept():
    notes = [(60 + bar % 12, 4 * bar, 4) for bar in range(70)]
    (found,) = continued(build("midinet_creative"), lead_sheet(notes, [(0, "C")]))
    assert found.total_time == (64 + 2) * 2.0
    kept = [note.pitch for note in found.notes if note.start_time < 128]
    assert kept == [pitch for pitch, *_ in notes[6:]]


def test_music_with_a_pick_up_goes_on_after_whole_bars():
    sheet = lead_sheet([(60, 0, 1), (62, 1, 4), (64, 5, 4)], [(1, "Am"), (5, "F")], numerator=1)
    sheet.time_signatures.add(numerator=4, denominator=4, time=0.5)
    (found,) = continued(build("midinet_creative"), sheet)
    assert found.total_time == (3 + 2) * 2.0
    kept = [(note.pitch, note.start_time) for note in found.notes if note.start_time < 6]
    assert kept == [(60, 0), (62, 2), (64, 4)]
    symbols = [(text.time, text.text) for text in found.text_annotations]
    assert symbols == [(2, "Am"), (4, "F"), (6, "Am"), (8, "F")]


def test_given_music_in_another_meter_is_named():
    model, waltz = build("midinet_creative"), lead_sheet([(60, 0, 3)], numerator=3)
    half, eighths = lead_sheet([(60, 0, 4)]), lead_sheet([(60, 0, 4)], numerator=8)
    half.time_signatures[0].numerator = half.time_signatures[0].denominator = 2
    assert continued(model, half)[0].total_time == 6.0
    eighths.time_signatures[0].denominator = 8
    for sheet, name in ((waltz, "3/4"), (eighths, "8/8")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=rf"(?s)in 4/4. Received.*{name}"):
            continued(model, half, sheet)
