"""Where a lead sheet ends: its last bar is whole, and holds its last note."""

import pytest

from tests.note_sequences.test_lead_sheet import piece
from tfmusicgan.note_sequences.lead_sheet import read_lead_sheet, write_lead_sheet


@pytest.mark.parametrize(
    ("notes", "meter", "last", "total"),
    [
        # A twelfth of a quarter note behind the bar line is more than the tolerance, 1/48 is not.
        ([(60, 0, 4.083)], (4, 4), (0, 4.083), 8),
        ([(60, 0, 4.022)], (4, 4), (0, 4.022), 8),
        ([(60, 0, 4.02)], (4, 4), (0, 4), 4),
        ([(60, 0, 4), (62, 4, 4.02)], (4, 4), (4, 4.02), 8),
        ([(60, 0, 1.54)], (3, 8), (0, 1.54), 3),
        ([(60, 0, 1.51)], (3, 8), (0, 1.5), 1.5),
    ],
)
def test_the_last_bar_is_whole_and_no_note_ends_behind_it(notes, meter, last, total):
    sheet = read_lead_sheet(piece(notes, meter=meter))
    assert (sheet.melody[-1].start_quarter, sheet.melody[-1].end_quarter) == last
    assert sheet.total_quarters == sheet.chords[-1].end_quarter == total
    written = write_lead_sheet(sheet)
    assert written.total_time == total >= written.notes[-1].end_time
    assert read_lead_sheet(written) == sheet
