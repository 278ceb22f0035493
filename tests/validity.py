"""What makes a NoteSequence of ours valid (the contract of every symbolic model's output)."""

import math

from tfmusicgan.note_sequences.midi import read_midi, to_midi_bytes
from tfmusicgan.note_sequences.proto import NoteSequence


def assert_valid(sequence: NoteSequence, steps_per_quarter: int | None = None) -> None:
    """Checks a model's output.

    Args:
      sequence: The music.
      steps_per_quarter: Of its grid; None for music without one.
    """
    assert sequence.collection_name == "tfmusicgan"
    assert sequence.source_info.source_type == NoteSequence.SourceInfo.SCORE_BASED
    assert sequence.ticks_per_quarter > 0
    assert [tempo.time for tempo in sequence.tempos] == [0.0]
    assert sequence.tempos[0].qpm > 0
    assert [signature.time for signature in sequence.time_signatures] == [0.0]
    assert sequence.time_signatures[0].numerator > 0
    assert sequence.time_signatures[0].denominator in (1, 2, 4, 8, 16)
    assert math.isfinite(sequence.total_time)
    starts = [note.start_time for note in sequence.notes]
    assert starts == sorted(starts)
    sounds = {}
    for note in sequence.notes:
        assert 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127
        assert 0 <= note.start_time < note.end_time <= sequence.total_time
        assert note.instrument >= 0 and 0 <= note.program <= 127
        # One instrument, one sound.
        sound = (note.program, note.is_drum)
        assert sounds.setdefault(note.instrument, sound) == sound
    if steps_per_quarter is not None:
        _assert_on_grid(sequence, steps_per_quarter)
    _assert_survives_midi(sequence)


def _assert_on_grid(sequence: NoteSequence, steps_per_quarter: int) -> None:
    import note_seq

    quantised = note_seq.quantize_note_sequence(sequence, steps_per_quarter)
    assert len(quantised.notes) == len(sequence.notes)
    seconds = 60.0 / (sequence.tempos[0].qpm * steps_per_quarter)
    for note in quantised.notes:
        assert abs(note.quantized_start_step * seconds - note.start_time) < 1e-6
        assert abs(note.quantized_end_step * seconds - note.end_time) < 1e-6


def _assert_survives_midi(sequence: NoteSequence) -> None:
    back = read_midi(to_midi_bytes(sequence))
    assert len(back.notes) == len(sequence.notes)
    for before, after in zip(_heard(sequence), _heard(back), strict=True):
        assert before[0] == after[0]
        # A tempo is a whole number of microseconds in MIDI.
        assert all(abs(a - b) < 1e-4 + 1e-5 * a for a, b in zip(before[1:], after[1:], strict=True))


def _heard(sequence: NoteSequence) -> list[tuple]:
    return sorted(
        ((n.is_drum, n.program, n.pitch, n.velocity), n.start_time, n.end_time)
        for n in sequence.notes
    )
