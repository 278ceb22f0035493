"""`accompany`: bars after a pick-up, and what is moved and left out of the given music."""

import numpy as np
import pytest
import tensorflow as tf

from tests import made_up
from tests.models.echo import EchoGAN, traced, unpack
from tfmusicgan.models import piano_roll_pieces
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import given_track

BARS, PIANO = 2, 4  # of a phrase; in bass, drums, guitar, strings, piano
COUNTS = ("notes_moved", "notes_left_out", "bars_left_out")


@pytest.fixture(scope="module")
def model():
    return EchoGAN("piano", num_pitches=48, lowest_pitch=36)


@pytest.fixture(scope="module")
def accompany(model):
    return traced(model, "accompany")


def _ask(accompany, *sequences):
    texts = np.array([sequence.SerializeToString() for sequence in sequences], object)
    return accompany(np.arange(len(texts)), note_sequence=texts)


def _counts(outputs):
    return [outputs[name].tolist() for name in COUNTS]


def _later(sequence, quarters):
    """The music after a pick-up, a note of so many quarters."""
    seconds = quarters * 60 / sequence.tempos[0].qpm
    moved = NoteSequence()
    moved.CopyFrom(sequence)
    for note in moved.notes:
        note.start_time += seconds
        note.end_time += seconds
    moved.notes.add(pitch=60, end_time=seconds)
    moved.total_time += seconds
    moved.time_signatures[0].time = seconds
    moved.time_signatures.add(numerator=2 * quarters, denominator=8)
    return moved


def test_bars_are_counted_from_the_first_bar_line(model, accompany):
    plain = made_up.band(1, bars=5)
    outputs = _ask(accompany, plain, _later(plain, 1), _later(plain, 3))
    without, *others = unpack(model, outputs["piano_roll"])
    steps = model.representation.steps_per_beat
    for piece, quarters, text in zip(others, (1, 3), outputs["note_sequence"][1:], strict=True):
        assert len(piece) == 6
        np.testing.assert_array_equal(piece[1:, ..., PIANO], without[..., PIANO])
        first, begin = piece[0, ..., PIANO], (4 - quarters) * steps
        assert not first[:begin].any() and first[begin:, 60 - 36].any()
        # The first bar is the pick-up's whole bar.
        answer = NoteSequence.FromString(text)
        assert answer.total_time == pytest.approx(6 * 4 * 0.5)
        given = [note for note in answer.notes if note.instrument == PIANO]
        assert given[0].start_time == pytest.approx((4 - quarters) * 0.5)
    assert _counts(outputs) == [[0] * 3] * 3


def test_other_meters_are_refused(accompany):
    waltz = made_up.band(1, bars=3)
    waltz.time_signatures[0].numerator = 3
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)expected music in 4/4.*3/4"):
        _ask(accompany, made_up.band(2), waltz)


def test_music_above_the_range_is_accompanied_in_its_octaves(model, accompany):
    sequence, high, half = made_up.band(1, bars=8), made_up.band(1, bars=8), made_up.band(1, bars=8)
    for each, begin in ((high, 0.0), (half, 8.0)):
        for note in each.notes:
            if note.program == 0 and not note.is_drum and note.start_time >= begin:
                note.pitch += 48
    outputs = _ask(accompany, sequence, high, half)
    whole, *moved = unpack(model, outputs["piano_roll"])
    classes = [piece[..., PIANO].reshape(-1, 4, 12).any(axis=1) for piece in (whole, *moved)]
    for found in classes[1:]:
        np.testing.assert_array_equal(found, classes[0])
    np.testing.assert_array_equal(moved[1][:4, ..., PIANO], whole[:4, ..., PIANO])
    assert _counts(outputs) == [[0, 16, 8], [0] * 3, [0] * 3]


def test_the_answer_is_as_long_as_all_of_the_music(model, accompany):
    # Neither drums, nor what is out of range, nor what the model's tracks don't play is in it.
    short = made_up.band(2, bars=2)
    sequences = []
    for pitch, program, is_drum in ((36, 0, True), (120, 33, False), (60, 119, False)):
        sequences.append(NoteSequence())
        sequences[-1].CopyFrom(short)
        sequences[-1].notes.add(
            pitch=pitch, program=program, is_drum=is_drum, start_time=13.0, end_time=14.0
        )
    outputs = _ask(accompany, short, *sequences)
    pieces = unpack(model, outputs["piano_roll"])
    assert [len(piece) for piece in pieces] == [2, 7, 7, 7]
    assert _counts(outputs) == [[0] * 4] * 3


def test_what_is_behind_the_longest_answer_is_counted(model, accompany):
    bars = piano_roll_pieces.MAX_PHRASES * BARS
    longer = made_up.band(1, bars=bars + 9)
    outputs = _ask(accompany, longer, made_up.band(1, bars=bars))
    # Two notes of the piano in each bar.
    assert _counts(outputs) == [[0, 0], [2 * 9, 0], [9, 0]]
    assert given_track.count_notes(longer, model.representation, PIANO, bars) == (0, 18)


def test_counts_are_each_rows_own(accompany):
    high, silent = made_up.band(1, bars=3), NoteSequence()
    for note in high.notes:
        note.pitch += 48 * (note.program == 0 and not note.is_drum)
    together = _counts(_ask(accompany, silent, high, silent))
    assert together == [[0, 6, 0], [0] * 3, [0] * 3]
    assert _counts(_ask(accompany, high)) == [[6], [0], [0]]
