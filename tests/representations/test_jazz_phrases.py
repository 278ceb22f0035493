"""Jazz phrases, by hand and beside a slow reading, step after step."""

import numpy as np
import pytest

from tests.representations.lead_sheets import lead_sheet, random_sheet
from tests.validity import assert_valid
from tfmusicgan.errors import ChordSymbolError, ConfigError, ConversionError
from tfmusicgan.note_sequences.lead_sheet import read_lead_sheet
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.jazz_phrases import REST, JazzPhrases
from tfmusicgan.representations.jazz_phrases_chords import (
    chord_numbers,
    from_bits,
    symbol_of,
    to_bits,
)
from tfmusicgan.representations.jazz_phrases_rhythm import (
    ENCODINGS,
    durations,
    rhythm_tokens,
)

# E4 from 0.5, a rest, F4 tied over the bar line, G4, a note above and one below the range.
NOTES = [(64, 0.5, 1.0), (65, 3.0, 2.0), (67, 5.0, 1.0), (110, 6.0, 1.0), (30, 7.0, 0.5)]
CHORDS = [(0.0, "Am7"), (2.5, "F"), (4.0, "Bb7/D"), (7.0, "N.C.")]
PITCHES = [28, REST, 29, 31, 62, 6]
WHOLE = {"phrase": "whole", "max_notes": 8, "max_steps": 96}


def bits(*semitones):
    return [int(semitone in semitones) for semitone in range(12)]


@pytest.mark.parametrize(
    ("encoding", "rhythm"),
    [
        # Where entries end: 18, 36, 60, 72, 84, 90 steps from the first bar line.
        ("beat_position", [18, 36, 12, 24, 36, 42]),
        ("duration", [11, 17, 23, 11, 11, 5]),
    ],
)
def test_a_sheet_by_hand(encoding, rhythm):
    (example,) = JazzPhrases(encoding=encoding, **WHOLE).encode(lead_sheet(NOTES, CHORDS, bars=2))
    assert {name: value.dtype.name for name, value in example.items()} == {
        **dict.fromkeys(["pitches", "rhythm", "num_notes", "first_step", "chord_roots"], "int32"),
        "chord_tones": "uint8",
        "num_steps": "int32",
    }
    assert example["pitches"].tolist() == [*PITCHES, 0, 0]
    assert example["rhythm"].tolist() == [*rhythm, 0, 0]
    counts = [int(example[name]) for name in ("num_notes", "first_step", "num_steps")]
    assert counts == [6, 6, 84]
    # From step 6 on: A minor 7 until step 30 of the sheet, F until 48, B flat 7 over D until 84.
    assert example["chord_roots"].tolist() == [9] * 24 + [5] * 18 + [2] * 36 + [0] * 18
    tones = example["chord_tones"].tolist()
    assert tones[0] == tones[23] == bits(0, 3, 7, 10)
    assert tones[24] == tones[41] == bits(0, 4, 7)
    assert tones[42] == tones[77] == bits(0, 3, 6, 8)
    assert not example["chord_tones"][78:].any()


def test_time_steps_by_hand():
    rep = JazzPhrases(encoding="time_step", phrase="whole", max_notes=96, max_steps=96)
    (example,) = rep.encode(lead_sheet(NOTES, CHORDS, bars=2))
    steps = [28] * 12 + [REST] * 18 + [29] * 24 + [31] * 12 + [62] * 12 + [6] * 6
    assert example["pitches"].tolist() == steps + [0] * 12
    assert not example["rhythm"].any()
    assert example["num_notes"] == example["num_steps"] == 84


def test_a_last_note_just_behind_a_bar_line_has_its_chord():
    (example,) = JazzPhrases(**WHOLE, primer_notes=1).encode(
        lead_sheet([(60, 0, 3), (62, 3, 1.083)], CHORDS)
    )
    assert example["num_steps"] == 49
    # The chord of the second bar is under its first step.
    assert example["chord_roots"][47:50].tolist() == [5, 2, 0]
    assert example["chord_tones"][48].tolist() == bits(0, 3, 6, 8)


def test_a_phrase_sounds_between_bar_lines():
    rep = JazzPhrases(**WHOLE)
    (example,) = rep.encode(lead_sheet(NOTES, CHORDS, bars=2))
    sequence = rep.decode(example, qpm=60.0)
    assert_valid(sequence, 12)
    found = [(n.pitch, n.start_time, n.end_time, n.velocity, n.instrument) for n in sequence.notes]
    assert found == [
        (64, 0.5, 1.5, 80, 0),
        (65, 3, 5, 80, 0),
        (67, 5, 6, 80, 0),
        (98, 6, 7, 80, 0),
        (42, 7, 7.5, 80, 0),
    ]
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    symbols = [(t.time, t.text, t.annotation_type) for t in sequence.text_annotations]
    expected = [(0.5, "Am7"), (2.5, "F"), (4, "Bb7/D"), (7, "N.C.")]
    assert symbols == [(*symbol, kind) for symbol in expected]
    assert sequence.total_time == 8


def test_sounding_chords_begin_anew_at_bar_lines():
    rep = JazzPhrases(**WHOLE)
    sheet = lead_sheet([(60, 3.0, 0.5), (62, 3.5, 3.5)] + [(64, 7.0, 0.25)] * 1, [(0, "Dm/F")])
    example = rep.find_phrase(sheet, 8, 96)
    sequence = rep.decode(example, qpm=60.0, sound_chords=True)
    assert_valid(sequence, 12)
    chords = [(n.start_time, n.end_time, n.pitch) for n in sequence.notes if n.instrument == 1]
    # Three quarters after the bar line and 3.25 behind the next one, from F3 on.
    spans = [(3, 4), (4, 7.25)]
    assert chords == [(*span, pitch) for span in spans for pitch in (53, 57, 62)]


def test_notes_behind_the_last_step_are_cut():
    rep = JazzPhrases(**WHOLE)
    (example,) = rep.encode(lead_sheet(NOTES, CHORDS, bars=2))
    example["num_steps"] = np.int32(60)
    notes = rep.decode(example, qpm=60.0).notes
    assert [(n.pitch, n.end_time) for n in notes] == [(64, 1.5), (65, 5), (67, 5.5)]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_rhythm_tokens_are_lengths_and_back(encoding):
    rng = np.random.default_rng(3)
    first = rng.integers(0, 48, 20)
    lengths = np.ones((20, 9), int) if encoding == "time_step" else rng.integers(1, 49, (20, 9))
    tokens = rhythm_tokens(lengths, first, encoding)
    assert tokens.min() >= 0 and tokens.max() <= 47
    np.testing.assert_array_equal(durations(tokens, first, encoding), lengths)
    # One melody alone is as one of many.
    np.testing.assert_array_equal(durations(tokens[0], int(first[0]), encoding), lengths[0])


def slow_entries(sheet, longest):
    """(token, length) of a lead sheet's notes and rests, step after step, and its first step."""
    cells = [None] * (48 * sheet.bars)
    begins = [False] * len(cells)
    for note in sheet.melody:
        first, last = (
            int(np.floor(q * 12 + 0.5 + 1e-4)) for q in (note.start_quarter, note.end_quarter)
        )
        pitch = note.pitch
        while pitch < 36:
            pitch += 12
        for step in range(first, last):
            cells[step], begins[step] = pitch - 36, step == first
    sounding = [step for step, cell in enumerate(cells) if cell is not None]
    entries = []
    for step in range(sounding[0], sounding[-1] + 1):
        token = REST if cells[step] is None else cells[step]
        goes_on = not begins[step] and entries and entries[-1][0] == token
        if goes_on and entries[-1][1] < longest:
            entries[-1][1] += 1
        else:
            entries.append([token, 1])
    return entries, sounding[0]


@pytest.mark.parametrize("seed", range(10))
def test_whole_melodies_are_those_of_a_slow_reading(seed):
    encoding = ENCODINGS[seed % 3]
    size = 240 if encoding == "time_step" else 60
    rep = JazzPhrases(encoding=encoding, phrase="whole", max_notes=size, max_steps=240)
    sequence = random_sheet(seed)
    sheet = read_lead_sheet(sequence, 0)
    entries, first = slow_entries(sheet, rep.longest)
    (example,) = rep.encode(sequence)
    count = int(example["num_notes"])
    assert example["first_step"] == first % 48
    tokens, lengths = np.array(entries).T
    np.testing.assert_array_equal(example["pitches"][:count], tokens)
    found = durations(example["rhythm"][:count], int(example["first_step"]), encoding)
    np.testing.assert_array_equal(found, lengths)
    # The chord that holds at each step.
    for step in range(0, int(example["num_steps"]), 5):
        quarter = (first + step) / 12 + 1e-6
        span = next(s for s in sheet.chords if s.start_quarter <= quarter < s.end_quarter)
        chord = chord_numbers(span.symbol)
        assert (example["chord_roots"][step], from_bits(example["chord_tones"][step])) == chord


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("seed", range(4))
def test_decoded_phrases_are_encoded_as_they_were(encoding, seed):
    size = 240 if encoding == "time_step" else 60
    rep = JazzPhrases(encoding=encoding, phrase="whole", max_notes=size, max_steps=240)
    (example,) = rep.encode(random_sheet(seed))
    (again,) = rep.encode(rep.decode(example, qpm=93.0))
    if encoding == "time_step":  # A repeated note is one.
        example.pop("pitches"), again.pop("pitches")
    for name, value in example.items():
        np.testing.assert_array_equal(again[name], value, err_msg=name)


def test_long_notes_and_rests_become_several():
    sheet = lead_sheet([(60, 0, 9.5), (62, 15, 1), (64, 16, 1), (65, 17, 1), (67, 18, 4)])
    (example,) = JazzPhrases(phrase="whole", max_steps=480).encode(sheet)
    count = int(example["num_notes"])
    found = durations(example["rhythm"][:count], 0, "beat_position")
    assert example["pitches"][:count].tolist() == [24, 24, 24, REST, REST, 26, 28, 29, 31]
    assert found.tolist() == [48, 48, 18, 48, 18, 12, 12, 12, 48]


def test_melodies_are_cut_at_rests_and_long_lines_at_bar_lines():
    quarters = [0, 1, 2, 3, 4, *(4.5 + 0.5 * k for k in range(30)), 21, 22, 26.5, 27.5]
    notes = [(60 + k % 5, q, 0.5 if 4 <= q < 20 else 0.75) for k, q in enumerate(quarters)]
    kept, left_out, _ = JazzPhrases(min_rest_steps=13).encode_counted(lead_sheet(notes))
    # A line of 19.5 quarters is cut after three bars; two have two notes and a rest each.
    starts = [int(example["first_step"]) for example in kept]
    steps = [int(example["num_steps"]) for example in kept]
    assert starts == [0, 0] and steps == [144, 90]
    assert left_out == {"too_few_notes": 2, "too_long": 0, "too_many_notes": 0}
    bars = JazzPhrases(phrase="bars", phrase_bars=1).encode(lead_sheet(notes))
    assert [int(example["num_steps"]) for example in bars] == [45, 48, 48, 48, 42]


def test_notes_that_cross_a_border_are_split():
    notes = [(60 + k, 0.75 * k, 0.75) for k in range(11)]
    first, second = JazzPhrases(phrase="bars", phrase_bars=1).encode(lead_sheet(notes))
    assert first["pitches"][:6].tolist() == [24, 25, 26, 27, 28, 29]
    assert second["pitches"][:6].tolist() == [29, 30, 31, 32, 33, 34]
    assert [int(e["num_notes"]) for e in (first, second)] == [6, 6]
    assert first["rhythm"][5] == 0 and second["rhythm"][0] == 6


def test_sections_begin_phrases():
    sheet = lead_sheet([(60 + k, k, 1.0) for k in range(16)], qpm=77.0)
    for section, quarter in enumerate((0, 5, 16)):
        sheet.section_annotations.add(time=quarter * 60 / 77, section_id=section)
    phrases = JazzPhrases(phrase="sections").encode(sheet)
    assert [int(e["num_notes"]) for e in phrases] == [5, 11]
    assert [int(e["first_step"]) for e in phrases] == [0, 12]


def test_the_end_of_a_melody_is_what_a_model_goes_on_with():
    rep, sheet = JazzPhrases(), lead_sheet(NOTES, CHORDS, bars=2)
    example = rep.find_phrase(sheet, max_notes=3, max_steps=50)
    assert example["pitches"].tolist() == [31, 62, 6]
    assert int(example["first_step"]) == 12 and int(example["num_steps"]) == 30
    assert example["chord_roots"].tolist() == [2] * 24 + [0] * 26
    # Of the last 40 steps: F4 is cut.
    example = rep.find_phrase(sheet, max_notes=8, max_steps=40)
    assert example["pitches"].tolist() == [29, 31, 62, 6, 0, 0, 0, 0]
    assert int(example["first_step"]) == 2


BAD_SHEETS = {
    "no_bars_in_meter": lead_sheet([(60, 0, 3)], [(0, "C")], numerator=3),
    "polyphonic_melody": lead_sheet([(60, 0, 2), (64, 0, 2)], [(0, "C")]),
    "too_few_notes": lead_sheet([(60, q, 1) for q in range(4)]),
    "too_many_notes": lead_sheet([(60, q / 12, 1 / 12) for q in range(49)]),
    "too_long": lead_sheet([(60, q * 4, 4) for q in range(5)]),
    "no_notes": lead_sheet([(60, 0, 0.03)], [(0, "C")], bars=2),
    "no_melody": NoteSequence(id="nothing"),
}


@pytest.mark.parametrize("reason", sorted(BAD_SHEETS))
def test_sheets_that_cannot_be_encoded(reason):
    before = BAD_SHEETS[reason].SerializeToString()
    with pytest.raises(ConversionError, match="Received") as caught:
        JazzPhrases(phrase="whole").encode(BAD_SHEETS[reason])
    assert caught.value.reason == reason
    assert BAD_SHEETS[reason].SerializeToString() == before


def test_other_errors_of_sheets():
    with pytest.raises(ChordSymbolError, match="Hx"):
        JazzPhrases().encode(lead_sheet(NOTES, [(0, "Hx")]))
    sheet = lead_sheet(NOTES)
    sheet.section_annotations.add(time=np.inf)
    with pytest.raises(ConversionError, match="finite times of sections"):
        JazzPhrases(phrase="sections").encode(sheet)
    with pytest.raises(ConversionError, match="half a step"):
        JazzPhrases().find_phrase(BAD_SHEETS["no_notes"], 8, 8)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"encoding": "swing"}, "encoding: expected one of beat_position, duration, time_step"),
        ({"phrase": "bricks"}, "phrase: expected one of rests, bars, sections, whole"),
        ({"max_steps": 5000}, "max_steps: expected a whole number within 12-4096"),
        ({"max_notes": 4}, "max_notes above primer_notes. Received: 4 and 4"),
        ({"encoding": "time_step"}, "max_notes equal to max_steps"),
        ({"melody_name": "Solo"}, "melody_name: expected lower-case"),
    ],
)
def test_parameters_out_of_range(parameters, message):
    with pytest.raises(ConfigError, match=message):
        JazzPhrases(**parameters)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pitches": [74] * 6}, "pitches: expected 0 to 73. Received: 74"),
        ({"rhythm": [48] * 6}, "rhythm: expected 0 to 47"),
        ({"rhythm": [0] * 5}, r"rhythm: expected whole numbers \[6\]"),
        ({"pitches": [0.5] * 6}, "pitches: expected whole numbers .* float64"),
        ({"num_notes": 7}, "num_notes: expected 1 to 6"),
        ({"first_step": -1}, "first_step: expected 0 to 47"),
        ({"num_steps": 0}, "num_steps: expected 1 to 4"),
        ({"chord_roots": [12, 0, 0, 0]}, "chord_roots: expected 0 to 11"),
        ({"chord_tones": [bits(4)] * 4}, "the bass among a chord's tones"),
        ({"chord_tones": np.zeros((3, 12), int)}, "chord_tones: expected whole numbers"),
        ({"num_notes": None}, "Missing: num_notes"),
    ],
)
def test_examples_that_cannot_be_decoded(change, message):
    example = {
        "pitches": [1] * 6,
        "rhythm": [3] * 6,
        "num_notes": 6,
        "first_step": 0,
        "chord_roots": [0] * 4,
        "chord_tones": np.zeros((4, 12), int),
        "num_steps": 4,
    }
    changed = {name: v for name, v in {**example, **change}.items() if v is not None}
    with pytest.raises(ConversionError, match=message):
        JazzPhrases().decode(changed)


@pytest.mark.parametrize(
    ("symbol", "bass", "tones"),
    [
        ("C", 0, (0, 4, 7)),
        ("Am7", 9, (0, 3, 7, 10)),
        ("C/E", 4, (0, 3, 8)),
        ("F/G", 7, (0, 2, 5, 10)),  # the bass is no tone of the chord
        ("D7b9", 2, (0, 1, 4, 7, 10)),
        ("NC", 0, ()),
    ],
)
def test_chords_stand_on_their_bass(symbol, bass, tones):
    found = chord_numbers(symbol)
    assert (found[0], to_bits(np.array(found[1])).tolist()) == (bass, bits(*tones))


def test_every_chord_has_a_symbol_that_says_it():
    for tones in range(1, 4096, 2):
        for bass in (0, 6, 11):
            assert chord_numbers(symbol_of(bass, tones)) == (bass, tones)
    assert symbol_of(0, 0) == "N.C."
    names = [symbol_of(*chord_numbers(text)) for text in ("Ebm7b5", "G7(#9)", "C/E", "Bb13", "Aø")]
    assert names == ["Ebm7b5", "G7(#9)", "C/E", "Bb13", "Am7b5"]
