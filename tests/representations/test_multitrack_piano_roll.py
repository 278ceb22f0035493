"""Piano-rolls worked out by hand, the decoded messages' contract, and every error."""

import dataclasses
import math

import numpy as np
import pytest

from tfmusicgan.errors import ConfigError, ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import bar_stretches
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import TRACK_SETS, parse_tracks

# One bar of two quarters, two steps each, pitches C4 to D4.
TINY = MultitrackPianoRoll(
    tracks=parse_tracks("drums,piano"),
    bars=1,
    beats_per_bar=2,
    steps_per_beat=2,
    lowest_pitch=60,
    num_pitches=3,
    hop_bars=1,
)


def tune(*notes, meter=(2, 4), qpm=60.0, **fields):
    """A sequence of (start quarter, end quarter, pitch, is_drum)."""
    sequence = NoteSequence(id="tune", **fields)
    sequence.tempos.add(qpm=qpm)
    sequence.time_signatures.add(numerator=meter[0], denominator=meter[1])
    for start, end, pitch, is_drum in notes:
        sequence.notes.add(
            pitch=pitch,
            start_time=start * 60 / qpm,
            end_time=end * 60 / qpm,
            is_drum=is_drum,
            velocity=9,
        )
    return sequence


def rows(example, track):
    """One text for each pitch, lowest first, one character for each step."""
    roll = example["piano_roll"][..., track].reshape(-1, example["piano_roll"].shape[2])
    return ["".join(".x"[cell] for cell in column) for column in roll.T]


def test_encode_by_hand():
    sequence = tune(
        (0, 1, 60, False),
        (1, 2, 60, False),  # Repeated: the first one loses its last step.
        (0.6, 1.9, 61, False),
        (0, 2, 62, True),  # A drum: its onset only.
        (1.5, 1.6, 62, True),
        (0, 2, 63, False),  # Out of range.
    )
    (example,) = TINY.encode(sequence)
    assert example["piano_roll"].shape == (1, 4, 3, 2)
    assert rows(example, 1) == ["x.xx", ".xxx", "...."]
    assert rows(example, 0) == ["....", "....", "x..x"]


@pytest.mark.parametrize(
    ("separate_notes", "expected"),
    [("repeats", ["x.xx", "xx.."]), ("always", ["x.x.", "x..."]), ("never", ["xxxx", "xx.."])],
)
def test_separate_notes(separate_notes, expected):
    rep = dataclasses.replace(TINY, separate_notes=separate_notes)
    sequence = tune((0, 1, 60, False), (1, 2, 60, False), (0, 1, 61, False))
    assert rows(rep.encode(sequence)[0], 1)[:2] == expected


def test_a_note_of_one_step_stays():
    rep = dataclasses.replace(TINY, separate_notes="always")
    sequence = tune((0, 0.5, 60, False), (0.5, 1, 60, False), (1.5, 2, 61, False))
    assert rows(rep.encode(sequence)[0], 1) == ["xx..", "...x", "...."]


def test_min_note_steps():
    notes = [(0, 0.1, 60, False), (0, 0.5, 61, False), (1, 2, 62, False), (1, 1, 60, True)]
    expected = {
        0: ["x...", "x...", "..xx"],
        1: ["....", "x...", "..xx"],
        2: ["....", "....", "..xx"],
    }
    for steps, expected_rows in expected.items():
        example = dataclasses.replace(TINY, min_note_steps=steps).encode(tune(*notes))[0]
        assert rows(example, 1) == expected_rows
        assert rows(example, 0)[0] == "..x."


def test_drum_lengths_can_stay():
    rep = dataclasses.replace(TINY, drum_onsets_only=False)
    example = rep.encode(tune((0, 1, 60, True), (1, 1.5, 60, True)))[0]
    assert rows(example, 0)[0] == "xxx."
    assert len(rep.decode(example).notes) == 1


def test_notes_are_clipped_to_phrases():
    sequence = tune((1.5, 5.5, 60, False), (1.5, 2.5, 61, True))
    examples = TINY.encode(sequence)
    assert [rows(example, 1)[0] for example in examples] == ["...x", "xxxx", "xxx."]
    assert rows(examples[0], 0)[1] == "...x"
    assert not examples[1]["piano_roll"][..., 0].any()


def test_hop_shorter_than_phrase_overlaps():
    rep = dataclasses.replace(TINY, bars=2)
    examples = rep.encode(tune((0, 1, 60, False), (4, 5.5, 61, False)))
    assert [rows(example, 1)[:2] for example in examples] == [
        ["xx......", "........"],
        ["........", "....xxx."],
    ]
    assert not examples[0]["piano_roll"].flags.writeable


def test_tempo_changes_do_not_matter():
    plain = tune((0, 1, 60, False), (1, 3, 61, False), (3, 4, 62, False), qpm=60)
    changed = NoteSequence(id="changed")
    changed.CopyFrom(plain)
    changed.tempos.add(time=2.0, qpm=240.0)  # From quarter 2 on, a quarter lasts 0.25 s.
    for note, (start, end) in zip(changed.notes, [(0, 1), (1, 2.25), (2.25, 2.5)], strict=True):
        note.start_time, note.end_time = start, end
    for a, b in zip(TINY.encode(plain), TINY.encode(changed), strict=True):
        assert np.array_equal(a["piano_roll"], b["piano_roll"])


def test_meter_changes_cut_phrases():
    # Two bars of 2/4, one of 3/4, one of 1/2: four bars' music, of which the third is left out.
    sequence = tune(*((q, q + 1, 60 + q % 3, False) for q in range(9)))
    sequence.time_signatures.add(time=4, numerator=3, denominator=4)
    sequence.time_signatures.add(time=7, numerator=1, denominator=2)
    found = [
        np.argmax(example["piano_roll"][0, ::2, :, 1], 1).tolist()
        for example in TINY.encode(sequence)
    ]
    assert found == [[0, 1], [2, 0], [1, 2]]


def test_neighbouring_meters_of_one_length_join():
    rep = dataclasses.replace(TINY, bars=2)
    sequence = tune((0, 4, 60, False))
    sequence.time_signatures.add(time=2, numerator=1, denominator=2)
    assert rows(rep.encode(sequence)[0], 1)[0] == "xxxxxxxx"
    # Not on a bar line of the first: two stretches, and neither has two bars.
    sequence.time_signatures[1].time = 1.0
    with pytest.raises(ConversionError, match="Expected 2 bars of 2/4 on end"):
        rep.encode(sequence)


def test_the_last_bar_counts_if_music_reaches_its_last_beat():
    assert len(TINY.encode(tune((0, 3.6, 60, False)))) == 2
    assert len(TINY.encode(tune((0, 3.0, 60, False)))) == 1


def test_an_end_half_way_through_a_step():
    sequence = tune((0, 3.24, 60, False))
    assert len(TINY.encode(sequence)) == 1  # Rounds down to the beat.
    sequence.notes[0].end_time = 3.25
    assert len(TINY.encode(sequence)) == 2


def test_filters():
    few = tune((0, 2, 60, False), (2, 3, 61, False), (3, 4, 62, False))
    examples = dataclasses.replace(TINY, min_notes=2).encode(few)
    assert [rows(example, 1) for example in examples] == [["....", "xx..", "..xx"]]
    both = tune((0, 2, 60, False), (2, 4, 61, False), (3, 4, 62, True))
    examples = dataclasses.replace(TINY, min_active_tracks=2).encode(both)
    assert [rows(example, 0)[2] for example in examples] == ["..x."]
    assert len(dataclasses.replace(TINY, min_piece_tracks=2).encode(both)) == 2


def test_what_no_phrase_has_is_counted():
    high = [(start, start + 1, 70 + start, False) for start in range(3)]
    sequence = tune((0, 1, 60, False), *high, (1, 2, 59, False), (0, 1, 61, True))
    assert TINY.encode_counted(sequence).lost == {"notes_of_no_track": 0, "notes_out_of_range": 4}
    piano = dataclasses.replace(TINY, tracks=parse_tracks("piano"))
    assert piano.encode_counted(sequence).lost == {"notes_of_no_track": 1, "notes_out_of_range": 4}
    # What no track takes is counted once, whatever its pitch.
    sequence.notes[1].program = 40
    assert piano.encode_counted(sequence).lost == {"notes_of_no_track": 2, "notes_out_of_range": 3}


def unfinite(sequence):
    sequence.notes[0].end_time = math.inf
    return sequence


@pytest.mark.parametrize(
    ("sequence", "changes", "reason", "message"),
    [
        (tune(), {}, "no_notes", "tracks drums, piano. Received: 0 notes in 'tune'"),
        (tune((0, 2, 70, False)), {}, "no_notes", "Received: 1 notes in 'tune', none of them in"),
        (unfinite(tune((0, 2, 60, False))), {}, "bad_times", "Expected finite times .* 'tune'"),
        (tune((0, 2, 60, False), qpm=math.nan), {}, "bad_times", "Expected finite times"),
        (tune((0, 2, 60, True)), {"min_piece_tracks": 2}, "too_few_tracks", "at least 2 tracks"),
        (tune((0, 2, 60, False), meter=(3, 4)), {}, "no_bars_in_meter", "of 2/4. Received: 3/4"),
        (tune((0, 0.5, 60, False)), {}, "no_bars_in_meter", "Received: 2/4 in 'tune'"),
        (tune((0, 2, 60, False), meter=(4, 8)), {}, "no_bars_in_meter", "Received: 4/8"),
        (tune((0, 2, 60, False)), {"bars": 2}, "too_short", "Expected 2 bars of 2/4 on end"),
        (tune((0, 2, 60, False)), {"min_notes": 2}, "too_few_notes", "at least 2 notes in 1 "),
        (tune((0, 9000, 60, False)), {}, "too_long", "at most 4096 bars. Received: 4500 in 'tune'"),
    ],
)
def test_encode_errors(sequence, changes, reason, message):
    with pytest.raises(ConversionError, match=message) as raised:
        dataclasses.replace(TINY, **changes).encode(sequence)
    assert raised.value.reason == reason


def test_the_longest_piece_is_encoded():
    end = 2 * bar_stretches.MAX_BARS
    assert len(TINY.encode(tune((0, end, 60, False)))) == bar_stretches.MAX_BARS


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bars": 0}, "bars: expected a whole number within 1-64. Received: 0"),
        ({"steps_per_beat": 4.0}, "steps_per_beat: .* Received: 4.0"),
        ({"hop_bars": True}, "hop_bars: .* Received: True"),
        ({"lowest_pitch": 60, "num_pitches": 84}, r"<= 128. Received: 60 \+ 84"),
        ({"min_active_tracks": 6}, "min_active_tracks: expected at most the 5 tracks"),
        ({"min_piece_tracks": 7}, "min_piece_tracks: expected at most the 5 tracks"),
        ({"separate_notes": "yes"}, "separate_notes 'yes'. Known: always, never, repeats"),
        ({"drum_onsets_only": 1}, "drum_onsets_only: expected true or false. Received: 1"),
        ({"tracks": ()}, "Expected at least one track"),
        ({"tempo": 3}, "parameter of multitrack_piano_roll 'tempo'. Known: bars, "),
    ],
)
def test_parameters_are_checked(fields, message):
    with pytest.raises(ConfigError, match=message):
        MultitrackPianoRoll.from_parameters(fields)


def test_from_parameters_reads_track_names():
    rep = MultitrackPianoRoll.from_parameters({"tracks": "voices", "bars": 2})
    assert rep.tracks == TRACK_SETS["voices"]
    assert MultitrackPianoRoll.from_parameters(rep.to_parameters()) == rep


def test_sizes():
    rep = MultitrackPianoRoll()
    assert rep.spec["piano_roll"].shape == (4, 96, 84, 5)
    assert (rep.num_tracks, rep.steps_per_bar, rep.phrase_steps) == (5, 96, 384)


def test_decode_by_hand():
    roll = np.zeros((1, 4, 3, 2), bool)
    roll[0, 1:3, 2, 1] = roll[0, 3, 0, 1] = True
    roll[0, 0:2, 1, 0] = True  # Two drum hits.
    sequence = TINY.decode({"piano_roll": roll}, qpm=120.0)
    found = [
        (n.pitch, n.start_time, n.end_time, n.instrument, n.is_drum, n.velocity)
        for n in sequence.notes
    ]
    assert found == [
        (61, 0.0, 0.25, 0, True, 100),
        (61, 0.25, 0.5, 0, True, 100),
        (62, 0.25, 0.75, 1, False, 100),
        (60, 0.75, 1.0, 1, False, 100),
    ]
    assert sequence.total_time == 1.0
    assert sequence.ticks_per_quarter == 220
    assert [(t.time, t.qpm) for t in sequence.tempos] == [(0.0, 120.0)]
    assert [(s.numerator, s.denominator) for s in sequence.time_signatures] == [(2, 4)]
    assert [i.name for i in sequence.instrument_infos] == ["drums", "piano"]
    assert sequence.collection_name == "tfmusicgan"
    assert sequence.source_info.source_type == NoteSequence.SourceInfo.SCORE_BASED


def test_decode_of_several_phrases():
    roll = np.zeros((3, 4, 3, 2), bool)
    roll[0, 3, 2, 1] = roll[1, :, 2, 1] = roll[2, 0, 2, 1] = roll[2, 2, 0, 1] = True
    roll[0, 3, 1, 0] = roll[1, 0, 1, 0] = True
    sequence = TINY.decode({"piano_roll": roll}, qpm=60.0)
    found = [(n.pitch, n.start_time, n.end_time, n.instrument) for n in sequence.notes]
    assert found == [(61, 1.5, 2.0, 0), (62, 1.5, 4.5, 1), (61, 2.0, 2.5, 0), (60, 5.0, 5.5, 1)]
    assert sequence.total_time == 6.0


def test_ticks_divide_the_grid():
    for steps, ticks in ((1, 220), (3, 222), (24, 240), (96, 288)):
        rep = dataclasses.replace(TINY, steps_per_beat=steps)
        roll = np.zeros(rep.spec["piano_roll"].shape, bool)
        assert rep.decode({"piano_roll": roll}).ticks_per_quarter == ticks


@pytest.mark.parametrize(
    ("roll", "qpm", "error", "message"),
    [
        (
            np.zeros((1, 4, 2, 2), bool),
            120,
            ConversionError,
            r"bool \[bars, 4, 3, 2\], .* Received",
        ),
        (np.zeros((0, 4, 3, 2), bool), 120, ConversionError, r"Received: bool \[0, 4, 3, 2\]"),
        (np.zeros(4, bool), 120, ConversionError, r"Received: bool \[4\]"),
        (np.zeros((1, 4, 3, 2)), 120, ConversionError, "Received: float64"),
        (np.zeros((1, 4, 3, 2), bool), 3.9, ConfigError, "qpm: expected 4-1000 .* Received: 3.9"),
        (np.zeros((1, 4, 3, 2), bool), math.nan, ConfigError, "Received: nan"),
    ],
)
def test_decode_errors(roll, qpm, error, message):
    with pytest.raises(error, match=message):
        TINY.decode({"piano_roll": roll}, qpm)


@pytest.mark.parametrize("tracks", ["lpd5", "voices"])
def test_decoded_sequences_pass_note_seq_and_survive_midi(tracks):
    import note_seq

    rep = MultitrackPianoRoll.from_parameters({"tracks": tracks, "steps_per_beat": 12, "bars": 2})
    roll = np.random.default_rng(4).random(rep.spec["piano_roll"].shape) < 0.02
    sequence = rep.decode({"piano_roll": roll}, 97.0)
    quantized = note_seq.quantize_note_sequence(sequence, steps_per_quarter=12)
    assert quantized.total_quantized_steps == 96
    assert len(quantized.notes) == len(sequence.notes) > 100
    pretty_midi = note_seq.note_sequence_to_pretty_midi(sequence)
    back = note_seq.midi_to_note_sequence(pretty_midi)
    (example,) = dataclasses.replace(rep, min_notes=0).encode(back)
    assert np.array_equal(example["piano_roll"], roll)
