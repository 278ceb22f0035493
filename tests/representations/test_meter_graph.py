"""Pick-ups and cut last bars inside the graph: the bars of music with them are conversion's."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.representations.lead_sheets import lead_sheet
from tfmusicgan.errors import ConversionError
from tfmusicgan.representations import bar_stretches, jazz_phrases_graph, melody_bars_graph
from tfmusicgan.representations.jazz_phrases import JazzPhrases
from tfmusicgan.representations.melody_bars import MelodyBars
from tfmusicgan.representations.meter_graph import in_meter, missing_quarters


def sheet_in(*meters, length, at_tempo=90.0):
    """Notes up to a length in quarter notes, with meters of (quarter, numerator, denominator)."""
    notes = [(60 + 2 * n, n * 0.5, 0.5) for n in range(3)]
    notes += [(67 + n, 1.5 + 1.25 * n, 1.0) for n in range(int((length - 1.5) / 1.25))]
    chords = [(0, "G7"), (1, "C"), (2, "Am"), (5, "F")]
    sheet = lead_sheet(notes, chords, qpm=at_tempo)
    sheet.total_time = length * 60 / at_tempo
    del sheet.time_signatures[:]
    for quarter, numerator, denominator in meters:
        time = quarter * 60 / at_tempo
        sheet.time_signatures.add(time=time, numerator=numerator, denominator=denominator)
    return sheet


IN_FOUR = {
    "none": sheet_in(length=9),
    "whole": sheet_in((0, 4, 4), length=9),
    "pick-up": sheet_in((0, 1, 4), (1, 4, 4), length=9),
    "in eighths": sheet_in((0, 3, 8), (1.5, 4, 4), length=13.5),
    "of its own length": sheet_in((0, 4, 4), (2, 2, 2), length=10),
    "filled up": sheet_in((5, 3, 4), (1, 4, 4), (0, 1, 4), length=8),
    "behind the end": sheet_in((0, 4, 4), (8, 3, 4), length=8),
}
OTHER = {
    "3/4": [
        sheet_in((0, 3, 4), length=3),
        sheet_in((0, 1, 4), (1, 3, 4), length=13),
        sheet_in((0, 1, 4), (1, 4, 4), (5, 3, 4), length=9),
        sheet_in((0, 1, 4), (1, 4, 4), (5, 3, 4), (8, 4, 4), length=16),
        # Of two in the first bar the first ends the pick-up; of two in the last one is the last.
        sheet_in((0, 4, 4), (1, 3, 4), (2, 4, 4), length=10),
        sheet_in((0, 4, 4), (16, 3, 4), (17, 2, 4), length=19),
    ],
    "1/4": [sheet_in((0, 1, 4), length=9)],
}


def texts_of(sheets):
    return tf.constant([sheet.SerializeToString() for sheet in sheets])


@pytest.mark.parametrize("options", [{}, {"onsets": True, "velocities": True}])
def test_bars_after_a_pick_up_are_those_of_conversion(options):
    rep, sheets = MelodyBars(**options), [*IN_FOUR.values()]
    texts = in_meter(texts_of(sheets), 4)
    bars, num_bars = melody_bars_graph.from_note_sequences(texts, rep, max_bars=8)
    for row, (name, sheet) in enumerate(IN_FOUR.items()):
        expected, count = rep.find_bars(sheet), int(num_bars[row])
        assert 1 < count <= len(expected)
        np.testing.assert_array_equal(bars[row, :count], expected[:count], err_msg=name)
    by_name = dict(zip(IN_FOUR, bars.numpy(), strict=True))
    # Of 1/4, the bar's last: its first eighth fills the rest before it.
    assert by_name["pick-up"][0, :16].tolist() == [60] * 14 + [62] * 2
    assert by_name["pick-up"][1, :2].tolist() == [64] * 2
    assert by_name["pick-up"][:3, 16].tolist() == [0, 22, 6]
    assert by_name["whole"][0, :4].tolist() == [60, 60, 62, 62]


def test_phrases_after_a_pick_up_are_those_of_conversion():
    rep, sheets = JazzPhrases(max_notes=60, max_steps=200), [*IN_FOUR.values()]
    found = jazz_phrases_graph.from_note_sequences(texts_of(sheets), rep, 60, 200)
    for row, (name, sheet) in enumerate(IN_FOUR.items()):
        for field, value in rep.find_phrase(sheet, 60, 200).items():
            np.testing.assert_array_equal(found[field][row], value, err_msg=f"{name} {field}")
    first = dict(zip(IN_FOUR, found["first_step"].numpy().tolist(), strict=True))
    assert (first["whole"], first["pick-up"], first["in eighths"]) == (0, 36, 30)


@pytest.mark.parametrize(
    ("name", "sheet"), [(name, sheet) for name, sheets in OTHER.items() for sheet in sheets]
)
def test_other_meters_are_named_and_conversion_refuses_them_too(name, sheet):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"(?s)in 4/4. Received.*{name}"):
        in_meter(texts_of([IN_FOUR["pick-up"], sheet]), 4)
    with pytest.raises(ConversionError):
        MelodyBars().find_bars(sheet)


SAME = [
    # A repetition on a bar line is none: the last segment begins where the meter does.
    (4, sheet_in((0, 4, 4), (8, 2, 4), (10, 2, 4), length=11)),
    (4, sheet_in((0, 1, 4), (1, 1, 4), (2, 4, 4), length=10)),
    (4, sheet_in((0, 4, 4), (4, 4, 4), (6, 4, 4), length=10)),
    (4, sheet_in((0, 3, 4), (0, 4, 4), length=10)),
    (4, sheet_in((4, 4, 4), length=10)),
    (4, sheet_in((1, 3, 3), (2, 0, 4), length=10)),
    (4, sheet_in((0, 3, 3), length=10)),
    (4, sheet_in((0, 8, 8), length=10)),
    (4, sheet_in((0, 1, 1), (4, 2, 2), length=10)),
    (3, sheet_in((0, 3, 4), length=10)),
    (3, sheet_in((2, 3, 4), length=10)),
    (3, sheet_in((3, 3, 4), length=10)),
    (3, sheet_in((6, 3, 4), length=10)),
    (3, sheet_in((12, 3, 4), length=10)),
    (3, sheet_in((0, 0, 4), length=10)),
    (3, sheet_in(length=10)),
    (3, sheet_in((0, 3, 4), (9, 1, 4), length=10)),
]


@functools.cache
def traced_missing(beats_per_bar):
    return tf.function(
        lambda texts: missing_quarters(in_meter(texts, beats_per_bar), beats_per_bar),
        [tf.TensorSpec([None], tf.string)],
        autograph=False,
    )


def assert_same(beats_per_bar, sheet):
    """Both halves refuse a piece, or measure the same pick-up."""
    measure = traced_missing(beats_per_bar)
    try:
        expected = bar_stretches.missing_quarters(sheet, beats_per_bar)
    except ConversionError:
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"in {beats_per_bar}/4"):
            measure(texts_of([sheet]))
    else:
        assert measure(texts_of([sheet])).numpy() == pytest.approx([expected])


@pytest.mark.parametrize(("beats_per_bar", "sheet"), SAME)
def test_what_is_refused_is_what_the_numpy_half_refuses(beats_per_bar, sheet):
    assert_same(beats_per_bar, sheet)


def test_pick_ups_of_a_batch_are_those_of_its_rows():
    sheets = [sheet for beats_per_bar, sheet in SAME[:5] if beats_per_bar == 4]
    sheets = [*sheets, *reversed(IN_FOUR.values()), *sheets]
    found = missing_quarters(in_meter(texts_of(sheets), 4), 4)
    expected = [bar_stretches.missing_quarters(sheet, 4) for sheet in sheets]
    assert found.numpy() == pytest.approx(expected) and len({*expected}) > 3


METERS = [(4, 4), (3, 4), (2, 4), (1, 4), (2, 2), (1, 1), (3, 3), (3, 8), (0, 4)]
CHANGES = st.tuples(st.integers(0, 12).map(lambda half: half / 2), st.sampled_from(METERS))


@settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.sampled_from([4, 3, 2]), st.lists(CHANGES, max_size=4), st.integers(2, 14))
def test_any_meters_are_refused_or_measured_alike(beats_per_bar, changes, length):
    meters = [(quarter, *meter) for quarter, meter in changes]
    assert_same(beats_per_bar, sheet_in(*meters, length=length, at_tempo=60.0))


def test_a_pick_up_is_measured_by_the_tempo_changes_of_its_own_piece():
    slow, plain = sheet_in((0, 1, 4), (1, 4, 4), length=9), sheet_in((0, 4, 4), length=9)
    # The second half of the pick-up is played at half the tempo: all else is as much later.
    slow.tempos.add(time=0.5 * 60 / 90, qpm=45)
    for signature in slow.time_signatures:
        signature.time *= 1.5
    bars, num_bars = melody_bars_graph.from_note_sequences(
        in_meter(texts_of([plain, slow]), 4), MelodyBars(), max_bars=8
    )
    expected = MelodyBars().find_bars(slow)
    assert int(num_bars[1]) > 1
    np.testing.assert_array_equal(bars[1, : num_bars[1]], expected[: num_bars[1]])
