"""Melodies worked out by hand, the decoded messages' contract, and every error."""

import dataclasses
import json
import math

import numpy as np
import pytest

from tests.validity import assert_valid
from tfmusicgan import representations
from tfmusicgan.errors import ConfigError, ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import melody_tokens
from tfmusicgan.representations.melody_tokens import MelodyTokens

# Eight tokens of half a second; C4 to E4 are 1 to 5.
TINY = MelodyTokens(seconds_per_token=0.5, length=8, lowest_pitch=60, num_pitches=5)


def tune(*notes, names=(), **fields):
    """A sequence of (start seconds, end seconds, pitch[, instrument[, is_drum]])."""
    sequence = NoteSequence(id="tune", **fields)
    for start, end, pitch, *rest in notes:
        instrument, is_drum = (*rest, 0, False)[:2] if len(rest) < 2 else rest
        sequence.notes.add(
            pitch=pitch,
            velocity=9,
            start_time=start,
            end_time=end,
            instrument=instrument,
            is_drum=is_drum,
        )
    for instrument, name in names:
        sequence.instrument_infos.add(instrument=instrument, name=name)
    return sequence


def text(tokens):
    return "".join(map(str, tokens.tolist()))


def test_encode_by_hand():
    sequence = tune(
        (0, 0.75, 60),
        (0.75, 0.9, 64),  # Between two sample points: not heard.
        (1.0, 2.0, 62),  # From its own point on, and at 2.0 no more.
        (2.0, 2.5, 61),
        (2.5, 2.51, 61),  # Just long enough; with the one before one note.
        (3.4, 4.0, 63),
    )
    (example,) = TINY.encode(sequence)
    assert text(example["tokens"]) == "11332204"
    assert example["tokens"].dtype == np.int32
    assert not example["tokens"].flags.writeable


def test_the_published_numbers():
    rep = MelodyTokens()
    assert (rep.length, rep.num_tokens, rep.default_qpm) == (32, 89, 150.0)
    assert rep.spec["tokens"].shape == (32,)
    sequence = tune((0, 0.4, 21), (0.8, 12.0, 108), (12.0, 12.8, 60))
    (example,) = rep.encode(sequence)
    assert example["tokens"].tolist() == [1, 0, *[88] * 28, 40, 40]


def test_noise_of_floats_does_not_matter():
    sequence = tune((0.5 + 1e-9, 1.0 - 1e-9, 61), (1.0 + 1e-9, 3.5 + 1e-9, 62), (3.5, 4 + 1e-9, 60))
    (example,) = TINY.encode(sequence)
    assert text(example["tokens"]) == "02333331"


def test_times_are_in_seconds_whatever_the_tempo():
    sequence = tune((0, 1, 60), (1, 4, 61))
    expected = TINY.encode(sequence)[0]["tokens"]
    sequence.tempos.add(time=0, qpm=33)
    sequence.tempos.add(time=1.5, qpm=999)
    assert np.array_equal(TINY.encode(sequence)[0]["tokens"], expected)


def test_of_overlapping_notes_the_highest_in_range_counts():
    sequence = tune((0, 4, 60), (1, 2, 62), (1.5, 3, 61), (2.5, 3, 99), (0, 4, 12))
    assert text(TINY.encode(sequence)[0]["tokens"]) == "11332211"


LOW, HIGH, DRUM = (0, 4, 60, 5), (0, 4, 64, 9), (0, 4, 62, 1, True)


@pytest.mark.parametrize(
    ("names", "melody_name", "expected"),
    [
        ((), "melody", 1),  # The lowest instrument that is no drum.
        (((9, "Melody"),), "melody", 5),
        (((9, "LEAD MELODY 2"), (5, "bass")), "melody", 5),
        (((9, "melody"), (5, "counter-melody")), "melody", 1),  # The lowest of two.
        (((1, "melody"), (9, "x")), "melody", 1),  # Drums play no melody.
        (((7, "melody"),), "melody", 1),  # An instrument without notes.
        (((9, "melodx"),), "melody", 1),
        (((9, "x"), (9, "melody")), "melody", 5),
        (((9, "Vocals (a.b)"),), "s (a.", 5),
        (((9, "Vocals (a+b)"),), "s (a.", 1),
        (((9, "melody"),), "", 1),
        (((9, "m\u00e9lody"), (5, "")), "melody", 1),
    ],
)
def test_which_instrument_plays_the_melody(names, melody_name, expected):
    rep = dataclasses.replace(TINY, melody_name=melody_name)
    (example,) = rep.encode(tune(HIGH, LOW, DRUM, names=names))
    assert example["tokens"].tolist() == [expected] * 8


def test_windows_follow_each_other_and_the_short_last_one_is_counted():
    sequence = tune((0, 4, 60), (4, 8, 61), (8, 9, 62), total_time=9.2)
    examples, left_out, _ = TINY.encode_counted(sequence)
    assert [text(example["tokens"]) for example in examples] == ["1" * 8, "2" * 8]
    assert left_out == {"too_few_notes": 0, "short_last_window": 1}
    assert len(TINY.sample(sequence)) == 19  # The last point is at 9.0 s.
    sequence = tune((0, 8, 60))
    assert TINY.encode_counted(sequence)[1] == {"too_few_notes": 0, "short_last_window": 0}


def test_notes_that_no_key_plays_are_counted():
    within = [(0.0, 4.0, 60), (1.0, 2.0, 64)]
    outside = [(0.5, 1.0, 59), (2.0, 3.0, 65), (3.0, 3.5, 90)]
    other = [(0.0, 1.0, 30, 1), (0.0, 1.0, 35, 9, True)]  # No melody's: left out as a whole.
    assert TINY.encode_counted(tune(*within, *outside, *other)).lost == {"notes_out_of_range": 3}
    assert TINY.encode_counted(tune(*within)).lost == {"notes_out_of_range": 0}


def test_hops():
    sequence = tune((0, 2, 60), (2, 4, 61), (4, 6, 62), (6, 7, 63))
    found = {}
    for hop in (4, 3, 11, 14):
        examples, left_out, _ = dataclasses.replace(TINY, hop=hop).encode_counted(sequence)
        found[hop] = [text(e["tokens"]) for e in examples], left_out["short_last_window"]
    assert found == {
        4: (["11112222", "22223333"], 1),
        3: (["11112222", "12222333", "22333344"], 0),
        11: (["11112222"], 1),
        14: (["11112222"], 0),  # What lies between windows is left out by the hop.
    }


def test_silent_windows_and_those_of_few_notes_are_counted():
    sequence = tune((0, 1, 60), (1, 2, 61), (9, 10, 62), total_time=12)
    examples, left_out, _ = TINY.encode_counted(sequence)
    assert [text(example["tokens"]) for example in examples] == ["11220000", "00330000"]
    assert left_out == {"too_few_notes": 1, "short_last_window": 0}
    two = dataclasses.replace(TINY, min_notes=2)
    assert len(two.encode(sequence)) == 1
    assert two.encode_counted(sequence)[1]["too_few_notes"] == 2
    assert len(dataclasses.replace(TINY, min_notes=0).encode(sequence)) == 3


@pytest.mark.parametrize(
    ("sequence", "changes", "reason", "message"),
    [
        (tune(), {}, "no_melody", "of pitches 60-64. Received: 0 notes in 'tune', 0 of them a"),
        (tune(DRUM), {}, "no_melody", "Received: 1 notes in 'tune', 0 of them a melody's"),
        (tune((0, 4, 65), (0, 4, 61, 2)), {}, "no_melody", "2 notes in 'tune', 1 of them a melody"),
        (tune((0, math.nan, 60)), {}, "bad_times", "Expected finite times in 'tune'"),
        (tune((0, 4, 60), total_time=math.inf), {}, "bad_times", "Expected finite times"),
        (tune((0, 3.5, 60)), {}, "too_short", r"of 8 tokens \(4 s\). Received: 7 in 'tune'"),
        (tune((-3, -2, 60), total_time=-1), {}, "too_short", "Received: 0 in 'tune'"),
        (tune((0, 1e9, 60)), {}, "too_long", "at most 65536 tokens. Received: 2e.09 in 'tune'"),
        (
            tune((0, 4, 60)),
            {"min_notes": 2},
            "too_few_notes",
            "of at least 2 notes. Received: none",
        ),
        (tune((0.1, 0.2, 60), total_time=9), {}, "too_few_notes", "at least 1 notes"),
    ],
)
def test_encode_errors(sequence, changes, reason, message):
    with pytest.raises(ConversionError, match=message) as raised:
        dataclasses.replace(TINY, **changes).encode(sequence)
    assert raised.value.reason == reason


def test_the_longest_piece_is_encoded():
    sequence = tune((0, melody_tokens.MAX_TOKENS / 2, 60))
    assert len(TINY.encode(sequence)) == melody_tokens.MAX_TOKENS // 8


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"length": 0}, "length: expected a whole number within 1-4096. Received: 0"),
        ({"hop": 0}, "hop: expected a whole number within 1-4096. Received: 0"),
        ({"hop": 1.0}, "hop: .* Received: 1.0"),
        ({"min_notes": True}, "min_notes: .* Received: True"),
        ({"lowest_pitch": 60}, r"<= 128. Received: 60 \+ 88"),
        ({"seconds_per_token": 0}, "seconds_per_token: expected a number within 0.06-15. .*: 0"),
        ({"seconds_per_token": 15.1}, "Received: 15.1"),
        ({"seconds_per_token": math.nan}, "Received: nan"),
        ({"seconds_per_token": "0.4"}, "Received: '0.4'"),
        ({"seconds_per_token": True}, "Received: True"),
        ({"melody_name": "Melody"}, "lower-case ASCII text, or none. Received: 'Melody'"),
        ({"melody_name": "m\u00e9lodie"}, "lower-case ASCII text"),
        ({"melody_name": "a\n"}, "lower-case ASCII text"),
        ({"melody_name": None}, "lower-case ASCII text, or none. Received: None"),
        ({"tracks": "voices"}, "parameter of melody_tokens 'tracks'. Known: hop, "),
    ],
)
def test_parameters_are_checked(fields, message):
    with pytest.raises(ConfigError, match=message):
        MelodyTokens.from_parameters(fields)


def test_manifest_entry_survives_json():
    for rep in (MelodyTokens(), dataclasses.replace(TINY, hop=3, melody_name="", min_notes=0)):
        entry = json.loads(json.dumps(representations.to_manifest(rep)))
        assert entry["name"] == "melody_tokens"
        assert representations.from_manifest(entry) == rep


def test_decode_by_hand():
    sequence = TINY.decode({"tokens": np.array([0, 5, 5, 0, 1, 1, 2, 0], np.uint8)})
    found = [
        (n.pitch, n.start_time, n.end_time, n.instrument, n.program, n.is_drum, n.velocity)
        for n in sequence.notes
    ]
    assert found == [
        (64, 0.5, 1.5, 0, 0, False, 80),
        (60, 2.0, 3.0, 0, 0, False, 80),
        (61, 3.0, 3.5, 0, 0, False, 80),
    ]
    assert sequence.total_time == 4.0
    assert sequence.ticks_per_quarter == 220
    assert [(t.time, t.qpm) for t in sequence.tempos] == [(0.0, 120.0)]
    assert [(s.numerator, s.denominator) for s in sequence.time_signatures] == [(4, 4)]
    assert [(i.instrument, i.name) for i in sequence.instrument_infos] == [(0, "melody")]
    assert_valid(sequence, steps_per_quarter=1)


def test_decode_of_other_lengths_and_tempos():
    rep = MelodyTokens()
    sequence = rep.decode({"tokens": np.array([40] * 3)}, qpm=60.0)
    (note,) = sequence.notes
    assert (note.pitch, note.start_time, note.end_time) == (60, 0.0, 3.0)
    assert rep.decode({"tokens": np.zeros(45, int)}).total_time == pytest.approx(18.0)
    silence = rep.decode({"tokens": np.zeros(1, int)})
    assert (silence.total_time, len(silence.notes)) == (pytest.approx(0.4), 0)
    assert_valid(rep.decode({"tokens": np.array([88])}))


@pytest.mark.parametrize(
    ("tokens", "qpm", "error", "message"),
    [
        (np.zeros((2, 8), np.int32), None, ConversionError, r"\[tokens\], .*: int32 \[2, 8\]"),
        (np.zeros(0, np.int32), None, ConversionError, r"Received: int32 \[0\]"),
        (np.zeros(8), None, ConversionError, r"Received: float64 \[8\]"),
        (np.zeros(8, bool), None, ConversionError, r"Received: bool \[8\]"),
        (np.array([0, 6]), None, ConversionError, "tokens within 0-5. Received: 0 to 6"),
        (np.array([-1, 2]), None, ConversionError, "Received: -1 to 2"),
        (np.array([1]), 3.9, ConfigError, "qpm: expected 4-1000 .* Received: 3.9"),
        (np.array([1]), math.nan, ConfigError, "Received: nan"),
    ],
)
def test_decode_errors(tokens, qpm, error, message):
    with pytest.raises(error, match=message):
        TINY.decode({"tokens": tokens}, qpm)
