"""Quarter notes, meters, keys and transposition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence

CHORD = NoteSequence.TextAnnotation.CHORD_SYMBOL


def with_tempos(*tempos: tuple[float, float]) -> NoteSequence:
    sequence = NoteSequence()
    for time, qpm in tempos:
        sequence.tempos.add(time=time, qpm=qpm)
    return sequence


def test_seconds_to_quarters_by_hand():
    # 120 a minute for 2 s (4 quarters), then 60 for 3 s (3 quarters), then 90.
    sequence = with_tempos((5, 90), (2, 60))
    got = transforms.seconds_to_quarters(sequence, np.array([[0, 1], [2, 3.5], [5, 7]]))
    np.testing.assert_allclose(got, [[0, 2], [4, 5.5], [7, 10]])


def test_quarters_to_seconds_by_hand():
    got = transforms.quarters_to_seconds(with_tempos((0, 30), (4, 240)), np.array([0, 1, 2, 6]))
    np.testing.assert_allclose(got, [0, 2, 4, 5])


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(10, 400)), max_size=6),
    st.lists(st.floats(0, 200), min_size=1, max_size=9),
)
def test_there_and_back(tempos, seconds):
    sequence = with_tempos(*tempos)
    quarters = transforms.seconds_to_quarters(sequence, np.array(seconds))
    np.testing.assert_allclose(
        transforms.quarters_to_seconds(sequence, quarters), seconds, atol=1e-9
    )


def test_tempos_that_mean_nothing_are_passed_over():
    assert transforms.seconds_to_quarters(with_tempos((0, 0), (1, -5)), np.array(3.0)) == 6


def segments(sequence: NoteSequence) -> list[tuple]:
    return [
        (s.start_quarter, s.end_quarter, s.numerator, s.denominator)
        for s in transforms.meter_segments(sequence)
    ]


def with_meters(*meters: tuple[float, int, int], end: float = 10.0) -> NoteSequence:
    """Time signatures at quarter notes (60 a minute: seconds are quarters)."""
    sequence = with_tempos((0, 60))
    sequence.total_time = end
    for time, numerator, denominator in meters:
        sequence.time_signatures.add(time=time, numerator=numerator, denominator=denominator)
    return sequence


@pytest.mark.parametrize(
    ("meters", "expected"),
    [
        ([], [(0, 10, 4, 4)]),
        ([(3, 3, 4)], [(0, 3, 4, 4), (3, 10, 3, 4)]),
        # A pickup of one quarter; unsorted.
        ([(1, 4, 4), (0, 1, 4)], [(0, 1, 1, 4), (1, 10, 4, 4)]),
        # Contradictory: the last one counts.
        ([(0, 4, 4), (0, 6, 8)], [(0, 10, 6, 8)]),
        # A repetition on a bar line changes nothing; off it, bars begin anew.
        ([(0, 3, 4), (6, 3, 4)], [(0, 10, 3, 4)]),
        ([(0, 3, 4), (7, 3, 4)], [(0, 7, 3, 4), (7, 10, 3, 4)]),
        # Not a bar line of 3/4, counted from the repetition that was left out: still one.
        ([(0, 3, 4), (3, 3, 4), (9, 3, 4)], [(0, 10, 3, 4)]),
        ([(0, 2, 2), (10, 3, 4), (99, 5, 4)], [(0, 10, 2, 2)]),
        ([(0, 0, 4), (0, 3, 0)], [(0, 10, 4, 4)]),
        ([(-1, 5, 8)], [(0, 10, 5, 8)]),
    ],
)
def test_meter_segments(meters, expected):
    assert segments(with_meters(*meters)) == expected


def test_meter_segments_reach_the_last_note():
    sequence = with_meters((0, 3, 8), end=2)
    sequence.notes.add(start_time=1, end_time=4.5)
    assert segments(sequence) == [(0, 4.5, 3, 8)]
    assert transforms.meter_segments(sequence)[0].quarters_per_bar == 1.5


def test_an_empty_sequence_has_a_meter():
    assert segments(NoteSequence()) == [(0, 0, 4, 4)]


def test_key_at_start():
    sequence = NoteSequence()
    assert transforms.key_at_start(sequence) is None
    sequence.notes.add(start_time=2, end_time=3)
    sequence.key_signatures.add(time=2.5, key=1)
    assert transforms.key_at_start(sequence) is None
    sequence.key_signatures.add(time=1, key=7, mode=NoteSequence.KeySignature.MINOR)
    sequence.key_signatures.add(time=0, key=4, mode=NoteSequence.KeySignature.DORIAN)
    assert transforms.key_at_start(sequence) == (7, "minor")


def test_transpose():
    sequence = NoteSequence(id="song")
    sequence.notes.add(pitch=60, start_time=0, end_time=1, pitch_name=NoteSequence.C)
    sequence.notes.add(pitch=36, start_time=0, end_time=1, is_drum=True)
    sequence.key_signatures.add(key=10, mode=NoteSequence.KeySignature.MINOR)
    sequence.text_annotations.add(text="Bb7/D", annotation_type=CHORD)
    sequence.text_annotations.add(text="A section")
    before = NoteSequence.FromString(sequence.SerializeToString())
    result = transforms.transpose(sequence, 3)
    assert sequence == before
    assert [(note.pitch, note.pitch_name) for note in result.notes] == [(63, 0), (36, 0)]
    assert (result.key_signatures[0].key, result.key_signatures[0].mode) == (1, 1)
    assert [text.text for text in result.text_annotations] == ["Db7/F", "A section"]


@given(st.integers(-40, 40))
def test_transpose_has_an_inverse(semitones):
    sequence = NoteSequence(id="song")
    sequence.notes.add(pitch=64, start_time=0, end_time=1)
    sequence.key_signatures.add(key=5)
    back = transforms.transpose(transforms.transpose(sequence, semitones), -semitones)
    assert back == sequence


def test_transpose_out_of_range():
    sequence = NoteSequence(id="song")
    sequence.notes.add(pitch=3, start_time=1.5, end_time=2)
    with pytest.raises(ConversionError, match=r"Received -1 at 1\.500 s in song") as caught:
        transforms.transpose(sequence, -4)
    assert caught.value.reason == "pitch_out_of_range"


@pytest.mark.parametrize(
    "figure", ["C", "Am7/G", "F#m7b5", "Bbmaj7", "Ebsus/Bb", "Dm(maj7)", "G7(b9)"]
)
@pytest.mark.parametrize("semitones", [1, -5, 11])
def test_chords_against_note_seq(figure, semitones):
    from note_seq import chord_symbols_lib

    got = transforms.transpose_chord(figure, semitones)
    expected = chord_symbols_lib.transpose_chord_symbol(figure, semitones)
    for measure in (
        chord_symbols_lib.chord_symbol_root,
        chord_symbols_lib.chord_symbol_bass,
        lambda chord: sorted(chord_symbols_lib.chord_symbol_pitches(chord)),
    ):
        assert measure(got) == measure(expected)


def test_no_chord_stays():
    assert transforms.transpose_chord("N.C.", 5) == "N.C."
