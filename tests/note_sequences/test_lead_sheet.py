"""The lead-sheet view: read and written sheets are equal, chords by hand, refusals by name."""

import dataclasses

import note_seq
import numpy as np
import pytest

from tests.note_sequences.scores import attributes, note, score
from tests.validity import assert_valid
from tfmusicgan.errors import ChordSymbolError, ConversionError
from tfmusicgan.note_sequences import lead_sheet, musicxml
from tfmusicgan.note_sequences.lead_sheet import (
    NO_CHORD,
    ChordSpan,
    LeadSheet,
    MelodyNote,
    read_lead_sheet,
    write_lead_sheet,
)
from tfmusicgan.note_sequences.proto import NoteSequence

# Three bars of 3/4: a rest at the start, a note over a bar line, a triplet; the first chord comes
# late, one holds for half a beat.
SHEET = LeadSheet(
    melody=(
        MelodyNote(67, 101, 0.5, 1.0),
        MelodyNote(64, 80, 1.0, 3.25),
        MelodyNote(62, 79, 4.0, 4.333333),
        MelodyNote(60, 33, 8.75, 9.0),
    ),
    chords=(
        ChordSpan(NO_CHORD, 0.0, 1.0),
        ChordSpan("Am7", 1.0, 2.5),
        ChordSpan("D7(b9)/F#", 2.5, 3.0),
        ChordSpan("G", 3.0, 4.5),
        ChordSpan("C6/9", 4.5, 5.25),
        ChordSpan("G", 5.25, 5.5),
        ChordSpan(NO_CHORD, 5.5, 9.0),
    ),
    numerator=3,
    denominator=4,
    qpm=97.0,
    total_quarters=9.0,
)


def piece(notes, chords=(), qpm=60.0, meter=(4, 4), **fields) -> NoteSequence:
    """Notes are (pitch, start, end) or (..., instrument), in seconds; chords (time, symbol)."""
    sequence = NoteSequence(id="the piece", **fields)
    sequence.tempos.add(qpm=qpm)
    sequence.time_signatures.add(numerator=meter[0], denominator=meter[1])
    for pitch, start, end, *instrument in notes:
        sequence.notes.add(pitch=pitch, velocity=90, start_time=start, end_time=end)
        sequence.notes[-1].instrument = instrument[0] if instrument else 0
    for time, text in chords:
        kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
        sequence.text_annotations.add(time=time, text=text, annotation_type=kind)
    sequence.total_time = max((end for _, _, end, *_ in notes), default=0.0)
    return sequence


def random_sheet(seed: int) -> LeadSheet:
    """Positions in twelfths of a quarter note, rounded as the view rounds them."""
    rng = np.random.default_rng(seed)
    numerator, denominator = [(4, 4), (6, 8), (5, 4), (2, 2)][seed % 4]
    bars = int(rng.integers(1, 9))
    total = bars * 4 * numerator / denominator
    cuts = np.sort(rng.choice(int(total * 12) + 1, 2 * bars, replace=False)) / 12
    pairs = np.round(cuts, 6).reshape(-1, 2).tolist()
    melody = tuple(MelodyNote(*map(int, rng.integers(1, 128, 2)), *pair) for pair in pairs)
    starts = np.sort(rng.choice(int(total * 4), bars, replace=False)) / 4
    symbols = rng.choice([NO_CHORD, "F#m7b5", "Bb7(#5)/D", "Ab", "Esus7"], bars).tolist()
    chords = [(0.0, NO_CHORD)] * (starts[0] > 0)
    chords += list(zip(starts.tolist(), symbols, strict=True))
    ends = [start for start, _ in chords[1:]] + [total]
    spans = tuple(ChordSpan(s, start, end) for (start, s), end in zip(chords, ends, strict=True))
    return LeadSheet(melody, spans, numerator, denominator, float(rng.uniform(30, 300)), total)


@pytest.mark.parametrize("sounding", [False, True])
def test_what_is_written_is_read_again(sounding):
    for sheet in (SHEET, *map(random_sheet, range(40))):
        sequence = write_lead_sheet(sheet, sounding_chords=sounding)
        before = sequence.SerializeToString(deterministic=True)
        assert read_lead_sheet(sequence) == sheet
        assert sequence.SerializeToString(deterministic=True) == before


def test_a_written_sheet_is_valid_and_note_seq_reads_its_chords():
    sequence = write_lead_sheet(SHEET, sounding_chords=True, chord_velocity=50)
    assert_valid(sequence)
    assert [(info.instrument, info.name) for info in sequence.instrument_infos] == [
        (0, "melody"),
        (1, "chords"),
    ]
    chords = [n for n in sequence.notes if n.instrument == 1]
    assert {n.velocity for n in chords} == {50}
    # D7(b9) over F#, from the middle of the third beat on, at 97 a minute.
    late = [n.pitch for n in chords if n.start_time == pytest.approx(2.5 * 60 / 97)]
    assert late == [42, 50, 51, 54, 57, 60]
    assert sequence.total_time == pytest.approx(9 * 60 / 97)
    quantised = note_seq.quantize_note_sequence(write_lead_sheet(SHEET), 4)
    progression = note_seq.ChordProgression()
    progression.from_quantized_sequence(quantised, 0, 24)
    assert list(progression)[:12] == [NO_CHORD] * 4 + ["Am7"] * 6 + ["D7(b9)/F#"] * 2
    assert list(progression)[12:] == ["G"] * 6 + ["C6/9"] * 3 + ["G"] + [NO_CHORD] * 2


def test_bars():
    assert (SHEET.bars, SHEET.quarters_per_bar) == (3, 3.0)
    assert random_sheet(1).quarters_per_bar == 3.0
    assert random_sheet(3).quarters_per_bar == 4.0


@pytest.mark.parametrize(
    ("quarters", "expected"),
    [
        # Bar 2: 1.5 of G and 0.25 of G again, 0.75 of C6/9, 0.5 of none.
        (3, ["Am7", "G", NO_CHORD]),
        # Beat 3, quarters 2 to 3, is half Am7, half D7: the first counts; so with G and C6/9.
        (1, [NO_CHORD, "Am7", "Am7", "G", "G", *[NO_CHORD] * 4]),
        # The last stretch has one quarter note.
        (4, ["Am7", NO_CHORD, NO_CHORD]),
        (9, [NO_CHORD]),
        (50, [NO_CHORD]),
        (1.5, [NO_CHORD, "Am7", "G", "C6/9", NO_CHORD, NO_CHORD]),
    ],
)
def test_chords_by(quarters, expected):
    assert list(SHEET.chords_by(quarters)) == expected


def test_chords_by_against_samples_of_every_moment():
    for seed in range(20):
        sheet = random_sheet(seed)
        for quarters in (sheet.quarters_per_bar, 1.0, 0.75):
            moments = np.arange(0.005, sheet.total_quarters, 0.01)
            symbols = [
                next(s.symbol for s in sheet.chords if s.start_quarter <= t < s.end_quarter)
                for t in moments
            ]
            stretches: dict[int, list[str]] = {}
            for time, symbol in zip(moments, symbols, strict=True):
                stretches.setdefault(int(time // quarters), []).append(symbol)
            # The first of equals: the count's order is that of the first moments.
            slow = [max(dict.fromkeys(found), key=found.count) for found in stretches.values()]
            assert list(sheet.chords_by(quarters)) == slow


@pytest.mark.parametrize("quarters", [0, -1.0, float("nan")])
def test_chords_by_no_length(quarters):
    with pytest.raises(ValueError, match="Expected a positive number"):
        SHEET.chords_by(quarters)


def test_a_pick_up_stands_at_the_end_of_a_whole_bar():
    harmony = "<harmony><root><root-step>F</root-step></root><kind>dominant</kind></harmony>"
    bars = [
        attributes("3/4") + note("C", 5, 2),
        harmony + note("D", 5, 6),
        note("E", 5, 4),  # The last bar lacks the pick-up's beat.
    ]
    sheet = read_lead_sheet(musicxml.read_musicxml(score(bars)))
    notes = [(n.pitch, n.start_quarter, n.end_quarter) for n in sheet.melody]
    assert notes == [(72, 2, 3), (74, 3, 6), (76, 6, 8)]
    assert sheet.chords == (ChordSpan(NO_CHORD, 0, 3), ChordSpan("F7", 3, 9))
    assert (sheet.numerator, sheet.denominator, sheet.total_quarters) == (3, 4, 9)


def test_tempos_do_not_move_quarter_notes():
    sequence = piece([(60, 0, 1), (62, 1, 1.5)], [(0.5, "C"), (1, "F")])
    sequence.tempos.add(time=1.0, qpm=120)
    sheet = read_lead_sheet(sequence)
    assert [(n.start_quarter, n.end_quarter) for n in sheet.melody] == [(0, 1), (1, 2)]
    assert [span.start_quarter for span in sheet.chords] == [0, 0.5, 1]
    assert sheet.qpm == 60


def test_chords_are_put_in_order():
    """Spellings are one, of two at one place the last counts, beyond the end is none."""
    chords = [(2, "A-7"), (0, "NC"), (1, "C:maj/3"), (2, "DM7"), (4, "G7"), (-1, "Bb")]
    sheet = read_lead_sheet(piece([(60, 0, 4)], chords))
    assert [(span.symbol, span.start_quarter, span.end_quarter) for span in sheet.chords] == [
        *(("Bb", 0, 1), ("C/E", 1, 2), ("Dmaj7", 2, 4)),
    ]


def test_a_piece_without_chords_has_one_span_of_none():
    sheet = read_lead_sheet(piece([(60, 0, 5)]))
    assert sheet.chords == (ChordSpan(NO_CHORD, 0, 8),)


def test_only_the_melodys_notes():
    sequence = piece([(72, 0, 1, 3), (40, 0, 4, 5), (74, 1, 2, 3), (36, 1, 2, 3)])
    sequence.notes[3].is_drum = True
    for instrument in (3, None):
        sheet = read_lead_sheet(sequence, instrument)
        assert [n.pitch for n in sheet.melody] == [72, 74]
    assert [n.pitch for n in read_lead_sheet(sequence, 5).melody] == [40]


def test_tiny_overlaps_are_cut():
    sheet = read_lead_sheet(piece([(62, 1, 2), (60, 0, 1.015)]))
    assert [(n.pitch, n.start_quarter, n.end_quarter) for n in sheet.melody] == [
        *((60, 0, 1), (62, 1, 2)),
    ]


@pytest.mark.parametrize(
    ("sequence", "arguments", "reason", "message"),
    [
        (piece([]), {}, "no_melody", "no notes but drums in the piece"),
        (piece([(60, 0, 1)]), {"instrument": 2}, "no_melody", "no note of instrument 2"),
        (
            piece([(60, 0, 1), (64, 0.5, 2)]),
            {},
            "polyphonic_melody",
            "two at quarter note 0.5 of the piece",
        ),
        (piece([(60, 0, 1), (64, 0, 1)]), {}, "polyphonic_melody", "two at quarter note 0 of"),
        (piece([(60, 0, 0.01), (64, 0.01, 1)]), {}, "polyphonic_melody", "two at quarter"),
        (
            piece([(60, 0, 3)], meter=(3, 4)),
            {"meter": (4, 4)},
            "other_time_signature",
            "Expected 4/4. Received 3/4 in the piece",
        ),
        (piece([(60, 0, float("inf"))]), {"instrument": 0}, "bad_times", "positive length"),
        (piece([(60, 2, 1)]), {"instrument": 0}, "bad_times", "positive length"),
    ],
)
def test_refusals(sequence, arguments, reason, message):
    with pytest.raises(ConversionError, match=message) as caught:
        read_lead_sheet(sequence, **arguments)
    assert caught.value.reason == reason


def test_a_changing_meter_is_refused():
    sequence = piece([(60, 0, 12)])
    sequence.time_signatures.add(time=4, numerator=3, denominator=4)
    with pytest.raises(ConversionError, match="Received 4/4, 3/4 in the piece") as caught:
        read_lead_sheet(sequence)
    assert caught.value.reason == "several_time_signatures"
    sequence.time_signatures[1].time = 11  # A last bar that is cut short is none.
    sequence.total_time = 12
    assert read_lead_sheet(sequence).total_quarters == 12


def test_an_unknown_chord_is_refused_by_name():
    with pytest.raises(ChordSymbolError, match="'Cfoo'"):
        read_lead_sheet(piece([(60, 0, 1)], [(0, "Cfoo")]))
    sheet = dataclasses.replace(SHEET, chords=(ChordSpan("Cfoo", 0.0, 9.0),))
    with pytest.raises(ChordSymbolError, match="'Cfoo'"):
        write_lead_sheet(sheet)


def test_chords_that_are_not_read_may_be_unknown():
    sheet = read_lead_sheet(piece([(60, 1, 5)], [(0, "Am"), (2, "Hx9")]), read_chords=False)
    assert sheet.chords == (ChordSpan(NO_CHORD, 0, 8),)
    assert sheet.melody == (MelodyNote(60, 90, 1, 5),)


def test_other_texts_are_no_chords():
    sequence = piece([(60, 0, 4)])
    sequence.text_annotations.add(time=1, text="Lively")
    assert read_lead_sheet(sequence).chords == (ChordSpan(NO_CHORD, 0, 4),)


def test_the_names_others_build_on():
    assert (lead_sheet.MELODY, lead_sheet.CHORDS, lead_sheet.NO_CHORD) == (0, 1, "N.C.")
