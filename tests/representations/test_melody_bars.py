"""Melodies in bars, by hand and beside a slow reading, step after step."""

import numpy as np
import pytest

from tests.representations.lead_sheets import lead_sheet, random_sheet, slow_steps
from tests.validity import assert_valid
from tfmusicgan.errors import ChordSymbolError, ConfigError, ConversionError
from tfmusicgan.note_sequences.lead_sheet import read_lead_sheet
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.melody_bars import MelodyBars

# Two bars: a rest, E4 from 0.5, a rest; F4 tied over the bar line, G4 twice, a rest.
NOTES = [(64, 0.5, 1.0, 50), (65, 3.0, 2.0, 60), (67, 5.0, 1.0, 70), (67, 6.0, 1.0, 80)]
CHORDS = [(0.0, "Am7"), (2.5, "F"), (4.0, "Bb7"), (7.0, "C")]
TWO = MelodyBars(bars=2)


def steps(*runs):
    return [value for value, count in runs for _ in range(count)]


def test_a_sheet_by_hand():
    (example,) = TWO.encode(lead_sheet(NOTES, CHORDS, bars=2))
    bars = example["melody_bars"]
    assert bars.dtype == np.int32
    # E4 from the beginning until F4; A minor holds 2.5 quarters of four, B flat three of four.
    assert bars[0].tolist() == [*steps((64, 12), (65, 4)), 13 + 9]
    assert bars[1].tolist() == [*steps((65, 4), (67, 12)), 1 + 10]


def test_onsets_and_velocities_by_hand():
    rep = MelodyBars(bars=2, onsets=True, velocities=True)
    (example,) = rep.encode(lead_sheet(NOTES, CHORDS, bars=2))
    bars = example["melody_bars"]
    assert bars.shape == (2, 16 + 1 + 16 + 16)
    assert np.flatnonzero(bars[0, 17:33]).tolist() == [0, 12]
    assert np.flatnonzero(bars[1, 17:33]).tolist() == [4, 8]  # the tied note does not begin
    assert bars[:, 33:].tolist() == [steps((50, 12), (60, 4)), steps((60, 4), (70, 4), (80, 8))]


def test_runs_are_notes_that_end_at_bar_lines():
    bars = np.array([[*steps((64, 12), (65, 4)), 22], [*steps((65, 4), (67, 12)), 0]])
    sequence = TWO.decode({"melody_bars": bars}, qpm=60.0)
    assert_valid(sequence, 4)
    found = [(n.pitch, n.start_time, n.end_time, n.velocity, n.instrument) for n in sequence.notes]
    assert found == [(64, 0, 3, 80, 0), (65, 3, 4, 80, 0), (65, 4, 5, 80, 0), (67, 5, 8, 80, 0)]
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    symbols = [(t.time, t.text, t.annotation_type) for t in sequence.text_annotations]
    assert symbols == [(0, "Am", kind), (4, "N.C.", kind)]
    assert sequence.total_time == 8


def test_onsets_keep_long_and_repeated_notes_apart():
    rep = MelodyBars(bars=2, onsets=True, velocities=True)
    (example,) = rep.encode(lead_sheet(NOTES, CHORDS, bars=2))
    sequence = rep.decode(example, qpm=60.0)
    found = [(n.pitch, n.start_time, n.end_time, n.velocity) for n in sequence.notes]
    assert found == [(64, 0, 3, 50), (65, 3, 5, 60), (67, 5, 6, 70), (67, 6, 8, 80)]


def test_sounding_chords():
    bars = np.array([[*steps((64, 16)), 22], [*steps((65, 16)), 0], [*steps((60, 16)), 2]])
    sequence = MelodyBars().decode({"melody_bars": bars}, qpm=60.0, sound_chords=True)
    assert_valid(sequence, 4)
    chords = [(n.start_time, n.pitch) for n in sequence.notes if n.instrument == 1]
    # A minor and C sharp major from C3 on, each in root position for a bar; none in between.
    assert chords == [(0, 57), (0, 60), (0, 64), (8, 49), (8, 53), (8, 56)]
    assert {n.end_time - n.start_time for n in sequence.notes} == {4}


@pytest.mark.parametrize("seed", range(12))
def test_steps_are_those_of_a_slow_reading(seed):
    sequence = random_sheet(seed)
    sheet = read_lead_sheet(sequence, 0)
    notes = [(n.pitch, n.start_quarter, n.end_quarter) for n in sheet.melody]
    pitch, begins = slow_steps(notes, 16 * sheet.bars)
    rep = MelodyBars(chords="none", onsets=True, lowest_pitch=36, num_pitches=72)
    bars = rep.find_bars(sequence)
    assert bars[:, :16].reshape(-1).tolist() == pitch
    assert bars[:, 17:].reshape(-1).tolist() == [int(begun) for begun in begins]


@pytest.mark.parametrize("seed", range(8))
def test_decoded_bars_are_read_as_they_were(seed):
    options = {"onsets": bool(seed % 2), "velocities": seed > 4, "chords": "triads"}
    rep = MelodyBars(bars=1, **options)
    bars = rep.find_bars(random_sheet(seed))
    bars = bars[bars[:, rep.chord_column] > 0]
    if seed % 2:
        bars[0, rep.onset_column] = 1  # a melody has no beginning before it
    again = rep.find_bars(rep.decode({"melody_bars": bars}, qpm=93.0))
    np.testing.assert_array_equal(again, bars)


def test_pitches_are_folded_by_octaves_or_dropped():
    sheet = lead_sheet([(47, 0, 1), (59, 1, 1), (84, 2, 1), (102, 3, 1)], [(0, "C")])
    (example,) = MelodyBars(bars=1).encode(sheet)
    assert example["melody_bars"][0, [0, 4, 8, 12]].tolist() == [71, 71, 72, 78]
    with pytest.raises(ConversionError, match="most often for pitch_out_of_range") as caught:
        MelodyBars(bars=1, out_of_range="drop").encode(sheet)
    assert caught.value.reason == "pitch_out_of_range"


def test_windows_that_are_left_out_are_counted():
    # Bar 0 empty: the sheet begins at bar 1. Bars 3 (no note), 5 (suspended), 8 (behind the last).
    notes = [(60 + bar, 4.0 * bar, 4.0) for bar in (1, 2, 4, 5, 6, 7, 8)]
    chords = [(0.0, "C"), (20.0, "Gsus4"), (24.0, "G")]
    kept, left_out, _ = MelodyBars(bars=2, hop_bars=1).encode_counted(lead_sheet(notes, chords))
    assert [example["melody_bars"][0, 0] for example in kept] == [61, 66, 67]
    assert left_out == {"empty_bar": 2, "no_triad": 2, "short_last_window": 0}
    kept, left_out, _ = MelodyBars(bars=2).encode_counted(lead_sheet(notes, chords, bars=12))
    assert [example["melody_bars"][0, 0] for example in kept] == [61, 67]
    assert left_out == {"empty_bar": 2, "no_triad": 1, "short_last_window": 1}


def test_windows_begin_behind_a_pick_up_without_chord():
    # One beat, tied over the bar line, then two bars with chords, and one without.
    notes = [(62, 3.0, 2.0), (64, 5.0, 3.0), (65, 8.0, 8.0)]
    sheet = lead_sheet(notes, [(4.0, "C"), (8.0, "G7"), (12.0, "N.C.")], bars=4)
    kept, left_out, _ = MelodyBars(bars=2, onsets=True).encode_counted(sheet)
    (bars,) = (example["melody_bars"] for example in kept)
    assert bars[:, :17].tolist() == [[*steps((62, 4), (64, 12)), 1], [65] * 16 + [8]]
    assert np.flatnonzero(bars[0, 17:]).tolist() == [4]  # the tied note began before
    assert left_out == {"empty_bar": 0, "no_triad": 0, "short_last_window": 1}
    # Without chords it is a bar like others, and so it is among all bars.
    first = MelodyBars(bars=2, chords="none").encode(sheet)[0]["melody_bars"][0]
    assert first[:16].tolist() == [62] * 16
    assert len(TWO.find_bars(sheet)) == 4
    with pytest.raises(ConversionError, match="3 in 'sheet'") as caught:
        MelodyBars(bars=4).encode(sheet)
    assert caught.value.reason == "too_short"


def test_melodies_without_chords_need_none():
    bars = MelodyBars(bars=2, chords="none").encode(lead_sheet(NOTES, CHORDS, bars=2))
    assert [example["melody_bars"][:, 16].tolist() for example in bars] == [[0, 0]]


BAD_SHEETS = {
    "no_bars_in_meter": lead_sheet([(60, 0, 3)], [(0, "C")], numerator=3),
    "polyphonic_melody": lead_sheet([(60, 0, 2), (64, 0, 2)], [(0, "C")]),
    "too_short": lead_sheet([(60, 0, 4)], [(0, "C")]),
    "no_triad": lead_sheet([(60, 0, 8)], []),
    "no_notes": lead_sheet([(60, 0, 0.1)], [(0, "C")], bars=2),
    "empty_bar": lead_sheet([(60, 0, 4)], [(0, "C")], bars=2),
    "no_melody": NoteSequence(id="nothing"),
}


@pytest.mark.parametrize("reason", BAD_SHEETS)
def test_what_cannot_be_encoded_is_named(reason):
    before = BAD_SHEETS[reason].SerializeToString(deterministic=True)
    with pytest.raises(ConversionError, match="Expected") as caught:
        TWO.encode(BAD_SHEETS[reason])
    assert caught.value.reason == reason
    assert BAD_SHEETS[reason].SerializeToString(deterministic=True) == before


def test_unknown_chord_symbols_are_named():
    with pytest.raises(ChordSymbolError, match="Received: 'Hx9'"):
        TWO.encode(lead_sheet(NOTES, [(0, "Hx9")], bars=2))


def test_unknown_chord_symbols_are_nothing_to_melodies_without_chords():
    rep = MelodyBars(bars=2, chords="none")
    (example,) = rep.encode(lead_sheet(NOTES, [(0, "Hx9"), (4, "Am")], bars=2))
    (expected,) = rep.encode(lead_sheet(NOTES, bars=2))
    np.testing.assert_array_equal(example["melody_bars"], expected["melody_bars"])
    assert example["melody_bars"][1].tolist() == [*steps((65, 4), (67, 12)), 0]


BAD_PARAMETERS = [
    ({"num_pitches": 13}, "num_pitches: expected whole octaves, 12, 24 and so on. Received: 13"),
    ({"chords": "all"}, "chords: expected triads or none. Received: 'all'"),
    ({"out_of_range": "keep"}, "out_of_range: expected fold or drop"),
    ({"onsets": 1}, "onsets: expected true or false. Received: 1"),
    ({"lowest_pitch": 110}, "Received: 110 [+] 24"),
    ({"melody_name": "Melody"}, "melody_name: expected lower-case"),
    ({"hop_bars": 0}, "hop_bars: expected a whole number within 1-4096"),
]


@pytest.mark.parametrize(("parameters", "message"), BAD_PARAMETERS)
def test_bad_parameters(parameters, message):
    with pytest.raises(ConfigError, match=message):
        MelodyBars(**parameters)


def test_bad_bars_are_refused():
    bar = np.full((1, 17), 60)
    bar[0, 16] = 25
    with pytest.raises(ConversionError, match=r"Expected 0-24 in column 16 of a bar. Received: 25"):
        TWO.decode({"melody_bars": bar})
    with pytest.raises(ConversionError, match=r"Received: float64 \[1, 17\]"):
        TWO.decode({"melody_bars": bar.astype(np.float64)})
    with pytest.raises(ConfigError, match="qpm: expected 4-1000"):
        TWO.decode({"melody_bars": bar * 0}, qpm=1.0)
