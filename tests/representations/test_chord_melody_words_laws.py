"""The representation's laws, against a slow exact version."""

import dataclasses

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.representations.slow_chord_melody import pieces, slow_notes, slow_words, tunes
from tests.validity import assert_valid
from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.midi import read_midi, to_midi_bytes
from tfmusicgan.representations.chord_melody_words import ChordMelodyWords

LAWS = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
REPS = (
    ChordMelodyWords(length=3),
    ChordMelodyWords(length=1, steps_per_quarter=1, melody_name="", chords_name="melody"),
    ChordMelodyWords(length=5, steps_per_quarter=5, hop=2),
    ChordMelodyWords(length=4, steps_per_quarter=48, hop=7, chords_name=""),
)


def notes_in_steps(sequence, rep, qpm):
    """Notes of a decoded piece as (first step, instrument, pitch, step after the last)."""
    to_steps = qpm / 60 * rep.steps_per_quarter
    return [
        (
            pytest.approx(note.start_time * to_steps, abs=1e-6),
            note.instrument,
            note.pitch,
            pytest.approx(note.end_time * to_steps, abs=1e-6),
        )
        for note in sequence.notes
    ]


@LAWS
@given(pieces(), st.sampled_from(REPS))
def test_words_equal_the_slow_version(piece, rep):
    sequence = piece.to_sequence()
    before = sequence.SerializeToString(deterministic=True)
    expected = slow_words(piece, rep)
    try:
        words = rep.find_words(sequence)
    except ConversionError as error:
        assert error.reason in ("no_melody", "no_chords") and expected is None
    else:
        assert list(map(tuple, words.tolist())) == expected
    assert sequence.SerializeToString(deterministic=True) == before


@LAWS
@given(st.one_of(pieces(), tunes()), st.one_of(pieces(), tunes()), st.sampled_from(REPS))
def test_windows_come_back_as_their_words_notes(trained, held_out, rep):
    """The stated normalisation: the notes of a window's words, as the slow version lays them."""
    rep = rep.with_vocabulary([trained.to_sequence()])
    sequence, words = held_out.to_sequence(), slow_words(held_out, rep)
    before = sequence.SerializeToString(deterministic=True)
    try:
        examples, left_out, _ = rep.encode_counted(sequence)
    except ConversionError as error:
        enough = words is not None and len(words) >= rep.length
        assert error.reason == "no_vocabulary" and not rep.words if enough else not enough
        return
    hop = rep.hop or rep.length
    last = 0
    for index, example in enumerate(examples):
        window = words[index * hop :][: rep.length]
        last = max(index * hop + rep.length, (index + 1) * hop)
        assert example["tokens"].dtype == np.int32
        known = [rep.words.index(w) + 2 if w in rep.words else 1 for w in window]
        assert example["tokens"].tolist() == known
        rest = (next((w[0] for w in rep.words if w[0]), 0), 0, 0, 0, 0, 0)
        heard = [word if token > 1 else rest for word, token in zip(window, known, strict=True)]
        decoded = rep.decode(example, 131.0)
        notes, total = slow_notes(heard)
        assert notes_in_steps(decoded, rep, 131.0) == notes
        assert decoded.total_time * 131 / 60 * rep.steps_per_quarter == pytest.approx(total)
    assert len(examples) == len(range(0, len(words) - rep.length + 1, hop))
    assert left_out == {"short_last_window": int(last < len(words))}
    assert sequence.SerializeToString(deterministic=True) == before


@LAWS
@given(tunes())
def test_a_tune_comes_back_whole(tune):
    """All words of a tune with one event of both parts: nothing moves, nothing is lost."""
    rep = ChordMelodyWords(length=1)
    words = slow_words(tune, rep)
    if words is None or not any(word[0] and word[3] for word in words):
        return
    # Whole steps, so that tick 2n is step n; of what begins together one event is left.
    sequence = tune.to_sequence()
    rep = rep.with_vocabulary([sequence])
    tokens = rep.find_tokens(rep.find_words(sequence))
    assert tokens.min() >= 2
    decoded = rep.decode({"tokens": tokens}, 97.3)
    begin = min(note[0] for note in tune.notes)
    ends = {}
    for start, length, pitch, part, _ in tune.notes:
        ends.setdefault((part, start), []).append((pitch, start + length))
    expected = set()
    for (part, start), notes in ends.items():
        later = [other for which, other in ends if which == part and other > start]
        stop = min([max(end for _, end in notes), *later])
        classes = {}
        for pitch, _ in sorted(notes):
            classes.setdefault(pitch % 12, pitch)
        expected |= {
            ((start - begin) / 2, part, pitch, (stop - begin) / 2) for pitch in classes.values()
        }
    assert notes_in_steps(decoded, rep, 97.3) == sorted(expected)
    assert_valid(decoded, steps_per_quarter=24)
    # And a second time: as music, and as MIDI.
    for same in (decoded, read_midi(to_midi_bytes(decoded))):
        assert rep.find_tokens(rep.find_words(same)).tolist() == tokens.tolist()


@LAWS
@given(st.lists(tunes(), min_size=1, max_size=4), st.randoms())
def test_the_order_of_pieces_does_not_matter(tune_list, random):
    rep = ChordMelodyWords(length=2)
    sequences = [tune.to_sequence() for tune in tune_list]
    words = rep.with_vocabulary(sequences).words
    random.shuffle(sequences)
    again = rep.with_vocabulary(iter(sequences))
    assert again.words == words
    limited = dataclasses.replace(rep, max_words=2).with_vocabulary(sequences)
    assert limited.words == words[:2]
