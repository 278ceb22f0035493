"""Pieces and examples as lines."""

import numpy as np
import pytest

from tests.metrics.jazz_lines import CHORDS, line
from tfmusicgan.metrics.jazz_lines import REST, read_examples, read_line
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.jazz_phrases import JazzPhrases
from tfmusicgan.representations.jazz_phrases_rhythm import rhythm_tokens

CHORD = NoteSequence.TextAnnotation.CHORD_SYMBOL


def piece(*notes, chords=(), qpm=90.0, instrument=0):
    """(pitch, first step, last step) and (symbol, step)."""
    sequence = NoteSequence()
    sequence.tempos.add(qpm=qpm)
    seconds = 60 / qpm / 12
    for pitch, start, end in notes:
        sequence.notes.add(
            pitch=pitch,
            velocity=80,
            start_time=start * seconds,
            end_time=end * seconds,
            instrument=instrument,
        )
    for symbol, step in chords:
        sequence.text_annotations.add(text=symbol, time=step * seconds, annotation_type=CHORD)
    return sequence


def entries(found):
    return list(zip(found.pitches.tolist(), found.durations.tolist(), strict=True))


def test_a_piece_as_a_line():
    chords = (("G7", 60), ("N.C.", 80), ("C/E", 55), ("Fm", 60))
    found = read_line(piece((60, 56, 59), (62, 62, 68.4), (110, 68.4, 82), chords=chords))
    # A rest of three steps; 110 is 98; the bar began at 48.
    assert entries(found) == [(24, 3), (REST, 3), (26, 6), (62, 14)]
    assert (found.first_step, found.primer) == (8, 0)
    assert found.starts.tolist() == [0, 3, 6, 12]
    assert found.is_note.tolist() == [True, False, True, True]
    # C over E until 60, where the later of two chords in the message counts; none from 80 on.
    assert found.chord_roots.tolist() == [4] * 4 + [5] * 20 + [0] * 2
    assert np.flatnonzero(found.chord_tones[3]).tolist() == [0, 3, 8]
    assert np.flatnonzero(found.chord_tones[4]).tolist() == [0, 3, 7]
    assert not found.chord_tones[24:].any()


def test_several_notes_at_once():
    # Three begin together, the highest counts, and ends as the next begins; so does a drum not.
    sequence = piece((60, 0, 30), (64, 0, 40), (62, 0, 50), (50, 24, 36), (70, 50, 50.1))
    sequence.notes.add(pitch=100, start_time=0, end_time=9, is_drum=True)
    assert entries(read_line(sequence)) == [(28, 24), (14, 12), (REST, 14), (34, 1)]
    assert not read_line(sequence).chord_tones.any()
    assert read_line(sequence, instrument=3) is None
    assert read_line(NoteSequence()) is None


def examples(lines, rep):
    """Lines as the representation's fields, without chords."""
    count = len(lines)
    found = {name: np.zeros((count, *field.shape), field.dtype) for name, field in rep.spec.items()}
    for row, one in enumerate(lines):
        size, steps = len(one.pitches), one.durations.sum()
        found["pitches"][row, :size] = one.pitches
        found["rhythm"][row, :size] = rhythm_tokens(one.durations, one.first_step, rep.encoding)
        found["num_notes"][row], found["first_step"][row] = size, one.first_step
        found["num_steps"][row] = steps
        found["chord_roots"][row, :steps] = one.chord_roots[:steps]
        found["chord_tones"][row, :steps] = one.chord_tones[:steps]
    return found


@pytest.mark.parametrize("encoding", ["beat_position", "duration"])
def test_examples_as_lines(encoding):
    rep = JazzPhrases(encoding=encoding, primer_notes=2)
    lines = [line([(60, 6), (None, 48), (61, 7)], CHORDS, 40), line([(70, 1), (70, 2)], CHORDS, 3)]
    for got, wanted in zip(read_examples(examples(lines, rep), rep), lines, strict=True):
        assert entries(got) == entries(wanted)
        assert (got.first_step, got.primer) == (wanted.first_step, 2)
        steps = wanted.durations.sum()
        assert got.chord_roots.tolist() == wanted.chord_roots[:steps].tolist()
        assert got.chord_tones.tolist() == wanted.chord_tones[:steps].tolist()


def test_time_steps_of_equal_pitch_are_one_note():
    rep = JazzPhrases(encoding="time_step", max_steps=48, max_notes=48, primer_notes=4)
    steps = [60, 60, 60, None, None, 62, 62, 60]
    (got,) = read_examples(examples([line([(p, 1) for p in steps], CHORDS, 5)], rep), rep)
    assert entries(got) == [(24, 3), (REST, 2), (26, 2), (24, 1)]
    # The rest begins in the primer of four steps.
    assert got.primer == 2
    assert entries(got.modelled()) == [(26, 2), (24, 1)]
