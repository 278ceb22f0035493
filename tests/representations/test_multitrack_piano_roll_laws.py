"""The representation's laws, against a slow exact version."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import HealthCheck, given, settings

from tests.representations.slow_piano_roll import (
    representations,
    scores,
    slow_notes,
    slow_phrases,
    slow_stretches,
)
from tfmusicgan.errors import ConversionError
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.piano_roll_messages import decode_batch
from tfmusicgan.representations.tracks import TRACK_SETS

LAWS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
FAMILIES = st.sampled_from((TRACK_SETS["lpd5"], TRACK_SETS["musegan"], TRACK_SETS["lpd5"][1:3]))


def cells(piano_roll):
    steps = piano_roll.reshape(-1, *piano_roll.shape[2:])
    return set(map(tuple, np.argwhere(steps).tolist()))


def decoded_notes(sequence, rep, qpm):
    """Notes of a decoded phrase as (start step, pitch index, track, end step)."""
    step = 60 / qpm / rep.steps_per_beat
    return [
        (
            round(note.start_time / step),
            note.pitch - rep.lowest_pitch,
            note.instrument,
            round(note.end_time / step),
        )
        for note in sequence.notes
    ]


def check(score, rep):
    sequence = score.to_sequence()
    before = sequence.SerializeToString(deterministic=True)
    expected = slow_phrases(score, rep)
    try:
        examples = rep.encode(sequence)
    except ConversionError as error:
        assert expected == []
        examples = []
        stretches = slow_stretches(score, rep)
        if error.reason == "no_bars_in_meter":
            assert stretches == []
        elif error.reason == "too_short":
            assert max(bars for _, bars in stretches) < rep.bars
        else:
            assert error.reason in ("no_notes", "too_few_notes")
    assert sequence.SerializeToString(deterministic=True) == before
    assert [cells(example["piano_roll"]) for example in examples] == expected
    for example, phrase in zip(examples, expected, strict=True):
        decoded = rep.decode(example, 131.0)
        assert decoded_notes(decoded, rep, 131.0) == slow_notes(phrase, rep)


@LAWS
@given(st.data())
def test_encode_and_decode_equal_the_slow_version(data):
    rep = data.draw(representations(data.draw(FAMILIES), MultitrackPianoRoll))
    check(data.draw(scores()), rep)


@settings(LAWS, max_examples=50)
@given(st.data())
def test_voices_equal_the_slow_version(data):
    rep = data.draw(representations(TRACK_SETS["voices"], MultitrackPianoRoll))
    check(data.draw(scores(num_parts=4)), rep)


@settings(LAWS, max_examples=100)
@given(st.data())
def test_decoded_piano_rolls_encode_to_themselves(data):
    tracks = data.draw(st.sampled_from(tuple(TRACK_SETS.values())))
    onsets_only = data.draw(st.booleans())
    rep = MultitrackPianoRoll(
        tracks=tracks,
        bars=2,
        steps_per_beat=data.draw(st.sampled_from((2, 3, 4))),
        num_pitches=7,
        separate_notes=data.draw(st.sampled_from(("repeats", "always", "never"))),
        drum_onsets_only=onsets_only,
        min_notes=0,
        min_active_tracks=0,
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    density = data.draw(st.sampled_from((0.05, 0.3, 0.8)))
    piano_roll = rng.random(rep.spec["piano_roll"].shape) < density
    piano_roll[1, 3, 2, 1] = True  # Tracks without any note cannot be encoded.
    before = piano_roll.copy()
    decoded = rep.decode({"piano_roll": piano_roll}, data.draw(st.floats(4, 1000)))
    assert np.array_equal(piano_roll, before)
    (example,) = rep.encode(decoded)
    expected = piano_roll.reshape(-1, *piano_roll.shape[2:])
    if rep.separate_notes == "always":  # Runs of more than one step lose their last.
        following = np.concatenate([expected[1:], np.zeros_like(expected[:1])])
        preceding = np.concatenate([np.zeros_like(expected[:1]), expected[:-1]])
        drums = np.array([track.is_drum for track in tracks])
        expected = expected & (following | ~preceding | drums)
    assert np.array_equal(example["piano_roll"].reshape(expected.shape), expected)


def test_decode_batch_equals_decode_of_each():
    rep = MultitrackPianoRoll(bars=1, steps_per_beat=4, num_pitches=9)
    rolls = np.random.default_rng(3).random((5, *rep.spec["piano_roll"].shape)) < 0.2
    rolls[2] = False
    assert decode_batch(rolls, rep, 90.0) == [rep.decode({"piano_roll": r}, 90.0) for r in rolls]
    assert decode_batch(rolls[:0], rep) == []
