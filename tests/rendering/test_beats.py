"""Bar and beat lines, by hand."""

import pytest

from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.rendering.beats import find_beats


def test_defaults_are_four_four_at_120():
    beats = find_beats(NoteSequence(), 2.1)
    assert beats.bars == pytest.approx([0.0, 2.0, 4.0])
    assert beats.beats == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5])


def test_the_last_line_is_the_end_of_the_last_bar_begun():
    assert find_beats(NoteSequence(), 2.0).bars == pytest.approx([0.0, 2.0])
    assert find_beats(NoteSequence(), 0.0).bars == pytest.approx([0.0, 2.0])


def test_six_eight_at_60_quarters():
    sequence = NoteSequence()
    sequence.tempos.add(qpm=60)
    sequence.time_signatures.add(numerator=6, denominator=8)
    beats = find_beats(sequence, 3.0)
    assert beats.bars == pytest.approx([0.0, 3.0])
    assert beats.beats == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0, 2.5])


def test_a_change_of_tempo_inside_a_beat():
    sequence = NoteSequence()
    sequence.tempos.add(qpm=60)
    sequence.tempos.add(time=1.5, qpm=120)  # half of the second beat at either tempo
    assert find_beats(sequence, 2.0).beats == pytest.approx([0.0, 1.0, 1.75, 2.25])


def test_a_change_of_metre_starts_a_bar():
    sequence = NoteSequence()
    sequence.time_signatures.add(numerator=2, denominator=4)
    sequence.time_signatures.add(time=1.0, numerator=2, denominator=4)  # says nothing new
    sequence.time_signatures.add(time=1.5, numerator=3, denominator=4)  # in the middle of a bar
    sequence.time_signatures.add(time=2.0, numerator=0, denominator=4)  # damaged: left out
    assert find_beats(sequence, 3.1).bars == pytest.approx([0.0, 1.0, 1.5, 3.0, 4.5])


def test_a_damaged_tempo_asks_for_no_more_than_twenty_thousand_lines():
    sequence = NoteSequence()
    sequence.tempos.add(qpm=1e7)
    assert len(find_beats(sequence, 3600.0).beats) == 20_000
