"""The representation's laws, against a slow exact version."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.representations.slow_melody import (
    representations,
    slow_instrument,
    slow_notes,
    slow_tokens,
    slow_windows,
    tunes,
)
from tests.validity import assert_valid
from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.midi import read_midi, to_midi_bytes
from tfmusicgan.representations.melody_tokens import MelodyTokens

LAWS = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


def decoded_notes(sequence, rep, qpm):
    """Notes of a decoded melody as (first token, token after the last, token)."""
    return [
        (
            note.start_time * qpm / 60,
            note.end_time * qpm / 60,
            note.pitch - rep.lowest_pitch + 1,
        )
        for note in sequence.notes
    ]


@LAWS
@given(tunes(), representations(MelodyTokens))
def test_encode_and_decode_equal_the_slow_version(tune, rep):
    sequence = tune.to_sequence()
    before = sequence.SerializeToString(deterministic=True)
    tokens = slow_tokens(tune, rep)
    try:
        examples, left_out, _ = rep.encode_counted(sequence)
    except ConversionError as error:
        if error.reason == "no_melody":
            assert tokens is None
        elif error.reason == "too_short":
            assert len(tokens) < rep.length
        else:
            assert error.reason == "too_few_notes"
            assert slow_windows(tokens, rep)[0] == []
    else:
        windows, few, short = slow_windows(tokens, rep)
        assert rep.sample(sequence).tolist() == tokens
        assert [example["tokens"].tolist() for example in examples] == windows
        assert all(example["tokens"].dtype == np.int32 for example in examples)
        assert left_out == {"too_few_notes": few, "short_last_window": int(short)}
        for example, window in zip(examples, windows, strict=True):
            found = decoded_notes(rep.decode(example, 131.0), rep, 131.0)
            assert found == [pytest.approx(note) for note in slow_notes(window)]
    assert sequence.SerializeToString(deterministic=True) == before


@LAWS
@given(tunes(), representations(MelodyTokens))
def test_a_piece_comes_back_as_the_notes_that_its_sample_points_hear(tune, rep):
    """The stated normalisation: one instrument, its highest notes, on the grid, equal ones one."""
    tokens = slow_tokens(tune, rep)
    if not tokens:
        return
    decoded = rep.decode({"tokens": np.array(tokens)})
    seconds = rep.seconds_per_token
    expected = [
        (start * seconds, end * seconds, token - 1 + rep.lowest_pitch)
        for start, end, token in slow_notes(tokens)
    ]
    found = [(note.start_time, note.end_time, note.pitch) for note in decoded.notes]
    assert found == [pytest.approx(note) for note in expected]
    melody = slow_instrument(tune, rep)
    pitches = {pitch for _, _, pitch, instrument, _ in tune.notes if instrument == melody}
    assert {note.pitch for note in decoded.notes} <= pitches
    if decoded.notes:
        assert rep.sample(decoded).tolist() == tokens


@settings(LAWS, max_examples=60)
@given(st.integers(0, 2**32), st.floats(0, 1), st.integers(1, 70), st.sampled_from((0.4, 0.3, 1.7)))
def test_decoded_tokens_are_valid_and_encode_to_themselves(seed, silence, length, seconds):
    rep = MelodyTokens(length=length, seconds_per_token=seconds)
    rng = np.random.default_rng(seed)
    tokens = rng.integers(1, rep.num_tokens, length) * (rng.random(length) > silence)
    tokens = np.where(rng.random(length) < 0.3, tokens[0], tokens).astype(np.int32)
    tokens[length // 2] = 88  # Without any note there is nothing to encode.
    before = tokens.copy()
    sequence = rep.decode({"tokens": tokens})
    assert np.array_equal(tokens, before)
    assert_valid(sequence, steps_per_quarter=1)
    for same in (sequence, read_midi(to_midi_bytes(sequence))):
        # MIDI has no length beyond the last note.
        same.total_time = sequence.total_time
        (example,) = rep.encode(same)
        assert np.array_equal(example["tokens"], tokens)


@settings(LAWS, max_examples=40)
@given(st.integers(0, 2**32), st.floats(4, 1000))
def test_another_tempo_changes_times_alone(seed, qpm):
    rep = MelodyTokens()
    tokens = np.random.default_rng(seed).integers(0, rep.num_tokens, 32)
    sequence, slow = rep.decode({"tokens": tokens}), rep.decode({"tokens": tokens}, qpm)
    assert_valid(slow, steps_per_quarter=1)
    assert slow.total_time == pytest.approx(32 * 60 / qpm)
    for note, same in zip(sequence.notes, slow.notes, strict=True):
        assert same.start_time == pytest.approx(note.start_time * 150 / qpm)
        assert same.end_time == pytest.approx(note.end_time * 150 / qpm)
        assert same.pitch == note.pitch
